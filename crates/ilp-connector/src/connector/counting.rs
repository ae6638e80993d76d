//! The counters of the connector, beside those of its peers.

use std::{collections::BTreeMap, sync::Arc};

use papaya::HashMap;
use uuid::Uuid;

use super::{Connector, Source};
use crate::{
    ledger::Ledger,
    peer::{Asset, Peer},
    refusal::Refusal,
    samples::{Outcome, Sample, Sampler},
    traffic::{self, AssetName, Causes, Counted, Ending, Flows, OwnTraffic, Passage},
};

/// The counts of packets that came from no peer, or went to none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnFlows {
    /// Questions, which move no money: the node's own count as incoming, and those of peers that it
    /// answers itself as outgoing.
    pub questions: Flows,
    /// Payments from accounts at this node and probes before them, which count as incoming, and
    /// payments to accounts, which count as outgoing: as if all of one asset were a peer.
    pub accounts: BTreeMap<AssetName, Flows>,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    questions: Arc<OwnTraffic>,
    /// By the asset's id. Entries stay when the asset goes, so that totals never fall.
    accounts: HashMap<Uuid, Arc<OwnTraffic>, foldhash::fast::RandomState>,
    pub(super) causes: Causes,
    pub(super) sampler: Sampler,
}

impl<L: Ledger> Connector<L> {
    /// Shows every peer to `visit`, and returns what removed ones have counted, by asset. It takes
    /// as long as there are peers; changes of peers wait meanwhile, packets don't.
    pub fn visit_peers(&self, visit: impl FnMut(&Arc<Peer>)) -> BTreeMap<AssetName, Flows> {
        self.peers.visit(visit)
    }

    /// Returns the counts of packets that have no peer on one side.
    #[must_use]
    pub fn own_flows(&self) -> OwnFlows {
        let mut own =
            OwnFlows { questions: self.counters.questions.flows(), accounts: BTreeMap::new() };
        for accounts in self.counters.accounts.pin().values() {
            if let Some(asset) = accounts.asset() {
                *own.accounts.entry(asset.clone()).or_default() += accounts.flows();
            }
        }
        own
    }

    /// Shows some of the packets that end here.
    #[must_use]
    pub fn sampler(&self) -> &Sampler {
        &self.counters.sampler
    }

    /// Returns the causes for which packets weren't fulfilled.
    #[must_use]
    pub fn causes(&self) -> &Causes {
        &self.counters.causes
    }
}

impl Counters {
    /// Counts a packet that was refused before it was sent on.
    pub(super) fn turned_away(&self, source: Source<'_>, amount: u64, refusal: Refusal) {
        let code = refusal.code();
        match source {
            Source::Peer(peer) => peer.traffic.turned_away(amount, code),
            Source::Local(local) => self.accounts(&local.asset).turned_away(amount, code),
            Source::Probe(asset) => self.accounts(asset).turned_away(amount, code),
            Source::Own | Source::Test(_) => self.questions.turned_away(amount, code),
        }
        self.sampler.offer(|at| Sample {
            at,
            from: self.source(source).party(),
            to: None,
            amount_in: amount,
            amount_out: 0,
            outcome: Outcome::Refused(refusal),
        });
    }

    /// Counts how a packet ended that was on its way.
    pub(super) fn end(&self, passage: Passage, ending: Ending, outcome: Outcome) {
        match outcome {
            Outcome::Fulfilled => {}
            Outcome::Rejected(code) => passage.rejected(code),
            Outcome::Refused(refusal) => passage.rejected(refusal.code()),
        }
        self.sampler.offer(|at| passage.sample(outcome, at));
        passage.end(ending);
    }

    /// Counts a question that the node has answered itself.
    pub(super) fn answered(&self, source: Source<'_>) {
        let passage = self.begin(source, self.questions(), 0, 0);
        self.end(passage, Ending::Fulfilled, Outcome::Fulfilled);
    }

    /// Counts a packet that comes to an address at this node and for which nothing is set aside.
    /// Without an asset the packet pays no account that the node knows, and is counted like a
    /// question.
    pub(super) fn arrived(
        &self,
        source: Source<'_>,
        amount: u64,
        arriving: Option<(&Asset, u64)>,
    ) -> Passage {
        match arriving {
            Some((asset, arrives)) => self.begin(source, self.accounts(asset), amount, arrives),
            None => self.begin(source, self.questions(), amount, 0),
        }
    }

    /// Counts a packet that goes on from its source to `destination`.
    pub(super) fn begin(
        &self,
        source: Source<'_>,
        destination: Counted,
        amount_in: u64,
        amount_out: u64,
    ) -> Passage {
        Passage::begin(self.source(source), destination, amount_in, amount_out)
    }

    fn source(&self, source: Source<'_>) -> Counted {
        match source {
            Source::Peer(peer) => Counted::Peer(Arc::clone(peer)),
            Source::Local(local) => self.accounts(&local.asset),
            Source::Probe(asset) => self.accounts(asset),
            Source::Own | Source::Test(_) => self.questions(),
        }
    }

    fn questions(&self) -> Counted {
        Counted::Own(Arc::clone(&self.questions))
    }

    /// The counters of this node's accounts in one asset. Looked up without a lock; made with the
    /// first packet.
    pub(super) fn accounts(&self, asset: &Asset) -> Counted {
        let accounts = self.accounts.pin();
        let make = || Arc::new(OwnTraffic::of_accounts(traffic::name(asset)));
        Counted::Own(Arc::clone(accounts.get_or_insert_with(asset.id, make)))
    }
}
