//! A copy of the store while the node runs.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Component, Path, PathBuf},
};

use ilp_store::{BackupReport, StoreError, shown};

use crate::{
    access::caller::CallerKind,
    changes::recorded::Recorded,
    node::{error::BackupError, operator::Inner},
    vocabulary::error::OperatorError,
};

/// The file that shows, alone in a directory, that the directory's owner wants a backup there. On a
/// node without a secret every user of the machine reaches the admin API, and so do programs that
/// send a browser's requests; none of them may write files wherever the node's user may.
pub const BACKUP_INVITATION: &str = "jirani-backup-here";

impl Recorded {
    /// Copies records and books, as they are at one moment, into a directory of the node's machine.
    /// Packets flow on meanwhile; other changes wait, so that records and books agree. For a caller who
    /// has not shown the secret, only into a directory with a [`BACKUP_INVITATION`].
    ///
    /// # Errors
    /// A directory that is not absolute, not empty, within the store's own, another user's, or not
    /// prepared for this; one that can't be written.
    pub async fn backup(&self, dir: &str, by: CallerKind) -> Result<BackupReport, OperatorError> {
        self.given(&shown! { "directory": dir });
        let dir = directory(dir)?;
        self.change(move |changing| async move {
            let inner = changing.inner.clone();
            crate::node::operator::blocking(move || inner.backup(&dir, by)).await
        })
        .await
    }
}

impl Inner {
    fn backup(&self, dir: &Path, by: CallerKind) -> Result<BackupReport, OperatorError> {
        let own = fs::canonicalize(self.store.path()).map_err(BackupError::Directory)?;
        // The last component may be absent, and all before it must be there.
        let parent = dir.parent().unwrap_or(dir);
        let parent = fs::canonicalize(parent)
            .map_err(|cause| BackupError::Parent { parent: parent.to_owned(), cause })?;
        if parent.starts_with(&own) || fs::canonicalize(dir).is_ok_and(|dir| dir.starts_with(&own))
        {
            return Err(BackupError::WithinStore.into());
        }
        match found_in(dir).map_err(BackupError::Directory)? {
            Found::Something => {
                return Err(BackupError::NotEmpty.into());
            }
            Found::Invitation => {
                fs::remove_file(dir.join(BACKUP_INVITATION)).map_err(BackupError::Directory)?;
            }
            Found::Nothing if by.has_shown_secret() => {}
            Found::Nothing => {
                return Err(BackupError::NotInvited { file: BACKUP_INVITATION }.into());
            }
        }
        let copied = self.ledger().backup(dir).map_err(|cause| match cause {
            StoreError::NotPrivate { .. } => BackupError::NotPrivate(cause),
            cause => {
                tracing::error!(error = %cause, "a backup failed");
                BackupError::Failed(cause)
            }
        });
        Ok(copied?)
    }
}

/// The contents of a directory.
enum Found {
    /// The directory is empty or absent.
    Nothing,
    /// The directory has a [`BACKUP_INVITATION`] alone.
    Invitation,
    Something,
}

fn found_in(dir: &Path) -> io::Result<Found> {
    let mut entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(error),
    };
    Ok(match (entries.next().transpose()?, entries.next().transpose()?) {
        (None, _) => Found::Nothing,
        (Some(entry), None) if entry.file_name() == BACKUP_INVITATION => Found::Invitation,
        (Some(_), _) => Found::Something,
    })
}

/// A path that means the same to the client and to the node.
fn directory(text: &str) -> Result<PathBuf, BackupError> {
    let path = PathBuf::from(text);
    if !path.is_absolute() || text.contains('\0') {
        return Err(BackupError::NotAbsolute);
    }
    if path.components().any(|component| component == Component::ParentDir) {
        return Err(BackupError::NotPlain);
    }
    Ok(path)
}
