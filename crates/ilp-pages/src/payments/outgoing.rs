//! The page of one outgoing payment: its progress, its packets, and the actions on it.

use std::sync::Arc;

use axum::extract::{Path, State};
use ilp_connector::account::AccountId;
use ilp_operator::{
    Field, OperatorError, OutgoingPaymentView, QuoteView, Recorded, paying::Progress,
};
use ilp_store::{OutgoingPaymentState, QuoteRecord};
use interledger_packet::Timestamp;
use maud::{Markup, html};

use super::{movements_of, outgoing_state, progress, quote::terms};
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

pub(super) async fn fund(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    Submitted { visit, fields }: Submitted,
) -> Answer {
    match give_money(&pages, &visit, &id).await {
        Ok(()) => Ok(see_other(&format!("/payments/outgoing/{id}"))),
        Err(error) => {
            let errors = Errors::from(error);
            showing(&pages, &visit, &id, Typed { fields, errors }).await
        }
    }
}

/// Funds a payment, so that it is sent.
pub(super) async fn give_money(
    pages: &Pages,
    visit: &Visit,
    id: &str,
) -> Result<(), OperatorError> {
    let id = id.to_owned();
    let work = |operator: Recorded| async move { operator.payments().fund_outgoing(&id).await };
    pages.change(visit, "depositOutgoingPaymentLiquidity", work).await
}

pub(super) async fn cancel(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    Submitted { visit, fields }: Submitted,
) -> Answer {
    let reason = fields.given("reason").map(str::to_owned);
    let payment = id.clone();
    let work = |operator: Recorded| async move {
        operator.payments().cancel_outgoing(&payment, reason).await
    };
    let cancelled = pages.change(&visit, "cancelOutgoingPayment", work).await;
    match cancelled {
        Ok(_) => Ok(see_other(&format!("/payments/outgoing/{id}?done=cancelled"))),
        Err(error) => {
            let errors = Errors::of(&error, &[(Field::Reason, "reason")]);
            showing(&pages, &visit, &id, Typed { fields, errors }).await
        }
    }
}

pub(super) async fn withdraw(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    Submitted { visit, fields }: Submitted,
) -> Answer {
    let payment = id.clone();
    let work = |operator: Recorded| async move {
        operator.payments().withdraw_from_outgoing(&payment, 0).await
    };
    match pages.change(&visit, "createOutgoingPaymentWithdrawal", work).await {
        Ok(()) => Ok(see_other(&format!("/payments/outgoing/{id}?done=withdrawn"))),
        Err(error) => {
            let errors = Errors::from(error);
            showing(&pages, &visit, &id, Typed { fields, errors }).await
        }
    }
}

/// Returns a payment and the live parts of its page.
pub(crate) async fn live(
    pages: &Pages,
    visit: &Visit,
    id: &str,
) -> Result<(OutgoingPaymentView, [Part; 2]), OperatorError> {
    let (payment, watched) = pages.operator.payments().watch(id).await?;
    let running = watched.map(|watched| *watched.borrow());
    let now = pages.operator.now();
    let parts = [
        ("progress", how_far(&payment, running, now)),
        (
            "movements",
            movements_of(pages, visit, AccountId::outgoing_payment(payment.record.id)).await?,
        ),
    ];
    Ok((payment, parts))
}

/// Shows the payment's page, also after one of its forms was refused.
async fn showing(pages: &Pages, visit: &Visit, id: &str, typed: Typed) -> Answer {
    let (payment, parts) = live(pages, visit, id).await?;
    let record = &payment.record;
    let wallet = pages.operator.wallets().get(&record.quote.wallet_address_id.to_string()).await?;
    let now = pages.operator.now();
    let quote = QuoteView { record: record.quote.clone(), asset: Arc::clone(&payment.asset) };
    let [(progress, how_far), (movements, moved)] = &parts;
    let body = html! {
        @match visit.query.get("done") {
            "cancelled" => (notice("good", "Called off. No money has moved.")),
            "withdrawn" => (notice("good", "Withdrawn to settlement: give it back to the owner.")),
            _ => {}
        }
        (typed.summary())
        div.head {
            h1 { "To " (plain(&record.quote.receiver)) }
            p { "From " a href={ "/wallets/" (record.quote.wallet_address_id) } { (plain(&wallet.record.url)) } ", made " (moment_ms(record.created_at_ms, now)) }
        }
        (following(&format!("payments/outgoing/{id}")))
        section.card id=(progress) data-live { (how_far) }
        (actions(visit, &payment, &typed))
        div.grid {
            section.card { h2 { "Terms" } (terms(&quote, None)) }
        }
        section.card id=(movements) data-live { (moved) }
    };
    Ok(show_as(typed.status(), visit, Section::Payments, "Payment", &body))
}

