//! Every bound of a port, in one place.

use std::time::Duration;

/// The bounds of a [`Port`](super::Port).
#[derive(Clone, Debug)]
pub struct PortLimits {
    /// Names the port in the log, such as `admin`.
    pub name: &'static str,
    /// Connections at once that have shown who they are, by weight: see [`Holder`](super::Holder).
    pub known_max: u32,
    /// Connections at once that have shown nothing yet. One more ends the oldest one of the source
    /// that has the most of them.
    pub strangers_max: u32,
    /// How long a connection may stay without having shown who it is; `None` where connections may
    /// stay strangers for as long as the other timeouts allow.
    pub stranger_timeout: Option<Duration>,
    /// From the first byte of a request, or from the connection's begin, to the end of the head.
    pub head_timeout: Duration,
    /// From the end of the head to the end of the body.
    pub body_timeout: Duration,
    /// How long a connection may be without a request.
    pub idle_timeout: Duration,
    /// How long a client may take nothing of what is sent to it. A reply that waits for its client
    /// ends the connection after at most twice as long.
    pub take_timeout: Duration,
}

/// Timeouts are looked at this often at most and at least, and four times within the shortest: one
/// tick for all connections costs nothing per request, where a timer per request costs 1,400
/// instructions. A timeout fires up to two ticks late.
const TICKS_PER_TIMEOUT: u32 = 4;
const TICK_MIN: Duration = Duration::from_millis(5);
const TICK_MAX: Duration = Duration::from_secs(1);

impl PortLimits {
    /// How often connections are looked at.
    pub(super) fn tick(&self) -> Duration {
        let timeouts = [self.head_timeout, self.body_timeout, self.idle_timeout, self.take_timeout];
        let shortest = timeouts.into_iter().chain(self.stranger_timeout).min();
        (shortest.unwrap_or(TICK_MAX) / TICKS_PER_TIMEOUT).clamp(TICK_MIN, TICK_MAX)
    }

    /// How many ticks a timeout takes, rounded up.
    pub(super) fn ticks(&self, timeout: Duration) -> u32 {
        let ticks = timeout.as_nanos().div_ceil(self.tick().as_nanos());
        u32::try_from(ticks).unwrap_or(u32::MAX)
    }
}
