use std::{
    collections::HashMap,
    future::Future,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;

/// END_STREAM of DATA and HEADERS, ACK of SETTINGS and PING.
pub(crate) const END_OR_ACK: u8 = 1;
const END_HEADERS: u8 = 4;

pub(crate) const NO_ERROR: u32 = 0;
pub(crate) const REFUSED_STREAM: u32 = 7;
pub(crate) const ENHANCE_YOUR_CALM: u32 = 11;

const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The header `:status: 200` in the encoding of HPACK.
const STATUS_200: &[u8] = b"\x88";
/// The header `:status: 103` in the encoding of HPACK.
const STATUS_103: &[u8] = b"\x08\x03103";

/// A frame that was received.
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// The server's end of an HTTP/2 connection, frame by frame, because h2's own server does none of
/// the things that other servers do to their clients.
pub(crate) struct Frames {
    stream: TcpStream,
    /// The received part of each packet's body.
    bodies: HashMap<u32, Vec<u8>>,
}

impl Frames {
    /// Reads the client's preface and answers with settings. Returns `None` for a client that
    /// doesn't speak HTTP/2.
    pub(crate) async fn accept(mut stream: TcpStream) -> Option<Frames> {
        let mut preface = [0; 24];
        stream.read_exact(&mut preface).await.ok()?;
        if preface != *PREFACE {
            return None;
        }
        let mut frames = Frames { stream, bodies: HashMap::new() };
        frames.write(SETTINGS, 0, 0, b"").await?;
        Some(frames)
    }

    /// Reads the next frame that matters to a test. Settings and pings are acknowledged.
    pub(crate) async fn read(&mut self) -> Option<Frame> {
        loop {
            let mut head = [0; 9];
            self.stream.read_exact(&mut head).await.ok()?;
            let [high, middle, low, kind, flags, stream @ ..] = head;
            let mut payload = vec![0; u32::from_be_bytes([0, high, middle, low]) as usize];
            self.stream.read_exact(&mut payload).await.ok()?;
            match kind {
                SETTINGS | PING if flags & END_OR_ACK == 0 => {
                    let answer = if kind == PING { &payload[..] } else { b"" };
                    self.write(kind, END_OR_ACK, 0, answer).await?;
                }
                SETTINGS | PING => {}
                DATA if !payload.is_empty() => {
                    // Gives the connection's window back, so that it never runs out.
                    let count = u32::try_from(payload.len()).unwrap().to_be_bytes();
                    self.write(WINDOW_UPDATE, 0, 0, &count).await?;
                    return Some(Frame {
                        kind,
                        flags,
                        stream: u32::from_be_bytes(stream),
                        payload,
                    });
                }
                _ => {
                    return Some(Frame {
                        kind,
                        flags,
                        stream: u32::from_be_bytes(stream),
                        payload,
                    });
                }
            }
        }
    }

    /// Reads the next complete packet, and returns it with its stream.
    pub(crate) async fn packet(&mut self) -> Option<(u32, Vec<u8>)> {
        loop {
            let frame = self.read().await?;
            if let Some(packet) = self.part(&frame) {
                return Some((frame.stream, packet));
            }
        }
    }

    /// Adds a frame to its packet. Returns the packet if the frame was its last.
    pub(crate) fn part(&mut self, frame: &Frame) -> Option<Vec<u8>> {
        if frame.kind != DATA {
            return None;
        }
        self.bodies.entry(frame.stream).or_default().extend(&frame.payload);
        (frame.flags & END_OR_ACK != 0).then(|| self.bodies.remove(&frame.stream))?
    }

    pub(crate) async fn write(
        &mut self,
        kind: u8,
        flags: u8,
        stream: u32,
        payload: &[u8],
    ) -> Option<()> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut bytes = length[1..].to_vec();
        bytes.extend([kind, flags]);
        bytes.extend(stream.to_be_bytes());
        bytes.extend(payload);
        self.stream.write_all(&bytes).await.ok()
    }

    /// Answers `echo:` and the packet.
    pub(crate) async fn echo(&mut self, stream: u32, packet: &[u8]) -> Option<()> {
        self.head(stream).await?;
        self.write(DATA, END_OR_ACK, stream, &[b"echo:", packet].concat()).await
    }

    /// Sends the head of a reply whose body follows.
    pub(crate) async fn head(&mut self, stream: u32) -> Option<()> {
        self.write(HEADERS, END_HEADERS, stream, STATUS_200).await
    }

    /// Sends an interim response.
    pub(crate) async fn interim(&mut self, stream: u32) -> Option<()> {
        self.write(HEADERS, END_HEADERS, stream, STATUS_103).await
    }

    /// Sends a GOAWAY with the last stream that was taken, and the reason.
    pub(crate) async fn goodbye(&mut self, last_stream: u32, reason: u32) -> Option<()> {
        let payload = [last_stream.to_be_bytes(), reason.to_be_bytes()].concat();
        self.write(GOAWAY, 0, 0, &payload).await
    }

    pub(crate) async fn reset(&mut self, stream: u32, reason: u32) -> Option<()> {
        self.write(RST_STREAM, 0, stream, &reason.to_be_bytes()).await
    }
}

/// A peer that speaks HTTP/2 in clear text and nothing else.
pub(crate) struct H2c {
    pub(crate) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    /// The number of connections whose clients spoke something else, and whose requests were lost.
    lost: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for H2c {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl H2c {
    /// Starts a peer that gives each connection to `each`, with its number, counted from 1.
    pub(crate) async fn start<F, W>(each: F) -> H2c
    where
        F: Fn(usize, Frames) -> W + Clone + Send + Sync + 'static,
        W: Future<Output = Option<()>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (accepted, lost) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (counter, others) = (Arc::clone(&accepted), Arc::clone(&lost));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
                let (each, others) = (each.clone(), Arc::clone(&others));
                tokio::spawn(async move {
                    match Frames::accept(stream).await {
                        Some(frames) => drop(each(number, frames).await),
                        None => drop(others.fetch_add(1, Ordering::SeqCst)),
                    }
                });
            }
        });
        H2c { address, accepted, lost, task }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}/ilp", self.address)
    }

    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    pub(crate) fn lost(&self) -> usize {
        self.lost.load(Ordering::SeqCst)
    }
}
