//! The books at the start: the checkpoint, and what the journal has behind it.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use ilp_connector::account::AccountId;
use uuid::Uuid;

use super::{
    LedgerOptions,
    checkpoint::{self, Meta, Which},
    state::{State, Threshold},
    verify,
};
use crate::{
    error::StoreError,
    journal::{
        DIRECTORY, JournalError, Place, Position, Scanned, Tail, Writer, check_chain, check_place,
        identity_of, path_of, repair, scan, segments_in, sync_directory,
    },
    store::Store,
};

/// Books that are ready to be written on.
pub(crate) struct Started {
    pub(crate) state: State,
    pub(crate) tail: Tail,
    pub(crate) journal: Uuid,
    pub(crate) directory: PathBuf,
}

/// Reads the checkpoint, replays what follows it, and repairs an end that a crash tore.
///
/// # Errors
/// [`StoreError::Journal`] or [`StoreError::Books`] says what doesn't fit, and what to do.
pub(crate) fn start(store: &Store, options: &LedgerOptions) -> Result<Started, StoreError> {
    let directory = store.path().join(DIRECTORY);
    let files = &*options.files;
    let found = Found::look(store, &directory)?;
    let thresholds = store.thresholds()?;
    let Some(found) = found else {
        check_answered(store, &State::default(), &directory)?;
        Writer::create(files, &directory, options.segment_bytes).map_err(StoreError::write)?;
        let tail = Tail { place: Place::START, begun: false, torn: false };
        return finish(store, State::default(), tail, Uuid::new_v4(), directory, &thresholds);
    };
    let (mut state, place) = found.books(store, &directory)?;
    for (account, threshold) in &thresholds {
        // The threshold was set before the stop, and its event was made at that time.
        let _ = state.set_threshold(*account, Some(*threshold));
    }
    let tail = scan(&directory, found.journal, place, |page| replay(&mut state, &page))?;
    check_answered(store, &state, &directory)?;
    found.remove_retired(&directory)?;
    if !tail.begun && tail.place.segment == Place::START.segment {
        // It was never used, and perhaps not even made in full.
        Writer::create(files, &directory, options.segment_bytes).map_err(StoreError::write)?;
    } else if tail.torn {
        repair(files, &directory, &tail).map_err(StoreError::write)?;
    }
    finish(store, state, tail, found.journal, directory, &HashMap::new())
}

fn finish(
    store: &Store,
    mut state: State,
    tail: Tail,
    journal: Uuid,
    directory: PathBuf,
    thresholds: &HashMap<AccountId, Threshold>,
) -> Result<Started, StoreError> {
    for (account, threshold) in thresholds {
        // The threshold was set before the stop, and its event was made at that time.
        let _ = state.set_threshold(*account, Some(*threshold));
    }
    if let Some(unchecked) = verify::check_sums(store, &state)?.unchecked() {
        tracing::warn!(
            unchecked,
            "the books could not be checked in full; see jirani ledger verify"
        );
    }
    Ok(Started { state, tail, journal, directory })
}

/// Refuses books that have less than was answered for, before anything is wiped or made anew: what
/// looks like a torn end then is all that is left of a page that was whole.
fn check_answered(store: &Store, state: &State, directory: &Path) -> Result<(), StoreError> {
    let (found, answered) = (state.sequence, store.inner.durability.answered().sequence);
    if found >= answered {
        return Ok(());
    }
    Err(JournalError::Fallback { path: directory.to_owned(), found, answered }.into())
}

/// What is in the store's directory.
pub(crate) struct Found {
    pub(crate) journal: Uuid,
    pub(crate) checkpoint: Option<Meta>,
    pub(crate) base: Option<Meta>,
    segments: Vec<u32>,
}

impl Found {
    /// Looks, and checks that what is there fits. `None` where there are no books yet.
    pub(crate) fn look(store: &Store, directory: &Path) -> Result<Option<Self>, StoreError> {
        let checkpoint = checkpoint::meta(store, Which::Checkpoint)?;
        let base = checkpoint::meta(store, Which::Base)?;
        let segments = segments_in(directory)?;
        let oldest = base.map_or(Place::START.segment, |base| base.place.segment);
        let (Some(first), Some(last)) = (segments.first(), segments.last()) else {
            return match checkpoint {
                Some(_) => {
                    Err(JournalError::SegmentMissing { path: path_of(directory, oldest) }.into())
                }
                None => Ok(None),
            };
        };
        let path = directory.to_owned();
        let sequence = checkpoint.map_or(0, |meta| meta.place.next_sequence - 1);
        let at = checkpoint.map_or(oldest, |meta| meta.place.segment);
        if *first > at {
            let detail = format!("the oldest segment is {first}, and {at} is needed");
            return Err(JournalError::CheckpointStale { path, checkpoint: sequence, detail }.into());
        }
        if *last < at {
            let detail = format!("the newest segment is {last}, and {at} is needed");
            return Err(JournalError::CheckpointAhead { path, checkpoint: sequence, detail }.into());
        }
        let known = checkpoint.or(base).map(|meta| meta.journal);
        let journal = match known {
            Some(journal) => journal,
            None => identity_of(directory, &segments)?.unwrap_or_else(Uuid::new_v4),
        };
        check_chain(directory, &segments, oldest, journal)?;
        Ok(Some(Self { journal, checkpoint, base, segments }))
    }

    /// Returns the place where the oldest kept segment begins.
    pub(crate) fn base_place(&self) -> Place {
        self.base.map_or(Place::START, |base| base.place)
    }

    /// Removes the segments that a crash kept from being removed.
    fn remove_retired(&self, directory: &Path) -> Result<(), StoreError> {
        let oldest = self.base_place().segment;
        for number in self.segments.iter().filter(|number| **number < oldest) {
            fs::remove_file(path_of(directory, *number)).map_err(StoreError::write)?;
        }
        sync_directory(directory).map_err(StoreError::write)
    }

    /// Returns the newest books that were written down, and their place in the journal.
    fn books(&self, store: &Store, directory: &Path) -> Result<(State, Place), StoreError> {
        let Some(meta) = &self.checkpoint else {
            let state = checkpoint::load(store, Which::Base, self.base.as_ref())?;
            return Ok((state, self.base_place()));
        };
        check_place(directory, meta.place)?;
        Ok((checkpoint::load(store, Which::Checkpoint, Some(meta))?, meta.place))
    }
}

/// Does what a page says.
///
/// # Errors
/// [`JournalError::CheckpointWrong`] when that can't be, starting from the books that it was
/// started from.
pub(crate) fn replay(state: &mut State, scanned: &Scanned<'_>) -> Result<(), StoreError> {
    let Scanned { page, at, .. } = scanned;
    let wrong =
        |sequence, detail| StoreError::from(JournalError::CheckpointWrong { sequence, detail });
    let whole = page.entries(|posted, pointers, distance| {
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
