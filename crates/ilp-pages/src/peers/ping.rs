//! The test of the connection to a peer, with a diagnosis in plain words.

use std::sync::Arc;

use axum::extract::{Path, State};
use ilp_operator::{PingOutcome, PingOver, PingReply};
use maud::html;

use super::detail;
use crate::{Pages, answer::Answer, form::Typed, visit::Submitted};

/// The finding, and its remedy.
#[derive(Debug, PartialEq, Eq)]
struct Diagnosis {
    is_reached: bool,
    words: String,
}

pub(super) async fn ping(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    Submitted { visit, .. }: Submitted,
) -> Answer {
    let peer = pages.operator.peers().get(&id).await?;
    let address = peer.record.terms.address.as_str();
    let outcome = pages.operator.peers().ping(address, PingOver::Peer(&id)).await?;
    let own = pages.operator.node().address.to_string();
    let Diagnosis { is_reached, words } = diagnosis(address, &own, &outcome);
    let took_ms = outcome.took_us / 1_000;
    let notice = html! {
        div class={ "notice " (if is_reached { "good" } else { "bad" }) } role="status" {
            p { strong { @if is_reached { "It answers." } @else { "It doesn't answer." } } " " (words) }
            @if let Some(PingReply { code, message, triggered_by }) = &outcome.reply {
                p.small {
                    "The reply: " code { (code) } " " (message)
                    @if let Some(by) = triggered_by { ", from " code { (by) } }
                    ", after " (took_ms) " ms."
                }
            }
        }
    };
    detail::showing(&pages, &visit, &id, Typed::default(), &notice).await
}

/// Returns the diagnosis of a ping. No node can fulfill a ping, so the Reject of the far end is the
/// good answer.
fn diagnosis(address: &str, own: &str, outcome: &PingOutcome) -> Diagnosis {
    let no = |words: String| Diagnosis { is_reached: false, words };
    if let Some(trouble) = &outcome.trouble {
        return no(format!("The packet got no reply. {}", trouble.message()));
    }
    let Some(PingReply { triggered_by, code, .. }) = &outcome.reply else {
        return no("No reply came in time. Its node may be down, or a firewall swallows what is \
                   sent to its endpoint."
            .to_owned());
    };
    let by = triggered_by.as_ref().map(ToString::to_string).unwrap_or_default();
    if by != own {
        let is_there = by == address
            || by.strip_prefix(address).is_some_and(|rest| rest.starts_with('.'))
            || by.is_empty();
        return if is_there {
            let words = "The packet went there and the refusal came back, as it should.";
            Diagnosis { is_reached: true, words: words.to_owned() }
        } else {
            no(format!("The packet came to {by}, which could not bring it further."))
        };
    }
    no(match code.as_str() {
        "T01" => {
            "Its endpoint can't be reached, or it turned us away. Check the endpoint, its \
                  certificate, and that the token that you show is the one that it expects."
        }
        "T02" => "It says that it is busy. Try again in a while.",
        "T03" => "This node takes no more packets just now, or is stopping.",
        "T00" => "What answers at its endpoint is no ILP connector.",
        "R00" | "R02" => "No reply came in time. It may be slow, down, or behind a firewall.",
        "F02" => "This node has no route to it that may be used.",
        _ => "This node refused the packet itself.",
    }
    .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_refused_says_where_it_ends() {
        let outcome = |by: Option<&str>, code: &str| PingOutcome {
            reply: Some(PingReply {
                triggered_by: by.map(|by| by.parse().unwrap()),
                code: code.to_owned(),
                message: String::new(),
            }),
            trouble: None,
            took_us: 1,
        };
        let reached = |by, code| diagnosis("g.bob", "g.own", &outcome(by, code)).is_reached;
        assert!(reached(Some("g.bob"), "F02") && reached(Some("g.bob.x"), "F99"));
        assert!(reached(None, "F06"));
        assert!(!reached(Some("g.own"), "T01") && !reached(Some("g.bobby"), "F02"));
        let silent = PingOutcome { reply: None, trouble: None, took_us: 1 };
        assert!(!diagnosis("g.bob", "g.own", &silent).is_reached);
        let words = diagnosis("g.bob", "g.own", &outcome(Some("g.own"), "T01")).words;
        assert!(words.contains("token") && words.contains("endpoint"), "{words}");
    }
}
