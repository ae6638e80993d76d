//! A step of the wall clock, as the pages show it.

use interledger_packet::Timestamp;

/// A step of the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockStep {
    /// The time at which the step was noticed, by the clock after the step.
    pub noticed_at: Timestamp,
    /// The step in milliseconds; negative when the clock was set back.
    pub by_ms: i64,
}
