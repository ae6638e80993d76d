//! A stub of another operator's node.

use std::{
    io::{BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use parking_lot::Mutex;

use super::{
    http::{read_body, read_head},
    packets,
};

/// The reaction of a stub to a request.
pub(crate) enum Answer {
    /// 200 with this body.
    Reply(Vec<u8>),
    /// This status, with some body.
    Status(u16),
    /// These bytes, HTTP or not, and then the end of the connection.
    Raw(Vec<u8>),
    /// No answer, until the stub is dropped.
    Silence,
    /// The end of the connection, without an answer.
    Close,
}

/// A request that the stub received.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The method: `POST` with a packet or an event, `GET` without a body.
    pub(crate) method: String,
    pub(crate) authorization: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

type Log = Arc<Mutex<Vec<Request>>>;

/// An HTTP server on a free loopback port.
pub(crate) struct Stub {
    pub(crate) address: SocketAddr,
    requests: Log,
    pub(crate) connections: Arc<AtomicUsize>,
    ending: Arc<AtomicBool>,
}

impl Stub {
    /// Makes a stub that fulfills every packet.
    pub(crate) fn fulfilling() -> Self {
        Self::start(|_| Answer::Reply(packets::fulfill().into()))
    }

    pub(crate) fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stub = Self {
            address: listener.local_addr().unwrap(),
            requests: Log::default(),
            connections: Arc::default(),
            ending: Arc::default(),
        };
        let (requests, connections) = (Arc::clone(&stub.requests), Arc::clone(&stub.connections));
        let (ending, answer) = (Arc::clone(&stub.ending), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if ending.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                connections.fetch_add(1, Ordering::SeqCst);
                let (requests, answer) = (Arc::clone(&requests), Arc::clone(&answer));
                let ending = Arc::clone(&ending);
                let ending = Arc::clone(&ending);
                // Each connection ends with its client, or with the first answer that ends it.
                thread::spawn(move || serve(stream, &requests, &*answer, &ending));
            }
        });
        stub
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the requests with packets so far; attempts to speak HTTP/2 don't count.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().clone()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(
    stream: TcpStream,
    requests: &Mutex<Vec<Request>>,
    answer: &(dyn Fn(&Request) -> Answer + Send + Sync),
    ending: &AtomicBool,
) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut stream = BufReader::new(stream);
    loop {
        let (first, headers) = read_head(&mut stream).ok()?;
        let method = first.split(' ').next().unwrap_or_default().to_owned();
        if !["GET", "POST"].contains(&method.as_str()) {
            // The preface of HTTP/2, which this server doesn't speak.
            return stream.get_mut().write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").ok();
        }
        let body = read_body(&mut stream, &headers).ok()?;
        let authorization = headers.iter().find(|(name, _)| name == "authorization");
        let authorization = authorization.map(|(_, value)| value.clone()).unwrap_or_default();
        let request = Request { method, authorization, headers, body };
        requests.lock().push(request.clone());
        let (status, body) = match answer(&request) {
            Answer::Reply(body) => (200, body),
            Answer::Status(status) => (status, b"an error of the stub".to_vec()),
            Answer::Raw(bytes) => return stream.get_mut().write_all(&bytes).ok(),
            Answer::Close => return None,
            Answer::Silence => {
                while !ending.load(Ordering::SeqCst) {
                    thread::sleep(super::PATIENCE / 1_000);
                }
                return None;
            }
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/octet-stream\r\n\
             location: http://127.0.0.1:1/\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.get_mut().write_all(&[head.as_bytes(), &body].concat()).ok()?;
    }
}
