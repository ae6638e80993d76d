//! Packets that have left and are not answered yet.

use std::{collections::BTreeMap, fmt};

use interledger_packet::Timestamp;

/// A path whose packets take this long is slow, not broken.
const OVERDUE_MS_MIN: u64 = 1_000;
/// How many usual round trips a packet may take before it is thought lost.
const OVERDUE_ROUND_TRIPS: u64 = 4;

/// The facts about a packet that are needed when its reply comes.
#[derive(Clone)]
pub(crate) struct Packet {
    /// In the payer's units.
    pub(crate) amount: u64,
    /// The least that the recipient may take for it, in the recipient's units.
    pub(crate) minimum: u64,
    /// The most that it can bring, in the recipient's units.
    pub(crate) expected: u64,
    /// `None` for a packet that can't be fulfilled.
    pub(crate) fulfillment: Option<[u8; 32]>,
    pub(crate) sent_at: Timestamp,
    /// Its minimum has the one unit of slack.
    pub(crate) has_slack: bool,
}

/// All of them, and their sums.
///
/// A packet without an answer for several round trips is *overdue*. Its money stays counted, since
/// it may still be fulfilled; its place in the window is free for another, since a lost packet
/// would else hold up the payment until it expires.
#[derive(Clone, Default)]
pub(crate) struct InFlight {
    packets: BTreeMap<u64, Packet>,
    amount: u64,
    expected: u128,
    /// Packets before this one are overdue.
    overdue_before: u64,
    overdue: usize,
    /// The usual round trip, each new one weighing an eighth; in eighths of a millisecond.
    round_trip_eighths: Option<u64>,
}

impl InFlight {
    pub(crate) fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.packets.len()
    }

    /// How many are not overdue.
    pub(crate) fn len_in_time(&self) -> usize {
        self.packets.len().saturating_sub(self.overdue)
    }

    /// The sum in the payer's units.
    pub(crate) const fn amount(&self) -> u64 {
        self.amount
    }

    /// The most that all of them can bring, in the recipient's units.
    pub(crate) const fn expected(&self) -> u128 {
        self.expected
    }

    pub(crate) const fn round_trip_ms(&self) -> Option<u64> {
        match self.round_trip_eighths {
            Some(eighths) => Some(eighths / 8),
            None => None,
        }
    }

    pub(crate) fn insert(&mut self, sequence: u64, packet: Packet) {
        self.amount = self.amount.saturating_add(packet.amount);
        self.expected = self.expected.saturating_add(u128::from(packet.expected));
        self.packets.insert(sequence, packet);
    }

    pub(crate) fn remove(&mut self, sequence: u64) -> Option<Packet> {
        let packet = self.packets.remove(&sequence)?;
        self.amount = self.amount.saturating_sub(packet.amount);
        self.expected = self.expected.saturating_sub(u128::from(packet.expected));
        if sequence < self.overdue_before {
            self.overdue = self.overdue.saturating_sub(1);
        }
        Some(packet)
    }

    /// A reply took this long.
    pub(crate) fn answered_after(&mut self, ms: u64) {
        let eighths = match self.round_trip_eighths {
            Some(eighths) => eighths.saturating_sub(eighths / 8).saturating_add(ms),
            None => ms.saturating_mul(8),
        };
        self.round_trip_eighths = Some(eighths);
    }

    /// Finds one more packet that has become overdue.
    pub(crate) fn next_overdue(&mut self, now: Timestamp) -> Option<u64> {
        let (&sequence, packet) = self.packets.range(self.overdue_before..).next()?;
        if now < self.overdue_at(packet) {
            return None;
        }
        self.overdue_before = sequence.saturating_add(1);
        self.overdue = self.overdue.saturating_add(1);
        Some(sequence)
    }

    /// When [`InFlight::next_overdue`] will find something.
    pub(crate) fn next_overdue_at(&self) -> Option<Timestamp> {
        let (_, packet) = self.packets.range(self.overdue_before..).next()?;
        Some(self.overdue_at(packet))
    }

    fn overdue_at(&self, packet: &Packet) -> Timestamp {
        let round_trip_ms = self.round_trip_ms().unwrap_or(0);
        let patience_ms = round_trip_ms.saturating_mul(OVERDUE_ROUND_TRIPS).max(OVERDUE_MS_MIN);
        packet.sent_at.saturating_add_ms(patience_ms)
    }
}

/// Shows no packet: each holds a fulfillment, which is worth its money.
impl fmt::Debug for InFlight {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("InFlight")
            .field("packets", &self.packets.len())
            .field("amount", &self.amount)
            .field("overdue", &self.overdue)
            .finish_non_exhaustive()
    }
}
