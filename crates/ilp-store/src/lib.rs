//! What the node keeps: peers, assets, the digests of incoming tokens, settings, events, answers to
//! requests with an idempotency key, and the books.
//!
//! This is the only crate that names sled. It is synchronous: a change returns once it would survive
//! a loss of power, so callers with an async runtime make changes on threads of their own. The one
//! exception is [`DurableLedger`], whose futures wait for its writer thread on any runtime.
//!
//! It isn't a cache and holds no policy. What a peer may send, and which texts are valid addresses
//! and endpoints, is decided by those who call it.

mod assets;
mod audit;
mod change;
mod directory;
mod error;
mod fail_stop;
mod fees;
mod format_1;
mod idempotency;
mod incoming_payments;
mod index;
mod indexed;
pub mod journal;
mod keys;
mod keyspace;
pub mod ledger;
mod log_files;
mod mark;
mod outbox;
mod outgoing_payments;
mod overlay;
mod page;
mod payments;
mod peering_requests;
mod peers;
mod rates;
mod reading;
mod recorder;
mod records;
mod settings;
mod shown;
mod shown_records;
mod signatures;
mod snapshot;
mod snapshot_file;
mod start;
mod store;
mod stored_form;
#[cfg(test)]
mod testing;
mod text_filter;
mod wallet_addresses;
mod wallet_forms;
mod wallet_records;

pub use audit::{AuditFilter, AuditOutcome, AuditRecord};
pub use change::Noted;
pub use error::{Conflict, Refusal, StoreError};
pub use idempotency::{Claim, IDEMPOTENCY_KEPT_MS, Idempotency};
pub use journal::{JournalError, Position};
pub use ledger::{
    BackupReport, DurableHold, DurableLedger, ExportAccount, ExportFormat, LedgerLane,
    LedgerOptions, LedgerStats, Older, OperatorStep, OperatorTransfer, PlainBooks, Report,
    TransferError, TransferList, TransferRow, TransferState, export, verify,
};
pub use outbox::{AttemptOutcome, Delivery, EventCounts, EventFilter, EventRecord};
pub use page::{Order, Page, Rows};
pub use payments::PaymentRecord;
pub use peering_requests::{PeerOrigin, PeeringRequestRecord};
pub use rates::RateRecord;
pub use recorder::Recorder;
pub use records::{AssetRecord, DeletedPeerRecord, IncomingToken, InitialDeposit, PeerRecord};
pub use shown::{Show, Shown};
pub use snapshot::{Snapshot, SnapshotRecord};
pub use store::Store;
pub use text_filter::TextFilter;
pub use wallet_records::{
    AdditionalProperty, FeeKind, FeeRecord, IncomingPaymentRecord, IncomingPaymentState, Initiator,
    OutgoingPaymentRecord, OutgoingPaymentState, QuoteRecord, WalletAddressRecord,
};

/// The largest record, in bytes of its stored form. A peer with a thousand routes of sixty
/// characters fits.
pub const RECORD_BYTES_MAX: usize = 64 * 1024;
