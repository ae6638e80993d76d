//! The page of one wallet address: its balance, its incoming payments, and the actions on it.

use std::sync::Arc;

use axum::extract::{Path, State};
use ilp_connector::account::AccountId;
use ilp_operator::{
    Edit, Field, Recorded, WalletAddressEdit, WalletAddressView, WalletAddressWithdrawal,
    WithdrawnFromWalletAddress,
};
use ilp_store::TextFilter;
use maud::{Markup, html};
use uuid::Uuid;

use super::{activity, incoming};
use crate::{
    Pages,
    answer::{Answer, see_other},
    fields::Fields,
    form::{Errors, Label, Typed, VERSION},
    layout::{Section, form_token, show_as},
    paging::{asked, links},
    parts::{amount, moment_ms, notice, plain},
    payments::incoming_table,
    visit::{Submitted, Visit},
};

pub(super) async fn show(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    visit: Visit,
) -> Answer {
    let wallet = pages.operator.wallets().get(&id).await?;
    showing(&pages, &visit, &wallet, Typed::default()).await
}

pub(super) async fn edit(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    Submitted { visit, fields }: Submitted,
) -> Answer {
    match editing(&pages, &visit, &id, &fields).await {
        Ok(_) => Ok(see_other(&format!("/wallets/{id}?done=changed"))),
        Err(errors) => {
            // The wallet address is read again, so that the page compares the input with the
            // present values.
            let wallet = pages.operator.wallets().get(&id).await?;
            let typed = Typed { fields, errors }.against(&fields_of(&wallet), &LABELS);
            showing(&pages, &visit, &wallet, typed).await
        }
    }
}

/// The fields of the edit form, with the labels that the page shows.
const LABELS: [(&str, &str); 2] = [("name", "Public name"), ("status", "State")];

async fn editing(
    pages: &Pages,
    visit: &Visit,
    id: &str,
    fields: &Fields,
) -> Result<WalletAddressView, Errors> {
    let name = fields.given("name").map(str::to_owned);
    let is_active = fields.get("status") != "INACTIVE";
    let mut errors = Errors::default();
    let version = errors.version(fields);
    errors.into_result()?;
    let edit = WalletAddressEdit {
        id: id.to_owned(),
        public_name: name.map_or(Edit::Clear, Edit::Set),
        is_active: Some(is_active),
        additional_properties: None,
        version,
    };
    let work = |operator: Recorded| async move { operator.wallets().update(edit).await };
    let edited = pages.change(visit, "updateWalletAddress", work).await;
    edited.map_err(|error| Errors::of(&error, &[(Field::PublicName, "name")]))
}

pub(super) async fn withdraw(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    Submitted { visit, fields }: Submitted,
) -> Answer {
    let wallet = pages.operator.wallets().get(&id).await?;
    match withdrawing(&pages, &visit, &id, &fields).await {
        Ok(_) => Ok(see_other(&format!("/wallets/{id}?done=withdrawn"))),
        Err(errors) => showing(&pages, &visit, &wallet, Typed { fields, errors }).await,
    }
}

async fn withdrawing(
    pages: &Pages,
    visit: &Visit,
    id: &str,
    fields: &Fields,
) -> Result<WithdrawnFromWalletAddress, Errors> {
    let mut errors = Errors::default();
    let timeout_s = errors.number(fields, "timeout_s", u32::MAX.into()).unwrap_or(0);
    errors.into_result()?;
    let transfer_id = fields.get("transfer_id").to_owned();
    let withdrawal =
        WalletAddressWithdrawal { wallet_address_id: id.to_owned(), transfer_id, timeout_s };
    let work = |operator: Recorded| async move { operator.wallets().withdraw(withdrawal).await };
    Ok(pages.change(visit, "createWalletAddressWithdrawal", work).await?)
}

