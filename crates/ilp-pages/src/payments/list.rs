//! The list of payments, filtered by direction, state and words.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use axum::extract::State;
use ilp_operator::{OperatorError, PaymentFilter, PaymentView};
use ilp_store::{IncomingPaymentState, OutgoingPaymentState, PaymentRecord};
use interledger_packet::Timestamp;
use maud::{Markup, html};
use uuid::Uuid;

use super::{incoming_state, incoming_title, outgoing_state};
use crate::{
    Pages,
    answer::Answer,
    fields::Fields,
    form::{Label, Typed},
    layout::{Section, show as page},
    paging::{ROWS_FOUND, asked, going_on, links, search_links},
    parts::{amount, empty, moment_ms, plain},
    visit::Visit,
};

/// The states that the list can be filtered by, of payments in either direction.
const STATES: [(&str, &str); 9] = [
    ("", "Any"),
    ("FUNDING", "Waits for its money"),
    ("SENDING", "Being sent"),
    ("PENDING", "Expected"),
    ("PROCESSING", "Part received"),
    ("COMPLETED", "Sent or received"),
    ("FAILED", "Failed"),
    ("CANCELLED", "Called off"),
    ("EXPIRED", "Expired"),
];

/// The criteria that the list is filtered by.
struct Filter {
    kind: Option<String>,
    state: Option<String>,
    words: Option<String>,
}

impl Filter {
    fn of(visit: &Visit) -> Option<Self> {
        let given = |name: &str| visit.query.given(name).map(str::to_owned);
        let words = given("q").map(|words| words.to_lowercase());
        let filter = Self { kind: given("kind"), state: given("state"), words };
        let is_any = filter.kind.is_none() && filter.state.is_none() && filter.words.is_none();
        (!is_any).then_some(filter)
    }

    fn lets_through(&self, payment: &PaymentRecord) -> bool {
        let (kind, state) = match payment {
            PaymentRecord::Incoming(payment) => ("INCOMING", of_incoming(payment.state)),
            PaymentRecord::Outgoing(payment) => ("OUTGOING", of_outgoing(payment.state)),
        };
        self.kind.as_ref().is_none_or(|wanted| wanted == kind)
            && self.state.as_ref().is_none_or(|wanted| wanted == state)
            && self.words.as_ref().is_none_or(|words| has(payment, words))
    }
}

/// Returns whether the words, in lower case, are in one of the texts by which people identify a
/// payment.
fn has(payment: &PaymentRecord, words: &str) -> bool {
    let texts = match payment {
        PaymentRecord::Incoming(payment) => [
            Some(payment.url.as_str()),
            payment.metadata.as_deref(),
            payment.sender_wallet_address.as_deref(),
            None,
        ],
        PaymentRecord::Outgoing(payment) => [
            Some(payment.quote.receiver.as_str()),
            payment.metadata.as_deref(),
            payment.error.as_deref(),
            None,
        ],
    };
    let id = match payment {
        PaymentRecord::Incoming(payment) => payment.id,
        PaymentRecord::Outgoing(payment) => payment.id,
    };
    let has = |text: &&str| text.to_lowercase().contains(words);
    texts.iter().flatten().any(has) || id.to_string() == words
}

fn of_incoming(state: IncomingPaymentState) -> &'static str {
    match state {
        IncomingPaymentState::Pending => "PENDING",
        IncomingPaymentState::Processing => "PROCESSING",
        IncomingPaymentState::Completed => "COMPLETED",
        IncomingPaymentState::Expired => "EXPIRED",
    }
}

fn of_outgoing(state: OutgoingPaymentState) -> &'static str {
    match state {
        OutgoingPaymentState::Funding => "FUNDING",
        OutgoingPaymentState::Sending => "SENDING",
        OutgoingPaymentState::Completed => "COMPLETED",
        OutgoingPaymentState::Failed => "FAILED",
        OutgoingPaymentState::Cancelled => "CANCELLED",
    }
}

