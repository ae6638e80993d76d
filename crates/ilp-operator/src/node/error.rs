//! Refusals of operations on the node as a whole: its tenant and its backups.

use std::{io, path::PathBuf};

use crate::vocabulary::{field::Field, reason::Reason};
use ilp_store::StoreError;

/// A refusal of an operation that names a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TenantError {
    /// A query names another tenant than the node's operator.
    #[error("unknown tenant: this node has one, its operator, which whoami names")]
    Unknown,
    /// An object is to be made for another tenant than the node's operator.
    #[error(
        "Assignment to the specified tenant is not permitted: there is one tenant, which whoami names"
    )]
    NotPermitted,
}

impl TenantError {
    /// Returns the reason.
    #[must_use]
    pub fn reason(self) -> Reason {
        match self {
            Self::Unknown => Reason::UnknownTenant,
            Self::NotPermitted => Reason::TenantNotPermitted,
        }
    }

    /// Returns the input that the refusal is about.
    #[must_use]
    pub fn field(self) -> Option<Field> {
        Some(Field::TenantId)
    }
}

/// A refusal of a backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The path depends on the directory that the node runs in, or can't be a path.
    #[error(
        "invalid backup directory: an absolute path is expected, such as /var/backups/jirani/monday"
    )]
    NotAbsolute,
    /// The path has `..` in it.
    #[error("invalid backup directory: a path without .. is expected")]
    NotPlain,
    /// The directory above can't be entered.
    #[error("invalid backup directory: {} can't be entered ({cause})", .parent.display())]
    Parent {
        /// The directory above.
        parent: PathBuf,
        /// The operating system's error.
        cause: io::Error,
    },
    /// The directory lies within the store's own.
    #[error("invalid backup directory: it lies within the store's own directory")]
    WithinStore,
    /// The directory has files in it.
    #[error("invalid backup directory: it is not empty, and nothing there is overwritten")]
    NotEmpty,
    /// A client without the secret names a directory that its owner has not prepared.
    #[error(
        "invalid backup directory: without admin.secret a backup goes only where the node's user has \
         invited it: jirani backup does that, and by hand it is a directory with an empty file \
         {file} in it"
    )]
    NotInvited {
        /// The name of the file by which a directory's owner invites a backup.
        file: &'static str,
    },
    /// The directory can't be read or prepared.
    #[error("invalid backup directory: {0}")]
    Directory(io::Error),
    /// The directory is not the node's user's alone.
    #[error("invalid backup directory: {0}")]
    NotPrivate(StoreError),
    /// The copy can't be written.
    #[error("the backup failed: {0}")]
    Failed(StoreError),
}

impl BackupError {
    /// Returns the reason.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Failed(_) => Reason::BackupFailed,
            _ => Reason::InvalidBackupDirectory,
        }
    }

    /// Returns the input that the refusal is about.
    #[must_use]
    pub fn field(&self) -> Option<Field> {
        match self {
            Self::Failed(_) => None,
            _ => Some(Field::Dir),
        }
    }
}