/// Returns the words before the quoted receive amount. With a fixed debit amount, more may arrive.
fn of_receive(quote: &QuoteRecord) -> &'static str {
    if quote.is_fixed_send { " of at least " } else { " of " }
}

fn how_far(payment: &OutgoingPaymentView, running: Option<Progress>, now: Timestamp) -> Markup {
    let (record, asset) = (&payment.record, &payment.asset);
    let received = (record.quote.receive_asset_code.as_str(), record.quote.receive_asset_scale);
    let delivered = running.map_or(record.delivered, |live| live.delivered.max(record.delivered));
    let whole = record.quote.debit_minus_fees;
    html! {
        p { (outgoing_state(payment)) @if record.state == OutgoingPaymentState::Funding { " the quote stands until " (moment_ms(record.quote.expires_at_ms, now)) } }
        div.figure { (amount(payment.sent, asset)) }
        @if record.state == OutgoingPaymentState::Completed { (progress(1, 1)) } @else { (progress(payment.sent.into(), whole.into())) }
        dl.facts {
            dt { "Sent" } dd { (amount(payment.sent, asset)) " of at most " (amount(whole, asset)) }
            dt { "Arrived" } dd { (amount(delivered, &received)) (of_receive(&record.quote)) (amount(record.quote.receive_amount, &received)) }
            @if record.in_doubt > 0 { dt { "In doubt" } dd { (amount(record.in_doubt, asset)) " at most: under way when the node was killed, and perhaps delivered" } }
            @if let Some(live) = running { dt { "Packets" } dd { (live.packets) " since it was begun" } }
            @if record.state_attempts > 0 { dt { "Begun again" } dd { (record.state_attempts) " times" } }
            @if let Some(error) = &record.error { dt { "Why it failed" } dd { (plain(error)) } }
            @if payment.liquidity > 0 { dt { "Not sent" } dd { (amount(payment.liquidity, asset)) } }
        }
    }
}

fn actions(visit: &Visit, payment: &OutgoingPaymentView, typed: &Typed) -> Markup {
    let (record, asset) = (&payment.record, &payment.asset);
    let path = format!("/payments/outgoing/{}", record.id);
    let has_ended =
        !matches!(record.state, OutgoingPaymentState::Funding | OutgoingPaymentState::Sending);
    html! {
        @if record.state == OutgoingPaymentState::Funding {
            div.grid {
                section.card {
                    h2 { "Give it its money" }
                    p { "Books " (amount(record.quote.debit_amount, asset)) " in from outside and begins to send." }
                    form method="post" action={ (path) "/fund" } { (form_token(visit)) button type="submit" { "Fund and send" } }
                }
                section.card {
                    h2 { "Call it off" }
                    form method="post" action={ (path) "/cancel" } {
                        (form_token(visit))
                        (typed.text(Label { name: "reason", label: "Reason", hint: "Kept with the payment. Empty: none." }))
                        button.danger type="submit" { "Call it off" }
                    }
                }
            }
        }
        @if has_ended && payment.liquidity > 0 {
            section.card {
                h2 { "What is left" }
                p { (amount(payment.liquidity, asset)) " are still with the payment: your fee, and what was not sent." }
                form method="post" action={ (path) "/withdraw" } { (form_token(visit)) button.plain type="submit" { "Withdraw it" } }
            }
        }
    }
}