/// Shows the wallet address's page, also after one of its forms was refused.
pub(super) async fn showing(
    pages: &Pages,
    visit: &Visit,
    wallet: &WalletAddressView,
    typed: Typed,
) -> Answer {
    let (record, asset) = (&wallet.record, &wallet.asset);
    let id = record.id.to_string();
    let page = asked(visit);
    let of_it = Some(record.id);
    let expected =
        pages.operator.payments().list_incoming(of_it, &page, TextFilter::default()).await?;
    let path = format!("/wallets/{id}");
    let links = links(visit, &path, &expected, |payment| payment.record.id.to_string());
    let typed = typed.beginning_with(fields_of(wallet));
    let now = pages.operator.now();
    let body = html! {
        (done(visit.query.get("done")))
        (typed.summary())
        div.head {
            h1 { (plain(record.public_name.as_deref().unwrap_or(&record.url))) }
            @if record.is_active() { a.button href={ "/payments/new?wallet=" (id) } { "Pay from here" } }
            p { code { (plain(&record.url)) } }
        }
        div.grid {
            section.card {
                h2 { "Received" }
                div.figure #received data-live { (amount(wallet.liquidity, asset)) }
                p.quiet.small { "What it was paid outside of any incoming payment and has not been withdrawn. " a href={ "/books/accounts/" (AccountId::wallet_address(record.id).owner) } { "Movements" } }
                (withdraw_form(visit, wallet, &typed))
            }
            (terms_form(visit, wallet, &typed))
        }
        section.card #incoming data-live {
            h2 { "Incoming payments" }
            @if expected.rows.is_empty() {
                p.quiet { "None yet. An incoming payment is an address for one purpose, such as an invoice, with an amount and an end. Whoever pays the wallet address itself needs none." }
            } @else { (incoming_table(&expected.rows, now)) }
        }
        (links)
        (incoming::form(visit, wallet, &typed))
        section.card {
            h2 { "Its facts" }
            dl.facts {
                dt { "State" } dd { (activity(wallet)) @if let Some(since) = record.deactivated_at_ms { " since " (moment_ms(since, now)) } }
                dt { "Asset" } dd { a href={ "/assets/" (asset.record.id) } { (asset.record.code) } ", scale " (asset.record.scale) }
                dt { "Created" } dd { (moment_ms(record.created_at_ms, now)) }
                dt { "Id" } dd { code { (id) } }
                @for property in &record.additional_properties {
                    dt { (plain(&property.key)) } dd { (plain(&property.value)) @if property.visible_in_open_payments { span.quiet.small { " (public)" } } }
                }
            }
        }
    };
    Ok(show_as(typed.status(), visit, Section::Wallets, &record.url, &body))
}

fn withdraw_form(visit: &Visit, wallet: &WalletAddressView, typed: &Typed) -> Markup {
    html! {
        @if wallet.liquidity > 0 {
            form method="post" action={ "/wallets/" (wallet.record.id) "/withdraw" } {
                (form_token(visit))
                input type="hidden" name="transfer_id" value=(Uuid::new_v4());
                (typed.number(Label { name: "timeout_s", label: "Seconds to wait for your word", hint: "Empty or 0 takes it at once. Otherwise it is set aside until you post or void it." }))
                button.plain type="submit" { "Withdraw all of it" }
            }
        }
    }
}

fn terms_form(visit: &Visit, wallet: &WalletAddressView, typed: &Typed) -> Markup {
    let states = [
        ("ACTIVE", "Active: may be paid, and pay"),
        ("INACTIVE", "Inactive: takes no new payments and makes none"),
    ];
    let states = states.map(|(state, words)| (state.to_owned(), words.to_owned()));
    html! {
        section.card {
            h2 { "Change" }
            form method="post" action={ "/wallets/" (wallet.record.id) } {
                (form_token(visit))
                (typed.version())
                (typed.text(Label { name: "name", label: "Public name", hint: "Shown to whoever pays. Empty: none." }))
                (typed.choice(Label { name: "status", label: "State", hint: "Incoming payments that are open take money until they end." }, &states))
                button.plain type="submit" { "Save" }
            }
        }
    }
}

fn done(word: &str) -> Markup {
    match word {
        "created" => notice("good", "Created. It can be paid from now on."),
        "changed" => notice("good", "Saved."),
        "withdrawn" => {
            notice("good", "Withdrawn; with seconds to wait it is pending in the books.")
        }
        "expected" => notice("good", "Created. Give its address to whoever is to pay."),
        _ => html! {},
    }
}

fn fields_of(wallet: &WalletAddressView) -> Fields {
    let mut fields = Fields::default();
    fields.set(VERSION, wallet.record.version.to_string());
    fields.set("name", wallet.record.public_name.clone().unwrap_or_default());
    fields.set("status", if wallet.record.is_active() { "ACTIVE" } else { "INACTIVE" });
    fields
}
