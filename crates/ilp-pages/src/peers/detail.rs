//! The page of one peer: its balance, its traffic, its terms, and the actions on it.

use std::sync::Arc;

use axum::extract::{Path, State};
use ilp_operator::{OperatorError, PeerView, token_id};
use interledger_packet::Timestamp;
use maud::{Markup, html};

use super::{passing, tokens};
use crate::{
    Pages,
    answer::{Answer, see_other},
    form::{Label, Typed},
    layout::{Section, form_token, show_as},
    liquidity::{self, Owner},
    live::{Part, following},
    parts::{amount, liquidity_bar, moment, notice, plain, reachability},
    visit::{Submitted, Visit},
};

pub(super) async fn show(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    visit: Visit,
) -> Answer {
    let said = match tokens::fresh(&pages, &visit, &id) {
        Some(said) => said,
        None => {
            done(visit.query.get("done")).map(|words| notice("good", words)).unwrap_or_default()
        }
    };
    showing(&pages, &visit, &id, Typed::default(), &said).await
}

pub(super) async fn liquidity(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    Submitted { visit, fields }: Submitted,
) -> Answer {
    let peer = pages.operator.peers().get(&id).await?;
    let owner = Owner::Peer(id.clone());
    match liquidity::act(&pages, &visit, &owner, peer.asset.record.scale, &fields).await {
        Ok(word) => Ok(see_other(&format!("/peers/{id}?done={word}"))),
        Err(errors) => showing(&pages, &visit, &id, Typed { fields, errors }, &html! {}).await,
    }
}

/// Shows the peer's page, also after one of its forms was refused. `said` is shown first.
pub(super) async fn showing(
    pages: &Pages,
    visit: &Visit,
    id: &str,
    typed: Typed,
    said: &Markup,
) -> Answer {
    let peer = pages.operator.peers().get(id).await?;
    let owner = Owner::Peer(id.to_owned());
    let movements = liquidity::movements(pages, visit, &owner).await?;
    let record = &peer.record;
    let name = record.terms.name.as_deref().filter(|name| !name.trim().is_empty());
    let title = name.unwrap_or(record.terms.address.as_str());
    let now = pages.operator.now();
    let body = html! {
        (said)
        (typed.summary())
        div.head {
            h1 { (plain(title)) }
            div.actions {
                form method="post" action={ "/peers/" (id) "/ping" } {
                    (form_token(visit))
                    button.plain type="submit" { "Test the connection" }
                }
                a.button.plain href={ "/peers/" (id) "/edit" } { "Edit" }
            }
            p { code { (record.terms.address.as_str()) } }
        }
        (following(&format!("peers/{id}")))
        div #figures { (figures(&peer, now)) }
        div #passing { (passing::show(pages, &peer)) }
        div.grid { (liquidity::forms(visit, &owner, &typed, &peer.asset.record.code)) }
        div.grid {
            (agreed(&peer, now))
            (shown_tokens(visit, &peer, &typed, now))
        }
        div #movements { (movements) }
        section.card {
            h2 { "Delete" }
            p.quiet { "Its liquidity is withdrawn to settlement, its tokens stop working, and its books stay readable." }
            form method="post" action={ "/peers/" (id) "/delete" } {
                (form_token(visit))
                (typed.text(Label {
                    name: "confirm", label: "Confirm",
                    hint: &format!("Type {} to delete it.", record.terms.address.as_str()),
                }))
                button.danger type="submit" { "Delete peer" }
            }
        }
    };
    Ok(show_as(typed.status(), visit, Section::Peers, title, &body))
}

/// Returns the live parts of the peer's page.
pub(crate) async fn live(
    pages: &Pages,
    visit: &Visit,
    id: &str,
) -> Result<Vec<Part>, OperatorError> {
    let peer = pages.operator.peers().get(id).await?;
    let owner = Owner::Peer(id.to_owned());
    let movements = liquidity::movements(pages, visit, &owner).await?;
    let figures = figures(&peer, pages.operator.now());
    Ok(vec![
        ("figures", figures),
        ("passing", passing::show(pages, &peer)),
        ("movements", movements),
    ])
}

