//! Deposits and withdrawals, in one step or in two, of a peer or of the node's own stock.

use ilp_operator::{Deposit, Field, OperatorError, Recorded, Withdrawal, account_name};
use maud::{Markup, html};
use uuid::Uuid;

use crate::{
    Pages,
    fields::Fields,
    form::{Errors, Label, Typed},
    layout::form_token,
    transfers::{Table, days},
    visit::Visit,
};

/// The number of deposits and withdrawals that a page shows.
const MOVEMENTS_SHOWN: usize = 20;
/// The number of movements searched for them. A live page searches once a second.
const MOVEMENTS_LOOKED_AT: usize = 1_000;

/// The owner of the liquidity.
#[derive(Clone, Debug)]
pub(crate) enum Owner {
    Peer(String),
    Asset(String),
}

impl Owner {
    pub(crate) fn path(&self) -> String {
        match self {
            Self::Peer(id) => format!("/peers/{id}"),
            Self::Asset(id) => format!("/assets/{id}"),
        }
    }

    fn id(&self) -> &str {
        match self {
            Self::Peer(id) | Self::Asset(id) => id,
        }
    }
}

/// Makes the change that one of the forms below asks for, and returns its word for [`done`].
pub(crate) async fn act(
    pages: &Pages,
    visit: &Visit,
    owner: &Owner,
    scale: u8,
    fields: &Fields,
) -> Result<&'static str, Errors> {
    let mut errors = Errors::default();
    let transfer_id = fields.get("transfer_id").to_owned();
    let what = fields.get("what");
    let field = if what == "withdraw" { "withdraw_amount" } else { "deposit_amount" };
    let inputs = [(Field::Amount, field), (Field::TimeoutSeconds, "timeout_s")];
    let refused = |error: OperatorError| Errors::of(&error, &inputs);
    match what {
        "post" => return end(pages, visit, transfer_id, true).await.map_err(refused),
        "void" => return end(pages, visit, transfer_id, false).await.map_err(refused),
        "deposit" | "withdraw" => {}
        _ => {
            return Err(Errors::one("", "The form doesn't say whether to deposit or to withdraw."));
        }
    }
    let amount = errors.amount(fields, field, scale);
    if amount.is_none() && errors.is_empty() {
        errors.add(field, "an amount is expected, such as 12.50");
    }
    let timeout_s = errors.number(fields, "timeout_s", u32::MAX.into()).unwrap_or(0);
    let Some(amount) = amount.filter(|_| errors.is_empty()) else { return Err(errors) };
    if what == "deposit" {
        let deposit = Deposit { owner_id: owner.id().to_owned(), amount, transfer_id };
        put_in(pages, visit, owner, deposit).await.map_err(refused)?;
        return Ok("deposited");
    }
    let owner_id = owner.id().to_owned();
    let withdrawal = Withdrawal { owner_id, amount, transfer_id, timeout_s };
    take_out(pages, visit, owner, withdrawal).await.map_err(refused)?;
    Ok(if timeout_s > 0 { "pending" } else { "withdrawn" })
}

/// Returns the notice for a change that led back to the page.
pub(crate) fn done(word: &str) -> Option<&'static str> {
    Some(match word {
        "deposited" => "Deposited. It is in the books and may be used from now on.",
        "withdrawn" => "Withdrawn to settlement.",
        "pending" => "Set aside. Post it once it is paid out, or void it to have it back.",
        "posted" => "Posted: the withdrawal is final.",
        "voided" => "Voided: the amount is back.",
        _ => return None,
    })
}

async fn put_in(
    pages: &Pages,
    visit: &Visit,
    owner: &Owner,
    deposit: Deposit,
) -> Result<(), OperatorError> {
    match owner {
        Owner::Peer(_) => {
            let work = |operator: Recorded| async move {
                operator.liquidity().deposit_to_peer(deposit).await
            };
            pages.change(visit, "depositPeerLiquidity", work).await
        }
        Owner::Asset(_) => {
            let work = |operator: Recorded| async move {
                operator.liquidity().deposit_to_asset(deposit).await
            };
            pages.change(visit, "depositAssetLiquidity", work).await
        }
    }
}

