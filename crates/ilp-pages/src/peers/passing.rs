//! The traffic with a peer: by the second while the page is open, and since the node's start.

use ilp_connector::{
    Occupancy,
    traffic::{Count, Flow, Flows},
};
use ilp_operator::PeerView;
use interledger_packet::ErrorCode;
use maud::{Markup, html};

use crate::{
    Pages,
    chart::{Frame, Series, bars, top},
    parts::amount,
};

/// The length of the charts in seconds.
const SECONDS: usize = 120;

/// Counts of Rejects by code.
type Rejects = Vec<(Option<ErrorCode>, u64)>;

/// Shows the traffic; empty for a peer that has not been brought into the connector yet.
pub(super) fn show(pages: &Pages, view: &PeerView) -> Markup {
    let core = pages.pulse.core();
    let Some(peer) = core.peer(view.record.id) else { return html! {} };
    let rates = pages.pulse.peer_rates(peer.id).unwrap_or_default();
    let (flows, [from, to]) = (peer.traffic.flows(), peer.traffic.rejects());
    html! {
        section.card {
            h2 { "Packets" }
            div.charts {
                (chart("From it, packets in each second", &rates.incoming))
                (chart("To it, packets in each second", &rates.outgoing))
            }
            (counts(view, &flows))
            (under_way(view, &flows, core.occupancy(&peer)))
            @if flows.link_failures > 0 {
                p.quiet.small { "No reply came from it " (flows.link_failures) " times; some of those packets then went to another peer." }
            }
        }
        @if !from.is_empty() || !to.is_empty() { (errors(&from, &to)) }
    }
}

fn chart(title: &str, seconds: &[(u64, u64)]) -> Markup {
    let fulfilled: Vec<_> = seconds.iter().map(|(fulfilled, _)| *fulfilled).collect();
    let failed: Vec<_> = seconds.iter().map(|(_, failed)| *failed).collect();
    let sums = || seconds.iter().map(|(fulfilled, failed)| fulfilled + failed);
    let most = top(sums());
    let words = match (sums().next_back(), sums().max()) {
        (Some(last), Some(most)) => format!(
            "{last} in the last second, at most {most}; {} fulfilled and {} failed within {} seconds",
            fulfilled.iter().sum::<u64>(),
            failed.iter().sum::<u64>(),
            seconds.len()
        ),
        _ => "counted from now on, while this page is open".to_owned(),
    };
    let frame = Frame {
        title,
        since: "two minutes ago",
        words: &words,
        top: &most.to_string(),
        keys: &[("fulfilled", "good"), ("failed", "bad")],
    };
    let good = Series { class: "good", values: &fulfilled };
    bars(frame, SECONDS, most, &[good, Series { class: "bad", values: &failed }])
}

fn counts(view: &PeerView, flows: &Flows) -> Markup {
    let count = |label: &str, count: Count| {
        html! {
            td.number data-label=(label) {
                div {
                    (count.packets)
                    @if count.amount > 0 { br; span.quiet.small { (amount(count.amount, &view.asset)) } }
                }
            }
        }
    };
    let row = |name: &str, flow: &Flow| {
        html! {
            tr {
                th scope="row" { (name) }
                (count("Fulfilled", flow.fulfilled))
                (count("Rejected further on", flow.rejected))
                (count("Refused here", flow.refused))
                (count("Under way", flow.in_flight))
            }
        }
    };
    html! {
        table.cards {
            thead { tr {
                th scope="col" { "Since the start" }
                th.number scope="col" { "Fulfilled" } th.number scope="col" { "Rejected further on" }
                th.number scope="col" { "Refused here" } th.number scope="col" { "Under way" }
            } }
            tbody { (row("From it", &flows.incoming)) (row("To it", &flows.outgoing)) }
        }
    }
}

/// Shows the amounts that packets from the peer hold, beside the limits.
fn under_way(view: &PeerView, flows: &Flows, limits: Occupancy) -> Markup {
    let held = flows.incoming.in_flight;
    let per_cent = |ppm: u64| format!("{}.{} %", ppm / 10_000, ppm / 1_000 % 10);
    html! {
        p.small {
            "On hold for packets from it: " (amount(held.amount, &view.asset))
            @if let Some(most) = limits.amount_max { " of at most " (amount(most, &view.asset)) }
            ", in " (held.packets) " of at most " (limits.packets_max) " packets; of the stock of other assets "
            (per_cent(limits.asset_share_ppm)) " of at most " (per_cent(limits.asset_share_ppm_max)) "."
        }
    }
}

fn errors(from: &Rejects, to: &Rejects) -> Markup {
    let mut codes: Vec<_> = from.iter().chain(to).map(|(code, _)| *code).collect();
    codes.sort_unstable_by_key(|code| code.map(|code| code.as_str().to_owned()));
    codes.dedup();
    let count = |rejects: &Rejects, code: Option<ErrorCode>| {
        rejects.iter().find(|(known, _)| *known == code).map_or(0, |(_, count)| *count)
    };
    html! {
        section.card {
            h2 { "Errors by code, since the start" }
            table.cards {
                thead { tr {
                    th scope="col" { "Code" } th.number scope="col" { "From it" }
                    th.number scope="col" { "To it" } th scope="col" { "What it means" }
                } }
                tbody { @for code in codes { tr {
                    th scope="row" { code { @match code { Some(code) => (code.as_str()), None => "other" } } }
                    td.number data-label="From it" { (count(from, code)) }
                    td.number data-label="To it" { (count(to, code)) }
                    td data-label="What it means" { (meaning(code.as_ref().map_or("", ErrorCode::as_str))) }
                } } }
            }
        }
    }
}

fn meaning(code: &str) -> &'static str {
    match code {
        "F00" | "F01" => "A packet that was no good: one of the two programs has a fault.",
        "F02" => "No route to where it was to go. Check routes, and who should know the way.",
        "F03" | "F04" => "Less arrived than was asked for: a rate or a fee on the way.",
        "F05" => "The wrong condition or fulfillment: somebody further on is broken or cheats.",
        "F06" | "F07" => "The receiver didn't expect it, or can't take it.",
        "F08" => "A packet larger than somebody's limit. Senders make smaller ones when told.",
        "F09" => "A next hop answered with what is no reply.",
        "F99" | "T99" | "R99" => "The receiving application's own no; pings end like this too.",
        "T00" => "Trouble inside a node on the way: its rates, or a fault.",
        "T01" => "A next hop could not be reached, or turned the packet away. Test the connection.",
        "T02" | "T03" => "A node on the way was busy.",
        "T04" => "No liquidity left on the way: here a deposit or a settlement helps.",
        "T05" => "Over a limit of packets or amounts. Raise it here if that was not meant.",
        "R00" | "R02" => "Too late: the way took longer than the packet had.",
        "R01" => "Too small to be worth anything in the other asset.",
        _ => "A code that no RFC names.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_one_line_with_its_meaning() {
        let t01 = Some(ErrorCode::T01_PEER_UNREACHABLE);
        let shown = errors(&vec![(None, 3), (t01, 1)], &vec![(t01, 2)]).into_string();
        assert_eq!(shown.matches("<code>T01</code>").count(), 1, "{shown}");
        assert!(shown.contains("Test the connection") && shown.contains("<code>other</code>"));
    }
}
