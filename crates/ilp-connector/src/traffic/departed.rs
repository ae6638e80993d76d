//! The counters of peers that were removed, so that totals never fall.

use std::{collections::BTreeMap, sync::Arc};

use super::Flows;
use crate::peer::{Asset, Peer};

/// How people name an asset: its code and its scale. An asset that is made anew after it was
/// deleted has another id and the same name.
pub type AssetName = (String, u8);

/// How many removed peers may be waited for before it is looked whether they are gone.
const LEAVING_MIN: usize = 64;

/// The counts of removed peers.
#[derive(Debug, Default)]
pub(crate) struct Departed {
    /// Removed peers that may still count: a packet under way holds them, or the tables do, which
    /// let go of a peer a while after it was taken out.
    leaving: Vec<Arc<Peer>>,
    /// The length of that list at which it is looked through next: twice what was left the last
    /// time, so that removing many peers at once costs each the same.
    look_at: usize,
    /// All others. An entry for each asset that a peer was ever removed of.
    gone: BTreeMap<AssetName, Flows>,
}

impl Departed {
    pub(crate) fn add(&mut self, peer: &Arc<Peer>) {
        self.leaving.push(Arc::clone(peer));
        if self.leaving.len() >= self.look_at.max(LEAVING_MIN) {
            self.let_go();
        }
    }

    /// Returns the counts of removed peers, by asset.
    pub(crate) fn flows(&mut self) -> BTreeMap<AssetName, Flows> {
        self.let_go();
        let mut flows = self.gone.clone();
        for peer in &self.leaving {
            *flows.entry(name(&peer.asset)).or_default() += peer.traffic.flows();
        }
        flows
    }

    fn let_go(&mut self) {
        let Self { leaving, gone, look_at } = self;
        leaving.retain(|peer| {
            // No other reference exists, and none can be made from here while this is borrowed
            // alone.
            let is_gone = Arc::strong_count(peer) == 1;
            if is_gone {
                *gone.entry(name(&peer.asset)).or_default() += peer.traffic.flows();
            }
            !is_gone
        });
        *look_at = 2 * leaving.len();
    }
}

pub(crate) fn name(asset: &Asset) -> AssetName {
    (asset.code.clone(), asset.scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        testing::peer,
        traffic::{Count, Counted, Ending, Passage},
    };

    #[test]
    fn what_a_removed_peer_counted_stays_and_what_it_still_counts_is_added() {
        let mut departed = Departed::default();
        let (alice, bob) = (peer("g.alice"), peer("g.bob"));
        let [from, to] = [&alice, &bob].map(|peer| Counted::Peer(Arc::clone(peer)));
        let passage = Passage::begin(from, to, 5, 5);
        departed.add(&alice);
        departed.add(&bob);
        drop((alice, bob));
        let flows = |departed: &mut Departed| departed.flows()[&("USD".to_owned(), 2)];
        let (none, one) = (Count::default(), Count { packets: 1, amount: 5 });
        let before = flows(&mut departed);
        assert_eq!((before.incoming.in_flight, before.outgoing.fulfilled), (one, none));
        passage.end(Ending::Fulfilled);
        for _ in 0..2 {
            let after = flows(&mut departed);
            assert_eq!((after.incoming.fulfilled, after.outgoing.fulfilled), (one, one));
            assert_eq!(after.incoming.in_flight, none);
        }
        assert!(departed.leaving.is_empty());
    }

    #[test]
    fn many_removals_leave_one_entry_for_each_asset() {
        let mut departed = Departed::default();
        for index in 0..1_000 {
            let peer = peer(&format!("g.peer{index}"));
            peer.traffic.turned_away(1, interledger_packet::ErrorCode::T05_RATE_LIMITED);
            departed.add(&peer);
        }
        assert!(departed.leaving.len() <= LEAVING_MIN);
        let flows = departed.flows();
        assert_eq!(flows.len(), 1);
        assert!(flows.values().all(|flows| flows.incoming.refused.packets == 1_000));
    }
}
