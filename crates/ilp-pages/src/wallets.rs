//! Wallet addresses, which payments are made to and from.

mod detail;
mod incoming;

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use ilp_operator::{
    Field, NewWalletAddress, OperatorError, PageArguments, Recorded, WalletAddressView,
};
use maud::html;

use crate::{
    Pages,
    answer::{Answer, see_other},
    fields::Fields,
    form::{Errors, Label, Typed},
    layout::{Section, form_token, show as page, show_as},
    paging::{asked, links},
    parts::{amount, empty, moment_ms, plain, state},
    visit::{Submitted, Visit},
};

/// The number of assets to choose from. On a node with more, wallet addresses are made through the
/// API.
const ASSETS_SHOWN: i32 = 100;

pub(crate) fn routes() -> Router<Arc<Pages>> {
    Router::new()
        .route("/wallets", get(list))
        .route("/wallets/new", get(ask).post(create))
        .route("/wallets/{id}", get(detail::show).post(detail::edit))
        .route("/wallets/{id}/withdraw", post(detail::withdraw))
        .route("/wallets/{id}/incoming", post(incoming::create))
}

async fn list(State(pages): State<Arc<Pages>>, visit: Visit) -> Answer {
    let rows = pages.operator.wallets().list(&asked(&visit)).await?;
    let links = links(&visit, "/wallets", &rows, |wallet| wallet.record.id.to_string());
    let now = pages.operator.now();
    let body = html! {
        div.head {
            h1 { "Wallet addresses" }
            @if !rows.rows.is_empty() { a.button href="/wallets/new" { "New wallet address" } }
            p { "URLs at which this node takes money for somebody, and from which it pays. Senders write them as " code { "$wallet.example.com/alice" } " too." }
        }
        @if rows.rows.is_empty() {
            (empty("No wallet address yet. A node that only passes packets on needs none.", Some(("/wallets/new", "Create the first wallet address")), "jirani wallet add '$wallet.example.com/alice' --asset USD"))
        } @else {
            div.card #wallets data-live {
                table.cards {
                    thead { tr {
                        th scope="col" { "Wallet address" } th scope="col" { "State" }
                        th.number scope="col" { "Received, not withdrawn" } th scope="col" { "Created" }
                    } }
                    tbody { @for wallet in &rows.rows { tr {
                        th scope="row" { div {
                            a href={ "/wallets/" (wallet.record.id) } { (plain(&wallet.record.url)) }
                            @if let Some(name) = &wallet.record.public_name { br; span.small.quiet { (plain(name)) } }
                        } }
                        td data-label="State" { (activity(wallet)) }
                        td.number data-label="Received, not withdrawn" { (amount(wallet.liquidity, &wallet.asset)) }
                        td data-label="Created" { (moment_ms(wallet.record.created_at_ms, now)) }
                    } } }
                }
            }
            (links)
        }
    };
    Ok(page(&visit, Section::Wallets, "Wallet addresses", &body))
}

async fn ask(State(pages): State<Arc<Pages>>, visit: Visit) -> Answer {
    asking(&pages, &visit, &Typed::default()).await
}

async fn create(State(pages): State<Arc<Pages>>, Submitted { visit, fields }: Submitted) -> Answer {
    match creating(&pages, &visit, &fields).await {
        Ok(made) => Ok(see_other(&format!("/wallets/{}?done=created", made.record.id))),
        Err(errors) => asking(&pages, &visit, &Typed { fields, errors }).await,
    }
}

async fn creating(
    pages: &Pages,
    visit: &Visit,
    fields: &Fields,
) -> Result<WalletAddressView, Errors> {
    let new = NewWalletAddress {
        asset_id: fields.get("asset").to_owned(),
        address: fields.get("address").to_owned(),
        public_name: fields.given("name").map(str::to_owned),
        additional_properties: Vec::new(),
    };
    let work = |operator: Recorded| async move { operator.wallets().create(new).await };
    let inputs =
        [(Field::Address, "address"), (Field::AssetId, "asset"), (Field::PublicName, "name")];
    let made = pages.change(visit, "createWalletAddress", work).await;
    made.map_err(|error| Errors::of(&error, &inputs))
}

async fn asking(pages: &Pages, visit: &Visit, typed: &Typed) -> Answer {
    let options = assets(pages).await?;
    let body = html! {
        div.head { h1 { "New wallet address" } }
        (typed.summary())
        @if options.is_empty() {
            div.notice.warn { p { "A wallet address needs an asset. " a href="/assets/new" { "Create one first." } } }
        } @else {
            form.card method="post" action="/wallets/new" {
                (form_token(visit))
                (typed.text(Label { name: "address", label: "Address", hint: "A URL that leads to this node's wallet port from outside, such as https://wallet.example.com/alice, or the same as a payment pointer. It can't be changed later." }))
                (typed.choice(Label { name: "asset", label: "Asset", hint: "What its balance is counted in. It can't be changed later." }, &options))
                (typed.text(Label { name: "name", label: "Public name", hint: "Shown to whoever pays. Empty: none." }))
                div.actions { button type="submit" { "Create wallet address" } a href="/wallets" { "Cancel" } }
            }
        }
    };
    Ok(show_as(typed.status(), visit, Section::Wallets, "New wallet address", &body))
}

async fn assets(pages: &Pages) -> Result<Vec<(String, String)>, OperatorError> {
    let page = PageArguments { first: Some(ASSETS_SHOWN), ..PageArguments::default() };
    let assets = pages.operator.assets().list(&page).await?.rows;
    let option = |asset: &ilp_operator::AssetView| {
        let record = &asset.record;
        let words = format!("{}, {} decimal places", record.code, record.scale);
        (record.id.to_string(), words)
    };
    Ok(assets.iter().map(option).collect())
}

/// Shows whether the wallet address takes new payments.
fn activity(wallet: &WalletAddressView) -> maud::Markup {
    if wallet.record.is_active() { state("good", "Active") } else { state("", "Inactive") }
}
