//! Metrics of peers beside their packets: whether they are reached, and the use of their limits.

use std::{fmt::Result, sync::Arc};

use ilp_connector::{Connector, Occupancy, Reachability, ledger::Ledger, peer::Peer};

use super::{
    packets::OTHER,
    page::{Kind, Number, Page},
    survey::Survey,
};

/// Millionths in a whole.
const PPM: f64 = 1e6;

pub(super) fn write<L: Ledger>(
    page: &mut Page<'_>,
    survey: &Survey,
    connector: &Connector<L>,
) -> Result {
    let help = "Peers by whether packets reach them";
    let mut family = page.family(Kind::Gauge, "jirani_peers_by_state", help)?;
    for (state, peers) in &survey.states {
        family.row(&[("state", state.label())], *peers)?;
    }
    write_link_failures(page, survey)?;
    // A peer that was removed meanwhile has counters, and neither a state nor limits.
    let live = |id| Some((connector.peer(id)?, id.to_string()));
    let peers: Vec<_> = survey.labelled.iter().filter_map(|peer| live(peer.id)).collect();
    let help = "1 once a peer failed several times in a row, until it answers: others come first";
    let mut family = page.family(Kind::Gauge, "jirani_peer_breaker_open", help)?;
    for (peer, id) in &peers {
        family.row(&[("peer", id)], peer.reachability() == Reachability::Unreachable)?;
    }
    write_limits(page, &peers, connector)
}

fn write_link_failures(page: &mut Page<'_>, survey: &Survey) -> Result {
    let help = "How often no reply came from a peer, also where a packet then went to another one";
    let mut family = page.family(Kind::Counter, "jirani_peer_link_failures", help)?;
    for peer in &survey.labelled {
        family.row(&[("peer", &peer.id.to_string())], peer.numbers.flows.link_failures)?;
    }
    let others = survey.others.values().map(|numbers| numbers.flows.link_failures);
    family.row(&[("peer", OTHER)], others.sum::<u64>())
}

/// Writes the limits of a peer's packets in flight, and the part of their use that the packets' own
/// metrics lack.
fn write_limits<L: Ledger>(
    page: &mut Page<'_>,
    peers: &[(Arc<Peer>, String)],
    connector: &Connector<L>,
) -> Result {
    let mut gauge = |name: &str, help: &str, number: fn(Occupancy) -> Option<Number>| {
        let mut family = page.family(Kind::Gauge, name, help)?;
        peers.iter().try_for_each(|(peer, id)| match number(connector.occupancy(peer)) {
            Some(number) => family.row(&[("peer", id)], number),
            None => Ok(()),
        })
    };
    let help = "How many packets from a peer may be under way; those beyond are answered T05";
    gauge("jirani_peer_packets_in_flight_max", help, |it| Some(it.packets_max.into()))?;
    let help = "How much from a peer may be under way, where that is limited; beyond it T05 or F08";
    gauge("jirani_peer_amount_on_hold_max", help, |it| it.amount_max.map(Number::from))?;
    let help = "The part of the stock of other assets that packets from a peer hold, 1 being all";
    gauge("jirani_peer_asset_share_on_hold", help, |it| Some(part(it.asset_share_ppm)))?;
    let help = "The part that they may hold; packets beyond it are answered T04";
    gauge("jirani_peer_asset_share_on_hold_max", help, |it| Some(part(it.asset_share_ppm_max)))
}

fn part(ppm: u64) -> Number {
    Number::from(ppm as f64 / PPM)
}
