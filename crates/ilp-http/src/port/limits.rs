//! Every bound of a port, in one place.

use std::time::Duration;

/// The bounds of a [`Port`](super::Port).
#[derive(Clone, Debug)]
pub struct PortLimits {
    /// Names the port in the log, such as `admin`.
    pub name: &'static str,
    /// The maximum weight of known connections: see [`Holder`](super::Holder).
    pub known_max: u32,
    /// The maximum number of strangers' connections. One more ends the oldest connection of the
    /// source that has the most of them.
    pub strangers_max: u32,
    /// The time for which a connection may stay a stranger's; `None` where it may for as long as
    /// the other timeouts allow.
    pub stranger_timeout: Option<Duration>,
    /// The time from the first byte of a request, or from the connection's begin, to the end of the
    /// head.
    pub head_timeout: Duration,
    /// The time from the end of the head to the end of the body.
    pub body_timeout: Duration,
    /// The time for which a connection may be without a request.
    pub idle_timeout: Duration,
    /// The time for which a client may take no byte that is sent to it. A reply that waits for its
    /// client ends the connection after at most twice as long.
    pub take_timeout: Duration,
}

/// The number of ticks within the shortest timeout; the tick's bounds follow. One tick for all
/// connections costs nothing per request, while a timer per request costs 1,400 instructions. A
/// timeout fires up to two ticks late.
const TICKS_PER_TIMEOUT: u32 = 4;
const TICK_MIN: Duration = Duration::from_millis(5);
const TICK_MAX: Duration = Duration::from_secs(1);

impl PortLimits {
    /// Returns the interval at which connections are checked.
    pub(super) fn tick(&self) -> Duration {
        let timeouts = [self.head_timeout, self.body_timeout, self.idle_timeout, self.take_timeout];
        let shortest = timeouts.into_iter().chain(self.stranger_timeout).min();
        (shortest.unwrap_or(TICK_MAX) / TICKS_PER_TIMEOUT).clamp(TICK_MIN, TICK_MAX)
    }

    /// Returns the number of ticks that a timeout takes, rounded up.
    pub(super) fn ticks(&self, timeout: Duration) -> u32 {
        let ticks = timeout.as_nanos().div_ceil(self.tick().as_nanos());
        u32::try_from(ticks).unwrap_or(u32::MAX)
    }
}
