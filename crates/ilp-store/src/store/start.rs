//! The state of the disk when a store is opened: the index, or else the newest snapshot, or else
//! the log from its beginning; and the part of the log behind it.
//!
//! The log is the truth. Whatever is wrong with the index costs a slower start: it is put aside, and
//! made anew.

use std::path::Path;

use uuid::Uuid;

use crate::{
    error::StoreError,
    index::{
        self, Index, IndexChanges, IndexFault, IndexPosition, Sums, is_marked, keyspace::prefix,
        overlay::Overlay, put_aside,
    },
    journal::{
        Files, JournalError, LogEntry, Place, Position, Scanned, Tail, check_chain,
        is_segment_of_format_1, make_durable, repair, scan,
    },
    ledger::{CLOSED, State, TRANSFER, add_to, load_books, load_threshold, replay_record},
    log::{
        log_files::LogFiles,
        mark::Answered,
        snapshot_file::{SnapshotError, SnapshotHead, SnapshotReader},
    },
    records::forms::keys::Kind,
};

/// How much memory the replayed changes may take, in bytes, before they go into the index.
const REPLAY_BYTES_MAX: usize = 32 * 1024 * 1024;

/// How much of a snapshot goes into the index at once, in bytes.
const LOAD_BYTES: usize = 1024 * 1024;

/// The kinds of entry that a start doesn't check, in the order of their numbers: there may be millions
/// of them, and a start must not take longer as history grows. The keeper checks them in the background
/// right after a start.
pub(crate) const UNCHECKED: [u8; 11] = [
    Kind::IncomingPayment as u8,
    Kind::IncomingPaymentByWallet as u8,
    Kind::Quote as u8,
    Kind::QuoteByWallet as u8,
    Kind::OutgoingPayment as u8,
    Kind::OutgoingPaymentByWallet as u8,
    Kind::OutgoingPaymentByQuote as u8,
    Kind::Payment as u8,
    Kind::Audit as u8,
    TRANSFER,
    CLOSED,
];

/// A store as the disk has it.
pub(crate) struct Opened {
    pub(crate) index: Index,
    pub(crate) overlay: Overlay,
    pub(crate) state: State,
    pub(crate) tail: Tail,
    /// The last entry that the index has.
    pub(crate) checkpoint: u64,
    pub(crate) journal: Uuid,
}

/// Opens what the disk has in the directory of a store.
///
/// # Errors
/// [`StoreError::Journal`] says what is wrong with the log, and what to do.
pub(crate) fn open(
    dir: &Path,
    files: &dyn Files,
    answered: Answered,
) -> Result<Opened, StoreError> {
    let log = LogFiles::look(dir)?;
    let mut opened = match from_index(dir, &log) {
        Ok(opened) => opened,
        Err(Cause::Log(error)) => return Err(error),
        Err(Cause::Index(fault)) => {
            tracing::warn!(
                %fault,
                "the index can't be used; it is put aside and made anew from the log"
            );
            put_aside(dir).map_err(|cause| crate::directory::unusable(dir, &cause))?;
            from_history(dir, &log)?
        }
    };
    let (found, answered) = (opened.state.sequence, answered.sequence);
    if found < answered {
        // Before anything is wiped or made anew: what looks like a torn end may be all that is left
        // of a page that was whole.
        let path = log.directory;
        return Err(JournalError::Fallback { path, found, answered }.into());
    }
    if found > answered {
        // Readers are shown this page from here on.
        make_durable(files, &log.directory, &opened.tail).map_err(StoreError::write)?;
    }
    opened.tail = behind_format_1(files, &log, opened.tail)?;
    Ok(opened)
}

/// Why a start from one source failed.
enum Cause {
    /// The source is of no use; another one may be.
    Index(IndexFault),
    /// The log itself is damaged, which no other source makes good.
    Log(StoreError),
}

impl From<IndexFault> for Cause {
    fn from(fault: IndexFault) -> Self {
        Self::Index(fault)
    }
}

impl From<SnapshotError> for Cause {
    fn from(error: SnapshotError) -> Self {
        Self::Index(IndexFault(error.to_string()))
    }
}

impl From<StoreError> for Cause {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Journal(
                JournalError::CheckpointAhead { .. }
                | JournalError::CheckpointStale { .. }
                | JournalError::CheckpointWrong { .. },
            )
            | StoreError::Books { .. }
            | StoreError::Record { .. } => Self::Index(IndexFault(error.to_string())),
            _ => Self::Log(error),
        }
    }
}

