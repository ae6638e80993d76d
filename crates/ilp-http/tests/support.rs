use bytes::{Bytes, BytesMut};
use ilp_http::{
    Client, ClientOptions, Limits, NextHop, NotAPrepare, PacketHandler, SendError, Server,
    ServerStats, Worker, server::Drained, tls,
};
use std::{
    future::Future,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Handle,
    sync::{Notify, Semaphore, oneshot},
    task::JoinHandle,
    time::Instant,
};

/// No test waits longer than this for what must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Waits for a condition that another task brings about.
pub(crate) async fn until(what: &str, mut met: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !met() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A handler that answers `echo:` and the packet. `hold` waits for the gate, `hold long` gets a
/// long answer, `panic` panics, and `junk` is refused.
#[derive(Clone)]
pub(crate) struct Echo {
    pub(crate) gate: Arc<Semaphore>,
    pub(crate) entered: Arc<AtomicUsize>,
    pub(crate) finished: Arc<AtomicUsize>,
}

impl Echo {
    pub(crate) fn new() -> Echo {
        Echo {
            gate: Arc::new(Semaphore::new(0)),
            entered: Arc::new(AtomicUsize::new(0)),
            finished: Arc::new(AtomicUsize::new(0)),
        }
    }

    pub(crate) fn entered(&self) -> usize {
        self.entered.load(Ordering::SeqCst)
    }

    pub(crate) fn finished(&self) -> usize {
        self.finished.load(Ordering::SeqCst)
    }
}

/// The length of a long answer.
pub(crate) const LONG_REPLY_BYTES: usize = 30_000;

impl PacketHandler for Echo {
    type Peer = String;

    fn peer_id(peer: &String) -> u128 {
        peer.bytes().map(u128::from).sum()
    }

    fn authenticate(&self, token: &[u8]) -> Option<String> {
        match token {
            b"right" => Some("alice".to_owned()),
            b"other" => Some("bob".to_owned()),
            _ => None,
        }
    }

    async fn handle(&self, peer: String, packet: BytesMut) -> Result<Bytes, NotAPrepare> {
        assert!(peer == "alice" || peer == "bob", "{peer}");
        self.entered.fetch_add(1, Ordering::SeqCst);
        if packet.starts_with(b"hold") {
            self.gate.acquire().await.unwrap().forget();
        }
        assert_ne!(&packet[..], b"panic", "a test's panic");
        if &packet[..] == b"junk" {
            return Err(NotAPrepare("byte 0 is not 12".to_owned()));
        }
        self.finished.fetch_add(1, Ordering::SeqCst);
        if &packet[..] == b"hold long" {
            return Ok(vec![b'x'; LONG_REPLY_BYTES].into());
        }
        Ok([b"echo:", &packet[..]].concat().into())
    }
}

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) handler: Echo,
    pub(crate) stats: Arc<ServerStats>,
    shutdown: oneshot::Sender<()>,
    ended: JoinHandle<Drained>,
}

/// Limits of a test's server: what must time out does so within 200 ms or so.
pub(crate) fn quick() -> Limits {
    Limits {
        head_timeout: Duration::from_millis(100),
        body_timeout: Duration::from_millis(100),
        drain_timeout: PATIENCE,
        ..Limits::default()
    }
}

pub(crate) async fn serve(limits: Limits) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let handler = Echo::new();
    let server = Server::new(limits);
    let stats = server.stats();
    let worker = Worker { runtime: Handle::current(), handler: handler.clone() };
    let (shutdown, told) = oneshot::channel::<()>();
    let ended = tokio::spawn(server.serve(listener, vec![worker], async {
        let _ = told.await;
    }));
    Running { address, handler, stats, shutdown, ended }
}

impl Running {
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends one request's bytes on a connection of its own and reads until the server closes.
    pub(crate) async fn raw(&self, request: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request).await.unwrap();
        read_all(&mut stream).await
    }

    /// Tells the server to end, without waiting for it.
    pub(crate) fn shut_down(self) -> JoinHandle<Drained> {
        self.shutdown.send(()).unwrap();
        self.ended
    }
}

