//! Two-phase withdrawals that wait to be posted or voided.

use std::sync::Arc;

use axum::extract::State;
use ilp_operator::account_name;
use maud::html;

use super::{TABS, account::said};
use crate::{
    Pages,
    answer::{Answer, see_other},
    layout::{Section, show as page},
    liquidity,
    paging::{ROWS, link},
    parts::{amount, date_ms, empty, pager, plain, tabs},
    sign_in::own_path,
    transfers::ends,
    visit::{Submitted, Visit},
};

const PATH: &str = "/books/pending";

pub(super) async fn list(State(pages): State<Arc<Pages>>, visit: Visit) -> Answer {
    let after = visit.query.given("after");
    let rows = usize::try_from(ROWS).unwrap_or_default();
    let (pending, next) = pages.operator.liquidity().pending_withdrawals(after, rows).await?;
    let older = next.map(|next| link(&visit, PATH, "after", &next));
    let now = pages.operator.now();
    let body = html! {
        (said(&visit))
        div.head {
            h1 { "Pending withdrawals" }
            p { "Set aside until you say that they were paid out: post what was, void what was not. What is neither comes back by itself, the first of these first." }
        }
        (tabs(&TABS, PATH))
        @if pending.is_empty() {
            (empty("None is pending. A withdrawal in two phases is made on the page of a peer, an asset or a wallet address, with seconds to wait for your word.", None, "jirani liquidity withdraw 12.50 --peer g.othergreatwallet --timeout 3600"))
        } @else {
            div.card #pending data-live {
                table.cards {
                    thead { tr {
                        th scope="col" { "From" } th.number scope="col" { "Amount" }
                        th scope="col" { "Made" } th scope="col" { "Comes back" } th scope="col" { "End it" }
                    } }
                    tbody { @for (transfer, owner) in &pending { tr {
                        th scope="row" { div { a href={ "/books/accounts/" (account_name(transfer.debit)) } { (plain(&owner.title)) } br; code.small.quiet { (transfer.id) } } }
                        td.number data-label="Amount" { (amount(transfer.amount, &owner.asset)) }
                        td data-label="Made" { (date_ms(transfer.created_at_ms, now)) }
                        td data-label="Comes back" { @if let Some(at_ms) = transfer.expires_at_ms { (date_ms(at_ms, now)) } }
                        td data-label="End it" { (ends(&visit, transfer.id, PATH)) }
                    } } }
                }
            }
        }
        (pager(after.map(|_| PATH), older.as_deref()))
    };
    Ok(page(&visit, Section::Books, "Pending withdrawals", &body))
}

/// Posts or voids a pending withdrawal, from any page.
pub(super) async fn end(
    State(pages): State<Arc<Pages>>,
    Submitted { visit, fields }: Submitted,
) -> Answer {
    let id = fields.get("transfer_id").to_owned();
    let word = liquidity::end(&pages, &visit, id, fields.get("what") == "post").await?;
    let back = own_path(fields.get("back"));
    let mark = if back.contains('?') { '&' } else { '?' };
    Ok(see_other(&format!("{back}{mark}done={word}")))
}
