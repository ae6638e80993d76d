//! A sample of the packets that end here, for clients that watch packets.
//!
//! A client asks for a number of packets, and asks again after a while. Packets that end in between
//! are recorded until there are as many; later ones are only counted. So the cost of recording is
//! bounded by the client, not by the number of packets. While no client watches, each packet only
//! reads one word, which doesn't change.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use interledger_packet::{ErrorCode, Timestamp};
use parking_lot::Mutex;
use uuid::Uuid;

use crate::{peer::Asset, refusal::Refusal, traffic::AssetName};

/// The most packets that are recorded between two calls of [`Sampler::ask`].
pub const SAMPLES_MAX: u32 = 1_000;

/// The value of `wanted` while no client watches: so far below zero that no number of packets which
/// see an older value, and count down from it, comes near either end.
const NOBODY: i64 = i64::MIN / 2;

/// A packet that has ended. Neither its data nor its address is recorded: both may be a secret of
/// payer and payee, and neither says anything about this node.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The time of its end.
    pub at: Timestamp,
    /// Its source.
    pub from: Party,
    /// Its target; `None` when it was refused before it was sent on.
    pub to: Option<Party>,
    /// The amount that it carried when it arrived, in the smallest unit of its source's asset.
    pub amount_in: u64,
    /// The amount that it carried when it was sent on, in the smallest unit of its target's asset;
    /// zero when it was not sent on.
    pub amount_out: u64,
    /// The outcome.
    pub outcome: Outcome,
}

/// The source or the target of a packet.
#[derive(Clone, Debug, Default)]
pub enum Party {
    /// A peer.
    Peer {
        /// The peer's id.
        id: Uuid,
        /// The asset of the peer's account.
        asset: Arc<Asset>,
    },
    /// The accounts of this node in one asset.
    Accounts(AssetName),
    /// This node itself, with packets that move no money.
    #[default]
    Node,
}

/// The outcome of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A Fulfill.
    Fulfilled,
    /// A Reject of a later node, with this code.
    Rejected(ErrorCode),
    /// A Reject of this node, for this reason.
    Refused(Refusal),
}

/// The packets that have ended since the last call of [`Sampler::ask`].
#[derive(Debug, Default)]
pub struct Samples {
    /// The recorded packets, in their order.
    pub packets: Vec<Sample>,
    /// The number of packets that were not recorded.
    pub passed_over: u64,
}

/// Records packets for the samples.
#[derive(Debug)]
pub struct Sampler {
    /// The number of packets still to be recorded. Below zero it counts those that were not.
    wanted: AtomicI64,
    /// The number of packets to be recorded that could not be.
    missed: AtomicU64,
    /// The recorded packets. A client locks this to take them, and each recorded packet locks it to
    /// write a few words. No packet waits for the lock: one that finds it taken is only counted.
    taken: Mutex<Taken>,
}

#[derive(Debug)]
struct Taken {
    packets: Vec<Sample>,
    /// Gives the time of a packet's end. The core keeps no clock, so the client brings one.
    clock: fn() -> Timestamp,
}

impl Default for Sampler {
    fn default() -> Self {
        let taken = Taken { packets: Vec::new(), clock: || Timestamp::from_unix_ms(0) };
        Self { wanted: AtomicI64::new(NOBODY), missed: AtomicU64::new(0), taken: Mutex::new(taken) }
    }
}

impl Sampler {
    /// Returns the packets since the last call, and has at most `most` more recorded, but never
    /// more than [`SAMPLES_MAX`]. The first call returns none.
    pub fn ask(&self, most: u32, clock: fn() -> Timestamp) -> Samples {
        let most = most.min(SAMPLES_MAX);
        let mut taken = self.taken.lock();
        // Here, so that no packet has to allocate.
        let room = Vec::with_capacity(usize::try_from(most).unwrap_or(0));
        let packets = std::mem::replace(&mut taken.packets, room);
        taken.clock = clock;
        // Relaxed: a packet that sees the number without the room for it is passed over, since it
        // doesn't get the lock or finds no room.
        let left = self.wanted.swap(i64::from(most), Ordering::Relaxed);
        let unwanted = if is_nobody(left) { 0 } else { left.min(0).unsigned_abs() };
        let missed = self.missed.swap(0, Ordering::Relaxed);
        Samples { packets, passed_over: unwanted.saturating_add(missed) }
    }

