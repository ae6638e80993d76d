//! The content of the log: the steps of transfers, alone or in the units of changes.

use ilp_connector::{
    account::AccountId,
    ledger::{Leg, Transfer, TransferKind},
};
use sled::IVec;
use uuid::Uuid;

/// One movement of a posted transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The account that pays.
    pub debit: AccountId,
    /// The account that is paid.
    pub credit: AccountId,
    /// In the smallest unit of the two accounts' asset.
    pub amount: u64,
}

impl Entry {
    fn of(leg: &Leg) -> Self {
        Self { debit: leg.debit.id(), credit: leg.credit.id(), amount: leg.amount }
    }
}

/// The step of a transfer. The number is written to disk, so it never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::FromRepr)]
#[repr(u8)]
pub enum Step {
    /// The transfer moves its money, in one step.
    Move = 1,
    /// A withdrawal sets its amount aside, until it is posted, voided or expires.
    Begin = 2,
    /// A withdrawal that had begun moves its money.
    Post = 3,
    /// A withdrawal that had begun gives its amount back.
    Void = 4,
    /// A withdrawal that had begun gives its amount back, since its time is over.
    Expire = 5,
    /// Closes an empty account: the paying account's sums are added to those of the paid one, and
    /// the paying account is removed. Moves no money; the amount is zero.
    Close = 6,
}

impl Step {
    /// Returns the step whose number on disk is `byte`.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::from_repr(byte)
    }

    /// Returns the step's number on disk.
    #[must_use]
    pub fn to_byte(self) -> u8 {
        self as u8
    }

    /// Returns whether the step brings a transfer into the books, as opposed to changing one.
    #[must_use]
    pub fn is_first(self) -> bool {
        matches!(self, Self::Move | Self::Begin)
    }
}

/// A step of a transfer as it waits for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Its place in the books; the first one ever is 1, and none is left out.
    pub sequence: u64,
    /// The transfer's id.
    pub id: Uuid,
    /// Why the money moved.
    pub kind: TransferKind,
    /// The step of the transfer.
    pub step: Step,
    /// The first or only movement.
    pub first: Entry,
    /// The second one, where two assets meet.
    pub second: Option<Entry>,
    /// When an operator took this step, in milliseconds since 1970. A packet's is the time at which
    /// its page is written.
    pub created_at_ms: Option<u64>,
    /// For a withdrawal that begins, from when on it is expired, in milliseconds since 1970.
    pub expires_at_ms: Option<u64>,
}

impl Posted {
    /// Of a transfer that is to get its place.
    pub(crate) fn new(transfer: &Transfer, step: Step, created_at_ms: Option<u64>) -> Self {
        Self {
            sequence: 0,
            id: transfer.id,
            kind: transfer.kind,
            step,
            first: Entry::of(&transfer.first),
            second: transfer.second.as_ref().map(Entry::of),
            created_at_ms,
            expires_at_ms: None,
        }
    }

    /// Makes the entry that closes an account, whose sums go to another one.
    pub(crate) fn close(account: AccountId, into: AccountId, now_ms: u64) -> Self {
        Self {
            sequence: 0,
            id: account.owner,
            // No money moves, so the kind has no meaning; any kind that has a form on the disk will
            // do.
            kind: TransferKind::Withdrawal,
            step: Step::Close,
            first: Entry { debit: account, credit: into, amount: 0 },
            second: None,
            created_at_ms: Some(now_ms),
            expires_at_ms: None,
        }
    }

    /// Returns the movements, of which all or none are in the books.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        std::iter::once(&self.first).chain(&self.second)
    }
}

/// One change: the records that it writes and the steps of transfers that it takes. A unit lies in
/// one page of the log, so after a crash it is there whole or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// The place of the first record; the others and then the transfers follow it.
    pub(crate) first_sequence: u64,
    /// Each key with its new value, or `None` where the record is removed.
    pub(crate) records: Vec<(Vec<u8>, Option<IVec>)>,
    /// The steps of transfers.
    pub(crate) transfers: Vec<Posted>,
}

impl Unit {
    /// Returns how many entries of the log the unit takes.
    pub(crate) fn entries(&self) -> u64 {
        (self.records.len() + self.transfers.len()) as u64
    }
}

/// An item that is written to the log as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Queued {
    /// One step of one transfer, such as a packet's.
    Transfer(Posted),
    /// A change.
    Unit(Box<Unit>),
}

impl Queued {
    /// Returns the place of the last entry.
    #[must_use]
    pub fn last_sequence(&self) -> u64 {
        match self {
            Self::Transfer(posted) => posted.sequence,
            Self::Unit(unit) => unit.first_sequence + unit.entries() - 1,
        }
    }

    /// Returns the steps of transfers, in their order.
    #[must_use]
    pub fn transfers(&self) -> &[Posted] {
        match self {
            Self::Transfer(posted) => std::slice::from_ref(posted),
            Self::Unit(unit) => &unit.transfers,
        }
    }
}