async fn take_out(
    pages: &Pages,
    visit: &Visit,
    owner: &Owner,
    withdrawal: Withdrawal,
) -> Result<(), OperatorError> {
    match owner {
        Owner::Peer(_) => {
            let work = |operator: Recorded| async move {
                operator.liquidity().withdraw_from_peer(withdrawal).await
            };
            pages.change(visit, "createPeerLiquidityWithdrawal", work).await
        }
        Owner::Asset(_) => {
            let work = |operator: Recorded| async move {
                operator.liquidity().withdraw_from_asset(withdrawal).await
            };
            pages.change(visit, "createAssetLiquidityWithdrawal", work).await
        }
    }
}

/// Posts or voids a pending withdrawal, and returns its word for [`done`].
pub(crate) async fn end(
    pages: &Pages,
    visit: &Visit,
    id: String,
    post: bool,
) -> Result<&'static str, OperatorError> {
    if post {
        let work =
            |operator: Recorded| async move { operator.liquidity().post_withdrawal(&id).await };
        pages.change(visit, "postLiquidityWithdrawal", work).await?;
        Ok("posted")
    } else {
        let work =
            |operator: Recorded| async move { operator.liquidity().void_withdrawal(&id).await };
        pages.change(visit, "voidLiquidityWithdrawal", work).await?;
        Ok("voided")
    }
}

/// Shows the forms. Each has an id for its transfer, so that a form that is sent twice is booked
/// once.
pub(crate) fn forms(visit: &Visit, owner: &Owner, typed: &Typed, code: &str) -> Markup {
    let action = format!("{}/liquidity", owner.path());
    let hidden = |what: &str| {
        html! {
            (form_token(visit))
            input type="hidden" name="what" value=(what);
            input type="hidden" name="transfer_id" value=(Uuid::new_v4());
        }
    };
    html! {
        section.card {
            h2 { "Deposit" }
            form method="post" action=(action) {
                (hidden("deposit"))
                (typed.number(Label {
                    name: "deposit_amount",
                    label: "Amount to deposit",
                    hint: &format!("In {code}, such as 12.50. Money that has come in from outside."),
                }))
                button type="submit" { "Deposit" }
            }
        }
        section.card {
            h2 { "Withdraw" }
            form method="post" action=(action) {
                (hidden("withdraw"))
                (typed.number(Label {
                    name: "withdraw_amount",
                    label: "Amount to withdraw",
                    hint: &format!("In {code}. It goes to settlement, to be paid out."),
                }))
                (typed.number(Label {
                    name: "timeout_s",
                    label: "Seconds to wait for your word",
                    hint: "Empty or 0 takes it at once. Otherwise it is set aside until you post or \
                           void it, and comes back by itself after so many seconds.",
                }))
                button type="submit" { "Withdraw" }
            }
        }
    }
}

/// Returns the newest deposits and withdrawals, with forms to post or void pending ones, and the
/// packets by day.
pub(crate) async fn movements(
    pages: &Pages,
    visit: &Visit,
    owner: &Owner,
) -> Result<Markup, OperatorError> {
    let account = pages.operator.books().account(owner.id()).await?.owner;
    let found = pages.operator.books().movement_digest(
        account.account,
        None,
        MOVEMENTS_SHOWN,
        MOVEMENTS_LOOKED_AT,
    );
    let found = found.await?;
    let (now, back) = (pages.operator.now(), owner.path());
    let id = account.account;
    let path = format!("/books/accounts/{}", account_name(id));
    let table = Table { visit, account: id, asset: &account.asset, back: &back, now };
    Ok(html! {
        section.card {
            h2 { "Deposits and withdrawals" }
            @if found.rows.is_empty() {
                p.quiet { "None" @if found.next.is_some() { " among the newest movements" } @else { " yet" } "." }
            } @else { (table.show(&found.rows)) }
            @if found.next.is_some() { p { a href={ (path) "?what=money" } { "Older deposits and withdrawals" } } }
        }
        @if !found.days.is_empty() {
            section.card {
                h2 { "Packets by day" }
                (days(&found.days, &account.asset))
                @if found.next.is_some() { p.quiet.small { "Of the newest " (MOVEMENTS_LOOKED_AT) " movements." } }
                p { a href=(path) { "Each movement" } }
            }
        }
    })
}
