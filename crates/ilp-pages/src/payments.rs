//! Payments of this node's wallet addresses, in both directions: created, watched while they run,
//! and withdrawn.

mod incoming;
mod list;
mod new;
mod outgoing;
mod quote;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};
use ilp_connector::account::{AccountId, AccountKind};
use ilp_operator::{IncomingPaymentView, OperatorError, OutgoingPaymentView, account_name};
use ilp_store::{IncomingPaymentState, OutgoingPaymentState};
use interledger_packet::Timestamp;
use maud::{Markup, html};

pub(crate) use self::{incoming::live as live_incoming, outgoing::live as live_outgoing};
use crate::{
    Pages,
    paging::ROWS,
    parts::{amount, moment_ms, plain, state},
    transfers::Table,
    visit::Visit,
};

pub(crate) fn routes() -> Router<Arc<Pages>> {
    Router::new()
        .route("/payments", get(list::list))
        .route("/payments/new", get(new::ask).post(new::quote))
        .route("/payments/quotes/{id}", get(quote::show).post(quote::pay))
        .route("/payments/incoming/{id}", get(incoming::show))
        .route("/payments/incoming/{id}/withdraw", post(incoming::withdraw))
        .route("/payments/outgoing/{id}", get(outgoing::show))
        .route("/payments/outgoing/{id}/fund", post(outgoing::fund))
        .route("/payments/outgoing/{id}/cancel", post(outgoing::cancel))
        .route("/payments/outgoing/{id}/withdraw", post(outgoing::withdraw))
}

fn incoming_row(payment: &IncomingPaymentView, now: Timestamp) -> Markup {
    html! {
        tr {
            th scope="row" { a href={ "/payments/incoming/" (payment.record.id) } { (incoming_title(payment)) } }
            td data-label="State" { (incoming_state(payment)) }
            td.number data-label="Amount" {
                @match payment.record.incoming_amount {
                    Some(asked) => (amount(asked, &payment.asset)),
                    None => span.quiet { "whatever comes" },
                }
            }
            td.number data-label="Done" { (amount(payment.received, &payment.asset)) }
            td data-label="Made" { (moment_ms(payment.record.created_at_ms, now)) }
        }
    }
}

/// Shows incoming payments as a table.
pub(crate) fn incoming_table(payments: &[IncomingPaymentView], now: Timestamp) -> Markup {
    html! {
        table.cards {
            thead { tr {
                th scope="col" { "Payment" } th scope="col" { "State" }
                th.number scope="col" { "Asked for" } th.number scope="col" { "Received" } th scope="col" { "Made" }
            } }
            tbody { @for payment in payments { (incoming_row(payment, now)) } }
        }
    }
}

/// Returns the description of a payment, or the wallet address that it pays where it has none.
fn incoming_title(payment: &IncomingPaymentView) -> String {
    let metadata = payment.record.metadata.as_deref().unwrap_or_default();
    let metadata: serde_json::Value = serde_json::from_str(metadata).unwrap_or_default();
    let described = metadata["description"].as_str().filter(|text| !text.trim().is_empty());
    let (wallet, _) = payment.record.url.split_once("/incoming-payments/").unwrap_or_default();
    described.map_or_else(|| format!("At {}", plain(wallet)), plain)
}

fn incoming_state(payment: &IncomingPaymentView) -> Markup {
    match payment.record.state {
        IncomingPaymentState::Pending => state("", "Expected"),
        IncomingPaymentState::Processing => state("warn", "Part received"),
        IncomingPaymentState::Completed => state("good", "Received"),
        IncomingPaymentState::Expired => state("", "Expired"),
    }
}

fn outgoing_state(payment: &OutgoingPaymentView) -> Markup {
    match payment.record.state {
        OutgoingPaymentState::Funding => state("warn", "Waits for its money"),
        OutgoingPaymentState::Sending => state("warn", "Being sent"),
        OutgoingPaymentState::Completed => state("good", "Sent"),
        OutgoingPaymentState::Failed => state("bad", "Failed"),
        OutgoingPaymentState::Cancelled => state("", "Called off"),
    }
}

/// Returns the newest movements on a payment's account: its packets, its money, its withdrawal.
async fn movements_of(
    pages: &Pages,
    visit: &Visit,
    account: AccountId,
) -> Result<Markup, OperatorError> {
    let name = account_name(account);
    let owner = pages.operator.books().account(&name).await?.owner;
    let rows = usize::try_from(ROWS).unwrap_or_default();
    let found = pages.operator.books().movements(account, None, rows).await?;
    let direction = match account.kind {
        AccountKind::IncomingPayment => "incoming",
        _ => "outgoing",
    };
    let back = format!("/payments/{direction}/{name}");
    let now = pages.operator.now();
    let table = Table { visit, account, asset: &owner.asset, back: &back, now };
    Ok(html! {
        h2 { "Its packets and other movements" }
        @if found.rows.is_empty() { p.quiet { "Nothing has moved yet." } } @else { (table.show(&found.rows)) }
        @if found.next.is_some() { p { a href={ "/books/accounts/" (name) } { "All of them" } } }
    })
}

/// Shows the completed share of an amount as a bar.
fn progress(done: u128, whole: u128) -> Markup {
    // Thousandths of the bar: a length and no longer money.
    let part = done.min(whole).saturating_mul(1_000).checked_div(whole).unwrap_or(0);
    html! {
        svg.bar viewBox="0 0 1000 8" preserveAspectRatio="none" role="img"
            aria-label={ (part / 10) " percent" } {
            rect.fill width=(part) height="8" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_stays_within_its_bar() {
        let width = |done, whole| progress(done, whole).into_string();
        assert!(width(u128::MAX, 1).contains("width=\"1000\""));
        assert!(width(1, 2).contains("width=\"500\""));
        assert!(width(1, 0).contains("width=\"0\""));
    }
}
