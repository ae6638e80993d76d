//! A client's socket, which records its activity and stops reading from a client that takes
//! nothing.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::{Charge, Order, Place, Share, Turns};

/// The maximum number of bytes read from a stranger: several refused requests with the longest
/// body, and nothing that could keep a thread busy.
const STRANGER_BYTES_MAX: usize = 256 * 1_024;

/// A connection's stream and its place in the port, which is given back when this is dropped.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    place: Place,
    turns: Arc<Turns>,
    stranger_bytes: usize,
    /// Set while the client takes no bytes.
    blocked: Option<Blocked>,
    /// Whether a read was postponed while `blocked` was set.
    read_is_due: bool,
}

/// The charge for bytes that wait for a client that takes none.
#[derive(Debug)]
struct Blocked {
    _charge: Option<Charge>,
}

impl Socket {
    /// Puts a stream into its place. `turns` belong to the thread that polls the stream.
    pub fn new(stream: TcpStream, place: Place, turns: Arc<Turns>) -> Socket {
        Socket { stream, place, turns, stranger_bytes: 0, blocked: None, read_is_due: false }
    }

    fn note_write(
        &mut self,
        polled: &Poll<io::Result<usize>>,
        bytes: usize,
        context: &Context<'_>,
    ) -> io::Result<()> {
        match polled {
            Poll::Pending if self.blocked.is_none() => {
                let control = self.place.control();
                let charge = match control.share() {
                    // A stranger's bytes are few, a handful of refusals, so they are not charged.
                    None => None,
                    Some(share) => Some(charge(share, bytes)?),
                };
                self.blocked = Some(Blocked { _charge: charge });
                control.set_write_blocked(true);
            }
            Poll::Ready(Ok(_)) if self.blocked.take().is_some() => {
                self.place.control().set_write_blocked(false);
                if std::mem::take(&mut self.read_is_due) {
                    context.waker().wake_by_ref();
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Returns the number of bytes that may be read now, or `None` if nothing may be read.
    fn readable(&mut self, context: &Context<'_>) -> io::Result<Option<usize>> {
        let control = self.place.control();
        if control.is_upgraded() {
            // No task of the port polls a WebSocket, so its order is obeyed here.
            if control.order() == Order::Cut {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            control.wake_with(context.waker());
            return Ok(Some(usize::MAX));
        }
        // The answers to further requests would pile up while the client takes none.
        if self.blocked.is_some() {
            self.read_is_due = true;
            return Ok(None);
        }
        if !control.is_known() && self.stranger_bytes >= STRANGER_BYTES_MAX {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let bytes = control.readable_bytes();
        if bytes == 0 {
            if control.await_turn() {
                self.turns.wait(control.holder(), control);
            }
            return Ok(None);
        }
        Ok(Some(bytes))
    }
}

fn charge(share: &Arc<Share>, bytes: usize) -> io::Result<Charge> {
    share.charge_bytes(bytes).ok_or_else(|| io::ErrorKind::ConnectionAborted.into())
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let Some(bytes_max) = this.readable(context)? else { return Poll::Pending };
        let before = buffer.filled().len();
        let polled = if buffer.remaining() <= bytes_max {
            Pin::new(&mut this.stream).poll_read(context, buffer)
        } else {
            let mut part = ReadBuf::new(buffer.initialize_unfilled_to(bytes_max));
            let polled = Pin::new(&mut this.stream).poll_read(context, &mut part);
            let bytes = part.filled().len();
            buffer.advance(bytes);
            polled
        };
        let bytes = buffer.filled().len() - before;
        let control = this.place.control();
        if polled.is_pending() {
            control.begin_turn();
        }
        if bytes > 0 {
            control.hear();
            control.count_read(bytes);
            if !control.is_known() {
                this.stranger_bytes += bytes;
            }
        }
        polled
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.note_write(&polled, bytes.len(), context)?;
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.note_write(&polled, slices.iter().map(|slice| slice.len()).sum(), context)?;
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
