//! The load: many connections, each with one packet in flight, or few with many streams. It runs
//! either as fast as answers come, or at a fixed rate, where a packet's time counts from its due
//! time and not from the moment at which a connection was free for it.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http2, header};
use hyper_util::rt::{TokioExecutor, TokioIo};
use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Semaphore,
    task::JoinSet,
};

use crate::measure::Latencies;

/// The connections that carry the load.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inbound {
    /// HTTP/1.1 connections.
    Http1 { connections: usize },
    /// HTTP/2 connections, each with this number of streams.
    Http2 { connections: usize, streams: usize },
}

/// The packets to send, their target, and the duration.
#[derive(Clone)]
pub(crate) struct Load {
    pub(crate) to: SocketAddr,
    pub(crate) token: &'static str,
    pub(crate) packet: Bytes,
    pub(crate) inbound: Inbound,
    /// Packets per second; `None` means as fast as answers come.
    pub(crate) rate: Option<u64>,
    pub(crate) warm_up: Duration,
    pub(crate) length: Duration,
}

/// The counts of replies.
#[derive(Default)]
pub(crate) struct Counted {
    pub(crate) fulfilled: u64,
    pub(crate) rejected: u64,
    pub(crate) failed: u64,
    pub(crate) latencies: Latencies,
}

impl Counted {
    pub(crate) fn add(&mut self, reply: Option<u8>, latency: Duration) {
        match reply {
            Some(13) => self.fulfilled += 1,
            Some(14) => self.rejected += 1,
            _ => self.failed += 1,
        }
        self.latencies.add(latency);
    }

    pub(crate) async fn sum(mut workers: JoinSet<Self>) -> Self {
        let mut counted = Self::default();
        while let Some(worker) = workers.join_next().await {
            let Self { fulfilled, rejected, failed, latencies } = worker.expect("no panic");
            counted.fulfilled += fulfilled;
            counted.rejected += rejected;
            counted.failed += failed;
            counted.latencies.merge(latencies);
        }
        counted
    }
}

/// Runs a load, and calls `at_start` once it is warm and `at_end` when its time is over.
pub(crate) async fn run(load: &Load, at_start: impl FnOnce(), at_end: impl FnOnce()) -> Counted {
    let begin = Instant::now();
    let (start, end) = (begin + load.warm_up, begin + load.warm_up + load.length);
    let due = load.rate.map(|rate| Due::paced(rate, begin, end));
    let mut workers = JoinSet::new();
    match load.inbound {
        Inbound::Http1 { connections } => {
            let request = http1_request(load);
            for _ in 0..connections {
                let client = Http1::connect(load.to, request.clone()).await;
                workers.spawn(work(client, due.clone(), start, end));
            }
        }
        Inbound::Http2 { connections, streams } => {
            for _ in 0..connections {
                let connected = Http2::connect(load).await;
                for _ in 0..streams {
                    let client = connected.clone();
                    workers.spawn(work(client, due.clone(), start, end));
                }
            }
        }
    }
    tokio::time::sleep_until(start.into()).await;
    at_start();
    tokio::time::sleep_until(end.into()).await;
    at_end();
    Counted::sum(workers).await
}

/// Sends one packet after the other, until the time is over.
async fn work(
    mut client: impl Client,
    due: Option<Arc<Due>>,
    start: Instant,
    end: Instant,
) -> Counted {
    let mut counted = Counted::default();
    loop {
        let from = match &due {
            None => Instant::now(),
            Some(due) => match due.next().await {
                Some(from) => from,
                None => return counted,
            },
        };
        if from >= end {
            return counted;
        }
        let reply = client.exchange().await;
        if from >= start {
            counted.add(reply, from.elapsed());
        }
    }
}

/// The packets that are due, at a fixed rate.
struct Due {
    times: Mutex<VecDeque<Instant>>,
    waiting: Semaphore,
}

impl Due {
    /// Makes packets due once a millisecond, from a thread of its own, since a runtime's timer has
    /// a resolution of a millisecond.
    fn paced(rate: u64, begin: Instant, end: Instant) -> Arc<Self> {
        let due = Arc::new(Self { times: Mutex::default(), waiting: Semaphore::new(0) });
        let paced = Arc::clone(&due);
        thread::spawn(move || {
            let (mut sent, mut tick) = (0, 0u64);
            loop {
                tick += 1;
                let at = begin + Duration::from_millis(tick);
                if at >= end {
                    paced.waiting.close();
                    return;
                }
                thread::sleep(at.saturating_duration_since(Instant::now()));
                let count = rate * tick / 1_000 - sent;
                sent += count;
                paced.times.lock().extend((0..count).map(|_| at));
                paced.waiting.add_permits(count as usize);
            }
        });
        due
    }

    async fn next(&self) -> Option<Instant> {
        self.waiting.acquire().await.ok()?.forget();
        self.times.lock().pop_front()
    }
}

/// Sends the packet once and returns the reply's first byte, its type.
pub(crate) trait Client: Send + 'static {
    fn exchange(&mut self) -> impl Future<Output = Option<u8>> + Send;
}

/// A minimal HTTP/1.1 client, so that the load takes little of the machine's time.
struct Http1 {
    stream: TcpStream,
    request: Bytes,
    buffer: Vec<u8>,
}

fn http1_request(load: &Load) -> Bytes {
    let mut request = format!(
        "POST / HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: \
         application/octet-stream\r\ncontent-length: {}\r\n\r\n",
        load.to,
        load.token,
        load.packet.len()
    )
    .into_bytes();
    request.extend_from_slice(&load.packet);
    request.into()
}

impl Http1 {
    async fn connect(to: SocketAddr, request: Bytes) -> Self {
        let stream = TcpStream::connect(to).await.expect("the subject takes connections");
        stream.set_nodelay(true).expect("TCP");
        Self { stream, request, buffer: vec![0; 4_096] }
    }
}

impl Client for Http1 {
    async fn exchange(&mut self) -> Option<u8> {
        self.stream.write_all(&self.request).await.ok()?;
        let mut have = 0;
        loop {
            let more = self.stream.read(self.buffer.get_mut(have..)?).await.ok()?;
            if more == 0 {
                return None;
            }
            have += more;
            let answer = self.buffer.get(..have)?;
            if let Some((body, length)) = body_of(answer)
                && have >= body + length
            {
                return answer.get(body).copied();
            }
        }
    }
}

/// Returns the begin and the length of the body, once the head is complete.
pub(crate) fn body_of(answer: &[u8]) -> Option<(usize, usize)> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(answer.get(..end)?).ok()?;
    let length = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    })?;
    Some((end + 4, length))
}

#[derive(Clone)]
pub(crate) struct Http2 {
    sender: http2::SendRequest<Full<Bytes>>,
    load: Load,
}

impl Http2 {
    pub(crate) async fn connect(load: &Load) -> Self {
        let stream = TcpStream::connect(load.to).await.expect("the subject takes connections");
        stream.set_nodelay(true).expect("TCP");
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.initial_max_send_streams(1_024);
        let (sender, connection) =
            builder.handshake(TokioIo::new(stream)).await.expect("the subject speaks HTTP/2");
        tokio::spawn(connection);
        Self { sender, load: load.clone() }
    }
}

impl Client for Http2 {
    async fn exchange(&mut self) -> Option<u8> {
        let request = Request::post(format!("http://{}/", self.load.to))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.load.token))
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .body(Full::new(self.load.packet.clone()))
            .expect("a request");
        let response = self.sender.send_request(request).await.ok()?;
        let body = response.into_body().collect().await.ok()?.to_bytes();
        body.first().copied()
    }
}
