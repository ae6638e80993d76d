//! The operations' interface to the part of the node that speaks to other nodes.

use std::{fmt, sync::Arc};

use ilp_connector::{
    LinkTrouble,
    peer::{Asset, Peer},
    token::Secret,
};
use ilp_net::Endpoint;
use interledger_packet::Address;

use crate::vocabulary::{boxed_future::BoxFuture, error::box_error::BoxError};

/// The operations' interface to the transport: the daemon implements it over ILP over HTTP.
pub trait Network: Send + Sync {
    /// Sends a packet of amount zero, which can't be fulfilled, and waits for a node to reject it.
    fn ping(&self, destination: Address, way: PingWay) -> BoxFuture<'_, PingOutcome>;

    /// Checks that `endpoint` is encrypted and leads outside of this machine and of private
    /// networks, wherever its name leads at this moment.
    ///
    /// # Errors
    /// The reason why not, which is shown to the node that asks.
    fn check_public<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, Result<(), BoxError>>;

    /// Asks another node for a peering. Follows no redirection; the answer and the time that it
    /// takes are bounded.
    ///
    /// # Errors
    /// The reason why there is no answer.
    fn ask_for_peering(&self, post: PeeringPost) -> BoxFuture<'_, Result<PeeringReply, BoxError>>;
}

/// A peering request to another node.
#[derive(Clone)]
pub struct PeeringPost {
    /// The URL at which the node takes peering requests.
    pub url: Endpoint,
    /// The token by which the other node knows us, sent as `Authorization: Bearer`, if there is
    /// one.
    pub proof: Option<Secret>,
    /// JSON. It has a token inside, so it's never shown.
    pub body: String,
}

/// The answer of another node. The body has a token inside, so it's never shown.
#[derive(Clone)]
pub struct PeeringReply {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// The way that a ping takes.
#[derive(Clone, Debug)]
pub enum PingWay {
    /// The way of a packet that is in no asset.
    Any,
    /// The way of a packet of this asset: over a peering in it, where there is one.
    InAsset(Arc<Asset>),
    /// Over this peer, whatever the routes say.
    Over(Arc<Peer>),
}

/// The way that a ping is to take, by the id of a peer or of an asset.
#[derive(Clone, Copy, Debug)]
pub enum PingOver<'a> {
    /// The way of a packet that is in no asset.
    Any,
    /// The way of a packet of the asset of this id.
    Asset(&'a str),
    /// Over the peer of this id, whatever the routes say.
    Peer(&'a str),
}

/// The outcome of a ping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PingOutcome {
    /// The answer; `None` when none came in time.
    pub reply: Option<PingReply>,
    /// The reason why the first peer on the way gave no reply, where it gave none.
    pub trouble: Option<LinkTrouble>,
    /// From sending to the reply, or to giving up, in microseconds.
    pub took_us: u64,
}

/// The answer to a ping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PingReply {
    /// The node that refused, as it calls itself; absent where it doesn't say.
    pub triggered_by: Option<Address>,
    /// An ILP error code such as `F99`.
    pub code: String,
    /// The node's explanation.
    pub message: String,
}

impl fmt::Debug for PeeringPost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PeeringPost").field("url", &self.url).finish_non_exhaustive()
    }
}

impl fmt::Debug for PeeringReply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PeeringReply").field("status", &self.status).finish_non_exhaustive()
    }
}
