//! One packet's way through the counters of where it came from and where it goes.

use std::{ops::Deref, sync::Arc};

use interledger_packet::{ErrorCode, Timestamp};

use super::{AssetName, Ending, Traffic};
use crate::{
    peer::Peer,
    samples::{Outcome, Party, Sample},
};

/// Where a packet is counted.
#[derive(Clone, Debug)]
pub enum Counted {
    /// With a peer.
    Peer(Arc<Peer>),
    /// With the node itself, or its accounts in one asset.
    Own(Arc<OwnTraffic>),
}

/// The counters of the node itself, or of its accounts in one asset.
#[derive(Debug, Default)]
pub struct OwnTraffic {
    traffic: Traffic,
    accounts_in: Option<AssetName>,
}

impl OwnTraffic {
    pub(crate) fn of_accounts(asset: AssetName) -> Self {
        Self { accounts_in: Some(asset), ..Self::default() }
    }

    /// Returns the asset that its accounts count in; `None` for the node itself.
    pub(crate) fn asset(&self) -> Option<&AssetName> {
        self.accounts_in.as_ref()
    }
}

impl Deref for OwnTraffic {
    type Target = Traffic;

    fn deref(&self) -> &Traffic {
        &self.traffic
    }
}

impl Counted {
    /// Who it is, for people.
    pub(crate) fn party(&self) -> Party {
        match self {
            Self::Peer(peer) => Party::Peer { id: peer.id, asset: Arc::clone(&peer.asset) },
            Self::Own(own) => own.asset().cloned().map_or(Party::Node, Party::Accounts),
        }
    }
}

impl Deref for Counted {
    type Target = Traffic;

    fn deref(&self) -> &Traffic {
        match self {
            Self::Peer(peer) => &peer.traffic,
            Self::Own(traffic) => traffic,
        }
    }
}

/// A packet on its way from a source to a next hop. Until told otherwise it ends as refused, which
/// is what becomes of a packet that is dropped.
#[derive(Debug)]
pub struct Passage {
    source: Counted,
    destination: Counted,
    amount_in: u64,
    amount_out: u64,
    ending: Ending,
}

impl Passage {
    /// A packet of `amount_in` came, and goes on with `amount_out`, each in the smallest unit of its
    /// side's asset.
    pub fn begin(source: Counted, destination: Counted, amount_in: u64, amount_out: u64) -> Self {
        source.incoming.begun.add(amount_in);
        destination.outgoing.begun.add(amount_out);
        Self { source, destination, amount_in, amount_out, ending: Ending::Refused }
    }

    /// The packet has certainly not reached its next hop, and goes to another one. For its source
    /// nothing changes.
    pub(crate) fn on_to(mut self, destination: Counted, amount_out: u64) -> Self {
        self.destination.gone_elsewhere.add(self.amount_out);
        destination.outgoing.begun.add(amount_out);
        (self.destination, self.amount_out) = (destination, amount_out);
        self
    }

    /// Returns the sample of the packet, which ends at `at`.
    pub(crate) fn sample(&self, outcome: Outcome, at: Timestamp) -> Sample {
        Sample {
            at,
            from: self.source.party(),
            to: Some(self.destination.party()),
            amount_in: self.amount_in,
            amount_out: self.amount_out,
            outcome,
        }
    }

    /// Notes the code of the Reject that the packet ends with.
    pub(crate) fn rejected(&self, code: ErrorCode) {
        self.source.codes()[0].add(code);
        self.destination.codes()[1].add(code);
    }

    /// The packet was answered.
    pub fn end(mut self, ending: Ending) {
        self.ending = ending;
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.source.incoming.ended(self.ending).add(self.amount_in);
        self.destination.outgoing.ended(self.ending).add(self.amount_out);
    }
}
