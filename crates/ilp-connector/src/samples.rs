//! A sample of the packets that end here, for whoever looks on.
//!
//! Whoever wants to see some asks for a number of them, and asks again after a while. The packets
//! that end meanwhile are taken until there are as many; those after them are only counted. So what
//! a packet may cost is bounded by who asks, not by how many packets there are. While nobody asks,
//! it costs each packet the look at one word, which then stays the same.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use interledger_packet::{ErrorCode, Timestamp};
use parking_lot::Mutex;
use uuid::Uuid;

use crate::{peer::Asset, refusal::Refusal, traffic::AssetName};

/// The most that is taken between one asking and the next.
pub const SAMPLES_MAX: u32 = 1_000;

/// The value of `wanted` while no client watches: so far below zero that no number of packets which
/// see an older value, and count down from it, comes near either end.
const NOBODY: i64 = i64::MIN / 2;

/// A packet that has ended. Neither its data nor its address is kept: both may be a secret of those
/// who pay each other, and neither says anything about this node.
#[derive(Clone, Debug)]
pub struct Sample {
    /// When it ended.
    pub at: Timestamp,
    /// Where it came from.
    pub from: Party,
    /// Where it went; `None` when it was refused before it went anywhere.
    pub to: Option<Party>,
    /// The amount that it carried when it came, in the smallest unit of its source's asset.
    pub amount_in: u64,
    /// The amount that it carried from here, in the smallest unit of the asset where it went; zero
    /// when it went nowhere.
    pub amount_out: u64,
    /// How it ended.
    pub outcome: Outcome,
}

/// Where packets come from, or go to.
#[derive(Clone, Debug, Default)]
pub enum Party {
    /// A peer.
    Peer {
        /// The peer's id.
        id: Uuid,
        /// The asset that the account counts in.
        asset: Arc<Asset>,
    },
    /// The accounts of this node in one asset.
    Accounts(AssetName),
    /// This node itself, with questions that move no money.
    #[default]
    Node,
}

/// How a packet ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With a Fulfill.
    Fulfilled,
    /// With a Reject of a node further on, and this code.
    Rejected(ErrorCode),
    /// With a Reject of our own, for this reason.
    Refused(Refusal),
}

/// The packets that have ended since the samples were last asked for.
#[derive(Debug, Default)]
pub struct Samples {
    /// Some of the packets, in their order.
    pub packets: Vec<Sample>,
    /// How many more there were.
    pub passed_over: u64,
}

/// Takes the samples.
#[derive(Debug)]
pub struct Sampler {
    /// How many more are wanted. Below zero it counts those that weren't.
    wanted: AtomicI64,
    /// Packets that were wanted and could not be kept.
    missed: AtomicU64,
    /// Taken by whoever asks, and for a few words by each of the packets that are wanted. No packet
    /// waits for it: one that finds it taken is passed over.
    taken: Mutex<Taken>,
}

#[derive(Debug)]
struct Taken {
    packets: Vec<Sample>,
    /// Tells when a packet ends: the core keeps no clock, so whoever asks brings one.
    clock: fn() -> Timestamp,
}

impl Default for Sampler {
    fn default() -> Self {
        let taken = Taken { packets: Vec::new(), clock: || Timestamp::from_unix_ms(0) };
        Self { wanted: AtomicI64::new(NOBODY), missed: AtomicU64::new(0), taken: Mutex::new(taken) }
    }
}

impl Sampler {
    /// Takes the samples since the last call, and asks for at most `most` more, [`SAMPLES_MAX`] at
    /// the utmost. The first call returns none.
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

    /// Nobody looks on any more.
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
