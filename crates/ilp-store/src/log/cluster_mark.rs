//! The file that says that a store's log is a copy of a cluster's.
//!
//! The log of such a folder may have a page at its end that the cluster doesn't have, and other nodes
//! may have gone on without it. So the folder is opened with the cluster's database alone.

use std::{
    fs, io,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use uuid::Uuid;

use crate::{
    directory::{self, FILE_MODE, unusable},
    error::StoreError,
};

/// The file, in the store's directory.
const FILE: &str = "cluster";

/// The cluster that a folder belongs to, and the folder's own name in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The id of the cluster.
    pub cluster: Uuid,
    /// The id of the node whose folder it is. While this process has the folder's lock, no other process
    /// is that node.
    pub node: Uuid,
}

impl Membership {
    fn from_text(text: &str) -> Option<Self> {
        let (cluster, node) = text.trim().split_once(' ')?;
        Some(Self { cluster: cluster.parse().ok()?, node: node.parse().ok()? })
    }
}

fn path_in(dir: &Path) -> PathBuf {
    dir.join(FILE)
}

/// Returns the cluster to which the folder belongs, if it belongs to one.
///
/// # Errors
/// When the file can't be read or understood.
pub(super) fn read(dir: &Path) -> Result<Option<Membership>, StoreError> {
    match fs::read_to_string(path_in(dir)) {
        Ok(text) => match Membership::from_text(&text) {
            Some(membership) => Ok(Some(membership)),
            None => {
                let detail = format!("its file {FILE} doesn't name a cluster and a node");
                Err(StoreError::Corrupt { path: dir.to_owned(), detail })
            }
        },
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(unusable(dir, &cause)),
    }
}

/// Notes that the folder belongs to a cluster.
///
/// # Errors
/// When the file can't be written.
pub(super) fn write(dir: &Path, membership: Membership) -> Result<(), StoreError> {
    let mut options = fs::File::options();
    options.write(true).create(true).truncate(true).mode(FILE_MODE);
    let written = options.open(path_in(dir)).and_then(|mut file| {
        writeln!(file, "{} {}", membership.cluster, membership.node)?;
        file.sync_all()
    });
    written.map_err(|cause| unusable(dir, &cause))?;
    directory::sync(dir)
}

/// Refuses a folder that belongs to a cluster.
///
/// # Errors
/// [`StoreError::InCluster`].
pub(crate) fn refuse(dir: &Path) -> Result<(), StoreError> {
    match read(dir)? {
        Some(Membership { cluster, .. }) => {
            Err(StoreError::InCluster { path: dir.to_owned(), cluster })
        }
        None => Ok(()),
    }
}

/// Notes that the folder belongs to no cluster any more.
///
/// # Errors
/// When the file can't be removed.
pub(super) fn remove(dir: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path_in(dir)) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(unusable(dir, &cause)),
        _ => directory::sync(dir),
    }
}
