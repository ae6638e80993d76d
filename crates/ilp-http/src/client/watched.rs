//! A connection to a server whose arriving bytes are watched: how many come without bringing a
//! reply nearer, and whether the first of them are HTTP/2's.

use bytes::{Bytes, BytesMut};
use interledger_packet::MAX_REPLY_BYTES;
use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::oneshot,
};

/// The length of the head of an HTTP/2 frame.
const FRAME_HEAD_BYTES: usize = 9;
const SETTINGS: u8 = 4;
/// The maximum length of a server's first SETTINGS frame. No server announces more settings than
/// there are, each of 6 bytes; garbage seems to.
const SETTINGS_BYTES_MAX: usize = 100 * 6;

/// The number of bytes that may still arrive before a reply has to get nearer.
///
/// A server may send any number of interim responses (1xx) before its final one, and HTTP/2 servers
/// pings and settings besides. Neither hyper nor h2 bounds them, and a server that sent them without
/// an end took two thirds of a core until the packet expired.
//
// `Relaxed` throughout: a reader that misses a refill has the bytes of one read less.
#[derive(Debug)]
pub(crate) struct Meter {
    left: AtomicU32,
    maximum: u32,
    /// The bytes of replies that are being put together.
    gathered_bytes: AtomicUsize,
}

/// The maximum number of bytes in the unfinished replies of one connection that come in pieces.
/// Other servers send a reply in one piece. A server that sends thousands byte by byte, and ends
/// none, would otherwise occupy a buffer of the longest reply for each.
const GATHERED_BYTES_MAX: usize = 4 * 1_024 * 1_024;

/// A reply that comes in pieces.
pub(super) struct Gathered {
    bytes: BytesMut,
    meter: Arc<Meter>,
}

impl Gathered {
    pub(super) fn new(meter: Arc<Meter>) -> Gathered {
        Gathered { bytes: BytesMut::new(), meter }
    }

    /// Adds a copy of a piece, because the piece itself may keep all of the buffer that it was read
    /// into. Returns false if the reply, or all of the connection together, would become too long.
    pub(super) fn add(&mut self, piece: &[u8]) -> bool {
        let before = self.meter.gathered_bytes.load(Ordering::Relaxed);
        let is_too_long = self.bytes.len() + piece.len() > MAX_REPLY_BYTES
            || before + piece.len() > GATHERED_BYTES_MAX;
        if !is_too_long {
            self.meter.gathered_bytes.fetch_add(piece.len(), Ordering::Relaxed);
            self.bytes.extend_from_slice(piece);
        }
        !is_too_long
    }

    /// Returns the whole reply, which the connection is no longer charged for.
    pub(super) fn finish(mut self) -> Bytes {
        let bytes = self.bytes.split();
        self.meter.gathered_bytes.fetch_sub(bytes.len(), Ordering::Relaxed);
        bytes.freeze()
    }
}

impl Drop for Gathered {
    fn drop(&mut self) {
        self.meter.gathered_bytes.fetch_sub(self.bytes.len(), Ordering::Relaxed);
    }
}

impl Meter {
    /// The value of `left` that allows any number of bytes.
    const ANY: u32 = u32::MAX;

    /// Makes a meter that allows `maximum` bytes from now on.
    pub(crate) fn new(maximum: u32) -> Arc<Meter> {
        Arc::new(Meter {
            left: AtomicU32::new(maximum),
            maximum,
            gathered_bytes: AtomicUsize::new(0),
        })
    }

    /// Allows the maximum anew, because a request begins or a reply got nearer.
    pub(crate) fn refill(&self) {
        self.left.store(self.maximum, Ordering::Relaxed);
    }

    /// Allows any number of bytes until the next refill: the bytes that come now are bounded
    /// elsewhere.
    pub(crate) fn lift(&self) {
        self.left.store(Self::ANY, Ordering::Relaxed);
    }

    /// Returns whether the connection was ended because too many bytes came without bringing a
    /// reply nearer.
    pub(crate) fn is_used_up(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }

    fn take(&self, bytes: usize) -> io::Result<()> {
        let left = self.left.load(Ordering::Relaxed);
        if left == Self::ANY {
            return Ok(());
        }
        let left = left.saturating_sub(u32::try_from(bytes).unwrap_or(u32::MAX));
        self.left.store(left, Ordering::Relaxed);
        if left > 0 {
            return Ok(());
        }
        let text = format!("{} bytes came without a reply getting any nearer", self.maximum);
        Err(io::Error::new(io::ErrorKind::InvalidData, text))
    }
}

/// The receiver that is told whether a server's first bytes are those of HTTP/2. It fails if the
/// connection ends before that is known.
pub(super) type Greeting = oneshot::Receiver<bool>;

