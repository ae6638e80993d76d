//! What the connector counts beside what its peers count for themselves.

use std::{collections::BTreeMap, sync::Arc};

use super::{Connector, Source};
use crate::{
    ledger::Ledger,
    peer::Peer,
    refusal::Refusal,
    traffic::{AssetName, Causes, Flows, Passage, Traffic},
};

#[derive(Debug, Default)]
pub(super) struct Counters {
    /// Packets that come from no peer.
    own: Arc<Traffic>,
    pub(super) causes: Causes,
}

impl<L: Ledger> Connector<L> {
    /// Shows every peer to `visit`, and returns what removed ones have counted, by asset. It takes
    /// as long as there are peers; changes of peers wait meanwhile, packets don't.
    pub fn visit_peers(&self, visit: impl FnMut(&Arc<Peer>)) -> BTreeMap<AssetName, Flows> {
        self.peers.visit(visit)
    }

    /// What became of the node's own packets: those that come from no peer.
    #[must_use]
    pub fn own_flows(&self) -> Flows {
        self.counters.own.flows()
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
        self.of(source).turned_away(amount);
        self.causes.refused(refusal);
    }

    /// Counts a packet that is sent on, and the money that it holds.
    pub(super) fn begin(
        &self,
        source: Source<'_>,
        next_hop: &Peer,
        amount_in: u64,
        amount_out: u64,
    ) -> Passage {
        Passage::begin(self.of(source), &next_hop.traffic, amount_in, amount_out)
    }

    fn of<'a>(&'a self, source: Source<'a>) -> &'a Arc<Traffic> {
        source.peer().map_or(&self.own, |peer| &peer.traffic)
    }
}
