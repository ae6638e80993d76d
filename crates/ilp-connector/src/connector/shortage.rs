//! The refusal of a packet that asks for more liquidity than is free.
//!
//! A sender that gets F08 makes its packets smaller for good; a sender that gets T04 repeats the
//! same amount later. So F08 is for an amount that exceeds all that could ever be free, and it
//! names that limit as the maximum. Senders that probe for the size of their packets, as
//! Interledger's do from 10^12 down, learn the limit at once. T04 is for shortages that pass:
//! packets under way end, or a deposit of less than one packet is missing.

use interledger_packet::Timestamp;

use super::{Connector, Source, obstacle::Obstacle};
use crate::{account::Total, ledger::Ledger, peer::Asset, refusal::Refusal};

/// A packet that its sender or the node can't pay for now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bid<'a> {
    /// The payer of the packet.
    pub(super) source: Source<'a>,
    /// The asset that the payee counts in.
    pub(super) asset: &'a Asset,
    /// The amount that the source pays, in its own unit.
    pub(super) amount: u64,
    /// The amount that the payee is paid, in the smallest unit of `asset`.
    pub(super) amount_out: u64,
    /// Whether the payee has an agreed maximum for one packet.
    pub(super) has_maximum: bool,
}

impl<L: Ledger> Connector<L> {
    /// Turns the refusal of a place or of a hold into an obstacle, with F08 in place of T04 where
    /// waiting would not help.
    #[cold]
    pub(super) fn obstacle(&self, refusal: Refusal, bid: Bid<'_>, now: Timestamp) -> Obstacle {
        match refusal {
            Refusal::Liquidity => {
                Obstacle::Packet(self.beyond_senders_balance(bid, now).unwrap_or(refusal))
            }
            Refusal::AssetLiquidity | Refusal::AssetShare => {
                Obstacle::NextHop(self.beyond_stock(bid, now).unwrap_or(refusal))
            }
            _ => Obstacle::Packet(refusal),
        }
    }

    /// Returns the F08 for a packet that its sender can't ever pay for; `None` if the sender may be
    /// able to pay later.
    fn beyond_senders_balance(&self, bid: Bid<'_>, now: Timestamp) -> Option<Refusal> {
        let Source::Peer(peer) = bid.source else { return None };
        let total = self.ledger().total_of(&peer.liquidity);
        let most = self
            .most_ever(bid, bid.amount, total, |total| u64::try_from(total).unwrap_or(u64::MAX))?;
        // The remaining amount may convert to nothing for the next hop, which would be another
        // refusal.
        let conversion = self.conversion(bid.source, bid.asset, now).ok()?;
        let is_worth_something = most > 0 && conversion.convert(most, u64::MAX).is_ok();
        is_worth_something
            .then_some(Refusal::BeyondLiquidity { received: bid.amount, maximum: most })
    }

    /// Returns the F08 for a packet that the node's stock can't ever suffice for; `None` if it may
    /// suffice later. The packets of one peer have a share of the stock, and so has one packet.
    fn beyond_stock(&self, bid: Bid<'_>, now: Timestamp) -> Option<Refusal> {
        let limits = bid
            .source
            .peer()
            .map(|peer| self.policy.in_flight_default.under(&peer.terms_now().limits));
        let share = |total: u128| match limits {
            Some(limits) => limits.share_of(total),
            None => u64::try_from(total).unwrap_or(u64::MAX),
        };
        let total = self.ledger().total_of(&bid.asset.liquidity);
        let most = self.most_ever(bid, bid.amount_out, total, share)?;
        let maximum = self.conversion(bid.source, bid.asset, now).ok()?.max_input(most);
        (0 < maximum && maximum < bid.amount)
            .then_some(Refusal::BeyondLiquidity { received: bid.amount, maximum })
    }

    /// Returns the most of an account that one packet could ever have, if `wanted` is more than
    /// that. It counts what is posted, as if nothing were on hold. `None` also where a maximum was
    /// agreed on and the account was once credited with as much: such a packet is within the
    /// maximum, so the account lacks less than one packet. The sender would otherwise make its
    /// packets small for good although the account is about to be filled again.
    fn most_ever(
        &self,
        bid: Bid<'_>,
        wanted: u64,
        total: Total,
        share: impl Fn(u128) -> u64,
    ) -> Option<u64> {
        let senders = bid.source.peer().and_then(|peer| self.amount_max(&peer.terms_now()));
        let has_maximum = bid.has_maximum || senders.is_some();
        let was_there = has_maximum && wanted <= share(total.credits);
        let most = share(total.total());
        (wanted > most && !was_there).then_some(most)
    }
}
