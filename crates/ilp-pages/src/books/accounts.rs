//! The list of accounts with their balances. A page lists one kind of account, so that it costs
//! what its rows cost.

use std::sync::Arc;

use axum::extract::State;
use ilp_connector::{
    account::{AccountId, Balance},
    peer::Asset,
};
use ilp_operator::{AccountAsset, OperatorError, OutgoingPaymentFilter, account_name};
use ilp_store::TextFilter;
use maud::{Markup, html};
use uuid::Uuid;

use super::TABS;
use crate::{
    Pages,
    answer::{Answer, see_other},
    fields::Fields,
    form::{Errors, Label, Typed},
    layout::{Section, show_as},
    paging::{asked, links},
    parts::{amount, plain, tabs},
    visit::Visit,
};

/// The kinds of account that can be listed.
const KINDS: [(&str, &str); 5] = [
    ("peers", "Peers"),
    ("assets", "Assets: own stock"),
    ("wallets", "Wallet addresses"),
    ("incoming", "Incoming payments"),
    ("outgoing", "Outgoing payments"),
];

/// A row of the list.
struct Listed {
    account: AccountId,
    title: String,
    asset: AccountAsset,
}

pub(super) async fn list(State(pages): State<Arc<Pages>>, visit: Visit) -> Answer {
    let mut errors = Errors::default();
    if let Some(id) = visit.query.given("id") {
        match pages.operator.books().account(id).await {
            Ok(_) => return Ok(see_other(&format!("/books/accounts/{id}"))),
            Err(_) => errors.add("id", "no account has that id"),
        }
    }
    let kind = visit.query.given("kind").unwrap_or("peers");
    let (rows, links) = read(&pages, &visit, kind).await?;
    let mut fields = Fields::default();
    fields.set("kind", kind);
    fields.set("id", visit.query.get("id"));
    let typed = Typed { fields, errors };
    let kinds = KINDS.map(|(kind, words)| (kind.to_owned(), words.to_owned()));
    let body = html! {
        div.head { h1 { "Accounts" } }
        (tabs(&TABS, "/books/accounts"))
        div.grid {
            form.inline.card role="search" aria-label="Accounts of a kind" method="get" action="/books/accounts" {
                (typed.choice(Label { name: "kind", label: "Accounts of", hint: "" }, &kinds))
                button.plain type="submit" { "Show" }
            }
            form.inline.card role="search" aria-label="The account of an id" method="get" action="/books/accounts" {
                (typed.text(Label { name: "id", label: "Or the one with this id", hint: "Also that of a peer which was deleted." }))
                button.plain type="submit" { "Open" }
            }
        }
        @if rows.is_empty() {
            div.card.empty { p { "There is none of that kind. An account begins with the peer, asset, wallet address or payment that it is for." } }
        } @else {
            div.card #accounts data-live { (table(&pages, &rows)) }
        }
        (links)
    };
    Ok(show_as(typed.status(), &visit, Section::Books, "Accounts", &body))
}

fn table(pages: &Pages, rows: &[Listed]) -> Markup {
    html! {
        table.cards {
            thead { tr {
                th scope="col" { "Account" } th.number scope="col" { "Came in" }
                th.number scope="col" { "Went out" } th.number scope="col" { "On hold" }
                th.number scope="col" { "Available" }
            } }
            tbody { @for Listed { account, title, asset } in rows {
                @let total = pages.operator.books().total(*account);
                @let Balance { credits, debits, debits_pending } = *total;
                tr {
                    th scope="row" { a href={ "/books/accounts/" (account_name(*account)) } { (plain(title)) } }
                    td.number data-label="Came in" { (amount(credits, asset)) }
                    td.number data-label="Went out" { (amount(debits, asset)) }
                    td.number data-label="On hold" { (amount(debits_pending, asset)) }
                    td.number data-label="Available" { (amount(total.available(), asset)) }
                }
            } }
        }
    }
}

/// Returns a page of the accounts of a kind, and the links to its neighbours.
async fn read(
    pages: &Pages,
    visit: &Visit,
    kind: &str,
) -> Result<(Vec<Listed>, Markup), OperatorError> {
    let (operator, page, path) = (&pages.operator, asked(visit), "/books/accounts");
    Ok(match kind {
        "assets" => {
            let found = operator.assets().list(&page).await?;
            let links = links(visit, path, &found, |asset| asset.record.id.to_string());
            let row = |view: ilp_operator::AssetView| {
                let asset = of(view.record.id, &view.record.code, view.record.scale);
                Listed { account: AccountId::asset(asset.id), title: view.record.code, asset }
            };
            (found.rows.into_iter().map(row).collect(), links)
        }
        "wallets" => {
            let found = operator.wallets().list(&page).await?;
            let links = links(visit, path, &found, |wallet| wallet.record.id.to_string());
            let row = |view: ilp_operator::WalletAddressView| {
                let record = &view.asset.record;
                let asset = of(record.id, &record.code, record.scale);
                let account = AccountId::wallet_address(view.record.id);
                Listed { account, title: view.record.url, asset }
            };
            (found.rows.into_iter().map(row).collect(), links)
        }
        "incoming" => {
            let found =
                operator.payments().list_incoming(None, &page, TextFilter::default()).await?;
            let links = links(visit, path, &found, |payment| payment.record.id.to_string());
            let row = |view: ilp_operator::IncomingPaymentView| Listed {
                account: AccountId::incoming_payment(view.record.id),
                title: view.record.url,
                asset: of_live(&view.asset),
            };
            (found.rows.into_iter().map(row).collect(), links)
        }
        "outgoing" => {
            let filter = OutgoingPaymentFilter::default();
            let found = operator.payments().list_outgoing(&page, filter).await?;
            let links = links(visit, path, &found, |payment| payment.record.id.to_string());
            let row = |view: ilp_operator::OutgoingPaymentView| Listed {
                account: AccountId::outgoing_payment(view.record.id),
                title: format!("to {}", view.record.quote.receiver),
                asset: of_live(&view.asset),
            };
            (found.rows.into_iter().map(row).collect(), links)
        }
        _ => {
            let found = operator.peers().list(&page).await?;
            let links = links(visit, path, &found, |peer| peer.record.id.to_string());
            let row = |view: ilp_operator::PeerView| {
                let record = &view.asset.record;
                let asset = of(record.id, &record.code, record.scale);
                let name = view.record.terms.name.filter(|name| !name.trim().is_empty());
                let title = name.unwrap_or_else(|| view.record.terms.address.to_string());
                Listed { account: AccountId::peer(view.record.id), title, asset }
            };
            (found.rows.into_iter().map(row).collect(), links)
        }
    })
}

fn of(id: Uuid, code: &str, scale: u8) -> AccountAsset {
    AccountAsset { id, code: code.to_owned(), scale }
}

fn of_live(asset: &Asset) -> AccountAsset {
    of(asset.id, &asset.code, asset.scale)
}
