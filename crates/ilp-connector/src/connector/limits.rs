//! The limits of one peer: how much with one packet, how often, and how much at once.

use interledger_packet::Timestamp;

use super::{Connector, Source};
use crate::{
    in_flight::{Occupancy, Place},
    ledger::Ledger,
    peer::{Asset, Peer, Terms},
    refusal::Refusal,
};

impl<L: Ledger> Connector<L> {
    /// Returns the bounds of a peer's packets under way, and how far they are within them.
    #[must_use]
    pub fn occupancy(&self, peer: &Peer) -> Occupancy {
        self.policy.in_flight_default.under(&peer.terms_now().limits).occupancy(peer)
    }

    pub(super) fn amount_max(&self, terms: &Terms) -> Option<u64> {
        terms.max_packet_amount.or(self.policy.amount_max_default)
    }

    /// How much with one packet, and how often.
    pub(super) fn sender_may_send(
        &self,
        source: Source<'_>,
        amount: u64,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let Source::Peer(peer) = source else { return Ok(()) };
        let terms = peer.terms_now();
        self.may_send_this_much(&terms, amount)?;
        self.may_send_this_often(peer, &terms, amount, now)
    }

    /// Refuses an amount that no later moment would let through: the most that may pass within a
    /// second, or be under way at once, is also the most that one packet may carry. A sender that
    /// learns it makes its packets smaller.
    fn may_send_this_much(&self, terms: &Terms, amount: u64) -> Result<(), Refusal> {
        let in_flight_max = self.policy.in_flight_default.amount_max_under(&terms.limits);
        let limits = [self.amount_max(terms), terms.limits.amount_per_second_max, in_flight_max];
        let maximum = limits.into_iter().flatten().min();
        match maximum {
            Some(maximum) if amount > maximum => {
                Err(Refusal::AmountTooLarge { received: amount, maximum })
            }
            _ => Ok(()),
        }
    }

    fn may_send_this_often(
        &self,
        peer: &Peer,
        terms: &Terms,
        amount: u64,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let packets = terms.limits.packets_per_minute_max;
        let packets = packets.or(self.policy.packets_per_minute_max_default);
        if packets.is_some_and(|limit| !peer.packet_rate.take_packet(limit, now)) {
            return Err(Refusal::PacketRate);
        }
        let amounts = terms.limits.amount_per_second_max;
        if amounts.is_some_and(|limit| !peer.amount_rate.take_amount(amount, limit, now)) {
            return Err(Refusal::AmountRate);
        }
        Ok(())
    }

    /// A place among what the sending peer has under way; packets of the node's own need none.
    pub(super) fn place(
        &self,
        source: Source<'_>,
        asset: &Asset,
        amount: u64,
        amount_out: u64,
    ) -> Result<Option<Place>, Refusal> {
        let Source::Peer(peer) = source else { return Ok(None) };
        let limits = self.policy.in_flight_default.under(&peer.terms_now().limits);
        let is_paid_from_stock = peer.asset.id != asset.id;
        let from_asset = is_paid_from_stock.then_some((amount_out, &*asset.liquidity));
        Place::take(peer, limits, amount, from_asset).map(Some)
    }
}
