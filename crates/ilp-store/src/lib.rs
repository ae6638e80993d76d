//! The node's store: peers, assets, the digests of incoming tokens, settings, events, answers to
//! requests with an idempotency key, and the books.
//!
//! This is the only crate that names sled. It is synchronous: a change returns once it would survive
//! a loss of power, so callers with an async runtime make changes on threads of their own. The one
//! exception is [`DurableLedger`], whose futures wait for its writer thread on any runtime.
//!
//! It isn't a cache and holds no policy. What a peer may send, and which texts are valid addresses
//! and endpoints, is decided by those who call it.
//!
//! Two layers hold the data. The log is the truth: [`journal`] has its segments, `log` all of its
//! files. The `index` follows the log and answers look-ups. `store` opens both and runs the
//! transactions of `records`, and [`ledger`] moves the money. LOG.md describes the log's format.

mod directory;
mod error;
mod fail_stop;
#[cfg(fuzzing)]
pub mod fuzzing;
mod index;
pub mod journal;
pub mod ledger;
mod log;
mod records;
mod store;
#[cfg(test)]
mod testing;

pub use error::{Conflict, JournalError, StoreError, TransactionError};
pub use journal::{LogPage, PageLog, PageName, Position};
pub use ledger::{
    BackupReport, DurableHold, DurableLedger, ExportAccount, ExportFormat, LedgerLane,
    LedgerOptions, LedgerStats, Older, OperatorStep, OperatorTransfer, Report, TransferError,
    TransferList, TransferRow, TransferState, export, verify,
};
pub use log::{
    cluster_mark::Membership,
    log_folder::LogFolder,
    snapshot_copy::{SnapshotCopy, SnapshotDraft},
};
pub use records::{
    assets::rates::RateRecord,
    audit::{
        AuditFilter, AuditOutcome, AuditRecord,
        recorder::Recorder,
        shown::{Show, Shown},
    },
    forms::{
        event_record::{Delivery, EventRecord},
        page::{Order, Page, Rows},
        peer_records::{
            AssetRecord, DeletedPeerRecord, IncomingToken, InitialDeposit, PeerRecord, PeerTerms,
        },
        text_filter::TextFilter,
    },
    idempotency::{
        Claim, IDEMPOTENCY_KEPT_MS, Idempotency,
        snapshot::{Snapshot, SnapshotRecord},
    },
    outbox::{AttemptOutcome, EventFilter},
    peers::peering_requests::{PeerOrigin, PeeringRequestRecord},
    wallets::{
        payments::PaymentRecord,
        wallet_records::{
            AdditionalProperty, FeeKind, FeeRecord, IncomingPaymentRecord, IncomingPaymentState,
            Initiator, OutgoingPaymentRecord, OutgoingPaymentState, QuoteRecord,
            WalletAddressRecord,
        },
    },
};
pub use store::{
    IndexMover, Store,
    changed::{ChangedRecord, OnChange},
    companions::Companions,
    event_counts::EventCounts,
    reading::Reader,
    transact::Noted,
    transaction::Transaction,
};

/// The largest record, in bytes of its stored form. A peer with a thousand routes of sixty
/// characters fits.
pub const RECORD_BYTES_MAX: usize = 64 * 1024;
