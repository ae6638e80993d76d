//! What a connection tells about itself, and what it is told: a few atomics, no channel, no timer.

use parking_lot::Mutex;
use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering},
    },
    task::{Context, Poll, Waker},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// What a connection shall do. A later one in this list overrides an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(in crate::server) enum Order {
    /// Serve requests as they come.
    Serve = 0,
    /// Answer what is in flight, then close.
    Finish = 1,
    /// Close at once, unless a request is in flight.
    CutIfQuiet = 2,
    /// Close at once.
    Cut = 3,
}

/// The state that a connection's task, its requests and the registry share.
pub(in crate::server) struct Control {
    order: AtomicU8,
    /// Wakes the connection's task. Locked when an order is given and when the task first runs.
    waker: Mutex<Option<Waker>>,
    /// Requests begun; it wraps, since only a change of it matters.
    begun: AtomicU32,
    /// Requests being answered: at most one in HTTP/1.1, many in HTTP/2.
    running: AtomicU32,
    /// Whether bytes came since the last request ended: then a head is on its way.
    heard: AtomicBool,
    /// Whether a request came by HTTP/2, where bytes between requests need not be a head.
    http2: AtomicBool,
    /// Whether an HTTP/1.1 request's body is being waited for.
    body_awaited: AtomicBool,
    /// Set by the registry when that took too long.
    body_late: AtomicBool,
}

// Orders: `order` and `body_late` carry nothing but themselves and are followed by a wake, whose
// lock orders them; everything else is a hint that the registry looks at once in a tick, or is
// written and read by the connection's own thread. So `Relaxed` will do.
impl Control {
    pub(in crate::server) fn new() -> Control {
        Control {
            order: AtomicU8::new(Order::Serve as u8),
            waker: Mutex::new(None),
            begun: AtomicU32::new(0),
            running: AtomicU32::new(0),
            // A connection that says nothing at all is as slow as a slow head.
            heard: AtomicBool::new(true),
            http2: AtomicBool::new(false),
            body_awaited: AtomicBool::new(false),
            body_late: AtomicBool::new(false),
        }
    }

    /// Gives an order, unless one that overrides it was given already.
    pub(in crate::server) fn give(&self, order: Order) {
        if self.order.fetch_max(order as u8, Ordering::Relaxed) < order as u8 {
            self.wake();
        }
    }

    /// Takes back a [`Order::CutIfQuiet`]; a [`Order::Cut`] given since stands.
    pub(in crate::server) fn countermand(&self) {
        let (cut, finish) = (Order::CutIfQuiet as u8, Order::Finish as u8);
        // Losing the exchange means that a stronger order came, which the next poll obeys.
        let _ = self.order.compare_exchange(cut, finish, Ordering::Relaxed, Ordering::Relaxed);
    }

    pub(in crate::server) fn order(&self) -> Order {
        match self.order.load(Ordering::Relaxed) {
            0 => Order::Serve,
            1 => Order::Finish,
            2 => Order::CutIfQuiet,
            _ => Order::Cut,
        }
    }

    pub(in crate::server) fn wake_with(&self, waker: &Waker) {
        *self.waker.lock() = Some(waker.clone());
    }

    fn wake(&self) {
        let waker = self.waker.lock().clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// A request begins; it ends when the guard is dropped.
    pub(in crate::server) fn begin(self: &Arc<Self>, http2: bool) -> Running {
        self.http2.store(http2, Ordering::Relaxed);
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.running.fetch_add(1, Ordering::Relaxed);
        Running(Arc::clone(self))
    }

    /// Whether no request is being answered.
    pub(in crate::server) fn is_quiet(&self) -> bool {
        self.running.load(Ordering::Relaxed) == 0
    }

    pub(in crate::server) fn await_body(&self, awaited: bool) {
        self.body_late.store(false, Ordering::Relaxed);
        self.body_awaited.store(awaited, Ordering::Relaxed);
    }

    pub(in crate::server) fn body_is_late(&self) -> bool {
        self.body_late.load(Ordering::Relaxed)
    }

    pub(super) fn give_up_on_body(&self) {
        self.body_late.store(true, Ordering::Relaxed);
        self.wake();
    }

    /// How many requests have begun, and what the connection is doing.
    pub(super) fn look(&self) -> (u32, Doing) {
        let begun = self.begun.load(Ordering::Relaxed);
        let http2 = self.http2.load(Ordering::Relaxed);
        let doing = if !self.is_quiet() {
            if self.body_awaited.load(Ordering::Relaxed) { Doing::Body } else { Doing::Answering }
        } else if self.heard.load(Ordering::Relaxed) && !http2 {
            Doing::Head
        } else {
            Doing::Nothing
        };
        (begun, doing)
    }
}

/// What a connection is doing, as far as a timeout is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    /// Waiting for a head of which bytes have come, or for the first bytes at all.
    Head,
    /// Waiting for the rest of an HTTP/1.1 body.
    Body,
    /// Waiting for the handler, which has a deadline of its own.
    Answering,
    /// Open without a request.
    Nothing,
}

/// A request being answered.
pub(in crate::server) struct Running(Arc<Control>);

impl Drop for Running {
    fn drop(&mut self) {
        let control = &self.0;
        control.heard.store(false, Ordering::Relaxed);
        control.body_awaited.store(false, Ordering::Relaxed);
        control.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A socket that notes that bytes came.
pub(super) struct Heard {
    stream: TcpStream,
    control: Arc<Control>,
}

impl Heard {
    pub(super) fn new(stream: TcpStream, control: Arc<Control>) -> Heard {
        Heard { stream, control }
    }
}

impl AsyncRead for Heard {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.control.heard.store(true, Ordering::Relaxed);
        }
        polled
    }
}

impl AsyncWrite for Heard {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
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
