//! The page of one incoming payment: the amount received, its packets, and its withdrawal.

use std::sync::Arc;

use axum::extract::{Path, State};
use ilp_connector::account::AccountId;
use ilp_operator::{IncomingPaymentView, OperatorError, Recorded};
use interledger_packet::Timestamp;
use maud::{Markup, html};

use super::{incoming_state, incoming_title, movements_of, progress};
use crate::{
    Pages,
    answer::{Answer, see_other},
    form::{Errors, Label, Typed},
    layout::{Section, form_token, show_as},
    live::{Part, following},
    parts::{amount, moment_ms, notice, plain},
    visit::{Submitted, Visit},
};

pub(super) async fn show(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    visit: Visit,
) -> Answer {
    showing(&pages, &visit, &id, Typed::default()).await
}

pub(super) async fn withdraw(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    Submitted { visit, fields }: Submitted,
) -> Answer {
    match withdrawing(&pages, &visit, &id, &fields).await {
        Ok(()) => Ok(see_other(&format!("/payments/incoming/{id}?done=withdrawn"))),
        Err(errors) => showing(&pages, &visit, &id, Typed { fields, errors }).await,
    }
}

async fn withdrawing(
    pages: &Pages,
    visit: &Visit,
    id: &str,
    fields: &crate::fields::Fields,
) -> Result<(), Errors> {
    let mut errors = Errors::default();
    let timeout_s = errors.number(fields, "timeout_s", u32::MAX.into()).unwrap_or(0);
    errors.into_result()?;
    let id = id.to_owned();
    let work = move |operator: Recorded| async move {
        operator.payments().withdraw_from_incoming(&id, timeout_s).await
    };
    Ok(pages.change(visit, "createIncomingPaymentWithdrawal", work).await?)
}

/// Returns a payment and the live parts of its page.
pub(crate) async fn live(
    pages: &Pages,
    visit: &Visit,
    id: &str,
) -> Result<(IncomingPaymentView, [Part; 2]), OperatorError> {
    let payment = pages.operator.payments().incoming(id).await?;
    let parts = [
        ("progress", how_far(&payment, pages.operator.now())),
        (
            "movements",
            movements_of(pages, visit, AccountId::incoming_payment(payment.record.id)).await?,
        ),
    ];
    Ok((payment, parts))
}

/// Shows the payment's page, also after its form was refused.
async fn showing(pages: &Pages, visit: &Visit, id: &str, typed: Typed) -> Answer {
    let (payment, parts) = live(pages, visit, id).await?;
    let record = &payment.record;
    let wallet = pages.operator.wallets().get(&record.wallet_address_id.to_string()).await?;
    let now = pages.operator.now();
    let [(progress, how_far), (movements, moved)] = &parts;
    let body = html! {
        @match visit.query.get("done") {
            "created" => (notice("good", "Created. Give its address to whoever is to pay.")),
            "withdrawn" => (notice("good", "Withdrawn; with seconds to wait it is pending below.")),
            "posted" => (notice("good", "Posted: the withdrawal is final.")),
            "voided" => (notice("good", "Voided: the amount is back.")),
            _ => {}
        }
        (typed.summary())
        div.head {
            h1 { (incoming_title(&payment)) }
            p { "For " a href={ "/wallets/" (record.wallet_address_id) } { (plain(&wallet.record.url)) } ", made " (moment_ms(record.created_at_ms, now)) }
        }
        section.card {
            h2 { "Its address" }
            pre #address { (record.url) }
            button.plain type="button" data-copy="address" hidden { "Copy" }
        }
        (following(&format!("payments/incoming/{id}")))
        section.card id=(progress) data-live { (how_far) }
        @if !record.is_open() && payment.liquidity > 0 {
            section.card {
                h2 { "Withdraw" }
                form method="post" action={ "/payments/incoming/" (record.id) "/withdraw" } {
                    (form_token(visit))
                    (typed.number(Label { name: "timeout_s", label: "Seconds to wait for your word", hint: "Empty or 0 takes it at once. Otherwise it is set aside until you post or void it." }))
                    button.plain type="submit" { "Withdraw " (amount(payment.liquidity, &payment.asset)) }
                }
            }
        }
        section.card id=(movements) data-live { (moved) }
    };
    Ok(show_as(typed.status(), visit, Section::Payments, "Incoming payment", &body))
}

fn how_far(payment: &IncomingPaymentView, now: Timestamp) -> Markup {
    let (record, asset) = (&payment.record, &payment.asset);
    html! {
        p { (incoming_state(payment)) }
        div.figure { (amount(payment.received, asset)) }
        @if let Some(asked) = record.incoming_amount { (progress(payment.received, asked.into())) }
        dl.facts {
            dt { "Asked for" } dd {
                @match record.incoming_amount {
                    Some(asked) => (amount(asked, asset)),
                    None => span.quiet { "whatever comes" },
                }
            }
            dt { "Not withdrawn" } dd { (amount(payment.liquidity, asset)) }
            dt { @if record.is_open() { "Ends" } @else { "Ended, at the latest" } } dd { (moment_ms(record.expires_at_ms, now)) }
            @if let Some(sender) = &record.sender_wallet_address { dt { "Expected from" } dd { (plain(sender)) } }
        }
    }
}
