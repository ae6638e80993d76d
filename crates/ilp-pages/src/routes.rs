//! Routes: the next hop for each prefix, and a lookup of the route for an address.

use std::sync::Arc;

use axum::{Router, extract::State, routing::get};
use ilp_connector::Refusal;
use ilp_operator::{Field, OperatorError, PageArguments, PeerView, Way};
use maud::{Markup, html};

use crate::{
    Pages,
    answer::Answer,
    fields::Fields,
    form::{Errors, Label, Typed},
    layout::{Section, show_as},
    paging::{ROWS, link},
    parts::{empty, pager, plain, reachability},
    visit::Visit,
};

/// The number of assets to choose from.
const ASSETS_SHOWN: i32 = 100;

pub(crate) fn routes() -> Router<Arc<Pages>> {
    Router::new().route("/routes", get(show))
}

async fn show(State(pages): State<Arc<Pages>>, visit: Visit) -> Answer {
    let wanted = visit.query.get("q").trim_end_matches('.');
    let after = visit.query.given("after");
    let rows = pages.operator.peers().routes_beginning_with(wanted, Some(ROWS), after).await?;
    let older = rows.rows.last().filter(|_| rows.has_next);
    let older = older.map(|route| link(&visit, "/routes", "after", &route.cursor()));
    let first = link(&visit, "/routes", "q", wanted);
    let mut fields = Fields::default();
    fields.set("to", visit.query.get("to"));
    fields.set("in", visit.query.get("in"));
    let assets = assets(&pages).await?;
    let asked = (visit.query.given("to"), visit.query.given("in"));
    let (answer, errors) = match way(&pages, asked).await {
        Ok(answer) => (answer, Errors::default()),
        Err(errors) => (html! {}, errors),
    };
    let typed = Typed { fields, errors };
    let body = html! {
        div.head {
            h1 { "Routes" }
            p { "A packet goes to the peer with the longest prefix that its address begins with. Several peers may share a prefix: those of the packet's own asset come first, and one that can't be reached or can't take the packet is passed over." }
        }
        section.card {
            h2 { "Where would a packet to this address go?" }
            form.inline method="get" action="/routes" {
                (typed.text(Label { name: "to", label: "ILP address", hint: "Such as g.othergreatwallet.alice" }))
                (typed.choice(Label { name: "in", label: "In", hint: "What the packet's amount is in." }, &assets))
                button type="submit" { "Look it up" }
            }
            (answer)
        }
        form.inline.card role="search" method="get" action="/routes" {
            div.field {
                label for="q" { "Routes that begin with" }
                input #q type="search" name="q" value=(visit.query.get("q")) placeholder="g.other" autocomplete="off" spellcheck="false";
            }
            button.plain type="submit" { "Search" }
        }
        @if rows.rows.is_empty() && wanted.is_empty() {
            (empty("No route yet. Each peer is the route to its own address, and to whatever else you enter for it.", Some(("/peers/new", "Create a peer")), "jirani peer add"))
        } @else if rows.rows.is_empty() {
            div.card.empty {
                p { "No route begins with \"" (plain(wanted)) "\". A shorter one or a default route may serve it: look it up above." }
                a href="/routes" { "All routes" }
            }
        } @else {
            div.card {
                table.cards {
                    thead { tr { th scope="col" { "Prefix" } th scope="col" { "Peer" } th scope="col" { "State" } } }
                    tbody { @for route in &rows.rows { tr {
                        th scope="row" { (prefix(&route.prefix)) }
                        td data-label="Peer" { (peer(&route.peer)) }
                        td data-label="State" { (reachability(route.peer.reachability)) }
                    } } }
                }
            }
        }
        (pager(after.map(|_| first.as_str()), older.as_deref()))
    };
    Ok(show_as(typed.status(), &visit, Section::Routes, "Routes", &body))
}

/// Returns the assets to choose from, newest first, after the choice of no asset.
async fn assets(pages: &Pages) -> Result<Vec<(String, String)>, OperatorError> {
    let arguments = PageArguments { first: Some(ASSETS_SHOWN), ..PageArguments::default() };
    let assets = pages.operator.assets().list(&arguments).await?.rows.into_iter().map(|asset| {
        let record = asset.record;
        (record.id.to_string(), format!("{}, {} decimal places", record.code, record.scale))
    });
    Ok([(String::new(), "no asset: a packet of zero".to_owned())]
        .into_iter()
        .chain(assets)
        .collect())
}

async fn way(
    pages: &Pages,
    (address, asset): (Option<&str>, Option<&str>),
) -> Result<Markup, Errors> {
    let Some(address) = address else { return Ok(html! {}) };
    let way = pages.operator.peers().way_to(address, asset).await;
    let inputs = [(Field::Address, "to"), (Field::AssetId, "in")];
    let way = way.map_err(|error| Errors::of(&error, &inputs))?;
    Ok(html! {
        div class={ "notice " (if matches!(way, Way::Refused(_)) { "bad" } else { "good" }) } role="status" {
            @match way {
                Way::Here => p { strong { "It stays here." } " The address is one of this node's own: a wallet address or a payment of it is paid, or nobody is." },
                Way::Through { prefix: under, peer: next, others } => {
                    p {
                        strong { "It goes to " (peer(&next)) ". " }
                        @if under.is_empty() { "No prefix fits, and that peer takes what nobody is nearer to." } @else { "The longest prefix that fits is " code { (under) } "." }
                        " " (reachability(next.reachability))
                    }
                    @if !others.is_empty() {
                        p { "If it can't be sent there: " @for (index, other) in others.iter().enumerate() { @if index > 0 { ", " } (peer(other)) } "." }
                    }
                },
                Way::Refused(refusal) => p { strong { "It goes nowhere. " } (why(refusal)) },
            }
        }
    })
}

/// Returns the remedy for a refusal.
fn why(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::NoRoute => {
            "No prefix fits and there is no default route: the sender is told F02. Add a route to \
             the peer that is nearest to it, or make one the default route."
        }
        Refusal::PeerAddress => {
            "Addresses under peer. mean whoever is asked and are never forwarded: the sender is \
             told F02."
        }
        Refusal::OtherNetwork => {
            "Live and test addresses do not mix, and this node is on the other network: the sender \
             is told F02."
        }
        Refusal::NoSuchAccount => {
            "It is this node's own address, at which nobody is paid; those of its wallets are \
             longer. The sender is told F02."
        }
        Refusal::NoRate | Refusal::StaleRate | Refusal::AwaitedRate => {
            "No peer there counts in this asset, and there is no exchange rate to one that does: \
             the sender is told F07, or T00 while a rate is awaited or too old."
        }
        _ => "The node refuses it.",
    }
}

fn prefix(prefix: &str) -> Markup {
    html! { @if prefix.is_empty() { "Everything else" br; span.small.quiet { "default route" } } @else { code { (prefix) } } }
}

fn peer(peer: &PeerView) -> Markup {
    let record = &peer.record;
    let name = record.terms.name.as_deref().filter(|name| !name.trim().is_empty());
    html! { a href={ "/peers/" (record.id) } { (plain(name.unwrap_or(record.terms.address.as_str()))) } }
}
