//! The list of peers and assets that need the operator, each with a remedy.

use ilp_connector::account::AccountKind;
use ilp_operator::LowAccount;
use maud::{Markup, html};
use uuid::Uuid;

use crate::{
    Pages,
    parts::amount,
    pulse::{Attention, Survey, Trouble},
};

/// A line of the list.
struct Line {
    path: String,
    name: String,
    class: &'static str,
    state: &'static str,
    what: Markup,
    advice: &'static str,
}

/// Shows the list; empty where nothing needs the operator.
pub(super) async fn show(pages: &Pages, survey: &Survey) -> Markup {
    let mut lines = Vec::with_capacity(survey.attention.len() + 1);
    lines.extend(asking(pages.operator.peering().requests_waiting()));
    for attention in &survey.attention {
        // A subject that was deleted since needs no attention.
        lines.extend(line(pages, attention).await);
    }
    html! {
        @if !lines.is_empty() {
            section.card {
                h2 { "Needs you" }
                ul.attention {
                    @for Line { path, name, class, state, what, advice } in &lines {
                        li {
                            span class={ "state " (class) } { (state) }
                            div {
                                p { a href=(path) { strong { (name) } } " " (what) }
                                p.quiet.small { (advice) }
                            }
                        }
                    }
                }
                @if survey.more > 0 { p.quiet { "And " (survey.more) " more." } }
            }
        }
    }
}

/// Returns the line about waiting peering requests.
fn asking(waiting: usize) -> Option<Line> {
    let name = match waiting {
        0 => return None,
        1 => "A node".to_owned(),
        many => format!("{many} nodes"),
    };
    Some(Line {
        path: "/peering".to_owned(),
        name,
        class: "warn",
        state: "Asks",
        what: html! { "asked to become a peer." },
        advice: "Approve or reject each on its page. Packets are refused until then.",
    })
}

async fn line(pages: &Pages, Attention { id, trouble }: &Attention) -> Option<Line> {
    if let Trouble::Low(low) = trouble {
        return low_line(pages, low).await;
    }
    let (path, name) = peer(pages, *id).await?;
    Some(match trouble {
        Trouble::Failing { failed, ended } => Line {
            path,
            name,
            class: "warn",
            state: "Errors",
            what: html! { (failed) " of " (ended) " packets with it failed within the last minutes." },
            advice: "Its page says how they end. T04 and T05 are limits or liquidity on the way, F02 a \
                     route that leads nowhere, R00 and R02 an answer that comes too late.",
        },
        _ => Line {
            path,
            name,
            class: "bad",
            state: "Unreachable",
            what: html! { "did not answer several packets in a row." },
            advice: "Test the connection on its page, which says how far a packet gets. Ask its operator \
                     whether the node is up and whether the endpoint and the token are still right.",
        },
    })
}

async fn low_line(pages: &Pages, low: &LowAccount) -> Option<Line> {
    let id = low.account.owner;
    if low.account.kind != AccountKind::PeerLiquidity {
        let asset = pages.operator.assets().get(&id.to_string()).await.ok()?;
        return Some(Line {
            path: format!("/assets/{id}"),
            name: format!("The node's own {}", asset.record.code),
            class: "warn",
            state: "Low",
            what: html! {
                "is down to " (amount(low.available, &asset)) "; you want to be told at "
                (amount(low.threshold, &asset)) "."
            },
            advice: "Packets that end in this asset are refused (T04) once it is used up. Deposit more, \
                     or change the rate or the spread.",
        });
    }
    let peer = pages.operator.peers().get(&id.to_string()).await.ok()?;
    let name = peer.record.terms.name.clone().unwrap_or_default();
    Some(Line {
        path: format!("/peers/{id}"),
        name: if name.trim().is_empty() { peer.record.terms.address.to_string() } else { name },
        class: "warn",
        state: "Low",
        what: html! {
            "has " (amount(low.available, &peer.asset)) " left; you want to be told at "
            (amount(low.threshold, &peer.asset)) "."
        },
        advice: "Its packets are refused (T04) once it is used up. Settle with its operator, then \
                 deposit what has come in.",
    })
}

async fn peer(pages: &Pages, id: Uuid) -> Option<(String, String)> {
    let record = pages.operator.peers().get(&id.to_string()).await.ok()?.record;
    let name = record.terms.name.filter(|name| !name.trim().is_empty());
    Some((format!("/peers/{id}"), name.unwrap_or_else(|| record.terms.address.to_string())))
}
