//! The traffic with the peers whose pages are open, second by second.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use ilp_connector::traffic::{Flow, Flows};
use uuid::Uuid;

use super::Core;

/// The number of peers that are watched at once. A further one replaces the peer whose page was
/// requested the longest time ago.
const PEERS_MAX: usize = 64;
/// A peer whose page was not requested for this long is forgotten.
const UNSEEN_MAX: Duration = Duration::from_secs(60);
/// The length of the record in seconds.
const SECONDS_MAX: usize = 120;

/// Packets that ended between the node's start and a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ended {
    fulfilled: u64,
    failed: u64,
}

/// The traffic with a peer in each of the last seconds, the newest last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PeerRates {
    /// Fulfilled and failed packets from the peer.
    pub(crate) incoming: Vec<(u64, u64)>,
    /// Fulfilled and failed packets to the peer.
    pub(crate) outgoing: Vec<(u64, u64)>,
}

#[derive(Debug, Default)]
pub(super) struct Watched {
    peers: HashMap<Uuid, WatchedPeer>,
}

#[derive(Debug)]
struct WatchedPeer {
    looked_at: Instant,
    /// The counts of packets from and to the peer, second by second.
    moments: VecDeque<[Ended; 2]>,
}

impl Watched {
    /// Returns the traffic with a peer, which is watched from now on; `None` for an unknown peer.
    pub(super) fn rates(&mut self, core: &Core, peer: Uuid, now: Instant) -> Option<PeerRates> {
        let flows = core.peer(peer)?.traffic.flows();
        if !self.peers.contains_key(&peer) && self.peers.len() >= PEERS_MAX {
            let oldest = self.peers.iter().min_by_key(|(_, seen)| seen.looked_at);
            oldest.map(|(id, _)| *id).map(|id| self.peers.remove(&id));
        }
        let first = || WatchedPeer { looked_at: now, moments: VecDeque::from([ended(&flows)]) };
        let seen = self.peers.entry(peer).or_insert_with(first);
        seen.looked_at = now;
        Some(seen.rates())
    }

    /// Reads the counters of the watched peers.
    pub(super) fn look(&mut self, core: &Core, now: Instant) {
        self.peers.retain(|id, seen| {
            let Some(peer) = core.peer(*id) else { return false };
            if seen.moments.len() > SECONDS_MAX {
                seen.moments.pop_front();
            }
            seen.moments.push_back(ended(&peer.traffic.flows()));
            now.saturating_duration_since(seen.looked_at) < UNSEEN_MAX
        });
    }
}

impl WatchedPeer {
    fn rates(&self) -> PeerRates {
        let pairs = || self.moments.iter().zip(self.moments.iter().skip(1));
        let side = |side: usize| {
            let step = |(earlier, later): (&[Ended; 2], &[Ended; 2])| {
                let (earlier, later) = (earlier[side], later[side]);
                let more = |later: u64, earlier: u64| later.saturating_sub(earlier);
                (more(later.fulfilled, earlier.fulfilled), more(later.failed, earlier.failed))
            };
            pairs().map(step).collect()
        };
        PeerRates { incoming: side(0), outgoing: side(1) }
    }
}

fn ended(flows: &Flows) -> [Ended; 2] {
    [flows.incoming, flows.outgoing].map(|Flow { fulfilled, rejected, refused, .. }| Ended {
        fulfilled: fulfilled.packets,
        failed: rejected.packets + refused.packets,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_tell_what_was_added_in_them() {
        let at = |fulfilled, failed| [Ended { fulfilled, failed }, Ended::default()];
        let moments = VecDeque::from([at(7, 0), at(9, 1), at(9, 1), at(12, 1)]);
        let rates = WatchedPeer { looked_at: Instant::now(), moments }.rates();
        assert_eq!(rates.incoming, [(2, 1), (0, 0), (3, 0)]);
        assert_eq!(rates.outgoing, [(0, 0); 3]);
    }
}
