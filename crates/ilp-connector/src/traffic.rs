//! What passes through the node, counted for each peer.
//!
//! A packet is counted on two sides: where it came from and where it went. On each side it begins
//! once and ends once, so what is under way is what has begun and not ended. One that could not be
//! sent and goes to another next hop is counted there instead. Counters start at zero with the
//! process; money is counted by the [ledger](crate::ledger), which forgets nothing.
//!
//! The cost for a packet that is forwarded is four additions when it begins and four when it ends,
//! each to memory of its own peer, and a reference to the peer on either side. There is no lock and no
//! allocation.

mod causes;
mod departed;
mod passage;

use std::{
    ops::AddAssign,
    sync::atomic::{AtomicU64, Ordering},
};

pub(crate) use self::departed::{Departed, name};
pub use self::{
    causes::Causes,
    departed::AssetName,
    passage::{Counted, OwnTraffic, Passage},
};

/// Packets, and what they carried together, in the smallest unit of the asset that they are
/// counted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// How many packets.
    pub packets: u64,
    /// How much they carried.
    pub amount: u128,
}

/// The packets of one side, by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// Answered with a Fulfill, and so paid for.
    pub fulfilled: Count,
    /// Answered with a Reject by a node further on.
    pub rejected: Count,
    /// Answered with a Reject of our own: before they were sent on, or since the next hop gave no
    /// valid reply.
    pub refused: Count,
    /// Sent on, and not answered yet.
    pub in_flight: Count,
}

/// What the counters of a peer say at some moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flows {
    /// Packets that came from it. The amounts are what it was to pay.
    pub incoming: Flow,
    /// Packets that were sent to it. The amounts are what it was to be paid.
    pub outgoing: Flow,
    /// How often no reply came from it, also for packets that then went to another one.
    pub link_failures: u64,
}

/// The counters of one peer, or of the node itself. They outlive a change of terms, and the peer
/// is there for as long as one of its packets is under way.
//
// In this order, what a packet counts on one side, its begin and its Fulfill, lies in one line of a
// peer's memory; see there.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Traffic {
    link_failures: AtomicU64,
    pub(crate) incoming: Side,
    /// Packets that were refused before they were sent on.
    turned_away: Tally,
    pub(crate) outgoing: Side,
    /// Packets to here that could not be sent and went to another next hop.
    gone_elsewhere: Tally,
}

/// How a packet that was sent on ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With a Fulfill.
    Fulfilled,
    /// With a Reject of a node further on.
    Rejected,
    /// With a Reject of our own.
    Refused,
}

#[derive(Debug, Default)]
#[repr(C, align(16))]
pub(crate) struct Side {
    begun: Tally,
    fulfilled: Tally,
    rejected: Tally,
    refused: Tally,
}

/// A [`Count`] that is still counting.
#[derive(Debug, Default)]
struct Tally {
    packets: AtomicU64,
    amount_low: AtomicU64,
    /// How often `amount_low` has gone round: probes of 10^12 units that nobody means to fulfill
    /// take it there within a day.
    amount_high: AtomicU64,
}

impl Traffic {
    /// What was counted so far.
    #[must_use]
    pub fn flows(&self) -> Flows {
        let mut incoming = self.incoming.flow();
        incoming.refused += self.turned_away.count();
        // Before what has begun is, so that what is under way is never told too low.
        let gone_elsewhere = self.gone_elsewhere.count();
        let mut outgoing = self.outgoing.flow();
        outgoing.in_flight = outgoing.in_flight.without(gone_elsewhere);
        Flows { incoming, outgoing, link_failures: self.link_failures.load(Ordering::Relaxed) }
    }

    /// Reads a word of what a packet from here counts, and one of what a packet to here does.
    pub(crate) fn fetch(&self) -> [u64; 2] {
        [&self.incoming, &self.outgoing].map(|side| side.begun.packets.load(Ordering::Relaxed))
    }

    /// Counts a packet from here that was refused before it was sent on.
    pub(crate) fn turned_away(&self, amount: u64) {
        self.turned_away.add(amount);
    }

    /// Counts that no reply came from here.
    pub(crate) fn link_failed(&self) {
        self.link_failures.fetch_add(1, Ordering::Relaxed);
    }
}

impl Side {
    fn ended(&self, ending: Ending) -> &Tally {
        match ending {
            Ending::Fulfilled => &self.fulfilled,
            Ending::Rejected => &self.rejected,
            Ending::Refused => &self.refused,
        }
    }

    fn flow(&self) -> Flow {
        let [fulfilled, rejected, refused] =
            [&self.fulfilled, &self.rejected, &self.refused].map(Tally::count);
        let begun = self.begun.count();
        let in_flight = [fulfilled, rejected, refused].into_iter().fold(begun, Count::without);
        Flow { fulfilled, rejected, refused, in_flight }
    }
}

