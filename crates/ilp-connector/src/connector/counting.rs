//! What the connector counts beside what its peers count for themselves.

use std::{collections::BTreeMap, sync::Arc};

use papaya::HashMap;
use uuid::Uuid;

use super::{Connector, Source};
use crate::{
    ledger::Ledger,
    peer::{Asset, Peer},
    refusal::Refusal,
    traffic::{self, AssetName, Causes, Ending, Flows, Passage, Traffic},
};

/// What became of packets that came from no peer, or went to none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnFlows {
    /// The node's own questions, which move no money, and what it answers itself without any
    /// moving. The amounts are of no one asset and mean nothing.
    pub questions: Flows,
    /// Payments from accounts at this node, which count as incoming, and to them, which count as
    /// outgoing: as if all of one asset were a peer.
    pub accounts: BTreeMap<AssetName, Flows>,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    questions: Arc<Traffic>,
    /// By the asset's id. Entries stay when the asset goes, so that totals never fall.
    accounts: HashMap<Uuid, Accounts, foldhash::fast::RandomState>,
    pub(super) causes: Causes,
}

#[derive(Debug)]
struct Accounts {
    asset: AssetName,
    traffic: Arc<Traffic>,
}

impl<L: Ledger> Connector<L> {
    /// Shows every peer to `visit`, and returns what removed ones have counted, by asset. It takes
    /// as long as there are peers; changes of peers wait meanwhile, packets don't.
    pub fn visit_peers(&self, visit: impl FnMut(&Arc<Peer>)) -> BTreeMap<AssetName, Flows> {
        self.peers.visit(visit)
    }

    /// What became of packets that have no peer on one side.
    #[must_use]
    pub fn own_flows(&self) -> OwnFlows {
        let mut own =
            OwnFlows { questions: self.counters.questions.flows(), accounts: BTreeMap::new() };
        for accounts in self.counters.accounts.pin().values() {
            *own.accounts.entry(accounts.asset.clone()).or_default() += accounts.traffic.flows();
        }
        own
    }

    /// Why packets weren't fulfilled.
    #[must_use]
    pub fn causes(&self) -> &Causes {
        &self.counters.causes
    }
}

impl Counters {
    /// Counts a packet that was refused before it was sent on.
    pub(super) fn turned_away(&self, source: Source<'_>, amount: u64, refusal: &Refusal) {
        self.causes.refused(refusal);
        match source {
            Source::Peer(peer) => peer.traffic.turned_away(amount),
            Source::Local(local) => self.accounts(&local.asset).turned_away(amount),
            Source::Probe(_) | Source::Own => self.questions.turned_away(amount),
        }
    }

    /// Counts a packet that goes on from its source to `destination`.
    pub(super) fn begin(
        &self,
        source: Source<'_>,
        destination: &Arc<Traffic>,
        amount_in: u64,
        amount_out: u64,
    ) -> Passage {
        let begin = |source| Passage::begin(source, destination, amount_in, amount_out);
        match source {
            Source::Peer(peer) => begin(&peer.traffic),
            Source::Local(local) => begin(&self.accounts(&local.asset)),
            Source::Probe(_) | Source::Own => begin(&self.questions),
        }
    }

    /// Counts a packet that this node has answered by itself, without anything being set aside.
    pub(super) fn answered_here(&self, source: Source<'_>, amount: u64, ending: Ending) {
        self.begin(source, &self.questions, amount, amount).end(ending);
    }

    /// The counters of this node's accounts in one asset. Looked up without a lock; made with the
    /// first packet.
    pub(super) fn accounts(&self, asset: &Asset) -> Arc<Traffic> {
        let accounts = self.accounts.pin();
        let make = || Accounts { asset: traffic::name(asset), traffic: Arc::default() };
        Arc::clone(&accounts.get_or_insert_with(asset.id, make).traffic)
    }
}