fn from_index(dir: &Path, log: &LogFiles) -> Result<Opened, Cause> {
    let directory = dir.join(index::DIRECTORY);
    let is_new = log.segments.is_empty() && log.snapshots.is_empty();
    if !directory.exists() && !is_new {
        return Err(IndexFault("there is none".to_owned()).into());
    }
    if is_marked(dir) {
        return Err(IndexFault("the node before this one found it damaged".to_owned()).into());
    }
    let index = Index::open(&directory)?;
    let Some(position) = index.position() else {
        if is_new {
            return Ok(new_store(log, index));
        }
        return Err(IndexFault("it is empty".to_owned()).into());
    };
    log.check_position(position.journal, position.place)?;
    let unchecked = |kind: &u8| !UNCHECKED.contains(kind);
    index.check((1..=u8::MAX).filter(unchecked), || false)?;
    let durable = position.durable;
    let opened = replay_from(log, index, Some(&position))?;
    if opened.state.sequence < durable {
        let found = opened.state.sequence;
        let fault = format!("it was written when the log had {durable} entries, not {found}");
        return Err(IndexFault(fault).into());
    }
    Ok(opened)
}

/// Starts from the newest snapshot that is whole, or from the log's beginning.
fn from_history(dir: &Path, log: &LogFiles) -> Result<Opened, StoreError> {
    let mut first_fault = None;
    for (_, path) in &log.snapshots {
        match from_snapshot(dir, log, path) {
            Ok(opened) => return Ok(opened),
            Err(Cause::Log(error)) => return Err(error),
            Err(Cause::Index(fault)) => {
                tracing::warn!(
                    path = %path.display(), %fault,
                    "the snapshot can't be used; an older one or the log's beginning takes its place"
                );
                first_fault.get_or_insert(fault);
            }
        }
    }
    let index = fresh_index(dir)?;
    if log.segments.is_empty() && log.snapshots.is_empty() {
        return Ok(new_store(log, index));
    }
    match (log.check_beginning(), first_fault) {
        // What is wrong with the snapshot is nearer to the cause.
        (Err(_), Some(fault)) => return Err(Cause::Index(fault).into_error()),
        (checked, _) => checked?,
    }
    replay_from(log, index, None).map_err(Cause::into_error)
}

/// Fills an empty index from a snapshot, and replays what the log has behind it.
fn from_snapshot(dir: &Path, log: &LogFiles, path: &Path) -> Result<Opened, Cause> {
    let snapshot = SnapshotReader::open(path)?;
    let SnapshotHead { journal, place, time_ms } = *snapshot.head();
    log.check_position(journal, place)?;
    let index = fresh_index(dir)?;
    let (mut sums, mut batch, mut bytes) = (Sums::default(), Vec::new(), 0);
    for entry in snapshot {
        let (key, value) = entry?;
        sums.add(&key, &value);
        bytes += key.len() + value.len();
        batch.push((key, value));
        if bytes > LOAD_BYTES {
            index.load(std::mem::take(&mut batch))?;
            bytes = 0;
        }
    }
    index.load(batch)?;
    let durable = place.next_sequence - 1;
    let position = IndexPosition { journal, place, time_ms, durable, sums };
    index.complete(position.clone())?;
    replay_from(log, index, Some(&position))
}

/// Makes an empty index. What an attempt before it has left is removed.
fn fresh_index(dir: &Path) -> Result<Index, StoreError> {
    let directory = dir.join(index::DIRECTORY);
    match std::fs::remove_dir_all(&directory) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            return Err(crate::directory::unusable(&directory, &cause));
        }
        _ => {}
    }
    Index::open(&directory).map_err(|fault| unusable(dir, &fault))
}

fn unusable(dir: &Path, fault: &IndexFault) -> StoreError {
    let (path, detail) = (dir.join(index::DIRECTORY), fault.to_string());
    StoreError::Directory { path, detail }
}

impl Cause {
    fn into_error(self) -> StoreError {
        match self {
            Self::Log(error) => error,
            Self::Index(fault) => StoreError::read(fault),
        }
    }
}

/// Returns an empty store.
fn new_store(log: &LogFiles, index: Index) -> Opened {
    let tail = Tail { place: Place::START, begun: false, torn: false };
    let journal = log.journal.unwrap_or_else(Uuid::new_v4);
    let (overlay, state) = (Overlay::default(), State::default());
    Opened { index, overlay, state, tail, checkpoint: 0, journal }
}

/// Replays the log behind the position of an index.
fn replay_from(
    log: &LogFiles,
    index: Index,
    from: Option<&IndexPosition>,
) -> Result<Opened, Cause> {
    let place = from.map_or(Place::START, |position| position.place);
    let journal = from.map(|position| position.journal).or(log.journal);
    let journal = journal.unwrap_or_else(Uuid::new_v4);
    let mut replay = Replay::new(index, journal)?;
    check_chain(&log.directory, &log.segments, place.segment, journal)?;
    let tail = scan(&log.directory, journal, place, |page| replay.page(&page))?;
    let Replay { index, overlay, state, checkpoint, .. } = replay;
    Ok(Opened { index, overlay, state, tail, checkpoint, journal })
}

