//! The order in which a packet is offered to several peers for one prefix.

use std::sync::Arc;

use interledger_packet::Timestamp;
use uuid::Uuid;

use crate::{
    breaker::Passage,
    peer::{Asset, Peer},
};

/// The properties of a packet that decide among the peers for one prefix, beside its destination.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seeker<'a> {
    /// The peer that sent the packet. Neither it nor another peering with the same neighbour is chosen.
    pub(crate) sender: Option<&'a Peer>,
    /// The asset that the packet's amount is in, if any. Peers of this asset come first.
    pub(crate) asset: Option<&'a Asset>,
    /// The peers to which sending the packet failed.
    pub(crate) tried: &'a [Uuid],
    /// The choice before this one, which refused the packet for a reason of its own; the peer after
    /// it is chosen. A place in the order takes one word and remembers all choices before it
    /// without an allocation.
    pub(crate) after: Option<Order>,
}

/// A peer that was chosen, and its place in the order.
#[derive(Debug)]
pub(crate) struct Chosen {
    /// The peer.
    pub(crate) peer: Arc<Peer>,
    /// The peer's place among the peers for the prefix.
    pub(crate) order: Order,
}

/// A place in the order in which one packet is offered to the peers for a prefix. The greatest comes
/// first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Order(u64);

impl Order {
    /// The last place, which no other peer comes after.
    pub(crate) const LAST: Self = Self(0);

    /// Makes a peer's place. Peers that answer come before peers that don't, then peers of the
    /// packet's asset before others. A hash decides the rest; it gives up two bits for the two
    /// properties.
    fn new(is_reachable: bool, is_of_asset: bool, rank: u64) -> Self {
        Self(u64::from(is_reachable) << 63 | u64::from(is_of_asset) << 62 | rank >> 2)
    }
}

impl Seeker<'_> {
    /// Returns the first peer in the order of this packet. Rendezvous hashing keeps one payment on
    /// one path, and removing a peer moves only the destinations that it served. Peers whose
    /// breaker is open come last, so they are tried as usual if all breakers are open.
    pub(super) fn choose(
        &self,
        peers: &[Arc<Peer>],
        rank: impl Fn(&Peer) -> u64,
        now: Timestamp,
    ) -> Option<Chosen> {
        if let [only] = peers {
            let is_next = self.after.is_none() && self.may_take(only);
            return is_next.then(|| Chosen { peer: Arc::clone(only), order: Order::LAST });
        }
        let order = |peer: &Peer| {
            let is_reachable = peer.breaker.passage(now) != Passage::Open;
            let is_of_asset = self.asset.is_some_and(|asset| asset.id == peer.asset.id);
            Order::new(is_reachable, is_of_asset, rank(peer))
        };
        peers
            .iter()
            .filter(|peer| self.may_take(peer))
            .map(|peer| (order(peer), peer))
            .filter(|(order, _)| self.after.is_none_or(|after| *order < after))
            .max_by_key(|(order, _)| *order)
            .map(|(order, peer)| Chosen { peer: Arc::clone(peer), order })
    }

    fn may_take(&self, peer: &Peer) -> bool {
        self.sender.is_none_or(|sender| !sender.is_same_neighbour(peer))
            && !self.tried.contains(&peer.id)
    }
}
