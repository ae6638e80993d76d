//! Packets and amounts: of all peers, of each peer with metrics of its own, and of the others.

use std::{collections::BTreeMap, fmt::Result};

use ilp_connector::{
    Connector,
    ledger::Ledger,
    traffic::{AssetName, Causes, Count, Flow, Flows},
};

use super::{
    page::{Kind, Number, Page},
    survey::{Survey, name},
};

/// The number of assets with amounts of their own, the first by name. Amounts of several assets
/// can't be added up, so further assets have none; `jirani_assets` gives the number of assets.
pub(super) const ASSETS_MAX: usize = 100;

/// The label of peers without metrics of their own, and of error codes that no RFC names.
pub(super) const OTHER: &str = "other";
/// The label of the node's own packets and accounts in place of a peer.
const OWN: &str = "own";

/// Labels, and the flows that they belong to.
struct Row {
    labels: Vec<(&'static str, String)>,
    flows: Flows,
}

pub(super) fn write(page: &mut Page<'_>, survey: &Survey) -> Result {
    let by_asset = survey.by_asset();
    let mut all = survey.own.questions;
    by_asset.values().for_each(|flows| all += *flows);
    let rows = [Row { labels: Vec::new(), flows: all }];
    outcomes(page, "jirani_packets", "Packets by what became of them", &rows, packets)?;
    let help = "Packets that were sent on and are not answered yet";
    in_flight(page, "jirani_packets_in_flight", help, &rows, packets)?;

    let rows: Vec<Row> = amounts_of(None, &by_asset).collect();
    let help = "Amounts in the asset's smallest unit by what became of the packets";
    outcomes(page, "jirani_amount", help, &rows, amount)?;
    let help = "Amounts of packets that are not answered yet";
    in_flight(page, "jirani_amount_on_hold", help, &rows, amount)
}

pub(super) fn write_peers(page: &mut Page<'_>, survey: &Survey) -> Result {
    let rows = peer_packets(survey);
    let help = "Packets from and to a peer by what became of them";
    outcomes(page, "jirani_peer_packets", help, &rows, packets)?;
    let help = "Packets from and to a peer that are not answered yet";
    in_flight(page, "jirani_peer_packets_in_flight", help, &rows, packets)?;

    let rows = peer_amounts(survey);
    let help = "Amounts from and to a peer by what became of the packets";
    outcomes(page, "jirani_peer_amount", help, &rows, amount)?;
    let help = "Amounts from and to a peer that are not answered yet";
    in_flight(page, "jirani_peer_amount_on_hold", help, &rows, amount)?;

    let help = "What a peer may still send, in its asset's smallest unit";
    let mut family = page.family(Kind::Gauge, "jirani_peer_liquidity", help)?;
    let labelled = survey
        .labelled
        .iter()
        .map(|peer| (Some(peer.id.to_string()), name(&peer.asset), peer.numbers.liquidity));
    let others = survey.others.iter().take(ASSETS_MAX);
    let others = others.map(|(asset, numbers)| (None, asset.clone(), numbers.liquidity));
    for (peer, (code, scale), liquidity) in labelled.chain(others) {
        let peer = peer.as_deref().unwrap_or(OTHER);
        let labels = [("peer", peer), ("asset", &code), ("scale", &scale.to_string())];
        family.row(&labels, liquidity)?;
    }
    Ok(())
}

/// Writes the reasons for which packets weren't fulfilled.
pub(super) fn write_causes<L: Ledger>(page: &mut Page<'_>, connector: &Connector<L>) -> Result {
    let causes: &Causes = connector.causes();
    let help = "Packets that this node answered with a Reject of its own, by cause";
    let mut family = page.family(Kind::Counter, "jirani_refusals", help)?;
    for (refusal, count) in causes.refusals() {
        family.row(&[("cause", refusal.label()), ("code", refusal.code().as_str())], count)?;
    }
    let help = "Packets for which no reply came from the next hop, by cause";
    let mut family = page.family(Kind::Counter, "jirani_link_failures", help)?;
    for (failure, count) in causes.link_failures() {
        family.row(&[("cause", failure.label())], count)?;
    }
    let help = "Rejects of others that were passed on, and of who is paid here, by code";
    let mut family = page.family(Kind::Counter, "jirani_rejects", help)?;
    for (code, count) in causes.rejects() {
        family.row(&[("code", code.as_ref().map_or(OTHER, |code| code.as_str()))], count)?;
    }
    Ok(())
}

/// Returns the packets of each peer with metrics of its own, of all the others, and of this node.
fn peer_packets(survey: &Survey) -> Vec<Row> {
    let (mut others, mut own) = (Flows::default(), survey.own.questions);
    survey.others.values().for_each(|numbers| others += numbers.flows);
    survey.own.accounts.values().for_each(|flows| own += *flows);
    let labelled = survey.labelled.iter().map(|peer| (peer.id.to_string(), peer.numbers.flows));
    let rest = [(OTHER.to_owned(), others), (OWN.to_owned(), own)];
    let row = |(peer, flows)| Row { labels: vec![("peer", peer)], flows };
    labelled.chain(rest).map(row).collect()
}

/// Returns the amounts of each peer with metrics of its own, of all the others, and of this node.
fn peer_amounts(survey: &Survey) -> Vec<Row> {
    let labelled = survey.labelled.iter().map(|peer| {
        let labels = labels(Some(&peer.id.to_string()), &name(&peer.asset));
        Row { labels, flows: peer.numbers.flows }
    });
    let others = survey.others.iter().map(|(asset, numbers)| (asset.clone(), numbers.flows));
    let others = others.collect();
    let others = amounts_of(Some(OTHER), &others);
    labelled.chain(others).chain(amounts_of(Some(OWN), &survey.own.accounts)).collect()
}

fn amounts_of(
    peer: Option<&str>,
    by_asset: &BTreeMap<AssetName, Flows>,
) -> impl Iterator<Item = Row> {
    let row = move |(asset, flows): (_, &Flows)| Row { labels: labels(peer, asset), flows: *flows };
    by_asset.iter().take(ASSETS_MAX).map(row)
}

fn labels(peer: Option<&str>, (code, scale): &AssetName) -> Vec<(&'static str, String)> {
    let peer = peer.map(|peer| ("peer", peer.to_owned()));
    peer.into_iter().chain([("asset", code.clone()), ("scale", scale.to_string())]).collect()
}

/// Writes the packets or amounts that have ended.
fn outcomes(
    page: &mut Page<'_>,
    metric: &str,
    help: &str,
    rows: &[Row],
    number: fn(Count) -> Number,
) -> Result {
    let mut family = page.family(Kind::Counter, metric, help)?;
    for row in rows {
        for (direction, Flow { fulfilled, rejected, refused, .. }) in row.directions() {
            for (outcome, count) in
                [("fulfilled", fulfilled), ("rejected", rejected), ("refused", refused)]
            {
                let labels = row.with(&[("direction", direction), ("outcome", outcome)]);
                family.row(&labels, number(count))?;
            }
        }
    }
    Ok(())
}

/// Writes the packets or amounts in flight.
fn in_flight(
    page: &mut Page<'_>,
    metric: &str,
    help: &str,
    rows: &[Row],
    number: fn(Count) -> Number,
) -> Result {
    let mut family = page.family(Kind::Gauge, metric, help)?;
    for row in rows {
        for (direction, flow) in row.directions() {
            family.row(&row.with(&[("direction", direction)]), number(flow.in_flight))?;
        }
    }
    Ok(())
}

fn packets(count: Count) -> Number {
    count.packets.into()
}

fn amount(count: Count) -> Number {
    count.amount.into()
}

impl Row {
    fn directions(&self) -> [(&'static str, Flow); 2] {
        [("in", self.flows.incoming), ("out", self.flows.outgoing)]
    }

    fn with<'a>(&'a self, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let own = self.labels.iter().map(|(name, value)| (*name, value.as_str()));
        own.chain(more.iter().copied()).collect()
    }
}