pub(crate) async fn read_all(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    // A reset after the answer is how a server ends a connection whose request it didn't read.
    let _ = read.expect("the server closes in time");
    String::from_utf8(answer).unwrap()
}

/// Reads one response whose body has the length it says.
pub(crate) async fn read_one(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut byte = [0];
    let mut body_bytes = None;
    loop {
        let read = tokio::time::timeout(PATIENCE, stream.read_exact(&mut byte)).await;
        read.expect("an answer in time").unwrap();
        answer.push(byte[0]);
        let text = std::str::from_utf8(&answer).unwrap();
        if body_bytes.is_none() && text.ends_with("\r\n\r\n") {
            let length = text.split("content-length: ").nth(1).unwrap();
            let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
            body_bytes = Some(answer.len() + length);
        }
        if body_bytes == Some(answer.len()) {
            return String::from_utf8(answer).unwrap();
        }
    }
}

/// A POST as a peer sends it, with keep-alive.
pub(crate) fn post(body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST /ilp HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer right\r\n\
         Content-Type: application/octet-stream\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

pub(crate) fn client() -> Client {
    client_with(ClientOptions::default())
}

pub(crate) fn client_with(options: ClientOptions) -> Client {
    Client::new(options, tls::client_config_with_roots(rustls::RootCertStore::empty()).unwrap())
}

pub(crate) async fn send(
    client: &Client,
    endpoint: &str,
    packet: &str,
) -> Result<String, SendError> {
    send_within(client, endpoint, packet, PATIENCE).await
}

pub(crate) async fn send_within(
    client: &Client,
    endpoint: &str,
    packet: &str,
    time: Duration,
) -> Result<String, SendError> {
    let next_hop = NextHop { id: 1, endpoint, token: "right" };
    let packet = Bytes::copy_from_slice(packet.as_bytes());
    let reply = client.send(next_hop, 0, packet, Instant::now() + time).await?;
    Ok(String::from_utf8(reply.to_vec()).unwrap())
}

/// A stub peer: each connection is given to `each`, with its number, counted from 1.
pub(crate) struct Stub {
    pub(crate) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    probed: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) async fn stub<F, W>(each: F) -> Stub
where
    F: Fn(usize, TcpStream) -> W + Send + 'static,
    W: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepted = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&accepted);
    let probed = Arc::new(AtomicUsize::new(0));
    let probes = Arc::clone(&probed);
    let task = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut start = [0; 3];
            // The client's greeting carries no packet. It is answered as HTTP/1.1 servers do.
            let peeked = loop {
                match stream.peek(&mut start).await {
                    Ok(bytes) if bytes > 0 && bytes < 3 => tokio::task::yield_now().await,
                    Ok(bytes) => break bytes,
                    Err(_) => break 0,
                }
            };
            if peeked == 0 || &start == b"PRI" {
                probes.fetch_add(1, Ordering::SeqCst);
                // The greeting is read first: closing a socket with unread bytes would discard the
                // answer.
                let _ = stream.read(&mut [0; 1_024]).await;
                let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
                continue;
            }
            let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
            tokio::spawn(each(number, stream));
        }
    });
    Stub { address, accepted, probed, task }
}

impl Stub {
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}/ilp", self.address)
    }

    /// Connections that carried requests.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Returns the number of connections that were only greeted in HTTP/2.
    pub(crate) fn probed(&self) -> usize {
        self.probed.load(Ordering::SeqCst)
    }
}

/// Reads one request, head and body.
pub(crate) async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        let bytes = stream.read(&mut buffer).await.ok().filter(|bytes| *bytes > 0)?;
        request.extend_from_slice(&buffer[..bytes]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.split("content-length: ").nth(1)?;
        let length: usize = length.split("\r\n").next()?.parse().ok()?;
        if body.len() >= length {
            return Some(text);
        }
    }
}

/// A stub that answers every request of a connection with the same bytes.
pub(crate) async fn answering(answer: &'static str) -> Stub {
    stub(move |_, mut stream| async move {
        while read_request(&mut stream).await.is_some() {
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    })
    .await
}

/// Something a stub can be told.
pub(crate) fn signal() -> (Arc<Notify>, Arc<Notify>) {
    let notify = Arc::new(Notify::new());
    (Arc::clone(&notify), notify)
}
