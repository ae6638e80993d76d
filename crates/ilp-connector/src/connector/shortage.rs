//! What a packet is refused with that asks for more than there is.
//!
//! A sender that is told F08 makes its packets smaller for good; one that is told T04 comes again with
//! the same. So F08 is for more than there could ever be free, with what could be as the maximum: a
//! sender that probes for the size of its packets, as those of Interledger do from 10^12 down, learns
//! it at once. T04 is for what waits: for packets under way to end, or for a deposit of less than one
//! packet.

use interledger_packet::Timestamp;

use super::{Connector, Source, obstacle::Obstacle};
use crate::{account::Balance, ledger::Ledger, peer::Asset, refusal::Refusal};

/// A packet that its sender or the node can't pay for now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bid<'a> {
    /// Who pays.
    pub(super) source: Source<'a>,
    /// What the payee counts in.
    pub(super) asset: &'a Asset,
    /// What the source pays, in its own unit.
    pub(super) amount: u64,
    /// What the payee is paid, in the smallest unit of `asset`.
    pub(super) amount_out: u64,
    /// Whether a maximum of one packet was agreed on with the payee.
    pub(super) has_maximum: bool,
}

impl<L: Ledger> Connector<L> {
    /// Whose obstacle the refusal of a place or of a hold is, with F08 in the place of T04 where waiting
    /// would not help.
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

    /// `None` for a packet that its sender may be able to pay for later.
    fn beyond_senders_balance(&self, bid: Bid<'_>, now: Timestamp) -> Option<Refusal> {
        let Source::Peer(peer) = bid.source else { return None };
        let balance = peer.liquidity.balance();
        let most = self.most_ever(bid, bid.amount, balance, |total| {
            u64::try_from(total).unwrap_or(u64::MAX)
        })?;
        // What is left may be worth nothing to the next hop, which would be another refusal.
        let conversion = self.conversion(bid.source, bid.asset, now).ok()?;
        let is_worth_something = most > 0 && conversion.convert(most, u64::MAX).is_ok();
        is_worth_something
            .then_some(Refusal::BeyondLiquidity { received: bid.amount, maximum: most })
    }

    /// `None` for a packet that the node's stock may suffice for later. One peer's packets have a share
    /// of it, and so has one packet.
    fn beyond_stock(&self, bid: Bid<'_>, now: Timestamp) -> Option<Refusal> {
        let limits = bid
            .source
            .peer()
            .map(|peer| self.policy.in_flight_default.under(peer.terms_now().in_flight));
        let share = |total: u128| match limits {
            Some(limits) => limits.share_of(total),
            None => u64::try_from(total).unwrap_or(u64::MAX),
        };
        let balance = bid.asset.liquidity.balance();
        let most = self.most_ever(bid, bid.amount_out, balance, share)?;
        let maximum = self.conversion(bid.source, bid.asset, now).ok()?.max_input(most);
        (0 < maximum && maximum < bid.amount)
            .then_some(Refusal::BeyondLiquidity { received: bid.amount, maximum })
    }

    /// The most of an account that one packet could ever have, if `wanted` is more than that: what is
    /// posted, as if nothing were on hold. Where a maximum was agreed on, the packet is within it, and an
    /// account that has been credited with as much before lacks less than one such packet: `None`, so
    /// that packets aren't made small for good by an account that is about to be filled again.
    fn most_ever(
        &self,
        bid: Bid<'_>,
        wanted: u64,
        balance: Balance,
        share: impl Fn(u128) -> u64,
    ) -> Option<u64> {
        let senders = bid.source.peer().and_then(|peer| self.amount_max(&peer.terms_now()));
        let has_maximum = bid.has_maximum || senders.is_some();
        let was_there = has_maximum && wanted <= share(balance.credits);
        let most = share(balance.total());
        (wanted > most && !was_there).then_some(most)
    }
}
