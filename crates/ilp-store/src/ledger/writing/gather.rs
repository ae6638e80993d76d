//! For how many transfers a batch waits before it is written.
//!
//! A commit costs the same whether it has one transfer or fifty: some 40 us of CPU and a sync, and
//! twice as much where the cores sleep in between. When many packets are under way, a batch that
//! waits for a few more of them makes each cheaper; when a sender waits for each answer before it
//! sends the next packet, waiting is in vain. Which of the two it is shows in the batches before: what
//! came while the last one was being written would have come while it was gathering. So nothing
//! gathers until some transfers have come together by themselves.
//!
//! With too many in one batch, so many of those that are under way wait at the same time that both
//! cores idle: of 64 packets, 48 in a batch made a commit cheapest and the rate a tenth lower. A
//! quarter of what is under way costs no rate, and what comes slowly may gather up to [`ENOUGH`].

use std::time::Duration;

/// How long the writer waits for a batch at the most. At 10,000 transfers a second it is what makes
/// batches of twenty: 1 ms makes a packet's latency 0.5 ms shorter there, and its CPU a tenth more.
pub(in crate::ledger) const GATHER_MAX: Duration = Duration::from_millis(2);

/// A batch of so many is written at once, unless it is less than a quarter of what is under way.
const ENOUGH: usize = 20;

/// While no more than so many come together, none waits: their senders get their answers sooner, and
/// there are too few for commits to be what a node spends its time on.
const FEW: usize = 3;

/// How many batches are remembered.
const REMEMBERED: usize = 8;

/// How large the last batches were.
#[derive(Debug, Default)]
pub(crate) struct Gather {
    last: [usize; REMEMBERED],
    next: usize,
}

impl Gather {
    /// Notes how many were taken in a batch.
    pub(in crate::ledger) fn took(&mut self, count: usize) {
        if let Some(oldest) = self.last.get_mut(self.next) {
            *oldest = count;
        }
        self.next = (self.next + 1) % REMEMBERED;
    }

    /// For how many the next batch waits, with so many transfers under way. What is under way may be
    /// held up at a next hop for long, so it counts no more than the last batches bear out.
    pub(in crate::ledger) fn wanted(&self, under_way: usize) -> usize {
        let largest = self.last.iter().copied().max().unwrap_or(0);
        if largest <= FEW {
            return 1;
        }
        // Not quite the largest, since those who come at once are never quite as many twice. So it
        // falls as soon as fewer come.
        let most = largest.saturating_mul(7).div_ceil(8).min(ENOUGH);
        most.max(largest.saturating_mul(2).min(under_way / 4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_never_wait() {
        let mut gather = Gather::default();
        assert_eq!(gather.wanted(1), 1);
        for took in 1..=FEW {
            gather.took(took);
            // Not even for a thousand that a next hop doesn't answer.
            assert_eq!(gather.wanted(1_000), 1);
        }
    }

    #[test]
    fn wants_most_of_those_that_came_together_up_to_enough() {
        let mut gather = Gather::default();
        for (took, wanted) in [(3, 1), (4, 4), (8, 7), (5, 7), (usize::MAX, ENOUGH)] {
            gather.took(took);
            assert_eq!(gather.wanted(10), wanted, "after {took}");
        }
    }

    #[test]
    fn wants_a_quarter_of_what_is_under_way_as_far_as_it_comes() {
        let mut gather = Gather::default();
        gather.took(30);
        for (under_way, wanted) in [(64, ENOUGH), (200, 50), (256, 60), (10_000, 60)] {
            assert_eq!(gather.wanted(under_way), wanted, "of {under_way}");
        }
    }

    #[test]
    fn forgets_a_crowd_that_has_left() {
        let mut gather = Gather::default();
        gather.took(64);
        for _ in 0..REMEMBERED {
            assert_eq!(gather.wanted(64), ENOUGH);
            gather.took(1);
        }
        assert_eq!(gather.wanted(64), 1);
    }
}
