//! Where a packet is counted: with a peer, or with the node itself.

use std::{ops::Deref, sync::Arc};

use super::{AssetName, Traffic};
use crate::{peer::Peer, samples::Party};

/// Where a packet is counted.
#[derive(Clone, Debug)]
pub enum Counted {
    /// With a peer.
    Peer(Arc<Peer>),
    /// With the node itself, or its accounts in one asset.
    Own(Arc<OwnTraffic>),
}

/// Counters of this node's own.
#[derive(Debug, Default)]
pub struct OwnTraffic {
    traffic: Traffic,
    /// Of the accounts in which asset; `None` for questions, which move no money.
    pub(crate) asset: Option<AssetName>,
}

impl OwnTraffic {
    pub(crate) fn of_accounts(asset: AssetName) -> Self {
        Self { asset: Some(asset), ..Self::default() }
    }
}

impl Deref for OwnTraffic {
    type Target = Traffic;

    fn deref(&self) -> &Traffic {
        &self.traffic
    }
}

impl Counted {
    pub(crate) fn party(&self) -> Party {
        match self {
            Self::Peer(peer) => Party::Peer { id: peer.id, asset: Arc::clone(&peer.asset) },
            Self::Own(own) => own.asset.clone().map_or(Party::Node, Party::Accounts),
        }
    }
}

impl Deref for Counted {
    type Target = Traffic;

    fn deref(&self) -> &Traffic {
        match self {
            Self::Peer(peer) => &peer.traffic,
            Self::Own(own) => own,
        }
    }
}
