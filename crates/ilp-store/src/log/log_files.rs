//! The log's files: its segments, and the snapshots that stand for its beginning.

use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::snapshot_file::{SnapshotReader, snapshots_in};
use crate::{
    directory::unusable,
    error::StoreError,
    journal::{
        self, JournalError, Place, begins_with_records, check_place, identity_of, path_of,
        place_of, segments_in,
    },
};

/// The snapshots' directory, in the store's.
pub(crate) const SNAPSHOTS: &str = "snapshots";

/// The files in the directory of a store.
pub(crate) struct LogFiles {
    /// Of the segments.
    pub(crate) directory: PathBuf,
    /// Rising.
    pub(crate) segments: Vec<u32>,
    /// Which log it is, going by its oldest segment in use.
    pub(crate) journal: Option<Uuid>,
    /// Newest first, each with the sequence of the first entry that isn't in it.
    pub(crate) snapshots: Vec<(u64, PathBuf)>,
}

/// From where on the log can be added up.
pub(crate) enum Base {
    /// Everything that was ever written is in the log.
    Beginning,
    /// The snapshot stands for what came before.
    Snapshot(PathBuf, Place, Uuid),
}

impl LogFiles {
    /// Looks into the directory of a store.
    ///
    /// # Errors
    /// When it can't be read.
    pub(crate) fn look(dir: &Path) -> Result<Self, StoreError> {
        let directory = dir.join(journal::DIRECTORY);
        let segments = segments_in(&directory)?;
        let journal = identity_of(&directory, &segments)?;
        let snapshots = dir.join(SNAPSHOTS);
        let snapshots = snapshots_in(&snapshots).map_err(|cause| unusable(&snapshots, &cause))?;
        Ok(Self { directory, segments, journal, snapshots })
    }

    /// Checks that a position is one of this log.
    ///
    /// # Errors
    /// [`JournalError::CheckpointWrong`] for another log's, [`JournalError::CheckpointStale`] and
    /// [`JournalError::CheckpointAhead`] for one that the log no longer or not yet has.
    pub(crate) fn check_position(&self, journal: Uuid, place: Place) -> Result<(), StoreError> {
        let (path, at) = (self.directory.clone(), place.segment);
        let checkpoint = place.next_sequence - 1;
        if self.journal.is_some_and(|known| known != journal) {
            let detail = "they belong to another log".to_owned();
            return Err(JournalError::CheckpointWrong { sequence: checkpoint, detail }.into());
        }
        // A place may be the start of a segment that isn't made yet.
        let is_start = place.page_offset == 0;
        let Some((first, last)) = self.segments.first().zip(self.segments.last()) else {
            if is_start {
                return Ok(());
            }
            return Err(JournalError::SegmentMissing { path: path_of(&path, at) }.into());
        };
        if *first > at {
            let detail = format!("the oldest segment is {first}, and {at} is needed");
            return Err(JournalError::CheckpointStale { path, checkpoint, detail }.into());
        }
        if *last + u32::from(is_start) < at {
            let detail = format!("the newest segment is {last}, and {at} is needed");
            return Err(JournalError::CheckpointAhead { path, checkpoint, detail }.into());
        }
        check_place(&self.directory, place)
    }

    /// Checks that the log can be replayed from its beginning.
    ///
    /// # Errors
    /// [`JournalError::SegmentMissing`], or [`JournalError::OutOfChain`] for one whose beginning has
    /// no records.
    pub(crate) fn check_beginning(&self) -> Result<(), StoreError> {
        let first = Place::START.segment;
        let path = path_of(&self.directory, first);
        if self.segments.first() != Some(&first) {
            return Err(JournalError::SegmentMissing { path }.into());
        }
        if begins_with_records(&self.directory)? {
            return Ok(());
        }
        let detail = "it is of format 1, which has no records, and no snapshot is left".to_owned();
        Err(JournalError::OutOfChain { path, detail }.into())
    }

    /// Returns from where on the log can be added up: the further back the better.
    ///
    /// # Errors
    /// When there is no such place, or a snapshot can't be read.
    pub(crate) fn base(&self) -> Result<Base, StoreError> {
        let beginning = self.check_beginning();
        if beginning.is_ok() {
            return Ok(Base::Beginning);
        }
        let mut fault = None;
        for (_, path) in self.snapshots.iter().rev() {
            let usable =
                SnapshotReader::open(path).map_err(StoreError::read).and_then(|snapshot| {
                    let head = *snapshot.head();
                    self.check_position(head.journal, head.place)?;
                    Ok(Base::Snapshot(path.clone(), head.place, head.journal))
                });
            match usable {
                Ok(base) => return Ok(base),
                Err(error) => drop(fault.get_or_insert(error)),
            }
        }
        fault.map_or_else(|| beginning.map(|()| Base::Beginning), Err)
    }

    /// Returns where the oldest kept segment begins. `None` for a log without segments in use.
    ///
    /// # Errors
    /// When its head can't be read.
    pub(crate) fn oldest_place(&self) -> Result<Option<Place>, StoreError> {
        match self.segments.first() {
            Some(number) => place_of(&self.directory, *number),
            None => Ok(None),
        }
    }
}
