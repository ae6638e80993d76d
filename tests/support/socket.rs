//! A client of the admin API's subscriptions, with hand-made frames.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::{Value, json};

use super::{Node, PATIENCE};

/// A WebSocket that speaks `graphql-transport-ws`.
pub(crate) struct Socket(TcpStream);

impl Socket {
    /// Opens a socket and initializes it without credentials.
    pub(crate) fn open(node: &Node) -> Self {
        let mut socket = Self::upgraded(node);
        socket.send(&json!({ "type": "connection_init" }));
        assert_eq!(socket.read()["type"], "connection_ack");
        socket
    }

    /// Opens a socket without initializing it.
    pub(crate) fn upgraded(node: &Node) -> Self {
        let mut stream = TcpStream::connect(node.admin).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!(
            "GET /graphql HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n",
            node.admin
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // Reading byte by byte leaves the first frame in the stream.
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.extend(byte);
        }
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        Self(stream)
    }

    pub(crate) fn subscribe(&mut self, query: &str, variables: Value) {
        let payload = json!({ "query": query, "variables": variables });
        self.send(&json!({ "type": "subscribe", "id": "a", "payload": payload }));
    }

    /// Returns the payload of the next message with data; `None` when the subscription is over.
    pub(crate) fn next(&mut self) -> Option<Value> {
        let message = self.read();
        match message["type"].as_str() {
            Some("next") => Some(message["payload"].clone()),
            Some("complete") => None,
            _ => panic!("{message}"),
        }
    }

    /// Sends a text in one frame.
    pub(crate) fn send(&mut self, message: &Value) {
        let text = message.to_string();
        let length = u16::try_from(text.len()).unwrap();
        let mut frame = vec![0x81];
        match u8::try_from(length).ok().filter(|length| *length < 126) {
            Some(length) => frame.push(0x80 | length),
            None => {
                frame.push(0x80 | 126);
                frame.extend(length.to_be_bytes());
            }
        }
        // The mask is zero, which leaves the text as it is.
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.0.write_all(&frame).unwrap();
    }

    /// Returns the next message; a number for the code of a close.
    pub(crate) fn read(&mut self) -> Value {
        loop {
            let [kind, length] = self.bytes();
            let length = match length {
                126 => u16::from_be_bytes(self.bytes()).into(),
                127 => usize::try_from(u64::from_be_bytes(self.bytes())).unwrap(),
                length => usize::from(length),
            };
            let mut payload = vec![0; length];
            self.0.read_exact(&mut payload).unwrap();
            match kind {
                0x81 => return serde_json::from_slice(&payload).unwrap(),
                0x88 => return json!(u16::from_be_bytes([payload[0], payload[1]])),
                0x89 => {}
                _ => panic!("a frame of kind {kind:x}"),
            }
        }
    }

    fn bytes<const COUNT: usize>(&mut self) -> [u8; COUNT] {
        let mut bytes = [0; COUNT];
        self.0.read_exact(&mut bytes).unwrap();
        bytes
    }
}
