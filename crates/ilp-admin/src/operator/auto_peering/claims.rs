//! Whose packets a node would get that asks to become a peer.
//!
//! A peer gets the packets to its address and below it, and the longest prefix wins. So an address that
//! lies below a route of another peer takes packets from that peer, the same address shares them, and one
//! above takes what a default route had. A node that nobody knows gets none of these by its word alone.

use ilp_connector::{ListedRoute, is_same_endpoint, peer::Peer};
use interledger_packet::Address;

use crate::operator::Inner;

/// How many of the peers concerned are named.
const NAMED_MAX: usize = 5;

impl Inner {
    /// Routes of other peers at, above or below an address, a few of them.
    pub(in crate::operator) fn claims(
        &self,
        address: &str,
        is_other: impl Fn(&Peer) -> bool,
    ) -> Vec<ListedRoute> {
        // Addresses are checked before; without one there is nothing to claim.
        let Ok(address) = address.parse::<Address>() else { return Vec::new() };
        self.parts.connector.routes_around(address.as_addr(), NAMED_MAX, is_other)
    }
}

/// Whether a peer has this address and takes its packets at this endpoint, so that packets stay with it
/// whatever comes of another peering.
pub(in crate::operator) fn is_there(peer: &Peer, address: &str, endpoint: &str) -> bool {
    let terms = peer.terms();
    terms.address.as_str() == address && is_same_endpoint(&terms.next_hop.endpoint, endpoint)
}

/// What the operator should know before a node gets `address` and takes its packets at `endpoint`.
pub(super) fn warning(route: &ListedRoute, address: &str, endpoint: &str) -> String {
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
