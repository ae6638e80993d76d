//! A survey of every peer, which decides on the peers with metrics of their own and sums up the
//! others.

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

/// The numbers of a peer, or of many peers of one asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) flows: Flows,
    /// The liquidity, less the holds.
    pub(super) liquidity: u128,
}

/// A peer with metrics of its own.
#[derive(Debug)]
pub(super) struct Labelled {
    pub(super) id: Uuid,
    pub(super) asset: Arc<Asset>,
    pub(super) numbers: Numbers,
}

/// The state of all peers at about one moment. Each peer is read once, so that its own numbers and
/// the sums always agree.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) peers: usize,
    /// The numbers of peers by reachability.
    pub(super) states: Vec<(Reachability, usize)>,
    /// The peers with metrics of their own, the oldest first.
    pub(super) labelled: Vec<Labelled>,
    /// The sums of the other peers and of removed ones.
    pub(super) others: BTreeMap<AssetName, Numbers>,
    pub(super) own: OwnFlows,
}

impl Survey {
    /// Reads every peer. At most `peers_max` get metrics of their own: those with the most packets,
    /// and the older one of two with as many. A peer in `labelled_before`, which had them at the
    /// last survey, keeps them until another has more than twice its packets, since metrics that
    /// come and go are of no use.
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

    /// Returns the sums of all peers and of this node's accounts, by asset.
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

/// Returns the name of an asset in labels.
pub(super) fn name(asset: &Asset) -> AssetName {
    (asset.code.clone(), asset.scale)
}

impl AddAssign for Numbers {
    fn add_assign(&mut self, other: Self) {
        self.flows += other.flows;
        self.liquidity += other.liquidity;
    }
}

/// The first peers by rank, of those added so far.
struct First {
    peers_max: usize,
    /// The peers, with the last by rank on top.
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
        // Of many peers most end here, without touching the heap.
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
