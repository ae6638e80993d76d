//! Makes snapshots, and removes the segments that both a snapshot and the policy let go.

use std::{fs, io, ops::Bound::Unbounded};

use super::keeper::Keeper;
use crate::{
    error::StoreError,
    journal::{Place, path_of, segments_in},
    log::{
        log_files::{LogFiles, SNAPSHOTS},
        snapshot_file::{SnapshotHead, SnapshotReader, SnapshotWriter, keep_newest},
    },
};

/// How many snapshots are kept: should the newest be damaged, the one before it takes its place.
const SNAPSHOTS_KEPT: usize = 2;

/// A snapshot is due when the log has grown by so many times the size of the last one.
const GROWTH: u64 = 4;

impl Keeper {
    /// Makes a snapshot where one is due, as of the index, and removes old segments. Comes under the
    /// keeper's turn, right after a checkpoint of this place.
    ///
    /// # Errors
    /// When a file can't be read, written or removed.
    pub(in crate::ledger) fn retire(&self, checkpoint: Place) -> Result<(), StoreError> {
        let log = LogFiles::look(&self.store.inner.path)?;
        // Where nothing stands for the log's beginning, the index is the only one to know it.
        if log.base().is_err() || self.is_snapshot_due(&log, checkpoint)? {
            self.make_snapshot()?;
        }
        self.gauges.set_snapshot_bytes(self.snapshot_bytes()?);
        let Some(retained) = self.retain_segments_min else { return Ok(()) };
        // The segment of the checkpoint counts as one of those that are kept.
        let kept_from = u64::from(checkpoint.segment + 1).saturating_sub(retained.max(1));
        let Some(covered) = self.covered_segment()? else { return Ok(()) };
        let gone = kept_from.min(covered.into());
        let segments = segments_in(&self.directory)?.into_iter();
        for number in segments.take_while(|number| u64::from(*number) < gone) {
            let path = path_of(&self.directory, number);
            let bytes = fs::metadata(&path).map_err(StoreError::read)?.len();
            self.files.remove(&path).map_err(StoreError::write)?;
            // One by one: a loss of power may undo any of the removals that weren't synced, which would
            // leave a gap in the log.
            self.files.sync_directory(&self.directory).map_err(StoreError::write)?;
            self.gauges.segment_went(bytes);
        }
        Ok(())
    }

    fn snapshot_bytes(&self) -> Result<u64, StoreError> {
        let log = LogFiles::look(&self.store.inner.path)?;
        let sizes = log.snapshots.iter().map(|(_, path)| Ok(fs::metadata(path)?.len()));
        sizes.sum::<io::Result<u64>>().map_err(StoreError::read)
    }

    /// Returns whether the log has grown by so much since the last snapshot that the next is due.
    fn is_snapshot_due(&self, log: &LogFiles, checkpoint: Place) -> Result<bool, StoreError> {
        let (since, size) = match log.snapshots.first() {
            Some((_, path)) => {
                let at = SnapshotReader::open(path).map(|snapshot| snapshot.head().place);
                // A snapshot that can't be read counts for nothing.
                let at = at.unwrap_or(Place::START);
                (at, fs::metadata(path).map_err(StoreError::read)?.len())
            }
            None => (Place::START, 0),
        };
        let mut grown = u64::from(checkpoint.offset);
        for number in log.segments.iter().filter(|number| **number < checkpoint.segment) {
            if *number >= since.segment {
                let path = path_of(&log.directory, *number);
                grown += fs::metadata(path).map_err(StoreError::read)?.len();
            }
        }
        let grown = grown.saturating_sub(since.offset.into());
        Ok(grown >= self.snapshot_log_bytes_min.max(size.saturating_mul(GROWTH)))
    }

    /// Writes all entries of the index into a snapshot.
    ///
    /// # Errors
    /// When the index can't be read or the snapshot can't be written.
    pub(in crate::ledger) fn make_snapshot(&self) -> Result<(), StoreError> {
        let directory = self.store.inner.path.join(SNAPSHOTS);
        match self.files.create_directory(&directory) {
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
            made => {
                made.map_err(StoreError::write)?;
                let parent = &self.store.inner.path;
                self.files.sync_directory(parent).map_err(StoreError::write)?;
            }
        }
        keep_newest(&*self.files, &directory, SNAPSHOTS_KEPT).map_err(StoreError::write)?;
        self.write_snapshot(&directory)?;
        keep_newest(&*self.files, &directory, SNAPSHOTS_KEPT).map_err(StoreError::write)
    }

    /// Writes a snapshot of the index into a directory. Nothing moves the index on meanwhile, since
    /// the caller has the turn.
    ///
    /// # Errors
    /// As [`Keeper::make_snapshot`].
    pub(in crate::ledger) fn write_snapshot(
        &self,
        directory: &std::path::Path,
    ) -> Result<(), StoreError> {
        let index = &self.store.inner.keyspace.index;
        let Some(position) = index.position() else { return Ok(()) };
        let (journal, place, time_ms) = (position.journal, position.place, position.time_ms);
        let head = SnapshotHead { journal, place, time_ms };
        let mut writer =
            SnapshotWriter::create(&*self.files, directory, &head).map_err(StoreError::write)?;
        let mut pushed = Ok(());
        let all = (Unbounded, Unbounded);
        index.visit(all, false, |key, value| {
            pushed = writer.push(&key, &value);
            pushed.is_ok()
        })?;
        pushed.map_err(StoreError::write)?;
        let report = writer.finish().map_err(StoreError::write)?;
        tracing::info!(
            path = %report.path.display(), entries = report.entries, bytes = report.bytes,
            "made a snapshot of the store"
        );
        Ok(())
    }

    /// Returns the first segment that the older of the kept snapshots needs.
    fn covered_segment(&self) -> Result<Option<u32>, StoreError> {
        let log = LogFiles::look(&self.store.inner.path)?;
        let Some((_, path)) = log.snapshots.get(SNAPSHOTS_KEPT - 1) else { return Ok(None) };
        // Segments stay where the snapshot can't be read.
        Ok(SnapshotReader::open(path).ok().map(|snapshot| snapshot.head().place.segment))
    }
}
