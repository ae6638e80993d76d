//! Hostile clients, which take all resources that they can get.
//!
//! Each attack runs on a thread of its own, over as many connections as one process may have, and
//! is repeated until it is stopped.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::frames::{Request, preface, reset};

/// The target of an attack.
#[derive(Clone)]
pub(crate) struct Target {
    /// The port of the attack.
    pub(crate) port: SocketAddr,
    /// The token of a peer that takes part in the attack, and a packet of that peer. A token that
    /// the node doesn't know makes the client a stranger.
    pub(crate) token: String,
    pub(crate) packet: Bytes,
}

/// The behaviour of the attacking clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attack {
    /// HTTP/2 requests whose answers are never read: the window is zero.
    Untaken { connections: usize, streams: u32 },
    /// Bursts of HTTP/2 requests that never end, one burst after the other.
    Bursts { connections: usize, streams: u32, bytes_per_second: usize },
    /// HTTP/2 requests whose bodies never end.
    SlowBodies { connections: usize, streams: u32 },
    /// HTTP/2 requests that are reset at once.
    Resets { connections: usize, streams: u32 },
    /// HTTP/1.1 requests, one behind the other, whose answers are never read.
    Pipelined { connections: usize },
    /// Connections on which the client sends nothing.
    Silent { connections: usize },
    /// Connections on which a head begins and never ends.
    SlowHeads { connections: usize },
    /// HTTP/1.1 requests that are refused, each on a connection of its own.
    Churn { connections: usize },
    /// HTTP/1.1 requests, each sent after the answer to the one before; the hostile part is the
    /// next hop.
    Asking { connections: usize },
}

/// An attack that runs until this value is dropped.
pub(crate) struct Siege {
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The minimum time after which a client connects again once the node has ended its connection.
const PAUSE: Duration = Duration::from_millis(5);
/// The interval at which a waiting client checks whether the attack is over.
const LOOK: Duration = Duration::from_millis(20);
/// The number of requests in one write.
const BATCH: u32 = 64;

impl Attack {
    pub(crate) fn start(self, target: &Target) -> Siege {
        let ending = Arc::new(AtomicBool::new(false));
        let (ended, target) = (Arc::clone(&ending), target.clone());
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async move {
                let target = Arc::new(target);
                let mut clients = JoinSet::new();
                for _ in 0..self.connections() {
                    let (target, ending) = (Arc::clone(&target), Arc::clone(&ended));
                    clients.spawn(async move {
                        while !ending.load(Ordering::Relaxed) {
                            let ends = || ending.load(Ordering::Relaxed);
                            // A client whose connection was cut tries again.
                            let _ = self.once(&target, &ends).await;
                            sleep(PAUSE).await;
                        }
                    });
                }
                while !ended.load(Ordering::Relaxed) {
                    sleep(LOOK).await;
                }
                clients.shutdown().await;
            });
        });
        Siege { ending, thread: Some(thread) }
    }

    fn connections(self) -> usize {
        match self {
            Self::Untaken { connections, .. }
            | Self::Bursts { connections, .. }
            | Self::SlowBodies { connections, .. }
            | Self::Resets { connections, .. }
            | Self::Pipelined { connections }
            | Self::Silent { connections }
            | Self::SlowHeads { connections }
            | Self::Churn { connections }
            | Self::Asking { connections } => connections,
        }
    }

    /// Runs one connection from its begin to its end.
    async fn once(self, target: &Target, ends: &impl Fn() -> bool) -> Option<()> {
        let stream = TcpStream::connect(target.port).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let (reader, mut writer) = stream.into_split();
        match self {
            Self::Pipelined { .. } => pipeline(target, writer, reader, ends).await,
            Self::Silent { .. } => hold(reader, ends).await,
            Self::SlowHeads { .. } => {
                writer.write_all(b"POST / HTTP/1.1\r\nhost: x\r\nx-slow: ").await.ok()?;
                hold(reader, ends).await
            }
            Self::Churn { .. } => {
                let head = http1_head(target, 0);
                writer.write_all(head.as_bytes()).await.ok()?;
                let mut reader = reader;
                let mut answer = [0; 512];
                let _ = reader.read(&mut answer).await.ok()?;
                Some(())
            }
            Self::Asking { .. } => ask(target, writer, reader, ends).await,
            Self::Untaken { streams, .. } => {
                writer.write_all(&preface(0)).await.ok()?;
                let reading = tokio::spawn(drain(reader));
                let _ = write_streams(&mut writer, target, streams, ends, |request| request).await;
                until(ends, &reading).await;
                reading.abort();
                Some(())
            }
            Self::SlowBodies { streams, .. } => {
                writer.write_all(&preface(65_535)).await.ok()?;
                let reading = tokio::spawn(drain(reader));
                let length = target.packet.len();
                let cut = |request| Request {
                    content_length: Some(length),
                    ends: false,
                    body: &[12],
                    ..request
                };
                let _ = write_streams(&mut writer, target, streams, ends, cut).await;
                until(ends, &reading).await;
                reading.abort();
                Some(())
            }
            Self::Bursts { streams, bytes_per_second, connections } => {
                let rate = bytes_per_second / connections;
                burst(target, writer, reader, (streams, rate), ends).await
            }
            Self::Resets { streams, .. } => {
                writer.write_all(&preface(65_535)).await.ok()?;
                let reading = tokio::spawn(drain(reader));
                let request = request(target);
                let mut index = 0;
                while index < streams && !ends() && !reading.is_finished() {
                    let mut bytes = Vec::new();
                    let batch = index..(index + BATCH).min(streams);
                    batch.clone().for_each(|index| bytes.extend(request.bytes(index)));
                    writer.write_all(&bytes).await.ok()?;
                    tokio::task::yield_now().await;
                    let resets: Vec<u8> = batch.clone().flat_map(reset).collect();
                    writer.write_all(&resets).await.ok()?;
                    index = batch.end;
                }
                reading.abort();
                Some(())
            }
        }
    }
}

