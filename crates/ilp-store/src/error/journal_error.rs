//! The faults of a journal, and the remedy for each.

use std::path::PathBuf;

/// Why the journal can't be taken as it is. A torn end is none of these: it is what a crash leaves
/// of a page that nobody was told about, and is repaired.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// A page is broken and valid pages follow it, so it was once whole.
    #[error(
        "the journal is damaged in {} at byte {offset} ({detail}), and transfers lie behind the \
         damage; keep the directory for study, restore the store from a backup, and check the disk",
        path.display()
    )]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// The finding.
        detail: String,
    },
    /// A file of the chain isn't there.
    #[error(
        "the journal's segment {} is missing; put the file back, or restore the store from a backup",
        path.display()
    )]
    SegmentMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// A file isn't the one that belongs at its place.
    #[error(
        "the journal's segment {} doesn't continue the one before it ({detail}); put the right file \
         back, or restore the store from a backup", path.display()
    )]
    OutOfChain {
        /// The segment.
        path: PathBuf,
        /// The part that doesn't fit.
        detail: String,
    },
    /// A newer jirani wrote the file.
    #[error(
        "the journal's segment {} has format {found}, and this jirani knows formats up to {known}; \
         run the newer jirani that wrote it, or restore a backup from before the upgrade",
        path.display()
    )]
    UnknownFormat {
        /// The segment.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest that this program reads.
        known: u32,
    },
    /// The balances were written for transfers that the journal doesn't have.
    #[error(
        "the balances are those after transfer {checkpoint}, and the journal in {} ends before it \
         ({detail}); put the journal's newest segment back, or restore the store from a backup",
        path.display()
    )]
    CheckpointAhead {
        /// The journal's directory.
        path: PathBuf,
        /// The last transfer in the balances.
        checkpoint: u64,
        /// How far the journal goes.
        detail: String,
    },
    /// The journal no longer has the transfers that follow the balances.
    #[error(
        "the balances are those after transfer {checkpoint}, and the journal in {} has lost what \
         follows ({detail}); put its older segments back, or restore the store from a backup",
        path.display()
    )]
    CheckpointStale {
        /// The journal's directory.
        path: PathBuf,
        /// The last transfer in the balances.
        checkpoint: u64,
        /// Where the journal begins.
        detail: String,
    },
    /// The journal, continued from the balances, contradicts them.
    #[error(
        "the balances and the journal contradict each other at transfer {sequence} ({detail}); \
         nothing is forwarded on such books: restore the store from a backup"
    )]
    CheckpointWrong {
        /// The transfer at which it shows.
        sequence: u64,
        /// The statement that is contradicted.
        detail: String,
    },
    /// The journal ends before a transfer that was answered for.
    #[error(
        "the journal in {} ends with transfer {found}, and the node has answered for transfers up \
         to {answered}; put its newest segment back, or restore the store from a backup",
        path.display()
    )]
    Fallback {
        /// The journal's directory.
        path: PathBuf,
        /// The last transfer that it has.
        found: u64,
        /// The last transfer that somebody was told about.
        answered: u64,
    },
}
