//! The transfers of an account, as the books have them.

use ilp_connector::{
    account::{AccountId, AccountKind},
    ledger::TransferKind,
};
use ilp_store::{OperatorTransfer, TransferRow, TransferState};
use uuid::Uuid;

use crate::{
    books::{
        Books,
        error::{LiquidityError, TRANSFER_ROWS_MAX},
    },
    vocabulary::{check, error::OperatorError},
};

/// The number of rows where the client gives no limit.
const ROWS_DEFAULT: usize = 20;

/// The suffixes of an asset's id that name its accounts other than its liquidity. Every other
/// account is named by the id of the peer, asset or payment that it belongs to.
const OF_ASSETS: [(AccountKind, &str); 3] = [
    (AccountKind::Settlement, ":settlement"),
    (AccountKind::ClosedIncomingPayments, ":closed-incoming-payments"),
    (AccountKind::ClosedOutgoingPayments, ":closed-outgoing-payments"),
];

/// The kinds of account that are named by their owner's id alone. Ids are UUIDs, so at most one of
/// them has anything under an id.
const OWNED: [AccountKind; 5] = [
    AccountKind::PeerLiquidity,
    AccountKind::AssetLiquidity,
    AccountKind::WalletAddress,
    AccountKind::IncomingPayment,
    AccountKind::OutgoingPayment,
];

/// One movement on an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferView {
    /// The operator's id of a deposit or withdrawal; for a packet, the beginning of its condition.
    pub id: Uuid,
    /// Why it was made.
    pub kind: TransferKind,
    /// How far it got.
    pub state: TransferState,
    /// The account that pays.
    pub debit: AccountId,
    /// The account that is paid.
    pub credit: AccountId,
    /// In the smallest unit of the two accounts' asset.
    pub amount: u64,
    /// Milliseconds since 1970.
    pub created_at_ms: u64,
    /// When a withdrawal in two phases comes back, or would have; in milliseconds since 1970.
    pub expires_at_ms: Option<u64>,
}

/// The newest movements on an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountTransfers {
    /// The transfers that the account pays, newest first.
    pub debits: Vec<TransferView>,
    /// The transfers that the account is paid, newest first.
    pub credits: Vec<TransferView>,
}

impl Books<'_> {
    /// Returns the newest `limit` movements on the account that `id` names, separated by direction;
    /// or the one deposit or withdrawal of that id. An unknown account has none.
    ///
    /// # Errors
    /// A limit that is negative or above 500.
    pub async fn transfers(
        self,
        id: &str,
        limit: Option<i32>,
    ) -> Result<AccountTransfers, OperatorError> {
        let limit = row_count(limit)?;
        let (accounts, transfer_id) = (accounts_named(id), check::id(id));
        self.on
            .read(move |inner| {
                let now_ms = (inner.parts.clock)().unix_ms();
                let mut found = AccountTransfers::default();
                for account in accounts {
                    for row in inner.ledger().transfers(account, None, limit)?.rows {
                        let side = if row.debit == account {
                            &mut found.debits
                        } else {
                            &mut found.credits
                        };
                        side.push(view(row, now_ms));
                    }
                    if !found.is_empty() {
                        break;
                    }
                }
                if found.is_empty()
                    && limit > 0
                    && let Some(transfer) = transfer_id
                {
                    match inner.ledger().operator_transfer(transfer)? {
                        Some(made) if made.kind == TransferKind::Deposit => {
                            found.credits.push(operators_view(made, now_ms));
                        }
                        Some(made) => found.debits.push(operators_view(made, now_ms)),
                        None => {}
                    }
                }
                Ok(found)
            })
            .await
    }
}

impl AccountTransfers {
    fn is_empty(&self) -> bool {
        self.debits.is_empty() && self.credits.is_empty()
    }
}

/// Returns the accounts that `id` may mean.
pub(crate) fn accounts_named(id: &str) -> Vec<AccountId> {
    for (kind, suffix) in OF_ASSETS {
        if let Some(asset) = id.strip_suffix(suffix) {
            let owner = check::id(asset);
            return owner.map(|owner| AccountId { kind, owner }).into_iter().collect();
        }
    }
    let Some(owner) = check::id(id) else { return Vec::new() };
    OWNED.map(|kind| AccountId { kind, owner }).into()
}

/// Returns the name of an account towards clients.
#[must_use]
pub fn account_name(account: AccountId) -> String {
    let suffix = OF_ASSETS.iter().find(|(kind, _)| *kind == account.kind);
    format!("{}{}", account.owner, suffix.map_or("", |(_, suffix)| suffix))
}

/// Returns the state at `now_ms` of a transfer that the books have in `state`: an expired
/// withdrawal has come back, even if the books record that a moment later.
fn state_at(now_ms: u64, state: TransferState, expires_at_ms: Option<u64>) -> TransferState {
    let is_over = expires_at_ms.is_some_and(|at_ms| at_ms <= now_ms);
    match state {
        TransferState::Pending if is_over => TransferState::Expired,
        state => state,
    }
}

/// Returns the view of an account's movement, as it stands at `now_ms`.
pub(crate) fn view(row: TransferRow, now_ms: u64) -> TransferView {
    TransferView {
        id: row.id,
        kind: row.kind,
        state: state_at(now_ms, row.state, row.expires_at_ms),
        debit: row.debit,
        credit: row.credit,
        amount: row.amount,
        created_at_ms: row.created_at_ms,
        expires_at_ms: row.expires_at_ms,
    }
}

/// Returns the view of a deposit or withdrawal, as it stands at `now_ms`.
fn operators_view(made: OperatorTransfer, now_ms: u64) -> TransferView {
    TransferView {
        id: made.id,
        kind: made.kind,
        state: state_at(now_ms, made.state, made.expires_at_ms),
        debit: made.debit,
        credit: made.credit,
        amount: made.amount,
        created_at_ms: made.created_at_ms,
        expires_at_ms: made.expires_at_ms,
    }
}

fn row_count(limit: Option<i32>) -> Result<usize, LiquidityError> {
    let Some(limit) = limit else { return Ok(ROWS_DEFAULT) };
    usize::try_from(limit)
        .ok()
        .filter(|rows| *rows <= TRANSFER_ROWS_MAX)
        .ok_or(LiquidityError::RowLimit(limit))
}
