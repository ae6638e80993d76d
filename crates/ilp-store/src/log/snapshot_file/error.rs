//! Why a snapshot can't be read, and what to do about it.

use std::{
    io,
    path::{Path, PathBuf},
};

/// The reasons for which a snapshot file can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SnapshotError {
    /// The operating system refused. The file itself may be whole.
    #[error(
        "can't {action} the snapshot {}: {cause}; check the disk and the file's permissions, and \
         start again: nothing was changed", path.display()
    )]
    Io {
        /// The snapshot.
        path: PathBuf,
        /// The operation that failed, as a verb.
        action: &'static str,
        /// The operating system's reason.
        #[source]
        cause: io::Error,
    },
    /// The file isn't what was written.
    #[error(
        "the snapshot {} is damaged at byte {offset} ({detail}); move it to another directory, so \
         that the node starts from an older snapshot or from the log, and check the disk",
        path.display()
    )]
    Damaged {
        /// The snapshot.
        path: PathBuf,
        /// The offset of the head or block that is damaged.
        offset: u64,
        /// The contradiction that was found.
        detail: &'static str,
    },
    /// A newer jirani wrote the file.
    #[error(
        "the snapshot {} has format {found}, and this jirani knows formats up to {known}; run the \
         newer jirani that wrote it, or restore a backup from before the upgrade", path.display()
    )]
    UnknownFormat {
        /// The snapshot.
        path: PathBuf,
        /// The format of the file.
        found: u32,
        /// The newest format that this program reads.
        known: u32,
    },
}

impl SnapshotError {
    pub(super) fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self::Io { path: path.to_owned(), action, cause }
    }

    pub(super) fn damaged(path: &Path, offset: u64, detail: &'static str) -> Self {
        Self::Damaged { path: path.to_owned(), offset, detail }
    }
}
