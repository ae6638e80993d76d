//! The errors of the store, in words that tell an operator the remedy.

mod journal_error;

use std::{fmt, io, path::PathBuf};

use uuid::Uuid;

pub use self::journal_error::JournalError;
use crate::{ledger::TransferError, log::snapshot_file::SnapshotError};

/// The store can't be opened, read or written. Never carries a stored value, so never a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The directory can't be made, read or written.
    #[error(
        "{} can't be used as the store's directory ({detail}); check that it is a directory which \
         this user may read and write, on a disk with space left", path.display()
    )]
    Directory {
        /// The store's directory.
        path: PathBuf,
        /// The operating system's words.
        detail: String,
    },
    /// Another user owns the directory, or may write to it.
    #[error(
        "{} can't be used as the store's directory, which is for the node's own user alone: {detail}",
        path.display()
    )]
    NotPrivate {
        /// The store's directory.
        path: PathBuf,
        /// The directory's owner or mode, and what to do.
        detail: String,
    },
    /// Another process, or another part of this one, has the directory open.
    #[error(
        "the store in {} is in use by another process; stop that jirani first, or give this one a \
         data directory of its own", path.display()
    )]
    InUse {
        /// The store's directory.
        path: PathBuf,
    },
    /// The store is one node's copy of a cluster's log.
    #[error(
        "the store in {} belongs to cluster {cluster}, whose database has the books: start the node \
         with cluster.url, or make a folder without a cluster by jirani cluster export DIR",
        path.display()
    )]
    InCluster {
        /// The store's directory.
        path: PathBuf,
        /// The cluster's id.
        cluster: Uuid,
    },
    /// A newer jirani wrote this store.
    #[error(
        "the store in {} has schema version {found}, and this jirani knows versions up to {known}; \
         run the newer jirani that wrote it, or restore a backup from before the upgrade",
        path.display()
    )]
    NewerSchema {
        /// The store's directory.
        path: PathBuf,
        /// The version that the store says it has.
        found: u32,
        /// The newest version that this program reads.
        known: u32,
    },
    /// The files are damaged, or aren't a store of jirani.
    #[error(
        "the store in {} is damaged or isn't jirani's ({detail}); restore the directory from a \
         backup and keep the damaged one for study", path.display()
    )]
    Corrupt {
        /// The store's directory.
        path: PathBuf,
        /// The finding.
        detail: String,
    },
    /// One record can't be understood.
    #[error(
        "the record {key} in the tree {tree} can't be read ({detail}); restore the store from a \
         backup"
    )]
    Record {
        /// The tree, with the kind of record.
        tree: &'static str,
        /// The record's key, in hexadecimal.
        key: String,
        /// The finding; says where, never the value.
        detail: String,
    },
    /// The balances contradict each other.
    #[error(
        "the books don't add up ({detail}); nothing is forwarded on such books: restore the store \
         from a backup"
    )]
    Books {
        /// Which sum is wrong, and by what.
        detail: String,
    },
    /// The journal can't be taken as it is.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A snapshot can't be read.
    #[error("{0}")]
    Snapshot(String),
    /// A directory that should be empty isn't, or one that should hold a store doesn't.
    #[error("{} {detail}", path.display())]
    WrongDirectory {
        /// The directory.
        path: PathBuf,
        /// The fault of the directory, and the remedy.
        detail: &'static str,
    },
    /// The store has a ledger open already; two writers would overwrite each other's balances.
    #[error("the ledger of this store is open already; close it before it is opened again")]
    LedgerOpen,
    /// The log stopped before what was given to it was durable.
    #[error(
        "the log has stopped ({reason}): whether the change was made shows after a restart; check the \
         disk, then restart"
    )]
    Stopped {
        /// Why it has stopped.
        reason: String,
    },
    /// A read or a write failed while the store was open.
    #[error(
        "the store can't {action} ({detail}); check the disk, then restart: nothing more is \
         written until then"
    )]
    Failed {
        /// The action that failed.
        action: &'static str,
        /// The words of sled or of the operating system.
        detail: String,
    },
}

impl StoreError {
    /// A failed read.
    pub(crate) fn read(cause: impl fmt::Display) -> Self {
        Self::Failed { action: "read", detail: cause.to_string() }
    }

    /// A failed write, flush or sync.
    pub(crate) fn write(cause: impl fmt::Display) -> Self {
        Self::Failed { action: "write", detail: cause.to_string() }
    }
}

impl From<SnapshotError> for StoreError {
    fn from(error: SnapshotError) -> Self {
        Self::Snapshot(error.to_string())
    }
}

impl From<StoreError> for io::Error {
    fn from(error: StoreError) -> Self {
        Self::other(error)
    }
}

/// The unique value that is taken already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// Another record, perhaps a deleted one, has or had this id.
    #[error("the id is taken")]
    Id,
    /// Another asset has this code and scale.
    #[error("an asset with this code and scale exists")]
    Asset,
    /// Another peer has this ILP address for this asset.
    #[error("a peer with this ILP address and asset exists")]
    Peer,
    /// The incoming token belongs to another peer, or was given twice.
    #[error("an incoming token is in use already")]
    IncomingToken,
    /// Another wallet address has this URL.
    #[error("a wallet address with this URL exists")]
    WalletAddress,
    /// A payment was made from this quote before.
    #[error("a payment was made from this quote before")]
    Quote,
}

/// Why a change was not made. Nothing has changed, except after [`TransactionError::Store`], when whether
/// the change survives a restart is open.
#[derive(Debug, thiserror::Error)]
pub enum TransactionError {
    /// Something that must be unique is taken.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// There is no asset of this id.
    #[error("unknown asset")]
    UnknownAsset,
    /// There is no peer of this id.
    #[error("unknown peer")]
    UnknownPeer,
    /// There is no event of this id.
    #[error("unknown event")]
    UnknownEvent,
    /// There is no wallet address of this id.
    #[error("unknown wallet address")]
    UnknownWalletAddress,
    /// There is no payment of this id.
    #[error("unknown payment")]
    UnknownPayment,
    /// Peers or wallet addresses use the asset.
    #[error("peers or wallet addresses use the asset")]
    AssetInUse,
    /// The record would take more room than one may.
    #[error("the record would take {bytes} bytes, and one may take {}", crate::RECORD_BYTES_MAX)]
    TooLarge {
        /// The length that the record would have.
        bytes: usize,
    },
    /// The change as a whole would take more room than one may.
    #[error("the change would take {bytes} bytes, more than one may: make it in several steps")]
    ChangeTooLarge {
        /// The length that the change would have.
        bytes: usize,
    },
    /// The step of a transfer that belongs to the change was refused.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
