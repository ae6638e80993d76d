//! The share that each peer occupies of the server.

use crate::port::{Pool, Share};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// The shares of the peers that have sent something lately, by the peers' ids.
//
// A look-up takes no lock. It happens once per connection, and once per packet only where a proxy
// carries several peers over one connection.
pub(super) struct PeerShares {
    pool: Arc<Pool>,
    by_peer: papaya::HashMap<u128, Arc<Share>>,
    connections: AtomicU32,
}

/// The number of connections after which shares without a reference are dropped.
const CONNECTIONS_PER_CLEANUP: u32 = 4_096;

impl PeerShares {
    pub(super) fn new(pool: &Arc<Pool>) -> PeerShares {
        let (by_peer, connections) = (papaya::HashMap::new(), AtomicU32::new(0));
        PeerShares { pool: Arc::clone(pool), by_peer, connections }
    }

    /// Returns the share of a peer, and makes it for the peer's first packet.
    pub(super) fn share(&self, peer: u128) -> Arc<Share> {
        let peers = self.by_peer.pin();
        Arc::clone(peers.get_or_insert_with(peer, || Share::new(&self.pool)))
    }

    /// Counts a connection, and drops now and then the shares of peers that have no connection and
    /// occupy nothing. A peer that connects at that very moment has two shares for as long as its
    /// packets take.
    pub(super) fn count_connection(&self) {
        let count = self.connections.fetch_add(1, Ordering::Relaxed);
        if count % CONNECTIONS_PER_CLEANUP == CONNECTIONS_PER_CLEANUP - 1 {
            self.by_peer.pin().retain(|_, share| Arc::strong_count(share) > 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_has_nothing_is_forgotten() {
        let peers = PeerShares::new(&Pool::new(10, 10, Arc::default()));
        let held = peers.share(1);
        peers.share(2);
        for _ in 0..CONNECTIONS_PER_CLEANUP {
            peers.count_connection();
        }
        assert_eq!(peers.by_peer.pin().len(), 1);
        assert!(Arc::ptr_eq(&held, &peers.share(1)));
    }
}
