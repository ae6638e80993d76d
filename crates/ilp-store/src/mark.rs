//! How far the store had come when it last answered, in a file beside sled's.
//!
//! sled takes the first damaged byte of its log for the torn end of it, and goes on from there: one
//! flipped bit would quietly take the node back to earlier peers and earlier balances, which add up
//! as well as the later ones did. The mark is what tells. It's written after the sync of what it
//! counts and not synced itself, so it costs next to nothing and never runs ahead of the disk.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

use parking_lot::Mutex;

use crate::directory::FILE_MODE;

/// The file, in the store's directory.
const FILE: &str = "answered";

/// What has been answered for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answered {
    /// How many changes of the records.
    pub(crate) changes: u64,
    /// The sequence of the last transfer.
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

/// The file and what it says.
pub(crate) struct Mark {
    file: File,
    answered: Mutex<Answered>,
}

impl Mark {
    /// Opens or makes the file in `dir`. One that can't be understood counts as absent: it only
    /// guards, and must not lock anyone out of books that are whole.
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

    /// What it says.
    pub(crate) fn answered(&self) -> Answered {
        *self.answered.lock()
    }

    /// Moves it on, and never back: the last to sync isn't always the last to come here.
    pub(crate) fn advance(&self, to: Answered) -> io::Result<()> {
        let mut answered = self.answered.lock();
        answered.changes = answered.changes.max(to.changes);
        answered.sequence = answered.sequence.max(to.sequence);
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
        mark.advance(Answered { changes: 7, sequence: 0 }).unwrap();
        mark.advance(Answered { changes: 3, sequence: u64::MAX }).unwrap();
        let kept = Mark::open(dir.path()).unwrap().answered();
        assert_eq!(kept, Answered { changes: 7, sequence: u64::MAX });
        std::fs::write(dir.path().join(FILE), "changes many").unwrap();
        assert_eq!(Mark::open(dir.path()).unwrap().answered(), Answered::default());
    }
}