/// A connection whose reads go through a [`Meter`].
pub(crate) struct Watched<S> {
    stream: S,
    meter: Arc<Meter>,
    greeted: Option<Greeted>,
}

/// The head of the server's first frame, as far as it has come.
struct Greeted {
    head: [u8; FRAME_HEAD_BYTES],
    bytes: usize,
    tell: oneshot::Sender<bool>,
}

impl<S> Watched<S> {
    pub(crate) fn new(stream: S, meter: Arc<Meter>) -> Watched<S> {
        Watched { stream, meter, greeted: None }
    }

    /// Makes a connection that also checks whether the first bytes are those of HTTP/2.
    pub(super) fn greeted(stream: S, meter: Arc<Meter>) -> (Watched<S>, Greeting) {
        let (tell, greeting) = oneshot::channel();
        let greeted = Greeted { head: [0; FRAME_HEAD_BYTES], bytes: 0, tell };
        (Watched { stream, meter, greeted: Some(greeted) }, greeting)
    }

    fn look_at(&mut self, arrived: &[u8]) {
        let Some(mut greeted) = self.greeted.take() else { return };
        let (_, missing) = greeted.head.split_at_mut(greeted.bytes);
        let taken = missing.len().min(arrived.len());
        missing[..taken].copy_from_slice(&arrived[..taken]);
        greeted.bytes += taken;
        if greeted.bytes < FRAME_HEAD_BYTES {
            self.greeted = Some(greeted);
        } else {
            // The receiver may be gone, if the client gave up meanwhile.
            let _ = greeted.tell.send(is_settings(greeted.head));
        }
    }
}

/// Returns whether a frame's head is that of a server's first SETTINGS frame (RFC 9113, section
/// 3.4).
fn is_settings(head: [u8; FRAME_HEAD_BYTES]) -> bool {
    let [high, middle, low, kind, flags, stream @ ..] = head;
    let bytes = u32::from_be_bytes([0, high, middle, low]) as usize;
    bytes <= SETTINGS_BYTES_MAX && kind == SETTINGS && flags == 0 && stream == [0; 4]
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
        let arrived = &buffer.filled()[before..];
        if this.greeted.is_some() {
            this.look_at(arrived);
        }
        Poll::Ready(this.meter.take(arrived.len()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt as _;

    const SETTINGS_FRAME: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];

    #[test]
    fn only_a_settings_frame_on_stream_zero_is_http2() {
        assert!(is_settings(SETTINGS_FRAME));
        assert!(is_settings([0, 0, 18, 4, 0, 0, 0, 0, 0]));
        assert!(!is_settings(*b"HTTP/1.1 "));
        assert!(!is_settings([0, 0, 0, 4, 1, 0, 0, 0, 0]), "an acknowledgement comes second");
        assert!(!is_settings([0, 0, 0, 4, 0, 0, 0, 0, 1]), "settings are for the connection");
        assert!(!is_settings([0, 0, 8, 7, 0, 0, 0, 0, 0]), "a goodbye is no welcome");
    }

    /// Reads all that a server sends, in pieces of any size, and returns the result of the
    /// greeting.
    async fn greeting(bytes: &[u8], piece_bytes: usize) -> Option<bool> {
        let (mut stream, greeting) = Watched::greeted(bytes, Meter::new(1_000));
        let mut piece = vec![0; piece_bytes];
        while stream.read(&mut piece).await.unwrap() > 0 {}
        drop(stream);
        greeting.await.ok()
    }

    #[tokio::test]
    async fn a_greeting_is_told_from_pieces_of_any_size() {
        for piece_bytes in 1..12 {
            assert_eq!(greeting(&SETTINGS_FRAME, piece_bytes).await, Some(true));
            assert_eq!(greeting(b"HTTP/1.1 400 No\r\n\r\n", piece_bytes).await, Some(false));
            assert_eq!(greeting(&SETTINGS_FRAME[..8], piece_bytes).await, None);
            assert_eq!(greeting(b"", piece_bytes).await, None);
        }
    }

    #[tokio::test]
    async fn a_connection_ends_when_too_much_comes_in_vain() {
        let meter = Meter::new(100);
        let mut stream = Watched::new(&[0_u8; 1_000][..], Arc::clone(&meter));
        let mut piece = [0; 60];
        stream.read_exact(&mut piece).await.unwrap();
        meter.refill();
        stream.read_exact(&mut piece).await.unwrap();
        meter.lift();
        stream.read_exact(&mut [0; 500]).await.unwrap();
        meter.refill();
        stream.read_exact(&mut piece).await.unwrap();
        assert!(!meter.is_used_up());
        let error = stream.read_exact(&mut piece).await.unwrap_err();
        assert_eq!(error.to_string(), "100 bytes came without a reply getting any nearer");
        assert!(meter.is_used_up());
    }
}
