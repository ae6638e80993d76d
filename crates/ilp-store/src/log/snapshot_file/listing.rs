//! The snapshot files of a directory: their names, their order, and the removal of old ones.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::journal::Files;

const SUFFIX: &str = ".snapshot";
const PARTIAL_SUFFIX: &str = ".snapshot.partial";

/// The digits of a sequence in a file name. Every `u64` fits, so names sort like sequences.
const DIGITS: usize = 20;

/// Returns the path of the snapshot whose place has this next sequence.
pub(crate) fn path_of(directory: &Path, next_sequence: u64) -> PathBuf {
    directory.join(format!("{next_sequence:0DIGITS$}{SUFFIX}"))
}

/// Returns the path of that snapshot while it is being written.
pub(crate) fn partial_path_of(directory: &Path, next_sequence: u64) -> PathBuf {
    directory.join(format!("{next_sequence:0DIGITS$}{PARTIAL_SUFFIX}"))
}

/// Lists the snapshots of a directory, newest first, each with the sequence of the first log entry
/// that isn't in it. An absent directory has none. Files of other names are ignored.
///
/// # Errors
/// Those of the operating system.
pub(crate) fn snapshots_in(directory: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    list(directory, SUFFIX)
}

/// Removes all snapshots but the `count` newest, and what interrupted writers left. Must not run
/// beside a writer of the same directory, whose partial file would be removed.
///
/// # Errors
/// Those of the operating system. Older snapshots are removed first, so the newest ones are there
/// after an error too.
pub(crate) fn keep_newest(files: &dyn Files, directory: &Path, count: usize) -> io::Result<()> {
    let partial = list(directory, PARTIAL_SUFFIX)?;
    let whole = list(directory, SUFFIX)?;
    let superseded = whole.iter().skip(count).rev();
    let mut removed = false;
    for (_, path) in partial.iter().chain(superseded) {
        files.remove(path)?;
        removed = true;
    }
    if removed {
        files.sync_directory(directory)?;
    }
    Ok(())
}

fn list(directory: &Path, suffix: &str) -> io::Result<Vec<(u64, PathBuf)>> {
    let listed = match fs::read_dir(directory) {
        Ok(listed) => listed,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(cause),
    };
    let mut found = Vec::new();
    for entry in listed {
        let entry = entry?;
        let name = entry.file_name();
        let sequence = name.to_str().and_then(|name| sequence_of(name, suffix));
        if let Some(sequence) = sequence
            && entry.file_type()?.is_file()
        {
            found.push((sequence, entry.path()));
        }
    }
    found.sort_unstable_by(|one, other| other.cmp(one));
    Ok(found)
}

fn sequence_of(name: &str, suffix: &str) -> Option<u64> {
    let digits = name.strip_suffix(suffix)?;
    let is_number = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}
