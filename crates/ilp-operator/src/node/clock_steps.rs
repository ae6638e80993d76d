//! The node's reaction when the machine's clock is set, which the daemon notices.

use crate::node::{clock_step::ClockStep, operator::Operator};

impl Operator {
    /// Records that the wall clock was set by so many milliseconds: rates keep their age, and tasks
    /// that sleep until some time of the wall clock check it again.
    pub fn clock_stepped(&self, by_ms: i64) {
        let inner = &self.inner;
        let noticed_at = (inner.parts.clock)();
        tracing::warn!(
            by_ms,
            "the machine's clock was set: ages and pauses go on as they were, and deadlines are \
             those of the new time"
        );
        inner.parts.connector.rates().clock_stepped(by_ms);
        *inner.clock_step.lock() = Some(ClockStep { noticed_at, by_ms });
        inner.withdrawal_made.notify_one();
        inner.wallets.incoming_payment_made.notify_one();
        inner.parts.event_made.notify_one();
    }

    /// Returns the last step of the wall clock since the start.
    #[must_use]
    pub fn clock_step(&self) -> Option<ClockStep> {
        *self.inner.clock_step.lock()
    }

    /// Returns how long the node has been running, in milliseconds, by the monotonic clock.
    #[must_use]
    pub fn uptime_ms(&self) -> u64 {
        u64::try_from(self.inner.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