    /// Stops recording, once no client watches any more.
    pub fn stop(&self) {
        let mut taken = self.taken.lock();
        self.wanted.store(NOBODY, Ordering::Relaxed);
        self.missed.store(0, Ordering::Relaxed);
        taken.packets = Vec::new();
    }

    /// Takes a packet that ends now, if one is wanted. Relaxed: it orders nothing, and one packet
    /// more or less makes no difference to a sample.
    #[inline]
    pub(crate) fn offer(&self, sample: impl FnOnce(Timestamp) -> Sample) {
        if !is_nobody(self.wanted.load(Ordering::Relaxed)) {
            self.take(sample);
        }
    }

    #[cold]
    fn take(&self, sample: impl FnOnce(Timestamp) -> Sample) {
        if self.wanted.fetch_sub(1, Ordering::Relaxed) <= 0 {
            return;
        }
        if let Some(mut taken) = self.taken.try_lock()
            && taken.packets.len() < taken.packets.capacity()
        {
            let now = (taken.clock)();
            taken.packets.push(sample(now));
        } else {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn is_nobody(wanted: i64) -> bool {
    wanted < NOBODY / 2
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::testing::now;

    fn sample(amount_in: u64) -> impl Fn(Timestamp) -> Sample {
        move |at| Sample {
            at,
            from: Party::Node,
            to: None,
            amount_in,
            amount_out: 0,
            outcome: Outcome::Refused(Refusal::NoRoute),
        }
    }

    fn amounts(samples: &Samples) -> Vec<u64> {
        samples.packets.iter().map(|sample| sample.amount_in).collect()
    }

    #[test]
    fn as_many_are_taken_as_were_asked_for_and_the_rest_is_counted() {
        let sampler = Sampler::default();
        let offer =
            |amounts: std::ops::Range<u64>| amounts.for_each(|it| sampler.offer(sample(it)));
        offer(0..5);
        let nothing = sampler.ask(3, now);
        assert_eq!((amounts(&nothing), nothing.passed_over), (vec![], 0), "nobody had asked");
        offer(5..7);
        let some = sampler.ask(3, now);
        assert_eq!((amounts(&some), some.passed_over), (vec![5, 6], 0));
        assert_eq!(some.packets[0].at, now());
        offer(7..17);
        let some = sampler.ask(3, now);
        assert_eq!((amounts(&some), some.passed_over), (vec![7, 8, 9], 7));
        offer(17..19);
        sampler.stop();
        offer(19..30);
        let nothing = sampler.ask(3, now);
        assert_eq!((amounts(&nothing), nothing.passed_over), (vec![], 0));
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for_and_none_is_waited_for() {
        let sampler = Sampler::default();
        sampler.ask(u32::MAX, now);
        let most = u64::from(SAMPLES_MAX);
        (0..most + 5).for_each(|amount| sampler.offer(sample(amount)));
        let all = sampler.ask(1, now);
        assert_eq!((all.packets.len() as u64, all.passed_over), (most, 5));
        let somebody_reads = sampler.taken.lock();
        sampler.offer(sample(1));
        drop(somebody_reads);
        assert_eq!(sampler.ask(1, now).passed_over, 1);
    }

    #[test]
    fn every_packet_of_many_threads_is_taken_or_counted() {
        const THREADS: u64 = 4;
        const PACKETS: u64 = 2_000;
        let sampler = Sampler::default();
        sampler.ask(10, now);
        let mut seen = 0;
        let mut add = |samples: Samples| seen += samples.packets.len() as u64 + samples.passed_over;
        thread::scope(|scope| {
            let offer = || (0..PACKETS).for_each(|amount| sampler.offer(sample(amount)));
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(offer)).collect();
            while !threads.iter().all(thread::ScopedJoinHandle::is_finished) {
                add(sampler.ask(10, now));
            }
        });
        add(sampler.ask(10, now));
        assert_eq!(seen, THREADS * PACKETS);
    }
}
