//! The page of one account: its balance and its movements, newest first.

use std::sync::Arc;

use axum::extract::{Path, State};
use ilp_connector::account::{AccountId, AccountKind};
use ilp_operator::{
    AccountOwner, AccountView, MovementDigest, Movements, OperatorError, account_name,
};
use maud::{Markup, html};

use super::TABS;
use crate::{
    Pages,
    answer::Answer,
    fields::Fields,
    form::{Label, Typed},
    layout::{Section, show as page},
    paging::{ROWS, link},
    parts::{amount, notice, pager, plain, state, tabs},
    transfers::Table,
    visit::Visit,
};

/// The number of movements searched for deposits and withdrawals before the rest is left to the
/// next page.
const LOOKED_AT: usize = 10_000;

pub(super) async fn show(
    State(pages): State<Arc<Pages>>,
    Path(name): Path<String>,
    visit: Visit,
) -> Answer {
    let view = pages.operator.books().account(&name).await?;
    let owner = &view.owner;
    let before = visit.query.given("before");
    let rows = usize::try_from(ROWS).unwrap_or_default();
    let is_money = visit.query.get("what") == "money";
    let movements = read(&pages, owner.account, before, rows, is_money).await?;
    let path = format!("/books/accounts/{}", account_name(owner.account));
    let older = movements.next.as_deref().map(|next| link(&visit, &path, "before", next));
    let back = before.map_or_else(|| path.clone(), |before| link(&visit, &path, "before", before));
    let now = pages.operator.now();
    let table =
        Table { visit: &visit, account: owner.account, asset: &owner.asset, back: &back, now };
    let body = html! {
        (said(&visit))
        div.head {
            h1 { (plain(&owner.title)) }
            @if owner.is_deleted { (state("", "Deleted")) }
            p { (about(owner)) }
        }
        (tabs(&TABS, ""))
        div.grid #balance data-live { (balance(&view)) }
        section.card #movements data-live {
            h2 { "Movements" }
            (filter(&visit))
            @if movements.rows.is_empty() { p.quiet { (nothing(is_money, movements.next.is_some())) } } @else { (table.show(&movements.rows)) }
            @if movements.are_older_gone { p.quiet { "Older movements are not kept any more; the balance still counts them." } }
        }
        (pager(before.map(|_| path.as_str()), older.as_deref()))
        p.quiet.small { "On the command line: " code { "jirani ledger export --account " (account_name(owner.account)) } }
    };
    Ok(page(&visit, Section::Books, &owner.title, &body))
}

/// Reads the movements of a page. No index has deposits and withdrawals alone, so they are searched
/// for among all movements.
async fn read(
    pages: &Pages,
    account: AccountId,
    before: Option<&str>,
    rows: usize,
    is_money: bool,
) -> Result<Movements, OperatorError> {
    if !is_money {
        return pages.operator.books().movements(account, before, rows).await;
    }
    let found = pages.operator.books().movement_digest(account, before, rows, LOOKED_AT).await?;
    let MovementDigest { rows, next, are_older_gone, .. } = found;
    Ok(Movements { rows, next, are_older_gone })
}

fn filter(visit: &Visit) -> Markup {
    let mut fields = Fields::default();
    fields.set("what", visit.query.get("what"));
    let kinds = [("", "Every movement"), ("money", "Deposits and withdrawals")];
    let kinds = kinds.map(|(kind, words)| (kind.to_owned(), words.to_owned()));
    html! {
        form.inline method="get" {
            (Typed::fresh(fields).choice(Label { name: "what", label: "Show", hint: "" }, &kinds))
            button.plain type="submit" { "Show" }
        }
    }
}

fn nothing(is_money: bool, has_more: bool) -> &'static str {
    match (is_money, has_more) {
        (false, _) => "Nothing has moved here yet.",
        (true, true) => "No deposit and no withdrawal among these movements; there are older ones.",
        (true, false) => "No deposit and no withdrawal.",
    }
}

/// Returns the notice about the form that led back to this page.
pub(super) fn said(visit: &Visit) -> Markup {
    match visit.query.get("done") {
        "posted" => notice("good", "Posted: the withdrawal is final."),
        "voided" => notice("good", "Voided: the amount is back."),
        _ => html! {},
    }
}

fn about(owner: &AccountOwner) -> Markup {
    let id = owner.account.owner;
    let (what, path) = match owner.account.kind {
        AccountKind::PeerLiquidity => ("What a peer may still send.", format!("/peers/{id}")),
        AccountKind::AssetLiquidity => (
            "The node's own stock, through which packets change currency.",
            format!("/assets/{id}"),
        ),
        AccountKind::Settlement => (
            "The world outside: deposits come from here and withdrawals go here.",
            format!("/assets/{id}"),
        ),
        AccountKind::WalletAddress => {
            ("What a wallet address was paid outside of any payment.", format!("/wallets/{id}"))
        }
        AccountKind::IncomingPayment => {
            ("What an incoming payment received.", format!("/payments/incoming/{id}"))
        }
        AccountKind::OutgoingPayment => {
            ("What a payment was given and has yet to send.", format!("/payments/outgoing/{id}"))
        }
        AccountKind::ClosedIncomingPayments | AccountKind::ClosedOutgoingPayments => (
            "The sums of payments that have ended and whose accounts are closed.",
            format!("/assets/{id}"),
        ),
    };
    html! { (what) @if !owner.is_deleted { " " a href=(path) { "Its page" } } }
}

fn balance(AccountView { owner, total }: &AccountView) -> Markup {
    let asset = &owner.asset;
    let is_outside = owner.account.kind == AccountKind::Settlement;
    html! {
        section.card {
            @if is_outside {
                h2 { "In the node" }
                div.figure { (amount(total.debits.saturating_sub(total.credits), asset)) }
            } @else {
                h2 { "Available" }
                div.figure { (amount(total.available(), asset)) }
            }
        }
        section.card {
            h2 { "All that ever moved" }
            dl.facts {
                dt { "To this account" } dd { (amount(total.credits, asset)) }
                dt { "From this account" } dd { (amount(total.debits, asset)) }
                dt { "On hold" } dd { (amount(total.debits_pending, asset)) }
            }
        }
    }
}
