//! The store's directories and files: accessible to their owner alone, whatever the umask says.
//!
//! The store holds peers' tokens and the key from which payment addresses are derived. Files that
//! the store creates get their mode at creation. sled's own files get it when the store is opened,
//! and lie in a directory that only the owner may enter.

use std::{
    fs::{self, DirBuilder, File, Permissions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
    thread,
    time::Duration,
};

use crate::error::StoreError;

/// The mode of each file of the store.
pub(crate) const FILE_MODE: u32 = 0o600;

/// The mode of each directory of the store.
pub(crate) const DIRECTORY_MODE: u32 = 0o700;

/// The file that is locked while a process has the store open.
const LOCK_FILE: &str = "lock";

/// How often, and how long apart, the lock is tried. A jirani that is just ending holds it for a
/// moment longer.
const LOCK_TRIES: u32 = 25;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// The bits of a mode that give any access to users other than the owner.
const OTHERS: u32 = 0o077;

/// The bits of a mode by which users other than the owner may add files to a directory.
const OTHERS_WRITE: u32 = 0o022;

/// Makes a directory if it is absent, and checks an existing one: it must belong to the user that
/// this process runs as, and no other user may write to it. A directory that other users may read
/// is closed to them.
///
/// # Errors
/// [`StoreError::NotPrivate`] for a directory that another user could have put files into, and
/// [`StoreError::Directory`] when the operating system refuses.
pub(crate) fn prepare(dir: &Path) -> Result<(), StoreError> {
    match fs::metadata(dir) {
        Ok(metadata) if metadata.is_dir() => claim(dir, &metadata),
        Ok(_) => Err(unusable(dir, &io::ErrorKind::NotADirectory.into())),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => make(dir),
        Err(cause) => Err(unusable(dir, &cause)),
    }
}

fn claim(dir: &Path, metadata: &fs::Metadata) -> Result<(), StoreError> {
    let not_private = |detail: String| StoreError::NotPrivate { path: dir.to_owned(), detail };
    let (owner, user) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if owner != user {
        return Err(not_private(format!(
            "it belongs to user {owner} and this process runs as user {user}; run it as the owner, or \
             give the directory to this user with chown -R {user}"
        )));
    }
    let mode = metadata.permissions().mode();
    if mode & OTHERS_WRITE != 0 {
        return Err(not_private(format!(
            "its mode is {:o}, so that others may write to it; see that everything in it is jirani's, \
             and run chmod 700 on it",
            mode & 0o7777
        )));
    }
    if mode & OTHERS != 0 {
        fs::set_permissions(dir, Permissions::from_mode(DIRECTORY_MODE))
            .map_err(|cause| unusable(dir, &cause))?;
        tracing::info!(path = %dir.display(), "closed the store's directory to other users");
    }
    Ok(())
}

/// Makes an absent directory and its absent parents, and syncs them so that all of their names
/// survive a loss of power.
///
/// # Errors
/// Those of the operating system.
fn make(dir: &Path) -> Result<(), StoreError> {
    let absent = |dir: &&Path| !dir.as_os_str().is_empty() && !dir.exists();
    let made: Vec<&Path> = dir.ancestors().take_while(absent).collect();
    let result = DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(dir);
    result.map_err(|cause| unusable(dir, &cause))?;
    made.into_iter().filter_map(Path::parent).try_for_each(sync)
}

/// Syncs a directory so that the names in it survive a loss of power.
///
/// # Errors
/// Those of the operating system.
pub(crate) fn sync(dir: &Path) -> Result<(), StoreError> {
    // The parent of a relative path of one part is the empty path.
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    let synced = File::open(dir).and_then(|handle| handle.sync_all());
    synced.map_err(|cause| unusable(dir, &cause))
}

/// Closes every file and directory below `dir` to other users. Symbolic links are left as they are.
///
/// # Errors
/// Those of the operating system.
pub(crate) fn close_to_others(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        // sled removes its files at any time.
        let Some(metadata) = unless_gone(fs::symlink_metadata(&path))? else { continue };
        let is_dir = metadata.is_dir();
        if !metadata.is_symlink() && metadata.permissions().mode() & OTHERS != 0 {
            let mode = if is_dir { DIRECTORY_MODE } else { FILE_MODE };
            unless_gone(fs::set_permissions(&path, Permissions::from_mode(mode)))?;
        }
        if is_dir {
            close_to_others(&path)?;
        }
    }
    Ok(())
}

fn unless_gone<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        outcome => outcome.map(Some),
    }
}

/// Returns the error for a directory that the operating system doesn't let the process use.
pub(crate) fn unusable(dir: &Path, cause: &io::Error) -> StoreError {
    StoreError::Directory { path: dir.to_owned(), detail: cause.to_string() }
}

/// Takes the lock of a store's directory.
///
/// # Errors
/// [`StoreError::InUse`], or when the file can't be made.
pub(crate) fn lock(dir: &Path) -> Result<File, StoreError> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false).mode(FILE_MODE);
    let file = options.open(dir.join(LOCK_FILE)).map_err(|cause| unusable(dir, &cause))?;
    for attempt in 1..=LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if attempt < LOCK_TRIES => thread::sleep(LOCK_PAUSE),
            Err(TryLockError::WouldBlock) => break,
            Err(TryLockError::Error(cause)) => return Err(unusable(dir, &cause)),
        }
    }
    Err(StoreError::InUse { path: dir.to_owned() })
}