// Relaxed throughout: the numbers are for display, and nothing is decided by them. A reader may see
// a packet whose amount isn't added yet, and once in 2^64 units a sum whose carry isn't.
impl Tally {
    fn add(&self, amount: u64) {
        self.packets.fetch_add(1, Ordering::Relaxed);
        if amount == 0 {
            return;
        }
        let before = self.amount_low.fetch_add(amount, Ordering::Relaxed);
        if before.checked_add(amount).is_none() {
            self.amount_high.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn count(&self) -> Count {
        let load = |counter: &AtomicU64| u128::from(counter.load(Ordering::Relaxed));
        let amount = load(&self.amount_high) << u64::BITS | load(&self.amount_low);
        Count { packets: self.packets.load(Ordering::Relaxed), amount }
    }
}

impl Count {
    fn without(self, other: Self) -> Self {
        Self {
            packets: self.packets.saturating_sub(other.packets),
            amount: self.amount.saturating_sub(other.amount),
        }
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.packets += other.packets;
        self.amount += other.amount;
    }
}

impl AddAssign for Flow {
    fn add_assign(&mut self, other: Self) {
        self.fulfilled += other.fulfilled;
        self.rejected += other.rejected;
        self.refused += other.refused;
        self.in_flight += other.in_flight;
    }
}

impl Flow {
    /// Packets of any fate, those under way included.
    #[must_use]
    pub fn packets(&self) -> u64 {
        [self.fulfilled, self.rejected, self.refused, self.in_flight]
            .iter()
            .map(|count| count.packets)
            .sum()
    }
}

impl AddAssign for Flows {
    fn add_assign(&mut self, other: Self) {
        self.incoming += other.incoming;
        self.outgoing += other.outgoing;
        self.link_failures += other.link_failures;
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, thread};

    use proptest::prelude::*;

    use super::*;

    fn own(traffic: &Arc<OwnTraffic>) -> Counted {
        Counted::Own(Arc::clone(traffic))
    }

    fn begin(
        source: &Arc<OwnTraffic>,
        destination: &Arc<OwnTraffic>,
        amount_in: u64,
        amount_out: u64,
    ) -> Passage {
        Passage::begin(own(source), own(destination), amount_in, amount_out)
    }

    fn count(packets: u64, amount: u128) -> Count {
        Count { packets, amount }
    }

    #[test]
    fn a_packet_is_in_flight_until_it_ends_and_then_counted_once_on_either_side() {
        let (alice, bob) = (Arc::<OwnTraffic>::default(), Arc::<OwnTraffic>::default());
        let endings = [Ending::Fulfilled, Ending::Rejected, Ending::Refused];
        let passages = endings.map(|_| begin(&alice, &bob, 100, 90));
        assert_eq!(alice.flows().incoming.in_flight, count(3, 300));
        assert_eq!(bob.flows().outgoing.in_flight, count(3, 270));
        for (passage, ending) in passages.into_iter().zip(endings) {
            passage.end(ending);
        }
        alice.turned_away(7);
        let (incoming, outgoing) = (alice.flows().incoming, bob.flows().outgoing);
        assert_eq!(
            incoming,
            Flow {
                fulfilled: count(1, 100),
                rejected: count(1, 100),
                refused: count(2, 107),
                in_flight: count(0, 0)
            }
        );
        assert_eq!(
            outgoing,
            Flow {
                fulfilled: count(1, 90),
                rejected: count(1, 90),
                refused: count(1, 90),
                in_flight: count(0, 0)
            }
        );
        assert_eq!(alice.flows().outgoing, Flow::default());
        assert_eq!((incoming.packets(), outgoing.packets()), (4, 3));
    }

    #[test]
    fn a_packet_that_goes_to_another_next_hop_is_counted_there_alone_and_once_where_it_came_from() {
        let [alice, bob, carol] = [(); 3].map(|()| Arc::<OwnTraffic>::default());
        let passage = begin(&alice, &bob, 100, 90).on_to(own(&carol), 80);
        assert_eq!(alice.flows().incoming.in_flight, count(1, 100));
        assert_eq!(bob.flows(), Flows::default());
        assert_eq!(carol.flows().outgoing.in_flight, count(1, 80));
        passage.end(Ending::Fulfilled);
        let fulfilled =
            |packets, amount| Flow { fulfilled: count(packets, amount), ..Flow::default() };
        assert_eq!(alice.flows().incoming, fulfilled(1, 100));
        assert_eq!(bob.flows(), Flows::default());
        assert_eq!(carol.flows().outgoing, fulfilled(1, 80));
    }

    #[test]
    fn a_packet_that_is_dropped_has_ended_even_when_the_thread_panics() {
        let (alice, bob) = (Arc::<OwnTraffic>::default(), Arc::<OwnTraffic>::default());
        let passage = begin(&alice, &bob, 5, 5);
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            let _under_way = passage;
            panic!("a bug somewhere on the way");
        }));
        assert!(caught.is_err());
        assert_eq!(alice.flows().incoming.refused, count(1, 5));
        assert_eq!(bob.flows().outgoing.in_flight, count(0, 0));
    }

    #[test]
    fn threads_that_count_at_once_lose_nothing_where_the_sum_goes_round() {
        let tally = Tally::default();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1_000).for_each(|_| tally.add(u64::MAX / 3)));
            }
        });
        assert_eq!(tally.count(), count(4_000, 4_000 * u128::from(u64::MAX / 3)));
    }

    proptest! {
        #[test]
        fn amounts_add_up_exactly(amounts in prop::collection::vec(any::<u64>(), 0..50)) {
            let tally = Tally::default();
            amounts.iter().for_each(|amount| tally.add(*amount));
            let sum = amounts.iter().map(|amount| u128::from(*amount)).sum();
            prop_assert_eq!(tally.count(), count(amounts.len() as u64, sum));
        }
    }
}
