//! The packets that a node would take from other peers if it became a peer.
//!
//! A peer gets the packets to its address and below it, and the longest prefix wins. So an address
//! that lies below a route of another peer takes packets from that peer, the same address shares
//! them, and one above takes packets that a default route had. An unknown node gets none of these
//! by its word alone.

use ilp_connector::{ListedRoute, is_same_endpoint, peer::Peer};
use ilp_store::PeeringRequestRecord;
use interledger_packet::Address;

use super::terms::PeeringOffer;
use crate::node::operator::Inner;

/// The most peers concerned that are named.
const NAMED_MAX: usize = 5;

impl Inner {
    /// Returns whether a node shows the token of a peer, in any asset, that has the address which
    /// the node gives.
    pub(super) fn shows_to_be_peer(&self, offer: &PeeringOffer) -> bool {
        let shown = offer.proof.as_ref().map(|proof| proof.reveal().as_bytes());
        let peer = shown.and_then(|shown| self.parts.connector.peer_by_token(shown));
        peer.is_some_and(|peer| peer.terms().address.as_str() == offer.static_ilp_address)
    }

    pub(super) fn claims_of(&self, request: &PeeringRequestRecord) -> Vec<ListedRoute> {
        self.claims(&request.static_ilp_address, |_| true)
    }

    /// Returns the warnings that the operator should read before it approves.
    pub(super) fn peering_warnings(&self, request: &PeeringRequestRecord) -> Vec<String> {
        let PeeringRequestRecord { static_ilp_address: address, endpoint, .. } = request;
        let claims = self.claims_of(request);
        claims.iter().map(|claim| warning(claim, address, endpoint)).collect()
    }

    /// Returns a few of the routes of other peers that are at, above or below an address.
    pub(crate) fn claims(
        &self,
        address: &str,
        is_other: impl Fn(&Peer) -> bool,
    ) -> Vec<ListedRoute> {
        // Addresses are checked earlier; one that doesn't parse claims nothing.
        let Ok(address) = address.parse::<Address>() else { return Vec::new() };
        self.parts.connector.routes_around(address.as_addr(), NAMED_MAX, is_other)
    }
}

/// Returns whether a peer has this address and takes its packets at this endpoint, so that its
/// packets stay with it whatever the outcome of another peering.
pub(crate) fn is_there(peer: &Peer, address: &str, endpoint: &str) -> bool {
    let terms = peer.terms();
    terms.address.as_str() == address && is_same_endpoint(&terms.next_hop.endpoint, endpoint)
}

/// Returns the warning about a route that the operator should read before a node gets `address` and
/// takes its packets at `endpoint`.
pub(crate) fn warning(route: &ListedRoute, address: &str, endpoint: &str) -> String {
    let ListedRoute { prefix, peer } = route;
    let terms = peer.terms();
    let (name, code) = (&terms.address, &peer.asset.code);
    if terms.address.as_str() == address {
        let place = if is_same_endpoint(&terms.next_hop.endpoint, endpoint) {
            "at the same endpoint"
        } else {
            "at another endpoint"
        };
        return format!(
            "the peer {name} in {code} has this address, {place}: approve only what its operator asks \
             for, since packets to {name} would go to this node too"
        );
    }
    if prefix.is_empty() {
        return format!(
            "packets to {address} go to the peer {name}, which is the default route, and would go to \
             this node instead"
        );
    }
    if prefix.len() > address.len() {
        return format!("the peer {name} has the route {prefix}, which lies below this address");
    }
    let verb = if **prefix == *address { "too" } else { "instead" };
    format!(
        "packets to {address} go to the peer {name}, which has the route {prefix}, and would go to \
         this node {verb}"
    )
}

/// Returns whether `address` lies below `above`.
pub(crate) fn is_below(address: &str, above: &str) -> bool {
    address.strip_prefix(above).is_some_and(|rest| rest.starts_with('.'))
}