impl Siege {
    /// Ends the attack and waits until its connections are closed.
    pub(crate) fn end(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        self.ending.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Siege {
    fn drop(&mut self) {
        self.stop();
    }
}

fn request(target: &Target) -> Request<'_> {
    Request { token: &target.token, content_length: None, body: &target.packet, ends: true }
}

/// Writes requests, changed by `change`, until the node takes no more of them.
async fn write_streams<'a>(
    writer: &mut OwnedWriteHalf,
    target: &'a Target,
    streams: u32,
    ends: &impl Fn() -> bool,
    change: impl Fn(Request<'a>) -> Request<'a>,
) -> Option<()> {
    let request = change(request(target));
    let mut index = 0;
    while index < streams && !ends() {
        let mut bytes = Vec::new();
        let end = (index + BATCH).min(streams);
        (index..end).for_each(|index| bytes.extend(request.bytes(index)));
        // A node that takes nothing for a while has taken all that it will.
        timeout(Duration::from_secs(2), writer.write_all(&bytes)).await.ok()?.ok()?;
        index = end;
        tokio::task::yield_now().await;
    }
    Some(())
}

async fn burst(
    target: &Target,
    mut writer: OwnedWriteHalf,
    reader: OwnedReadHalf,
    (streams, bytes_per_second): (u32, usize),
    ends: &impl Fn() -> bool,
) -> Option<()> {
    writer.write_all(&preface(65_535)).await.ok()?;
    let reading = tokio::spawn(drain(reader));
    let request = Request { body: &[12], ends: false, ..request(target) };
    let (began, mut sent, mut index) = (Instant::now(), 0, 0);
    while index < streams && !ends() && !reading.is_finished() {
        let mut bytes = Vec::new();
        (index..index + BATCH).for_each(|index| bytes.extend(request.bytes(index)));
        writer.write_all(&bytes).await.ok()?;
        index += BATCH;
        sent += bytes.len();
        let due = began + Duration::from_micros((sent * 1_000_000 / bytes_per_second) as u64);
        tokio::time::sleep_until(due).await;
    }
    reading.abort();
    Some(())
}

async fn pipeline(
    target: &Target,
    mut writer: OwnedWriteHalf,
    mut reader: OwnedReadHalf,
    ends: &impl Fn() -> bool,
) -> Option<()> {
    let mut request = http1_head(target, target.packet.len()).into_bytes();
    request.extend_from_slice(&target.packet);
    let many = request.repeat(16);
    while !ends() {
        // The client reads nothing, so the node stops taking requests, and in the end closes the
        // connection.
        match timeout(LOOK, writer.write_all(&many)).await {
            Ok(written) => written.ok()?,
            Err(_) => return hold_unread(&mut reader, ends).await,
        }
    }
    Some(())
}

async fn ask(
    target: &Target,
    mut writer: OwnedWriteHalf,
    mut reader: OwnedReadHalf,
    ends: &impl Fn() -> bool,
) -> Option<()> {
    let mut request = http1_head(target, target.packet.len()).into_bytes();
    request.extend_from_slice(&target.packet);
    let mut answer = vec![0; 64 * 1_024];
    while !ends() {
        writer.write_all(&request).await.ok()?;
        // The node writes an answer at once, so one read gets all of it.
        reader.read(&mut answer).await.ok().filter(|bytes| *bytes > 0)?;
    }
    Some(())
}

/// Waits for the end of the connection without reading.
async fn hold_unread(reader: &mut OwnedReadHalf, ends: &impl Fn() -> bool) -> Option<()> {
    while !ends() {
        let ready = timeout(LOOK, reader.ready(tokio::io::Interest::ERROR)).await;
        if matches!(ready, Ok(Ok(ready)) if ready.is_error() || ready.is_read_closed()) {
            return None;
        }
    }
    Some(())
}

fn http1_head(target: &Target, length: usize) -> String {
    if target.token.is_empty() {
        return "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned();
    }
    format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
         content-type: application/octet-stream\r\ncontent-length: {length}\r\n\r\n",
        target.token
    )
}

/// Waits until the node ends the connection, or the attack is over.
async fn hold(mut reader: OwnedReadHalf, ends: &impl Fn() -> bool) -> Option<()> {
    let mut byte = [0];
    while !ends() {
        if let Ok(read) = timeout(LOOK, reader.read(&mut byte)).await {
            read.ok().filter(|bytes| *bytes > 0)?;
        }
    }
    Some(())
}

/// Reads the node's frames and answers none of them, so that the node's windows stay as they are.
async fn drain(mut reader: OwnedReadHalf) {
    let mut buffer = vec![0; 16 * 1_024];
    while matches!(reader.read(&mut buffer).await, Ok(bytes) if bytes > 0) {}
}

async fn until(ends: &impl Fn() -> bool, reading: &tokio::task::JoinHandle<()>) {
    while !ends() && !reading.is_finished() {
        sleep(LOOK).await;
    }
}
