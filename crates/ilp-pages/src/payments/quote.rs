//! A quote: the cost of a payment, and the button that creates it.

use std::sync::Arc;

use axum::extract::{Path, State};
use ilp_operator::{NewOutgoingPayment, OutgoingPaymentView, QuoteView, Recorded};
use interledger_packet::Timestamp;
use maud::{Markup, html};

use crate::{
    Pages,
    answer::{Answer, see_other},
    form::{Errors, Typed},
    layout::{Section, form_token, show_as},
    parts::{amount, moment_ms, plain},
    visit::{Submitted, Visit},
};

pub(super) async fn show(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    visit: Visit,
) -> Answer {
    let quote = pages.operator.payments().quote(&id).await?;
    showing(&pages, &visit, &quote, &Typed::default()).await
}

pub(super) async fn pay(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    Submitted { visit, fields }: Submitted,
) -> Answer {
    let quote = pages.operator.payments().quote(&id).await?;
    match paying(&pages, &visit, &quote).await {
        Ok(made) => Ok(see_other(&format!("/payments/outgoing/{}", made.record.id))),
        Err(errors) => showing(&pages, &visit, &quote, &Typed { fields, errors }).await,
    }
}

/// Creates the payment and funds it. A payment that is created and not funded waits on its own
/// page, so a failure between the two steps loses nothing.
async fn paying(
    pages: &Pages,
    visit: &Visit,
    quote: &QuoteView,
) -> Result<OutgoingPaymentView, Errors> {
    let new = NewOutgoingPayment {
        wallet_address_id: quote.record.wallet_address_id.to_string(),
        quote_id: quote.record.id.to_string(),
        metadata: None,
    };
    let work = |operator: Recorded| async move { operator.payments().create_outgoing(new).await };
    let made = pages.change(visit, "createOutgoingPayment", work).await?;
    // The payment's page shows a failure, and offers to fund the payment again.
    let _ = super::outgoing::give_money(pages, visit, &made.record.id.to_string()).await;
    Ok(made)
}

async fn showing(pages: &Pages, visit: &Visit, quote: &QuoteView, typed: &Typed) -> Answer {
    let QuoteView { record, asset } = quote;
    let wallet = pages.operator.wallets().get(&record.wallet_address_id.to_string()).await?;
    let now = pages.operator.now();
    let is_over = record.expires_at_ms <= now.unix_ms();
    let body = html! {
        (typed.summary())
        div.head {
            h1 { "Pay " (plain(&record.receiver)) }
            p { "From " code { (plain(&wallet.record.url)) } }
        }
        section.card {
            h2 { "What it costs" }
            (terms(quote, Some(now)))
        }
        @if is_over {
            div.notice.warn { p { "The quote has expired. " a href={ "/payments/new?wallet=" (record.wallet_address_id) } { "Ask the price again." } } }
        } @else {
            form.card method="post" action={ "/payments/quotes/" (record.id) } {
                (form_token(visit))
                p { "The node books " (amount(record.debit_amount, asset)) " in from outside for the payment: take it from the owner's account in your own system before. What is not sent comes back and can be withdrawn." }
                div.actions { button type="submit" { "Pay now" } a href="/payments" { "Cancel" } }
            }
        }
    };
    Ok(show_as(typed.status(), visit, Section::Payments, "Pay", &body))
}

/// Shows the terms of a payment. Before one is created, `now` gives the time until the quote
/// expires.
pub(super) fn terms(quote: &QuoteView, now: Option<Timestamp>) -> Markup {
    let QuoteView { record, asset } = quote;
    let fee = record.debit_amount.saturating_sub(record.debit_minus_fees);
    let received = (record.receive_asset_code.as_str(), record.receive_asset_scale);
    html! {
        dl.facts {
            dt { @if record.is_fixed_send { "Leaves the wallet" } @else { "Leaves the wallet at most" } }
            dd { (amount(record.debit_amount, asset)) @if fee > 0 { ", of which " (amount(fee, asset)) " are your fee" } }
            dt { @if record.is_fixed_send { "Arrives at least" } @else { "Arrives" } }
            dd { (amount(record.receive_amount, &received)) }
            dt { "Way" }
            dd {
                @if record.local_recipient.is_some() { "In the books of this node, without packets" }
                @else { "At least " (record.packet_count) " packets" @if let Some(most) = record.max_packet_amount { " of at most " (amount(most, asset)) } }
            }
            @if let Some(now) = now { dt { "Stands until" } dd { (moment_ms(record.expires_at_ms, now)) } }
        }
    }
}
