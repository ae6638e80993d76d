//! One connection: its task, and the eye that is kept on it from outside.

mod control;
mod registry;

pub(super) use control::{Control, Order};
pub(super) use registry::Registry;

use super::{Limits, PacketHandler, ServerStats, Worker, answer, limits, stats::ConnectionCount};
use control::Heard;
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use interledger_packet::MAX_PACKET_BYTES;
use std::{
    future::Future,
    net::TcpStream as StdTcpStream,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};
use tokio::net::TcpStream;

/// A stream may send one whole packet before it is granted more: 65,535 is the least that HTTP/2
/// grants anyway, and above the 33,857 bytes of the longest packet.
const STREAM_WINDOW_BYTES: u32 = 65_535;
/// All streams of a connection together: 1 MiB is 30 of the longest packets or 1,000 common ones.
const CONNECTION_WINDOW_BYTES: u32 = 1_024 * 1_024;
const _: () = assert!(MAX_PACKET_BYTES <= STREAM_WINDOW_BYTES as usize);

/// What every request of one connection shares.
pub(super) struct Session<H> {
    pub(super) handler: H,
    pub(super) control: Arc<Control>,
    pub(super) limits: Arc<Limits>,
    pub(super) stats: Arc<ServerStats>,
}

/// Serves `stream` on the worker's thread.
pub(super) fn start<H: PacketHandler>(
    worker: &Worker<H>,
    registry: &Arc<Registry>,
    limits: &Arc<Limits>,
    stats: &Arc<ServerStats>,
    stream: StdTcpStream,
) {
    // Counted here and not in the task: the acceptor's next look at the count must include it. The
    // count travels with the task, so it is given back even if the worker's runtime has ended.
    let count = ConnectionCount::new(stats);
    let control = Arc::new(Control::new());
    let session = Arc::new(Session {
        handler: worker.handler.clone(),
        control: Arc::clone(&control),
        limits: Arc::clone(limits),
        stats: Arc::clone(stats),
    });
    let registered = registry.register(control);
    worker.runtime.spawn(async move {
        match TcpStream::from_std(stream) {
            Ok(stream) => serve(stream, session).await,
            Err(error) => tracing::warn!(%error, "an accepted connection can't be polled"),
        }
        drop(registered);
        drop(count);
    });
}

async fn serve<H: PacketHandler>(stream: TcpStream, session: Arc<Session<H>>) {
    // A reply is one small write; Nagle's algorithm would hold it back for the peer's next ACK.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY can't be set");
    }
    let control = Arc::clone(&session.control);
    let stats = Arc::clone(&session.stats);
    let builder = builder(&session.limits);
    let io = TokioIo::new(Heard::new(stream, Arc::clone(&control)));
    let service = service_fn(move |request| answer::answer(Arc::clone(&session), request));
    let connection = Box::pin(builder.serve_connection(io, service));
    let supervised = Supervised { connection, control, stats, waker: None, finishing: false };
    if let Err(error) = supervised.await {
        tracing::debug!(%error, "a peer's connection ended early");
    }
}

fn builder(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let head_bytes_max = limits.head_bytes_max.max(limits::HEAD_BYTES_MIN);
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // The registry's tick does the same for all connections, at no cost per request; and it
        // can tell a slow head from an idle connection, which hyper's timer can't.
        .header_read_timeout(None)
        // Head and body are some 400 bytes: copied into one piece they cost less than the kernel
        // takes to read a list of two.
        .writev(false)
        // Otherwise each poll of a connection whose packet is under way tries to read, to learn that
        // the client has hung up. That would change nothing, as a packet is seen through to its end;
        // and who only has nothing more to say gets the answer.
        .half_close(true)
        .max_buf_size(head_bytes_max);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams_max)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_header_list_size(u32::try_from(head_bytes_max).unwrap_or(u32::MAX));
    builder
}

/// A connection that obeys the orders of its [`Control`].
///
/// A channel would be polled, and its lock taken, with every packet; an order costs one load.
struct Supervised<C> {
    connection: Pin<Box<C>>,
    control: Arc<Control>,
    stats: Arc<ServerStats>,
    /// The waker that the control has, so that it is only given another.
    waker: Option<Waker>,
    finishing: bool,
}

impl<C: GracefulConnection> Future for Supervised<C> {
    type Output = Result<(), C::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let known = this.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker()));
        if !known {
            this.waker = Some(context.waker().clone());
            // Before the order is read: one given in between then finds a waker to wake.
            this.control.wake_with(context.waker());
        }
        match this.control.order() {
            Order::Serve => {}
            Order::Finish => this.finish(),
            Order::CutIfQuiet => {
                if this.control.is_quiet() {
                    this.stats.timed_out();
                    return Poll::Ready(Ok(()));
                }
                // A request came just as time ran out: it shall be answered.
                this.control.countermand();
                this.finish();
            }
            Order::Cut => return Poll::Ready(Ok(())),
        }
        this.connection.as_mut().poll(context)
    }
}

impl<C: GracefulConnection> Supervised<C> {
    fn finish(&mut self) {
        if !self.finishing {
            self.finishing = true;
            self.connection.as_mut().graceful_shutdown();
        }
    }
}

/// What the supervision needs of a connection; hyper-util's own type has six parameters.
trait GracefulConnection: Future<Output = Result<(), <Self as GracefulConnection>::Error>> {
    type Error;
    fn graceful_shutdown(self: Pin<&mut Self>);
}

impl<I, S, B> GracefulConnection for auto::Connection<'_, I, S, TokioExecutor>
where
    Self: Future<Output = Result<(), Box<dyn std::error::Error + Send + Sync>>>,
    S: hyper::service::Service<
            hyper::Request<hyper::body::Incoming>,
            Response = hyper::Response<B>,
            Error = std::convert::Infallible,
            Future: Send + 'static,
        >,
    B: hyper::body::Body<Data: Send, Error = std::convert::Infallible> + Send + 'static,
    I: hyper::rt::Read + hyper::rt::Write + Unpin + 'static,
{
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn graceful_shutdown(self: Pin<&mut Self>) {
        auto::Connection::graceful_shutdown(self);
    }
}
