//! The list of peers, or of those that a search finds.

use std::sync::Arc;

use axum::extract::State;
use ilp_operator::{OperatorError, PeerView};
use maud::{Markup, html};

use crate::{
    Pages,
    answer::Answer,
    fields::query,
    layout::{Section, show as page},
    live::{Part, following},
    paging::{ROWS, asked, link, links},
    parts::{amount, liquidity_bar, notice, pager, plain, reachability, tabs},
    peering::TABS,
    visit::Visit,
};

/// A page of the list, and the links to its neighbours.
struct Listed {
    peers: Vec<PeerView>,
    links: Markup,
    /// Whether a search has peers left to look at.
    is_partial: bool,
}

pub(super) async fn show(State(pages): State<Arc<Pages>>, visit: Visit) -> Answer {
    let wanted = visit.query.get("q");
    let listed = if wanted.is_empty() {
        all(&pages, &visit).await?
    } else {
        found(&pages, &visit, wanted).await?
    };
    let body = html! {
        @if visit.query.get("done") == "deleted" {
            (notice("good", "Deleted. What the peer had is in settlement, and its books stay readable."))
        }
        div.head {
            h1 { "Peers" }
            a.button href="/peers/new" { "New peer" }
        }
        (tabs(&TABS, "/peers"))
        form.inline.card role="search" method="get" action="/peers" {
            div.field {
                label for="q" { "Search" }
                input #q type="search" name="q" value=(wanted)
                    placeholder="Part of a name, an ILP address or an endpoint";
            }
            button.plain type="submit" { "Search" }
        }
        // A search looks at too many peers to be repeated every second.
        @if wanted.is_empty() { (following(&here(&visit))) }
        div #peer-list { (rows(&listed, wanted)) }
    };
    Ok(page(&visit, Section::Peers, "Peers", &body))
}

/// Returns the address of this part of the list, for the script.
fn here(visit: &Visit) -> String {
    let kept: Vec<_> = visit.query.except(&["done"]).collect();
    format!("peers?{}", query(&kept))
}

/// Returns the rows as a live part.
pub(crate) async fn live(pages: &Pages, visit: &Visit) -> Result<Vec<Part>, OperatorError> {
    Ok(vec![("peer-list", rows(&all(pages, visit).await?, ""))])
}

async fn all(pages: &Pages, visit: &Visit) -> Result<Listed, OperatorError> {
    let rows = pages.operator.peers().list(&asked(visit)).await?;
    let links = links(visit, "/peers", &rows, |peer| peer.record.id.to_string());
    Ok(Listed { peers: rows.rows, links, is_partial: false })
}

async fn found(pages: &Pages, visit: &Visit, wanted: &str) -> Result<Listed, OperatorError> {
    let after = visit.query.given("after").map(str::to_owned);
    let rows = usize::try_from(ROWS).unwrap_or_default();
    let found = pages.operator.peers().search(wanted, rows, after).await?;
    let older = found.next.map(|next| link(visit, "/peers", "after", &next));
    let links = pager(None, older.as_deref());
    Ok(Listed { peers: found.peers, links, is_partial: older.is_some() })
}

fn rows(listed: &Listed, wanted: &str) -> Markup {
    let Listed { peers, links, is_partial } = listed;
    html! {
        @if peers.is_empty() && wanted.is_empty() {
            div.card.empty {
                p { "No peer yet. A peer is another node that you exchange packets with." }
                a.button href="/peers/new" { "Create the first peer" }
            }
        } @else if peers.is_empty() {
            div.card.empty {
                p { "No peer with \"" (wanted) "\" in its name, address or endpoint" @if *is_partial { " among those looked at so far" } "." }
                a href="/peers" { "All peers" }
            }
        } @else {
            div.card {
                table.cards {
                    thead { tr {
                        th scope="col" { "Peer" } th scope="col" { "State" }
                        th.number scope="col" { "Liquidity" } th.number scope="col" { "In" }
                        th.number scope="col" { "Out" }
                    } }
                    tbody { @for peer in peers { (row(peer)) } }
                }
            }
        }
        (links)
    }
}

fn row(peer: &PeerView) -> Markup {
    let record = &peer.record;
    let name = record.terms.name.as_deref().filter(|name| !name.trim().is_empty());
    html! {
        tr {
            th scope="row" {
                div {
                    a href={ "/peers/" (record.id) } { (plain(name.unwrap_or(record.terms.address.as_str()))) }
                    @if name.is_some() { br; code.small.quiet { (record.terms.address.as_str()) } }
                }
            }
            td data-label="State" { (reachability(peer.reachability)) }
            td.number data-label="Liquidity" {
                div {
                    (amount(peer.liquidity, &peer.asset))
                    (liquidity_bar(peer.liquidity, record.terms.liquidity_threshold))
                }
            }
            td.number data-label="In" { (amount(peer.passed.amount_in, &peer.asset)) }
            td.number data-label="Out" { (amount(peer.passed.amount_out, &peer.asset)) }
        }
    }
}