/// Returns where a log goes on whose last segment is of format 1: with the next segment, so that an older
/// jirani finds a format that it doesn't know, and takes no page for a torn end.
fn behind_format_1(files: &dyn Files, log: &LogFiles, tail: Tail) -> Result<Tail, StoreError> {
    if !tail.begun || !is_segment_of_format_1(&log.directory, tail.place.segment)? {
        return Ok(tail);
    }
    if tail.torn {
        repair(files, &log.directory, &tail).map_err(StoreError::write)?;
    }
    let place =
        Place { next_sequence: tail.place.next_sequence, link: tail.place.link, ..Place::START };
    let place = Place { segment: tail.place.segment + 1, ..place };
    Ok(Tail { place, begun: false, torn: false })
}

/// The effect of the log on index and books.
struct Replay {
    index: Index,
    journal: Uuid,
    overlay: Overlay,
    state: State,
    checkpoint: u64,
}

impl Replay {
    fn new(index: Index, journal: Uuid) -> Result<Self, StoreError> {
        let mut state = load_books(&index)?;
        let (low, high) = prefix(&[Kind::Threshold.byte()]);
        let mut thresholds = Ok(());
        let bounds = (low.as_ref().map(Vec::as_slice), high.as_ref().map(Vec::as_slice));
        index.visit(bounds, false, |key, value| {
            thresholds = load_threshold(&mut state, &key, &value);
            thresholds.is_ok()
        })?;
        thresholds?;
        let checkpoint = state.sequence;
        Ok(Self { index, journal, overlay: Overlay::default(), state, checkpoint })
    }

    fn page(&mut self, scanned: &Scanned<'_>) -> Result<(), StoreError> {
        let (overlay, state) = (&mut self.overlay, &mut self.state);
        replay(state, scanned, |sequence, key, value| {
            // No reader is there yet, so each version takes the place of the one before.
            overlay.put(key.to_vec(), sequence, value.map(Into::into), sequence - 1);
        })?;
        // The index never passes a crossing whose event isn't made, since no replay would find it again.
        if self.overlay.bytes() > REPLAY_BYTES_MAX && self.state.crossings.is_empty() {
            self.checkpoint(scanned.at.behind(&scanned.page))?;
        }
        Ok(())
    }

    fn checkpoint(&mut self, place: Place) -> Result<(), StoreError> {
        self.checkpoint = self.state.sequence;
        let changes = self.state.take_changes(place);
        let mut records: IndexChanges =
            self.overlay.changes(changes.sequence).into_iter().collect();
        add_to(&mut records, &changes);
        let (journal, time_ms) = (self.journal, changes.time_ms);
        let durable = changes.sequence;
        let position = IndexPosition { journal, place, time_ms, durable, sums: Default::default() };
        self.index.apply(records, position)?;
        self.overlay.forget(changes.sequence);
        self.state.forget_closed(&changes.closed);
        Ok(())
    }
}

/// Does what a page says to the books, and calls `record` with the sequence, the key and the value of
/// each change of a record.
///
/// # Errors
/// [`JournalError::CheckpointWrong`] when that can't be, starting from the books that it was
/// started from.
pub(crate) fn replay(
    state: &mut State,
    scanned: &Scanned<'_>,
    mut record: impl FnMut(u64, &[u8], Option<&[u8]>),
) -> Result<(), StoreError> {
    let Scanned { page, at, .. } = scanned;
    let wrong =
        |sequence, detail| StoreError::from(JournalError::CheckpointWrong { sequence, detail });
    let whole = page.entries(|sequence, entry, distance| {
        let (posted, pointers) = match entry {
            LogEntry::Record(change) => {
                state.note_record(sequence, page.time_ms);
                replay_record(state, change.key, change.value)?;
                record(sequence, change.key, change.value);
                return Ok(());
            }
            LogEntry::Transfer(posted, pointers) => (posted, pointers),
        };
        let position = Position::new(at.segment, at.offset + distance);
        let known = state
            .apply(posted, position, page.time_ms)
            .map_err(|detail| wrong(posted.sequence, detail))?;
        if known == *pointers {
            return Ok(());
        }
        let detail = "an account's last transfer before it is another one".to_owned();
        Err(wrong(posted.sequence, detail))
    })?;
    if whole {
        return Ok(());
    }
    Err(wrong(page.first_sequence, "its page can't be understood".to_owned()))
}
