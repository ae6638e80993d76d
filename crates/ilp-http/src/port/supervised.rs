//! A connection that obeys the orders of its place.

use std::{
    error::Error,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use hyper::{
    Request, Response,
    body::{Body, Incoming},
    rt::{Read, Write},
    server::conn::http1,
    service::Service,
};
use hyper_util::{rt::TokioExecutor, server::conn::auto};

use super::{Control, Order, PlaceHandle};

type BoxError = Box<dyn Error + Send + Sync>;

/// A connection that obeys the orders of its place, such as to finish and close.
///
/// An order costs one load. A channel would be polled, and its lock taken, with every packet.
pub struct Supervised<C> {
    connection: Pin<Box<C>>,
    control: Arc<Control>,
    handle: PlaceHandle,
    /// The waker that the control has, so that the control gets another one only after a change.
    waker: Option<Waker>,
    finishing: bool,
}

impl<C> Supervised<C> {
    /// Makes `connection` obey the orders for the place of `handle`, which its socket has.
    pub fn new(connection: C, handle: &PlaceHandle) -> Supervised<C> {
        Supervised {
            connection: Box::pin(connection),
            control: Arc::clone(handle.control()),
            handle: handle.clone(),
            waker: None,
            finishing: false,
        }
    }
}

impl<C> std::fmt::Debug for Supervised<C> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Supervised").field("control", &self.control).finish_non_exhaustive()
    }
}

impl<C: GracefulConnection> Future for Supervised<C> {
    type Output = Result<(), C::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let known = this.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker()));
        if !known {
            this.waker = Some(context.waker().clone());
            if this.control.begin_task() {
                this.handle.task_begins();
            }
            // Set before the order is read, so that an order given in between finds a waker.
            this.control.wake_with(context.waker());
        }
        match this.control.order() {
            Order::Serve => {}
            Order::Finish => this.finish(),
            Order::CutIfQuiet => {
                if this.control.is_quiet() {
                    this.handle.stats().count_timed_out();
                    return Poll::Ready(Ok(()));
                }
                // A request came just as the time ran out, so it is answered.
                this.control.countermand();
                this.finish();
            }
            Order::Cut => return Poll::Ready(Ok(())),
        }
        let polled = this.connection.as_mut().poll(context);
        if polled.is_ready() {
            // The socket, if it is still open, no longer carries HTTP.
            this.control.set_upgraded();
        }
        polled
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

/// The methods of a connection that its supervision needs; hyper-util's own type has six
/// parameters.
pub trait GracefulConnection:
    Future<Output = Result<(), <Self as GracefulConnection>::Error>>
{
    /// The error with which the connection fails.
    type Error;
    /// Answers the requests in flight, then closes.
    fn graceful_shutdown(self: Pin<&mut Self>);
}

impl<I, S, B> GracefulConnection for auto::Connection<'_, I, S, TokioExecutor>
where
    Self: Future<Output = Result<(), BoxError>>,
    S: Service<
            Request<Incoming>,
            Response = Response<B>,
            Error: Into<BoxError>,
            Future: Send + 'static,
        >,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    I: Read + Write + Unpin + 'static,
{
    type Error = BoxError;

    fn graceful_shutdown(self: Pin<&mut Self>) {
        auto::Connection::graceful_shutdown(self);
    }
}

impl<I, S, B> GracefulConnection for http1::UpgradeableConnection<I, S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>>,
    B: Body<Error: Into<BoxError>> + 'static,
    I: Read + Write + Unpin + Send + 'static,
{
    type Error = hyper::Error;

    fn graceful_shutdown(self: Pin<&mut Self>) {
        http1::UpgradeableConnection::graceful_shutdown(self);
    }
}
