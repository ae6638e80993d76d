//! Finds the peers that are peerings with one neighbour, so that no packet goes back to the node it
//! came from.
//!
//! Two operators have one peering for each asset that they both count in, all of them between the same
//! two nodes. Peers that have an ILP address or an endpoint in common are such peerings.

use std::{
    hash::{BuildHasher, Hash},
    sync::atomic::{AtomicU64, Ordering},
};

use foldhash::fast::FixedState;
use ilp_net::{Endpoint, Place};

use crate::peer::Terms;

/// Hashes of a peer's address and of its endpoint, 32 bits each, in one word. The word lies in
/// memory that every packet reads; the texts themselves would cost two more memory accesses on
/// either side of a packet. They are compared only where a hash is equal.
#[derive(Debug)]
pub(crate) struct NeighbourTag(AtomicU64);

impl NeighbourTag {
    /// Computes the tag of a peer with these terms.
    pub(crate) fn of(terms: &Terms) -> Self {
        Self(AtomicU64::new(word(terms)))
    }

    /// Updates the tag after a change of terms.
    pub(crate) fn set(&self, terms: &Terms) {
        // Relaxed: a packet that races with the change is judged as if it had come a moment earlier.
        self.0.store(word(terms), Ordering::Relaxed);
    }

    /// Returns whether the two tags may belong to one neighbour. If not, they certainly don't.
    pub(crate) fn may_be_same(&self, other: &Self) -> bool {
        let differing = self.0.load(Ordering::Relaxed) ^ other.0.load(Ordering::Relaxed);
        differing >> u32::BITS == 0 || differing & u64::from(u32::MAX) == 0
    }
}

/// Returns whether peers with these terms are the same neighbour.
pub(crate) fn is_same(one: &Terms, other: &Terms) -> bool {
    one.address == other.address
        || is_same_endpoint(&one.next_hop.endpoint, &other.next_hop.endpoint)
}

/// Returns whether two endpoints lead to the same place, whichever way each is written.
#[must_use]
pub fn is_same_endpoint(one: &str, other: &str) -> bool {
    one == other || place(one) == place(other)
}

fn word(terms: &Terms) -> u64 {
    (half(&terms.address.as_str()) << u32::BITS) | half(&place(&terms.next_hop.endpoint))
}

fn half(key: &impl Hash) -> u64 {
    FixedState::default().hash_one(key) >> u32::BITS
}

/// Returns the place that an endpoint leads to, and the text itself where it is not a URL.
fn place(endpoint: &str) -> Result<Place, &str> {
    Endpoint::parse(endpoint).map(|endpoint| endpoint.place()).map_err(|_| endpoint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{peer::NextHop, testing::terms, token::Secret};

    fn at(address: &str, endpoint: &str) -> Terms {
        let next_hop = NextHop::new(endpoint.to_owned(), Secret::new("t".to_owned()));
        Terms { next_hop, ..terms(address) }
    }

    fn are_same(one: &Terms, other: &Terms) -> bool {
        let may_be = NeighbourTag::of(one).may_be_same(&NeighbourTag::of(other));
        let are = is_same(one, other);
        assert!(may_be || !are, "a tag rules out what is the same: {one:?} {other:?}");
        are
    }

    #[test]
    fn one_address_or_one_endpoint_is_one_neighbour() {
        let bob = at("g.bob", "https://ilp.bob.example/ilp");
        assert!(are_same(&bob, &at("g.bob", "https://elsewhere.example")));
        for same in [
            "https://ilp.bob.example/ilp",
            "https://ilp.bob.example/ilp/",
            "ilp.bob.example/ilp",
            "https://ILP.Bob.Example:443/ilp",
            "https://ilp.bob.example./%69lp",
        ] {
            assert!(are_same(&bob, &at("g.robert", same)), "{same}");
        }
        for other in [
            "https://ilp.bob.example/other",
            "https://ilp.bob.example/ILP",
            "https://ilp.bob.example",
            "https://ilp.bob.example:8443/ilp",
            "https://ilp.carol.example/ilp",
        ] {
            assert!(!are_same(&bob, &at("g.robert", other)), "{other}");
            assert!(!are_same(&bob, &at("g.bob.branch", other)), "{other}");
        }
    }

    #[test]
    fn a_tag_follows_the_terms() {
        let (alice, bob) = (at("g.alice", "https://a.example"), at("g.bob", "https://b.example"));
        let (one, other) = (NeighbourTag::of(&alice), NeighbourTag::of(&bob));
        assert!(!one.may_be_same(&other));
        one.set(&at("g.alice", "https://b.example"));
        assert!(one.may_be_same(&other));
        one.set(&alice);
        assert!(!one.may_be_same(&other));
    }
}