pub(super) async fn list(State(pages): State<Arc<Pages>>, visit: Visit) -> Answer {
    let filter = Filter::of(&visit);
    let is_filtered = filter.is_some();
    let (rows, links) = if let Some(filter) = filter {
        let is_wanted = move |payment: &PaymentRecord| filter.lets_through(payment);
        let after = going_on(&visit);
        let found = pages.operator.payments().search(ROWS_FOUND, after, is_wanted).await?;
        (found.rows, search_links(&visit, "/payments", found.next.as_deref()))
    } else {
        let rows = pages.operator.payments().list(&asked(&visit), PaymentFilter::default()).await?;
        let links = links(&visit, "/payments", &rows, |payment| match payment {
            PaymentView::Incoming(payment) => payment.record.id.to_string(),
            PaymentView::Outgoing(payment) => payment.record.id.to_string(),
        });
        (rows.rows, links)
    };
    let payers = payers(&pages, &rows).await?;
    let now = pages.operator.now();
    let body = html! {
        div.head {
            h1 { "Payments" }
            a.button href="/payments/new" { "Make a payment" }
            p { "What wallet addresses of this node expect and send. Packets that only pass through are not payments of this node's; peers show those." }
        }
        (filter_form(&visit))
        @if rows.is_empty() && is_filtered {
            div.card.empty { p { "None of that kind, as far as they were looked at." } a href="/payments" { "All payments" } }
        } @else if rows.is_empty() {
            (empty("No payment yet. One is made from a wallet address of this node to anybody on the network, or expected by one.", Some(("/wallets", "Wallet addresses")), "jirani pay '$wallet.example.com/bob' --from '$wallet.example.com/alice' --send 12.50"))
        } @else {
            div.card #payments data-live {
                table.cards {
                    thead { tr {
                        th scope="col" { "Payment" } th scope="col" { "From" } th scope="col" { "State" }
                        th.number scope="col" { "Amount" } th.number scope="col" { "Done" } th scope="col" { "Made" }
                    } }
                    tbody { @for payment in &rows { (row(payment, &payers, now)) } }
                }
            }
        }
        (links)
    };
    Ok(page(&visit, Section::Payments, "Payments", &body))
}

/// Returns the URLs of the wallet addresses that pay, each read once.
async fn payers(
    pages: &Pages,
    rows: &[PaymentView],
) -> Result<HashMap<Uuid, String>, OperatorError> {
    let mut payers = HashMap::new();
    for payment in rows {
        let PaymentView::Outgoing(payment) = payment else { continue };
        let id = payment.record.quote.wallet_address_id;
        if let Entry::Vacant(payer) = payers.entry(id) {
            payer.insert(pages.operator.wallets().get(&id.to_string()).await?.record.url);
        }
    }
    Ok(payers)
}

fn filter_form(visit: &Visit) -> Markup {
    let mut fields = Fields::default();
    for name in ["kind", "state", "q"] {
        fields.set(name, visit.query.get(name));
    }
    let typed = Typed::fresh(fields);
    let owned = |(value, words): (&str, &str)| (value.to_owned(), words.to_owned());
    let kinds = [("", "Both"), ("INCOMING", "Incoming"), ("OUTGOING", "Outgoing")].map(owned);
    let states = STATES.map(owned);
    html! {
        form.inline.card role="search" method="get" action="/payments" {
            (typed.choice(Label { name: "kind", label: "Direction", hint: "" }, &kinds))
            (typed.choice(Label { name: "state", label: "State", hint: "" }, &states))
            (typed.text(Label { name: "q", label: "Search", hint: "Part of a receiver, an address or a description." }))
            button.plain type="submit" { "Show" }
        }
    }
}

fn row(payment: &PaymentView, payers: &HashMap<Uuid, String>, now: Timestamp) -> Markup {
    match payment {
        PaymentView::Incoming(payment) => html! {
            tr {
                th scope="row" { a href={ "/payments/incoming/" (payment.record.id) } { (incoming_title(payment)) } }
                td data-label="From" {
                    @match &payment.record.sender_wallet_address {
                        Some(sender) => (plain(sender)),
                        None => span.quiet { "whoever pays" },
                    }
                }
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
        },
        PaymentView::Outgoing(payment) => html! {
            @let wallet = payment.record.quote.wallet_address_id;
            tr {
                th scope="row" { a href={ "/payments/outgoing/" (payment.record.id) } { "To " (plain(&payment.record.quote.receiver)) } }
                td data-label="From" { a href={ "/wallets/" (wallet) } { (plain(payers.get(&wallet).map_or("", String::as_str))) } }
                td data-label="State" { (outgoing_state(payment)) }
                td.number data-label="Amount" { (amount(payment.record.quote.debit_amount, &payment.asset)) }
                td.number data-label="Done" { (amount(payment.sent, &payment.asset)) }
                td data-label="Made" { (moment_ms(payment.record.created_at_ms, now)) }
            }
        },
    }
}
