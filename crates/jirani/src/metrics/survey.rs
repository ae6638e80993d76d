//! One look at every peer: who gets numbers of its own, and what the others come to.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap, HashSet},
    ops::AddAssign,
    sync::Arc,
};

use ilp_connector::{
    Connector, OwnFlows, Reachability,
    ledger::Ledger,
    peer::{Asset, Peer},
    traffic::{AssetName, Flows},
};
use uuid::Uuid;

/// What is told about a peer, or about many of one asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) flows: Flows,
    /// What they may still send, holds taken off.
    pub(super) liquidity: u128,
}

/// A peer with numbers of its own.
#[derive(Debug)]
pub(super) struct Labelled {
    pub(super) id: Uuid,
    pub(super) asset: Arc<Asset>,
    pub(super) numbers: Numbers,
}

/// All peers at about one moment. Each is looked at once, so that what is told of one and what is
/// told of all always add up.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) peers: usize,
    /// How many of all of them are reached, and how many are not.
    pub(super) states: Vec<(Reachability, usize)>,
    /// The oldest first.
    pub(super) labelled: Vec<Labelled>,
    /// The other peers, and those that were removed.
    pub(super) others: BTreeMap<AssetName, Numbers>,
    pub(super) own: OwnFlows,
}

impl Survey {
    /// Looks at every peer. At most `peers_max` get numbers of their own: those with the most
    /// packets, and of two with as many the older one. One that had them at the last look, and so
    /// is in `labelled_before`, keeps them until another has more than twice its packets, since
    /// numbers that come and go are of no use.
    pub(super) fn take<L: Ledger>(
        connector: &Connector<L>,
        peers_max: usize,
        labelled_before: &HashSet<Uuid>,
    ) -> Self {
        let mut first = First { peers_max, heap: BinaryHeap::new() };
        let mut others: HashMap<Uuid, (Arc<Asset>, Numbers)> = HashMap::new();
        let mut peers = 0;
        let mut states: Vec<_> = Reachability::KINDS.iter().map(|state| (*state, 0)).collect();
        let departed = connector.visit_peers(|peer| {
            peers += 1;
            let state = peer.reachability();
            states.iter_mut().for_each(|(kind, peers)| *peers += usize::from(*kind == state));
            let liquidity = connector.ledger().total_of(&peer.liquidity).available();
            let weight = if labelled_before.contains(&peer.id) { 2 } else { 1 };
            if let Some(Labelled { asset, numbers, .. }) = first.add(peer, liquidity, weight) {
                others.entry(asset.id).or_insert_with(|| (asset, Numbers::default())).1 += numbers;
            }
        });
        let own = connector.own_flows();
        let mut survey = Self { peers, states, own, ..Self::default() };
        for (asset, numbers) in others.into_values() {
            *survey.others.entry(name(&asset)).or_default() += numbers;
        }
        for (asset, flows) in departed {
            *survey.others.entry(asset).or_default() += Numbers { flows, liquidity: 0 };
        }
        survey.labelled = first.heap.into_iter().map(|Reverse(ranked)| ranked.peer).collect();
        survey.labelled.sort_unstable_by_key(|peer| peer.id);
        survey
    }

    /// What all peers and this node's accounts come to, by asset.
    pub(super) fn by_asset(&self) -> BTreeMap<AssetName, Flows> {
        let mut totals = self.own.accounts.clone();
        for (asset, numbers) in &self.others {
            *totals.entry(asset.clone()).or_default() += numbers.flows;
        }
        for peer in &self.labelled {
            *totals.entry(name(&peer.asset)).or_default() += peer.numbers.flows;
        }
        totals
    }
}

/// How people name an asset.
pub(super) fn name(asset: &Asset) -> AssetName {
    (asset.code.clone(), asset.scale)
}

impl AddAssign for Numbers {
    fn add_assign(&mut self, other: Self) {
        self.flows += other.flows;
        self.liquidity += other.liquidity;
    }
}

/// The first peers by rank, of those seen so far.
struct First {
    peers_max: usize,
    /// The last of them on top.
    heap: BinaryHeap<Reverse<Ranked>>,
}

struct Ranked {
    rank: (u64, Reverse<Uuid>),
    peer: Labelled,
}

impl First {
    /// Takes a peer in, and returns the one that there is no room for.
    fn add(&mut self, peer: &Arc<Peer>, liquidity: u128, weight: u64) -> Option<Labelled> {
        let flows = peer.traffic.flows();
        let packets = flows.incoming.packets() + flows.outgoing.packets();
        let numbers = Numbers { flows, liquidity };
        let rank = (packets.saturating_mul(weight), Reverse(peer.id));
        let peer = Labelled { id: peer.id, asset: Arc::clone(&peer.asset), numbers };
        let is_full = self.heap.len() >= self.peers_max;
        // Of many peers most end here, and the heap isn't touched.
        if is_full && self.heap.peek().is_none_or(|Reverse(last)| rank <= last.rank) {
            return Some(peer);
        }
        let out = is_full.then(|| self.heap.pop()).flatten();
        self.heap.push(Reverse(Ranked { rank, peer }));
        out.map(|Reverse(ranked)| ranked.peer)
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank
    }
}

impl Eq for Ranked {}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank.cmp(&other.rank)
    }
}

#[cfg(test)]
mod tests;
