//! The books in the schema.

use async_graphql::{Enum, ID, SimpleObject};
use ilp_connector::ledger::TransferKind;
use ilp_operator::{AccountTransfers, TransferView, account_name};
use ilp_store::TransferState as BookedState;
use interledger_packet::Timestamp;

use crate::schema::forms::scalars::{UInt8, UInt64};

/// The node keeps one ledger for all its assets, where others keep one for each.
const LEDGER: u8 = 1;

/// One movement from one account to another.
#[derive(SimpleObject)]
pub(crate) struct AccountingTransfer {
    /// The client's id of a deposit or withdrawal. For a packet, the first 16 bytes of its
    /// execution condition, by which both sides find it.
    pub(crate) id: ID,
    /// The account that pays: the id of its peer or asset, or an asset's id and `:settlement`.
    debit_account_id: ID,
    /// The account that is paid, named in the same way.
    credit_account_id: ID,
    /// The amount, in the smallest unit of the two accounts' asset.
    amount: UInt64,
    /// The kind of the transfer.
    transfer_type: TransferType,
    /// The number of its ledger. The node keeps one, with the number 1.
    ledger: UInt8,
    /// The time of its begin, such as `2026-11-23T12:00:00.000Z`.
    pub(crate) created_at: String,
    /// The state of the transfer.
    state: TransferState,
    /// The time at which a two-phase withdrawal is voided unless it was posted; null for all other
    /// transfers.
    expires_at: Option<String>,
}

/// The state of a transfer.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum TransferState {
    /// The amount is set aside and waits to be posted or voided.
    Pending,
    /// The amount has moved for good.
    Posted,
    /// The amount has come back: it was voided, or not posted in time.
    Voided,
}

/// The kind of a transfer.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum TransferType {
    /// Money came in from outside.
    Deposit,
    /// Money goes out.
    Withdrawal,
    /// A packet was fulfilled.
    Transfer,
}

/// The newest movements on one account.
#[derive(SimpleObject)]
pub(crate) struct AccountingTransferConnection {
    /// The transfers that the account pays, newest first.
    debits: Vec<AccountingTransfer>,
    /// The transfers that the account is paid, newest first.
    credits: Vec<AccountingTransfer>,
}

impl From<AccountTransfers> for AccountingTransferConnection {
    fn from(AccountTransfers { debits, credits }: AccountTransfers) -> Self {
        let rows = |views: Vec<TransferView>| views.into_iter().map(Into::into).collect();
        Self { debits: rows(debits), credits: rows(credits) }
    }
}

impl From<TransferView> for AccountingTransfer {
    fn from(view: TransferView) -> Self {
        let time = |ms: u64| Timestamp::from_unix_ms(ms).to_string();
        Self {
            id: view.id.into(),
            debit_account_id: account_name(view.debit).into(),
            credit_account_id: account_name(view.credit).into(),
            amount: view.amount.into(),
            transfer_type: match view.kind {
                TransferKind::Deposit => TransferType::Deposit,
                TransferKind::Withdrawal => TransferType::Withdrawal,
                TransferKind::Packet => TransferType::Transfer,
            },
            ledger: UInt8(LEDGER),
            created_at: time(view.created_at_ms),
            state: match view.state {
                BookedState::Pending => TransferState::Pending,
                BookedState::Posted => TransferState::Posted,
                BookedState::Voided | BookedState::Expired => TransferState::Voided,
            },
            expires_at: view.expires_at_ms.map(time),
        }
    }
}
