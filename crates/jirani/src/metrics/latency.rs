//! The parts of a packet's time: the node's own work, the next hop, the disk.

use std::{
    future::poll_fn,
    pin::Pin,
    time::{Duration, Instant},
};

use ilp_connector::histogram::{Durations, Histogram};

/// The times of the packets of one thread. Each thread has its own, so that counting is never
/// contended; they are added up on request.
#[derive(Debug, Default)]
pub(crate) struct Latency {
    total: Histogram,
    own: Histogram,
    next_hop: Histogram,
    durability: Histogram,
}

/// The sums of all threads' histograms.
#[derive(Debug, Default)]
pub(super) struct Latencies {
    pub(super) total: Durations,
    pub(super) own: Durations,
    pub(super) next_hop: Durations,
    pub(super) durability: Durations,
}

/// Times one packet. The clock is read when the packet arrives and when its answer leaves, twice
/// around the wait for the next hop, and once more where the packet waits for the disk: at most
/// five times, some 25 ns each. A packet that is refused here costs two.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    started: Instant,
    /// The wait for next hops; `None` for a packet that was not sent on.
    next_hop: Option<Asking>,
    /// The begin of the wait for the disk, which ends with the packet; `None` for a packet that had
    /// nothing to wait for.
    durable_since: Option<Instant>,
}

/// The wait for next hops, one after the other.
#[derive(Clone, Copy, Debug)]
struct Asking {
    first_asked: Instant,
    last_done: Instant,
    waited: Duration,
}

/// The times of a packet that has been answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) total: Duration,
    pub(crate) own: Duration,
    pub(crate) next_hop: Option<Duration>,
    pub(crate) durability: Option<Duration>,
    /// The begin and the end of the wait for next hops, counted from the packet's arrival.
    #[cfg_attr(
        not(any(test, feature = "otlp")),
        expect(dead_code, reason = "spans alone tell it")
    )]
    pub(crate) asking: Option<(Duration, Duration)>,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self { started: Instant::now(), next_hop: None, durable_since: None }
    }

    /// Ends the wait for a next hop that was `asked` then. A packet may wait for several, one after
    /// the other.
    // A future around the other one would hold it twice: where it is moved from and where it is
    // moved to.
    pub(crate) fn next_hop_done(&mut self, asked: Instant) {
        let done = Instant::now();
        let before =
            self.next_hop.map_or((asked, Duration::ZERO), |it| (it.first_asked, it.waited));
        let (first_asked, waited) = (before.0, before.1 + (done - asked));
        self.next_hop = Some(Asking { first_asked, last_done: done, waited });
    }

    /// Waits for a transfer to be durable. The time before the first wait is the node's own work;
    /// after it there is none.
    pub(crate) async fn durability<T>(
        &mut self,
        mut completing: impl Future<Output = T> + Unpin,
    ) -> T {
        let since = &mut self.durable_since;
        poll_fn(|context| {
            let polled = Pin::new(&mut completing).poll(context);
            if polled.is_pending() {
                since.get_or_insert_with(Instant::now);
            }
            polled
        })
        .await
    }

    /// Ends the time of a packet that is answered.
    pub(crate) fn stop(self) -> Times {
        let now = Instant::now();
        let total = now - self.started;
        let next_hop = self.next_hop.map(|asking| asking.waited);
        let durability = self.durable_since.map(|since| now - since);
        let waited = next_hop.unwrap_or_default() + durability.unwrap_or_default();
        let asking = self.next_hop.map(|Asking { first_asked, last_done, .. }| {
            (first_asked - self.started, last_done - self.started)
        });
        Times { total, own: total.saturating_sub(waited), next_hop, durability, asking }
    }
}

impl Latency {
    /// Counts a packet.
    pub(crate) fn record(&self, times: &Times) {
        record(&self.total, times.total);
        record(&self.own, times.own);
        times.next_hop.into_iter().for_each(|took| record(&self.next_hop, took));
        times.durability.into_iter().for_each(|took| record(&self.durability, took));
    }
}

impl Latency {
    /// Returns the times of packets from their arrival to their answer.
    pub(crate) fn total(&self) -> Durations {
        self.total.durations()
    }
}

impl Latencies {
    pub(super) fn add(&mut self, latency: &Latency) {
        self.total.add(&latency.total.durations());
        self.own.add(&latency.own.durations());
        self.next_hop.add(&latency.next_hop.durations());
        self.durability.add(&latency.durability.durations());
    }
}

fn record(histogram: &Histogram, took: Duration) {
    histogram.record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_on(future: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.unwrap().block_on(future);
    }

    #[test]
    fn each_wait_is_counted_where_it_belongs_and_the_rest_is_our_own_work() {
        const WAIT: Duration = Duration::from_millis(20);
        let latency = Latency::default();
        block_on(async {
            let mut stopwatch = Stopwatch::start();
            for _ in 0..2 {
                let asked = Instant::now();
                tokio::time::sleep(WAIT).await;
                stopwatch.next_hop_done(asked);
            }
            stopwatch.durability(Box::pin(tokio::time::sleep(WAIT))).await;
            let times = stopwatch.stop();
            let (asked, done) = times.asking.unwrap();
            assert!(
                done - asked >= times.next_hop.unwrap(),
                "both next hops, and what was between"
            );
            assert!(done + times.durability.unwrap() <= times.total);
            latency.record(&times);
        });
        let mut told = Latencies::default();
        told.add(&latency);
        // The runtime's timer counts in whole milliseconds.
        let wait_ns = u64::try_from(WAIT.as_nanos()).unwrap() - 1_000_000;
        for (durations, waits) in
            [(&told.total, 3), (&told.own, 0), (&told.next_hop, 2), (&told.durability, 1)]
        {
            assert_eq!(durations.count(), 1);
            assert!(durations.sum_ns >= waits * wait_ns, "{durations:?}");
        }
        let parts = told.own.sum_ns + told.next_hop.sum_ns + told.durability.sum_ns;
        assert_eq!(parts, told.total.sum_ns);
    }

    #[test]
    fn what_a_packet_did_not_wait_for_is_not_counted() {
        let latency = Latency::default();
        block_on(async {
            latency.record(&Stopwatch::start().stop());
            let mut stopwatch = Stopwatch::start();
            stopwatch.durability(std::future::ready(())).await;
            latency.record(&stopwatch.stop());
        });
        let mut told = Latencies::default();
        told.add(&latency);
        let counts = [told.total, told.own, told.next_hop, told.durability].map(|d| d.count());
        assert_eq!(counts, [2, 2, 0, 0]);
    }
}
