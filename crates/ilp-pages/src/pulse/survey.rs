//! A survey of every peer: the packets in flight, and the peers and assets that need the operator.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use ilp_connector::{
    Reachability,
    account::AccountKind,
    peer::Peer,
    traffic::{AssetName, Count, Flow},
};
use ilp_operator::{LowAccount, Operator};
use uuid::Uuid;

use super::Core;

/// The number of peers and assets that are named. Of the others the survey tells the number.
const NAMED_MAX: usize = 20;
/// The number of a peer's packets, and the percentage of them that must have failed, from which
/// failures are reported.
const FAILED_MIN: u64 = 10;
const FAILED_PERCENT_MIN: u64 = 20;
/// Errors are counted over one to two of these intervals.
const ERRORS_AGE: Duration = Duration::from_secs(60);
/// The number of peers whose errors are remembered from one survey to the next.
const REMEMBERED_MAX: usize = 10_000;

/// A fault of a peer, or of the node's own stock of an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Several packets in a row got no answer.
    Unreachable,
    /// The account's balance is at its threshold or below.
    Low(LowAccount),
    /// Many of the packets from or to the peer failed.
    Failing { failed: u64, ended: u64 },
}

/// A peer or an asset that needs the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attention {
    /// The id of the peer or the asset.
    pub(crate) id: Uuid,
    pub(crate) trouble: Trouble,
}

/// The state of all peers at about one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Survey {
    pub(crate) peers: usize,
    /// The number of peers that packets don't reach.
    pub(crate) unreachable: usize,
    /// The packets in flight and the amounts that they hold, by asset.
    pub(crate) under_way: BTreeMap<AssetName, Count>,
    /// The peers and assets that need the operator, the worst first.
    pub(crate) attention: Vec<Attention>,
    /// The number of those that are not listed.
    pub(crate) more: usize,
}

/// The packets of one peer, of both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    ended: u64,
    failed: u64,
}

/// The counts of two earlier surveys, of those peers whose packets fail at all.
#[derive(Debug)]
pub(super) struct EarlierCounts {
    earlier: HashMap<Uuid, Tally>,
    later: HashMap<Uuid, Tally>,
    later_at: Instant,
}

impl Default for EarlierCounts {
    fn default() -> Self {
        Self { earlier: HashMap::new(), later: HashMap::new(), later_at: Instant::now() }
    }
}

impl Survey {
    /// Takes a survey. Changes of peers wait for it, and packets don't; its time grows with the
    /// number of peers.
    pub(super) fn take(
        core: &Core,
        operator: &Operator,
        mut before: EarlierCounts,
    ) -> (Self, EarlierCounts) {
        let mut survey = Self::default();
        let (mut found, mut failing) = (Vec::new(), HashMap::new());
        core.visit_peers(|peer| survey.add(peer, &before, &mut found, &mut failing));
        for (asset, flows) in core.own_flows().accounts {
            *survey.under_way.entry(asset).or_default() += flows.incoming.in_flight;
        }
        survey.under_way.retain(|_, count| count.packets > 0);
        operator.liquidity().visit_low_accounts(|low| {
            let is_live = match low.account.kind {
                AccountKind::PeerLiquidity => core.peer(low.account.owner).is_some(),
                _ => true,
            };
            if is_live {
                found.push(Attention { id: low.account.owner, trouble: Trouble::Low(low) });
            }
        });
        found.sort_unstable_by_key(|attention| (attention.trouble.rank(), attention.id));
        survey.more = found.len().saturating_sub(NAMED_MAX);
        found.truncate(NAMED_MAX);
        survey.attention = found;
        if before.later_at.elapsed() >= ERRORS_AGE {
            before.earlier = std::mem::replace(&mut before.later, failing);
            before.later_at = Instant::now();
        }
        (survey, before)
    }

    fn add(
        &mut self,
        peer: &Peer,
        before: &EarlierCounts,
        found: &mut Vec<Attention>,
        failing: &mut HashMap<Uuid, Tally>,
    ) {
        self.peers += 1;
        let flows = peer.traffic.flows();
        let in_flight = flows.incoming.in_flight;
        if in_flight.packets > 0 {
            let asset = (peer.asset.code.clone(), peer.asset.scale);
            *self.under_way.entry(asset).or_default() += in_flight;
        }
        let mut need = |trouble| found.push(Attention { id: peer.id, trouble });
        if peer.reachability() == Reachability::Unreachable {
            self.unreachable += 1;
            need(Trouble::Unreachable);
        }
        let now = Tally::of(&flows.incoming, &flows.outgoing);
        if now.failed == 0 {
            return;
        }
        if failing.len() < REMEMBERED_MAX {
            failing.insert(peer.id, now);
        }
        let since = before.earlier.get(&peer.id).copied().unwrap_or_default();
        let (failed, ended) =
            (now.failed.saturating_sub(since.failed), now.ended.saturating_sub(since.ended));
        if is_failing(failed, ended) {
            need(Trouble::Failing { failed, ended });
        }
    }
}

impl Trouble {
    /// Returns the order of faults: the worst is the least.
    fn rank(self) -> (u8, Reverse<u64>) {
        match self {
            Self::Unreachable => (0, Reverse(0)),
            Self::Low(_) => (1, Reverse(0)),
            Self::Failing { failed, .. } => (2, Reverse(failed)),
        }
    }
}

impl Tally {
    fn of(incoming: &Flow, outgoing: &Flow) -> Self {
        let failed = |flow: &Flow| flow.rejected.packets + flow.refused.packets;
        let failed = failed(incoming) + failed(outgoing);
        let fulfilled = incoming.fulfilled.packets + outgoing.fulfilled.packets;
        Self { ended: failed + fulfilled, failed }
    }
}

fn is_failing(failed: u64, ended: u64) -> bool {
    failed >= FAILED_MIN
        && u128::from(failed) * 100 >= u128::from(ended) * u128::from(FAILED_PERCENT_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_worth_a_word_when_they_are_many_and_not_few_among_many() {
        assert!(is_failing(10, 50) && is_failing(u64::MAX, u64::MAX));
        assert!(!is_failing(9, 9) && !is_failing(10, 51) && !is_failing(0, 0));
    }

    #[test]
    fn who_is_not_reached_comes_first_and_of_those_with_errors_the_one_with_most() {
        let failing = |failed| Trouble::Failing { failed, ended: failed };
        let mut troubles = [failing(10), Trouble::Unreachable, failing(90)];
        troubles.sort_by_key(|trouble| trouble.rank());
        assert_eq!(troubles, [Trouble::Unreachable, failing(90), failing(10)]);
    }
}
