//! One listening port: which clients get a connection, which connections make room for others, and
//! the timeouts.
//!
//! A connection begins as a *stranger's*: its client has shown nothing. The number of strangers is
//! bounded, and one more ends the oldest connection of the source that has the most of them. So
//! silent clients shut no other client out, and a source with few connections keeps them. A client
//! that shows what the port asks for, such as a peer's token, is *known* from then on. No stranger
//! takes its place, and no holder of such places gets so many that others find none.
//!
//! Deadlines hold in both directions: for the bytes that a client sends, and for those that it
//! takes. All connections are checked once in a tick, so that a request costs no more than a few
//! loads and stores.

mod control;
mod limits;
mod places;
mod registry;
mod shares;
mod socket;
mod source;
mod stats;
mod supervised;
mod turns;

pub(crate) use self::{
    control::Control,
    shares::{Charge, Pool, Share},
    stats::until_quiet,
};
pub use self::{
    control::{Order, Running},
    limits::PortLimits,
    places::Holder,
    socket::Socket,
    source::Source,
    stats::PortStats,
    supervised::{GracefulConnection, Supervised},
    turns::Turns,
};

use self::registry::Registry;
use std::{fmt, future::Future, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{Instant, MissedTickBehavior},
};

/// The connections of a listening port.
pub struct Port {
    limits: PortLimits,
    registry: Arc<Registry>,
}

/// A connection that was accepted and has a place.
#[derive(Debug)]
pub struct Arrival {
    /// The connection.
    pub stream: TcpStream,
    /// The client's address.
    pub from: SocketAddr,
    /// The connection's place, to be kept with the stream in a [`Socket`].
    pub place: Place,
}

/// The pause of accepting after an error that repeats at once, such as no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

impl Port {
    /// Makes a port with these bounds, which counts in `stats`.
    pub fn new(limits: PortLimits, stats: Arc<PortStats>) -> Port {
        let registry = Arc::new(Registry::new(limits.clone(), stats));
        Port { limits, registry }
    }

    /// Accepts connections and hands each to `take`, until `stop` completes. Closes the port then.
    pub async fn accept(
        &self,
        listener: TcpListener,
        stop: impl Future<Output = ()>,
        mut take: impl FnMut(Arrival),
    ) {
        let mut stop = std::pin::pin!(stop);
        let mut watch = self.ticks();
        let mut paused_until = None;
        let mut arrived: Option<(TcpStream, SocketAddr)> = None;
        loop {
            let waiting = arrived.as_ref().map(|(_, from)| *from);
            tokio::select! {
                biased;
                () = &mut stop => return,
                _ = watch.tick() => self.registry.watch(),
                () = pause(paused_until) => paused_until = None,
                from = self.room_for(waiting) => {
                    if let Some((stream, _)) = arrived.take() {
                        take(Arrival { stream, from, place: self.enter(from) });
                    }
                }
                accepted = listener.accept(), if waiting.is_none() && paused_until.is_none() => match accepted {
                    Ok(next) => arrived = Some(next),
                    Err(error) => paused_until = self.after_accept_error(&error),
                },
            }
        }
    }

    /// Completes once there is room for the connection that has arrived, and returns its address.
    async fn room_for(&self, arrived: Option<SocketAddr>) -> SocketAddr {
        let Some(from) = arrived else { return std::future::pending().await };
        self.registry.takes_more().await;
        self.registry.has_room(Source::from(from.ip())).await;
        from
    }

    fn enter(&self, from: SocketAddr) -> Place {
        let (id, control) = self.registry.enter(Source::from(from.ip()));
        let registry = Arc::clone(&self.registry);
        Place(PlaceHandle { id, registry, control })
    }

    /// Orders every connection to finish its requests and close, until `quiet` completes or
    /// `timeout` is over. Returns whether `quiet` completed.
    pub async fn drain(&self, timeout: Duration, quiet: impl Future<Output = ()>) -> bool {
        self.registry.order_all(Order::Finish);
        let deadline = Instant::now() + timeout;
        let mut quiet = std::pin::pin!(quiet);
        let mut watch = self.ticks();
        loop {
            tokio::select! {
                biased;
                () = &mut quiet => return true,
                () = tokio::time::sleep_until(deadline) => return false,
                // Slow clients are cut in a drain as at any other time.
                _ = watch.tick() => self.registry.watch(),
            }
        }
    }

    /// Ends every connection at once.
    pub fn cut_all(&self) {
        self.registry.order_all(Order::Cut);
    }

    fn ticks(&self) -> tokio::time::Interval {
        let mut ticks = tokio::time::interval(self.limits.tick());
        // A late tick must not be followed by a burst that ages every connection at once.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    }

    /// Returns the time from which connections are accepted again. Errors of the one connection
    /// that was being accepted need no pause; any other error would repeat at once and turn the
    /// loop into a spin.
    fn after_accept_error(&self, error: &io::Error) -> Option<Instant> {
        let of_the_client = matches!(
            error.kind(),
            io::ErrorKind::ConnectionAborted
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::Interrupted
        );
        if of_the_client {
            return None;
        }
        let port = self.limits.name;
        tracing::warn!(port, %error, "can't accept connections; trying again shortly");
        Some(Instant::now() + ACCEPT_PAUSE)
    }
}

impl fmt::Debug for Port {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Port").field("limits", &self.limits).finish_non_exhaustive()
    }
}

async fn pause(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// A connection's place in its port, given back when this is dropped.
#[derive(Debug)]
pub struct Place(PlaceHandle);

impl Place {
    /// Returns a handle for the task that serves the connection's requests. The place may be given
    /// back before the handle is dropped.
    pub fn handle(&self) -> PlaceHandle {
        self.0.clone()
    }

    fn control(&self) -> &Arc<Control> {
        &self.0.control
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.registry.leave(self.0.id);
    }
}

/// A handle to a connection's place, for the task that serves its requests. Cheap to clone.
#[derive(Clone)]
pub struct PlaceHandle {
    id: u64,
    registry: Arc<Registry>,
    control: Arc<Control>,
}

impl PlaceHandle {
    /// Begins a request. It ends when the guard is dropped, which is when its answer has left.
    pub fn begin(&self, http2: bool) -> Running {
        Running::begin(&self.control, http2)
    }

    /// Makes the connection a known one, counted as `holder`'s with `weight`, if there is a place.
    /// Returns whether the connection is known now. It stays with the first holder.
    pub fn know(&self, holder: Holder, weight: u32) -> bool {
        self.control.is_known() || self.registry.know(self.id, holder, weight)
    }

    /// Ends the connection: [`Order::Finish`] once its requests are answered, [`Order::Cut`] at once.
    pub fn order(&self, order: Order) {
        self.control.give(order);
    }

    /// Notes that the connection's task runs for the first time.
    fn task_begins(&self) {
        self.registry.settle();
    }

    pub(crate) fn control(&self) -> &Arc<Control> {
        &self.control
    }

    pub(crate) fn stats(&self) -> &Arc<PortStats> {
        self.registry.stats()
    }
}

impl fmt::Debug for PlaceHandle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PlaceHandle")
            .field("id", &self.id)
            .field("control", &self.control)
            .finish_non_exhaustive()
    }
}
