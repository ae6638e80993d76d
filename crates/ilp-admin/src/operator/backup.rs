//! A copy of the store while the node runs.

use std::{
    fs,
    io::ErrorKind,
    path::{Component, Path, PathBuf},
};

use ilp_store::BackupReport;

use super::{Inner, Operator, OperatorError, error};

impl Operator {
    /// Copies records and books, as they are at one moment, into a directory of the node's machine.
    /// Packets flow on meanwhile; other changes wait, so that records and books agree.
    ///
    /// # Errors
    /// A directory that is not absolute, not empty, or within the store's own; one that can't be
    /// written.
    pub async fn backup(&self, dir: &str) -> Result<BackupReport, OperatorError> {
        let dir = directory(dir)?;
        self.change(move |changing| async move {
            let inner = changing.inner.clone();
            super::blocking(move || inner.backup(&dir)).await
        })
        .await
    }
}

impl Inner {
    fn backup(&self, dir: &Path) -> Result<BackupReport, OperatorError> {
        let own = fs::canonicalize(self.parts.store.path()).map_err(|error| refused(&error))?;
        // The last component may be absent, and all before it must be there.
        let parent = dir.parent().unwrap_or(dir);
        let parent = fs::canonicalize(parent).map_err(|error| {
            refused(&format!("{} can't be entered ({error})", parent.display()))
        })?;
        if parent.starts_with(&own) || fs::canonicalize(dir).is_ok_and(|dir| dir.starts_with(&own))
        {
            return Err(refused(&"it lies within the store's own directory"));
        }
        match fs::read_dir(dir).map(|mut entries| entries.next().is_none()) {
            Ok(true) => {}
            Ok(false) => return Err(refused(&"it is not empty, and nothing there is overwritten")),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(refused(&error)),
        }
        self.ledger().backup(dir).map_err(|cause| {
            tracing::error!(error = %cause, "a backup failed");
            OperatorError::new(error::ErrorKind::Internal, format!("the backup failed: {cause}"))
        })
    }
}

/// A path that means the same to the client and to the node.
fn directory(text: &str) -> Result<PathBuf, OperatorError> {
    let path = PathBuf::from(text);
    if !path.is_absolute() || text.contains('\0') {
        return Err(refused(&"an absolute path is expected, such as /var/backups/jirani/monday"));
    }
    if path.components().any(|component| component == Component::ParentDir) {
        return Err(refused(&"a path without .. is expected"));
    }
    Ok(path)
}

fn refused(why: &dyn std::fmt::Display) -> OperatorError {
    OperatorError::bad_input("invalid backup directory", why)
}
