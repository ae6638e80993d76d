//! ILP packets, and a peer that sends them.

use std::{io, time::SystemTime};

use bytes::{Bytes, BytesMut};
use interledger_packet::{
    Address, Fulfill, FulfillBuilder, Prepare, PrepareBuilder, Reject, Reply, Timestamp,
    oer::{Reader, put_var_octets},
};
use ring::digest::{SHA256, digest};

use super::{
    Node,
    http::{Connection, Response},
};

pub(crate) const FULFILLMENT: [u8; 32] = *b"the preimage of every test packe";

pub(crate) fn condition() -> [u8; 32] {
    digest(&SHA256, &FULFILLMENT).as_ref().try_into().unwrap()
}

/// Returns the time in `ms` milliseconds.
#[expect(clippy::disallowed_methods, reason = "packets for a real daemon need the real time")]
pub(crate) fn in_ms(ms: i64) -> Timestamp {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    Timestamp::from_unix_ms(u64::try_from(i64::try_from(now).unwrap() + ms).unwrap())
}

/// Returns a packet that [`FULFILLMENT`] fulfills, with 20 s to live.
pub(crate) fn prepare(destination: &str, amount: u64) -> Bytes {
    prepare_until(destination, amount, in_ms(20_000))
}

pub(crate) fn prepare_until(destination: &str, amount: u64, expires_at: Timestamp) -> Bytes {
    let destination: Address = destination.try_into().unwrap();
    PrepareBuilder {
        amount,
        expires_at,
        execution_condition: &condition(),
        destination: destination.as_addr(),
        data: b"some application's data",
    }
    .build()
    .unwrap()
    .into_bytes()
}

pub(crate) fn fulfill() -> Bytes {
    FulfillBuilder { fulfillment: &FULFILLMENT, data: b"thank you" }.build().unwrap().into_bytes()
}

/// Returns a packet as a later version may write it: with more fields behind its data.
pub(crate) fn extended(packet: &[u8], extension: &[u8]) -> Vec<u8> {
    let mut reader = Reader::new(&packet[1..]);
    let length = reader.length("packet").unwrap();
    let contents = reader.octets("packet", length).unwrap();
    let mut bytes = vec![packet[0]];
    put_var_octets(&mut bytes, &[contents, extension].concat());
    bytes
}

pub(crate) fn parse_prepare(bytes: &[u8]) -> Prepare {
    Prepare::parse(BytesMut::from(bytes)).unwrap()
}

pub(crate) const OCTETS: (&str, &str) = ("content-type", "application/octet-stream");

/// A peer's keep-alive connection to a node.
pub(crate) struct Sender {
    connection: Connection,
    authorization: String,
}

impl Sender {
    pub(crate) fn open(node: &Node, token: &str) -> io::Result<Self> {
        let connection = Connection::open(node.ilp)?;
        Ok(Self { connection, authorization: format!("Bearer {token}") })
    }

    pub(crate) fn post(&mut self, body: &[u8]) -> io::Result<Response> {
        let headers = [OCTETS, ("authorization", &self.authorization)];
        self.connection.request("POST", "/ilp", &headers, body)
    }

    /// Sends a packet and reads the ILP reply.
    pub(crate) fn send(&mut self, packet: &[u8]) -> Reply {
        let response = self.post(packet).unwrap();
        assert_eq!(response.status, 200, "{}", response.text());
        assert_eq!(response.header("content-type"), Some("application/octet-stream"));
        Reply::parse(response.body.into()).unwrap()
    }

    pub(crate) fn fulfilled(&mut self, packet: &[u8]) -> Fulfill {
        match self.send(packet) {
            Reply::Fulfill(fulfill) => fulfill,
            Reply::Reject(reject) => panic!("{reject:?}"),
        }
    }

    pub(crate) fn rejected(&mut self, packet: &[u8]) -> Reject {
        match self.send(packet) {
            Reply::Reject(reject) => reject,
            Reply::Fulfill(fulfill) => panic!("{fulfill:?}"),
        }
    }
}

impl Node {
    /// Opens a connection of the peer with that token.
    pub(crate) fn sender(&self, token: &str) -> Sender {
        Sender::open(self, token).unwrap()
    }
}

/// Requests that a well-behaved client would not send.
impl Sender {
    /// Closes the connection, regardless of packets in flight on it.
    pub(crate) fn hang_up(&mut self) {
        self.connection.close();
    }

    /// Sends a packet and reads nothing.
    pub(crate) fn write_only(&mut self, packet: &[u8]) {
        self.write_all_but_the_last_byte(packet);
        self.connection.write(&packet[packet.len() - 1..]).unwrap();
    }

    pub(crate) fn write_all_but_the_last_byte(&mut self, packet: &[u8]) {
        let head = format!(
            "POST / HTTP/1.1\r\nhost: x\r\nauthorization: {}\r\n\
             content-type: application/octet-stream\r\ncontent-length: {}\r\n\r\n",
            self.authorization,
            packet.len()
        );
        self.connection.write(&[head.as_bytes(), &packet[..packet.len() - 1]].concat()).unwrap();
    }

    pub(crate) fn read_response(&mut self) -> io::Result<Response> {
        self.connection.read_response()
    }

    pub(crate) fn write_the_last_byte(&mut self, packet: &[u8]) -> Response {
        self.connection.write(&packet[packet.len() - 1..]).unwrap();
        self.connection.read_response().unwrap()
    }
}
