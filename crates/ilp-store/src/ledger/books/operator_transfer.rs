//! Deposits and withdrawals as they are in the books, and their form on disk.

use ilp_connector::{
    account::{AccountId, AccountKind},
    ledger::TransferKind,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    ledger::{Entry, Posted, Step},
    records::forms::stored_form::position_of,
};

/// How far a transfer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferState {
    /// The amount is set aside.
    Pending,
    /// The money has moved.
    Posted,
    /// The withdrawal was called off, and the amount given back.
    Voided,
    /// Its time went by, and the amount was given back.
    Expired,
}

impl TransferState {
    /// Returns the state of a transfer after a step.
    pub(crate) fn after(step: Step) -> Self {
        match step {
            Step::Move | Step::Post | Step::Close => Self::Posted,
            Step::Begin => Self::Pending,
            Step::Void => Self::Voided,
            Step::Expire => Self::Expired,
        }
    }

    /// The number on disk, that of the step which leads to the state.
    fn to_byte(self) -> u8 {
        match self {
            Self::Pending => 2,
            Self::Posted => 3,
            Self::Voided => 4,
            Self::Expired => 5,
        }
    }
}

/// An operator's deposit or withdrawal, as it is in the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperatorTransfer {
    /// The operator's id for it.
    pub id: Uuid,
    /// A deposit or a withdrawal.
    pub kind: TransferKind,
    /// How far it has come.
    pub state: TransferState,
    /// The account that pays.
    pub debit: AccountId,
    /// The account that is paid.
    pub credit: AccountId,
    /// In the smallest unit of the two accounts' asset.
    pub amount: u64,
    /// Milliseconds since 1970.
    pub created_at_ms: u64,
    /// For a withdrawal of two phases, from when on it is expired unless it was posted or voided
    /// before; milliseconds since 1970.
    pub expires_at_ms: Option<u64>,
}

impl OperatorTransfer {
    /// Returns the transfer that a first step begins.
    pub(crate) fn first(posted: &Posted, time_ms: u64) -> Self {
        let Entry { debit, credit, amount } = posted.first;
        Self {
            id: posted.id,
            kind: posted.kind,
            state: TransferState::after(posted.step),
            debit,
            credit,
            amount,
            created_at_ms: posted.created_at_ms.unwrap_or(time_ms),
            expires_at_ms: posted.expires_at_ms,
        }
    }

    /// Returns the bytes to store under its id.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let account = |id: AccountId| (id.kind.to_byte(), id.owner);
        let form = Form {
            kind: self.kind.to_byte(),
            state: self.state.to_byte(),
            debit: account(self.debit),
            credit: account(self.credit),
            amount: self.amount,
            created_at_ms: self.created_at_ms,
            expires_at_ms: self.expires_at_ms,
        };
        serde_json::to_vec(&form).expect("a struct of integers and ids becomes JSON")
    }

    /// The transfer back from its bytes, or what is wrong with them.
    pub(crate) fn decode(id: Uuid, bytes: &[u8]) -> Result<Self, String> {
        let form: Form = serde_json::from_slice(bytes).map_err(|cause| position_of(&cause))?;
        let unknown = || "a kind of transfer, state or account isn't known".to_owned();
        let account = |(kind, owner): (u8, Uuid)| {
            AccountKind::from_byte(kind).map(|kind| AccountId { kind, owner }).ok_or_else(unknown)
        };
        let step = Step::from_byte(form.state).ok_or_else(unknown)?;
        Ok(Self {
            id,
            kind: TransferKind::from_byte(form.kind).ok_or_else(unknown)?,
            state: TransferState::after(step),
            debit: account(form.debit)?,
            credit: account(form.credit)?,
            amount: form.amount,
            created_at_ms: form.created_at_ms,
            expires_at_ms: form.expires_at_ms,
        })
    }
}

/// The form on disk. Kinds and state are numbers that never change.
#[derive(Serialize, Deserialize)]
struct Form {
    kind: u8,
    state: u8,
    debit: (u8, Uuid),
    credit: (u8, Uuid),
    amount: u64,
    created_at_ms: u64,
    expires_at_ms: Option<u64>,
}
