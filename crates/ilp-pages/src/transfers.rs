//! Movements on an account as a table, with buttons that post or void pending withdrawals.

use ilp_connector::{account::AccountId, ledger::TransferKind};
use ilp_operator::{AccountAsset, PacketDay, TransferView, account_name};
use ilp_store::TransferState;
use interledger_packet::Timestamp;
use maud::{Markup, html};
use uuid::Uuid;

use crate::{
    layout::form_token,
    parts::{amount, date_ms, plain, state},
    visit::Visit,
};

/// The account of a table of movements, and the target of its forms.
pub(crate) struct Table<'a> {
    pub(crate) visit: &'a Visit,
    pub(crate) account: AccountId,
    pub(crate) asset: &'a AccountAsset,
    /// The page to return to.
    pub(crate) back: &'a str,
    pub(crate) now: Timestamp,
}

impl Table<'_> {
    /// Shows the rows, each with the name of the account on its other side.
    pub(crate) fn show(&self, rows: &[(TransferView, String)]) -> Markup {
        html! {
            table.cards {
                thead { tr {
                    th scope="col" { "When" } th scope="col" { "What" }
                    th scope="col" { "State" } th.number scope="col" { "Amount" }
                    th scope="col" { "With" }
                } }
                tbody { @for (row, other) in rows { (self.row(row, other)) } }
            }
        }
    }

    fn row(&self, row: &TransferView, other: &str) -> Markup {
        let is_debit = row.debit == self.account;
        let account = account_name(if is_debit { row.credit } else { row.debit });
        let is_pending = row.state == TransferState::Pending;
        html! {
            tr {
                td data-label="When" { (date_ms(row.created_at_ms, self.now)) }
                td data-label="What" { span title=(row.id) { (kind(row.kind)) } }
                td data-label="State" { div {
                    (state_of(row.state))
                    @if let Some(at_ms) = row.expires_at_ms.filter(|_| is_pending) {
                        " ends " (date_ms(at_ms, self.now))
                        (ends(self.visit, row.id, self.back))
                    }
                } }
                td.number data-label="Amount" { div { @if is_debit { "-" } @else { "+" } (amount(row.amount, self.asset)) } }
                td data-label="With" { a.small href={ "/books/accounts/" (account) } { (plain(other)) } }
            }
        }
    }
}

/// Shows packets by day as a table.
pub(crate) fn days(days: &[PacketDay], asset: &AccountAsset) -> Markup {
    html! {
        table.cards {
            thead { tr {
                th scope="col" { "Day" } th.number scope="col" { "Packets in" } th.number scope="col" { "Came in" }
                th.number scope="col" { "Packets out" } th.number scope="col" { "Went out" }
            } }
            tbody { @for day in days { tr {
                th scope="row" { (date(day.begins_at_ms)) }
                td.number data-label="Packets in" { (day.packets_in) }
                td.number data-label="Came in" { (amount(day.amount_in, asset)) }
                td.number data-label="Packets out" { (day.packets_out) }
                td.number data-label="Went out" { (amount(day.amount_out, asset)) }
            } } }
        }
    }
}

fn date(at_ms: u64) -> String {
    let exact = Timestamp::from_unix_ms(at_ms).to_string();
    exact.split_once('T').map_or(exact.clone(), |(date, _)| date.to_owned())
}

/// Shows the buttons that post or void a pending withdrawal.
pub(crate) fn ends(visit: &Visit, id: Uuid, back: &str) -> Markup {
    html! {
        form.inline method="post" action="/books/withdrawals" {
            (form_token(visit))
            input type="hidden" name="transfer_id" value=(id);
            input type="hidden" name="back" value=(back);
            button.slim type="submit" name="what" value="post" { "Post" }
            button.plain.slim type="submit" name="what" value="void" { "Void" }
        }
    }
}

fn kind(kind: TransferKind) -> &'static str {
    match kind {
        TransferKind::Packet => "Packet",
        TransferKind::Deposit => "Deposit",
        TransferKind::Withdrawal => "Withdrawal",
    }
}

fn state_of(booked: TransferState) -> Markup {
    match booked {
        TransferState::Pending => state("warn", "Pending"),
        TransferState::Posted => state("good", "Posted"),
        TransferState::Voided => state("", "Voided"),
        TransferState::Expired => state("", "Expired"),
    }
}
