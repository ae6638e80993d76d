//! The books: the balance of each asset, each account with its movements, pending withdrawals, and
//! the verification that debits equal credits.

mod account;
mod accounts;
mod pending;
mod verify;

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use maud::html;

pub(crate) use self::verify::Verifying;
pub(crate) use self::verify::live;
use crate::{
    Pages,
    answer::Answer,
    layout::{Section, show as page},
    paging::{asked, links},
    parts::{amount, empty, tabs},
    visit::Visit,
};

/// The section's pages.
const TABS: [(&str, &str); 4] = [
    ("/books", "By asset"),
    ("/books/accounts", "Accounts"),
    ("/books/pending", "Pending withdrawals"),
    ("/books/verify", "Verify"),
];

pub(crate) fn routes() -> Router<Arc<Pages>> {
    Router::new()
        .route("/books", get(show))
        .route("/books/accounts", get(accounts::list))
        .route("/books/accounts/{name}", get(account::show))
        .route("/books/pending", get(pending::list))
        .route("/books/withdrawals", post(pending::end))
        .route("/books/verify", get(verify::show).post(verify::start))
}

async fn show(State(pages): State<Arc<Pages>>, visit: Visit) -> Answer {
    let rows = pages.operator.books().of_assets(&asked(&visit)).await?;
    let links = links(&visit, "/books", &rows, |books| books.asset.record.id.to_string());
    let body = html! {
        div.head {
            h1 { "Books" }
            p { "Every transfer takes from one account what it gives to another. So what came in from outside and has not gone out again is what the node has and what it owes, to the last unit." }
        }
        (tabs(&TABS, "/books"))
        @if rows.rows.is_empty() {
            (empty("No asset yet, so there is nothing to count.", Some(("/assets/new", "Create an asset")), "jirani asset add USD 2"))
        } @else {
            div.card #books data-live {
                table.cards {
                    thead { tr {
                        th scope="col" { "Asset" }
                        th.number scope="col" { "Came in" } th.number scope="col" { "Went out" }
                        th.number scope="col" { "The node's own stock" } th.number scope="col" { "Peers, wallets, payments" }
                        th scope="col" { "Accounts" }
                    } }
                    tbody { @for books in &rows.rows {
                        @let id = books.asset.record.id;
                        tr {
                            th scope="row" { a href={ "/assets/" (id) } { (books.asset.record.code) } span.small.quiet { " scale " (books.asset.record.scale) } }
                            td.number data-label="Came in" { (amount(books.deposited, &books.asset)) }
                            td.number data-label="Went out" { (amount(books.withdrawn, &books.asset)) }
                            td.number data-label="The node's own stock" { (amount(books.stock, &books.asset)) }
                            td.number data-label="Peers, wallets, payments" { (amount(books.owed(), &books.asset)) }
                            td data-label="Accounts" { div.small {
                                a href={ "/books/accounts/" (id) ":settlement" } { "Settlement" } br;
                                a href={ "/books/accounts/" (id) } { "Own stock" }
                            } }
                        }
                    } }
                }
            }
            (links)
        }
    };
    Ok(page(&visit, Section::Books, "Books", &body))
}
