//! What passes from and to the peers whose pages are open, second by second.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use ilp_connector::traffic::{Flow, Flows};
use uuid::Uuid;

use super::Core;

/// Peers that are watched at once; one more takes the place of the one that was looked at longest ago.
const PEERS_MAX: usize = 64;
/// A peer that nobody looks at is forgotten after that.
const UNSEEN_MAX: Duration = Duration::from_secs(60);
/// How far back it is known.
const SECONDS_MAX: usize = 120;

/// Packets that ended, from the start of the node to some moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ended {
    fulfilled: u64,
    failed: u64,
}

/// What passed from and to a peer in each of the last seconds, the newest last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PeerRates {
    /// Fulfilled packets and failed ones, of those from it.
    pub(crate) incoming: Vec<(u64, u64)>,
    /// And of those to it.
    pub(crate) outgoing: Vec<(u64, u64)>,
}

#[derive(Debug, Default)]
pub(super) struct Watched {
    peers: HashMap<Uuid, Seen>,
}

#[derive(Debug)]
struct Seen {
    looked_at: Instant,
    /// From it and to it, second by second.
    moments: VecDeque<[Ended; 2]>,
}

impl Watched {
    /// What is known of a peer, which is watched from now on; `None` where there is no such peer.
    pub(super) fn rates(&mut self, core: &Core, peer: Uuid, now: Instant) -> Option<PeerRates> {
        let flows = core.peer(peer)?.traffic.flows();
        if !self.peers.contains_key(&peer) && self.peers.len() >= PEERS_MAX {
            let oldest = self.peers.iter().min_by_key(|(_, seen)| seen.looked_at);
            oldest.map(|(id, _)| *id).map(|id| self.peers.remove(&id));
        }
        let first = || Seen { looked_at: now, moments: VecDeque::from([ended(&flows)]) };
        let seen = self.peers.entry(peer).or_insert_with(first);
        seen.looked_at = now;
        Some(seen.rates())
    }

    /// Reads the counters of those that are watched.
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

impl Seen {
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
        let rates = Seen { looked_at: Instant::now(), moments }.rates();
        assert_eq!(rates.incoming, [(2, 1), (0, 0), (3, 0)]);
        assert_eq!(rates.outgoing, [(0, 0); 3]);
    }
}