fn figures(peer: &PeerView, now: Timestamp) -> Markup {
    let (asset, passed) = (&peer.asset, &peer.passed);
    html! {
        div.grid {
            section.card {
                h2 { "Liquidity" }
                div.figure { (amount(peer.liquidity, asset)) }
                (liquidity_bar(peer.liquidity, peer.record.terms.liquidity_threshold))
                p.quiet.small { "What it may still send." @if passed.amount_on_hold > 0 { " On hold: " (amount(passed.amount_on_hold, asset)) "." } }
            }
            section.card {
                h2 { "Connection" }
                p { (reachability(peer.reachability)) }
                p.quiet.small {
                    @match peer.last_seen_at {
                        Some(at) => { "Last answered " (moment(at, now)) "." }
                        None => { "No packet to it has been answered yet." }
                    }
                }
                @if let Some(trouble) = &peer.last_trouble {
                    p.small {
                        "Last failure, " (moment(trouble.at, now)) ": " (trouble.message())
                        " (" (trouble.count) @if trouble.count == 1 { " packet" } @else { " packets" } " without a reply since the start)"
                    }
                }
            }
            section.card {
                h2 { "Passed since the start" }
                dl.facts {
                    dt { "In" } dd { (amount(passed.amount_in, asset)) " in " (passed.packets_in) " packets" }
                    dt { "Out" } dd { (amount(passed.amount_out, asset)) " in " (passed.packets_out) " packets" }
                }
            }
        }
    }
}

fn agreed(peer: &PeerView, now: Timestamp) -> Markup {
    let (record, asset) = (&peer.record, &peer.asset);
    let or_default = |value: Option<u64>| match value {
        Some(value) => amount(value, asset),
        None => html! { span.quiet { "the node's default" } },
    };
    html! {
        section.card {
            h2 { "Agreed" }
            dl.facts {
                dt { "Asset" } dd { a href={ "/assets/" (asset.record.id) } { (asset.record.code) } ", scale " (asset.record.scale) }
                dt { "Endpoint" } dd { code { (record.terms.endpoint) } }
                dt { "Largest packet" } dd { (or_default(record.terms.max_packet_amount)) }
                dt { "Routes" } dd {
                    code { (record.terms.address.as_str()) }
                    @for route in &record.terms.routes { ", " code { (route.as_str()) } }
                    @if record.terms.is_default_route { ", and all else (default route)" }
                }
                dt { "Spread" } dd { (record.terms.spread.basis_points()) " basis points" }
                dt { "Told when liquidity falls to" } dd {
                    @match record.terms.liquidity_threshold {
                        Some(threshold) => (amount(threshold, asset)),
                        None => span.quiet { "never" },
                    }
                }
                dt { "Created" } dd { (moment(Timestamp::from_unix_ms(record.created_at_ms), now)) }
            }
        }
    }
}

fn shown_tokens(visit: &Visit, peer: &PeerView, typed: &Typed, now: Timestamp) -> Markup {
    let id = peer.record.id;
    html! {
        section.card {
            h2 { "Tokens that it shows you" }
            @if peer.record.terms.incoming_tokens.is_empty() { p { "None: it can't send anything." } }
            @for token in &peer.record.terms.incoming_tokens {
                @let name = token_id(&token.digest);
                form.inline method="post" action={ "/peers/" (id) "/tokens/revoke" } {
                    (form_token(visit))
                    input type="hidden" name="token_id" value=(name);
                    p { code { (name) } " since " (moment(Timestamp::from_unix_ms(token.created_at_ms), now)) }
                    button.danger type="submit" aria-label={ "Revoke token " (name) } { "Revoke" }
                }
            }
            form method="post" action={ "/peers/" (id) "/tokens" } {
                (form_token(visit))
                (typed.token(Label {
                    name: "new_token", label: "Add a token",
                    hint: "Empty: the node makes one and shows it once. The old one stays good until you revoke it.",
                }))
                button.plain type="submit" { "Add token" }
            }
        }
    }
}

fn done(word: &str) -> Option<&'static str> {
    match word {
        "changed" => Some("Saved. Packets that arrive from now on see the new terms."),
        "approved" => Some("Approved: it is a peer now, and its packets are taken."),
        "token" => Some("The token is good from now on."),
        "revoked" => Some("Revoked: whoever shows that token is turned away."),
        other => liquidity::done(other),
    }
}
