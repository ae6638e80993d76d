//! The packets and amounts that pass through the node, counted for each peer.
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
mod codes;
mod departed;
mod passage;

use std::{
    ops::AddAssign,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use interledger_packet::ErrorCode;

use self::codes::Codes;
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
    /// The number of packets.
    pub packets: u64,
    /// The sum of the amounts that they carried.
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

/// The counters of a peer at some moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flows {
    /// Packets that came from it. The amounts are what it was to pay.
    pub incoming: Flow,
    /// Packets that were sent to it. The amounts are what it was to be paid.
    pub outgoing: Flow,
    /// The number of packets to the peer that got no reply, including those that then went to
    /// another one.
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
    pub(crate) incoming: Side,
    /// Packets that were refused before they were sent on.
    turned_away: Tally,
    /// The number of packets to this peer that got no reply.
    link_failures: AtomicU64,
    pub(crate) outgoing: Side,
    /// Packets to here that could not be sent and went to another next hop.
    gone_elsewhere: Tally,
    /// Rejects by code, of packets from here and of those to here. Made with the first one, since
    /// most peers have none or few and these are 368 bytes: an allocation that no other packet of
    /// the peer meets again, on a way that ends in a Reject.
    rejects: OnceLock<Box<[Codes; 2]>>,
}

/// The end of a packet that was sent on.
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
    /// The number of overflows of `amount_low`, which probes of 10^12 units that are never
    /// fulfilled cause within a day.
    amount_high: AtomicU64,
}

impl Traffic {
    /// Returns the counts so far.
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

    /// How many packets from here ended with each code that there was, and how many to here. `None`
    /// stands for codes that no RFC names.
    #[must_use]
    pub fn rejects(&self) -> [Vec<(Option<ErrorCode>, u64)>; 2] {
        let some = |codes: &Codes| codes.counts().filter(|(_, count)| *count > 0).collect();
        self.rejects.get().map(|codes| codes.each_ref().map(some)).unwrap_or_default()
    }

    /// Counts a packet from here that was refused before it was sent on.
    pub(crate) fn turned_away(&self, amount: u64, code: ErrorCode) {
        self.turned_away.add(amount);
        self.codes()[0].add(code);
    }

    fn codes(&self) -> &[Codes; 2] {
        self.rejects.get_or_init(Box::default)
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
mod tests;
