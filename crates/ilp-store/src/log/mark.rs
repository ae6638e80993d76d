//! How far the log had come when the store last answered, in a file of its own.
//!
//! A whole page that is lost from the very end of the log looks like one that was never written; the
//! mark tells them apart. The mark is written after the sync of what it counts and not synced itself,
//! so it costs next to nothing and never runs ahead of the disk.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

use parking_lot::Mutex;

use crate::directory::FILE_MODE;

/// The file, in the store's directory.
pub(crate) const FILE: &str = "answered";

/// The file and what it says.
pub(crate) struct Mark {
    file: File,
    answered: Mutex<Answered>,
}

/// The transfers that have been answered for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answered {
    /// How many changes of records, in a store of format 1. It is kept as it was found.
    pub(crate) changes: u64,
    /// The last entry of the log.
    pub(crate) sequence: u64,
}

impl Answered {
    /// Returns the two numbers in a fixed length, so that a later line covers an earlier one.
    fn to_line(self) -> String {
        format!("changes {:020} transfers {:020}\n", self.changes, self.sequence)
    }

    fn from_line(line: &str) -> Option<Self> {
        let (changes, sequence) =
            line.trim_end().strip_prefix("changes ")?.split_once(" transfers ")?;
        Some(Self { changes: changes.parse().ok()?, sequence: sequence.parse().ok()? })
    }
}

impl Mark {
    /// Opens or makes the file in `dir`. A file that can't be understood counts as absent: the mark
    /// only guards, and must not lock an operator out of books that are whole.
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        let path = dir.join(FILE);
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false).mode(FILE_MODE);
        let mut file = options.open(&path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let answered = str::from_utf8(&bytes).ok().and_then(Answered::from_line);
        if answered.is_none() && !bytes.is_empty() {
            tracing::warn!(path = %path.display(), "the mark of what was answered is unreadable");
        }
        Ok(Self { file, answered: Mutex::new(answered.unwrap_or_default()) })
    }

    /// Returns what the file says.
    pub(crate) fn answered(&self) -> Answered {
        *self.answered.lock()
    }

    /// Syncs the file.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Moves the mark on to an entry of the log, and never back.
    pub(crate) fn advance(&self, sequence: u64) -> io::Result<()> {
        let mut answered = self.answered.lock();
        answered.sequence = answered.sequence.max(sequence);
        self.file.write_all_at(answered.to_line().as_bytes(), 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_only_moves_on_and_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let mark = Mark::open(dir.path()).unwrap();
        assert_eq!(mark.answered(), Answered::default());
        mark.advance(u64::MAX).unwrap();
        mark.advance(3).unwrap();
        let kept = Mark::open(dir.path()).unwrap().answered();
        assert_eq!(kept, Answered { changes: 0, sequence: u64::MAX });
        std::fs::write(dir.path().join(FILE), "changes many").unwrap();
        assert_eq!(Mark::open(dir.path()).unwrap().answered(), Answered::default());
    }
}
