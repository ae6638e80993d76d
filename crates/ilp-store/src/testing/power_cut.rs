//! A disk that records every change, and rebuilds its directory as a loss of power would leave it.
//!
//! [`DiskRecorder`] passes each operation on to a real directory, so the store under test works as
//! usual, and adds it to a list of events. `replay` says what a disk may hold after the first
//! events of the list: everything that was synced, and any part of the rest.
//!
//! Syncs are recorded and not passed on, since the real directory never loses power.

mod replay;
#[cfg(test)]
mod tests;

use std::{
    ffi::OsString,
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;
use rustix::io::Errno;

use self::replay::{Data, Event, Inode, Name, NameChange, ROOT, Replay, Tree};
use crate::{
    directory::FILE_MODE,
    journal::{Disk, Files, SegmentFile},
};

/// The operations that fail from a chosen event on, until [`DiskRecorder::heal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Writes and changes of names fail with EIO. Half of a failed write is there.
    Write,
    /// Syncs fail with EIO. A later sync doesn't make the data durable that the failed one covered.
    Sync,
    /// Whatever needs more room fails with ENOSPC: new names and writes that make a file longer.
    /// Half of a failed write is there. Writes within a file's length succeed.
    StorageFull,
}

/// A recorder of all changes below one directory. Clones share the record.
///
/// Events are numbered from 1. `cut` is the number of the last event before the loss of power, and
/// zero stands for a loss before the first event.
#[derive(Clone)]
pub(crate) struct DiskRecorder(Arc<Shared>);

struct Shared {
    directory: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The files and directories that were there when the recording began.
    before: Vec<Event>,
    events: Vec<Event>,
    /// The names as running processes see them.
    tree: Tree,
    inodes: Inode,
    /// Marks, each with the number of events before it.
    marks: Vec<(usize, u64)>,
    fault: Option<(usize, Fault)>,
}

struct RecordedFile {
    shared: Arc<Shared>,
    inode: Inode,
    file: File,
}

/// The demand of an operation on the disk.
#[derive(Clone, Copy)]
enum Need {
    /// Room for more data or another name.
    Room,
    /// A change that takes no room.
    Change,
    Sync,
}

impl DiskRecorder {
    /// Starts a record of the changes below `directory`. All that is there already is durable.
    ///
    /// # Errors
    /// Those of reading the directory.
    pub(crate) fn new(directory: &Path) -> io::Result<Self> {
        let mut state = State::default();
        state.find_children(directory, ROOT)?;
        state.before = std::mem::take(&mut state.events);
        let directory = directory.to_owned();
        Ok(Self(Arc::new(Shared { directory, state: Mutex::new(state) })))
    }

    /// The number of events so far.
    pub(crate) fn events(&self) -> usize {
        self.0.state.lock().events.len()
    }

    /// Notes that an answer left the node at this point.
    pub(crate) fn mark(&self, number: u64) {
        let mut state = self.0.state.lock();
        let at = state.events.len();
        state.marks.push((at, number));
    }

    /// Returns the marks of all answers that left before the loss of power. An answer that left
    /// between event `cut` and the next one is among them.
    pub(crate) fn marks_before(&self, cut: usize) -> Vec<u64> {
        let state = self.0.state.lock();
        state.marks.iter().filter(|(at, _)| *at <= cut).map(|(_, number)| *number).collect()
    }

    /// Makes operations fail from event number `event` on, until [`Self::heal`].
    pub(crate) fn fail_at(&self, event: usize, fault: Fault) {
        self.0.state.lock().fault = Some((event, fault));
    }

    /// Ends the failures.
    pub(crate) fn heal(&self) {
        self.0.state.lock().fault = None;
    }

    /// Writes to `into`, an absent or empty directory, what the disk may hold after a loss of power
    /// right after event number `cut`. Each seed is another possibility.
    ///
    /// # Errors
    /// Those of writing to `into`.
    pub(crate) fn rebuild(&self, cut: usize, seed: u64, into: &Path) -> io::Result<()> {
        let state = self.0.state.lock();
        assert!(cut <= state.events.len(), "event {cut} hasn't happened yet");
        let mut replay = Replay::new(seed);
        for event in state.before.iter().chain(&state.events[..cut]) {
            replay.follow(event);
        }
        replay.lose_power(into)
    }
}

impl State {
    /// Returns the error of an operation that is due to fail.
    fn failure(&self, need: Need) -> Option<io::Error> {
        let (_, fault) = self.fault.filter(|(event, _)| self.events.len() + 1 >= *event)?;
        match (fault, need) {
            (Fault::Write, Need::Room | Need::Change) | (Fault::Sync, Need::Sync) => {
                Some(Errno::IO.into())
            }
            (Fault::StorageFull, Need::Room) => Some(Errno::NOSPC.into()),
            _ => None,
        }
    }

    fn demand(&self, need: Need) -> io::Result<()> {
        self.failure(need).map_or(Ok(()), Err)
    }

    fn new_inode(&mut self) -> Inode {
        self.inodes += 1;
        self.inodes
    }

    fn change_name(&mut self, change: NameChange) {
        change.apply(&mut self.tree);
        self.events.push(Event::Named(change));
    }

    /// Takes up a file or directory that was made without the recorder, as durable.
    fn find(&mut self, path: &Path, at: Name) -> io::Result<Option<Inode>> {
        let metadata = match fs::symlink_metadata(path) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
            metadata => metadata?,
        };
        let content = if metadata.is_dir() { None } else { Some(fs::read(path)?) };
        let is_directory = content.is_none();
        let inode = self.new_inode();
        self.tree.insert(at.clone(), inode);
        self.events.push(Event::Found { at, inode, content });
        if is_directory {
            self.find_children(path, inode)?;
        }
        Ok(Some(inode))
    }

    fn find_children(&mut self, path: &Path, directory: Inode) -> io::Result<()> {
        let mut names = fs::read_dir(path)?
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect::<io::Result<Vec<OsString>>>()?;
        names.sort_unstable();
        for name in names {
            self.find(&path.join(&name), (directory, name))?;
        }
        Ok(())
    }
}

impl Shared {
    /// Returns the inode at a path.
    fn inode_at(&self, state: &mut State, path: &Path) -> io::Result<Inode> {
        let below = path.strip_prefix(&self.directory).map_err(|_| outside(path))?;
        let (mut inode, mut real) = (ROOT, self.directory.clone());
        for component in below.components() {
            let Component::Normal(name) = component else { return Err(outside(path)) };
            real.push(name);
            let at = (inode, name.to_owned());
            let found = match state.tree.get(&at) {
                Some(known) => Some(*known),
                None => state.find(&real, at)?,
            };
            inode = found.ok_or(ErrorKind::NotFound)?;
        }
        Ok(inode)
    }

    /// Returns a path as the name in its directory, which must exist.
    fn name_of(&self, state: &mut State, path: &Path) -> io::Result<Name> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(outside(path));
        };
        Ok((self.inode_at(state, parent)?, name.to_owned()))
    }

    fn recorded(self: &Arc<Self>, inode: Inode, file: File) -> RecordedFile {
        RecordedFile { shared: Arc::clone(self), inode, file }
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(FILE_MODE);
    options
}

fn outside(path: &Path) -> io::Error {
    let text = format!("{} isn't in the recorder's directory", path.display());
    io::Error::new(ErrorKind::InvalidInput, text)
}

impl Files for DiskRecorder {
    fn create(&self, path: &Path, bytes: u64) -> io::Result<Box<dyn SegmentFile>> {
        let state = &mut *self.0.state.lock();
        state.demand(Need::Room)?;
        let to = self.0.name_of(state, path)?;
        let existing = match self.0.inode_at(state, path) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => None,
            found => Some(found?),
        };
        let file = options().create(true).truncate(true).open(path)?;
        let inode = if let Some(inode) = existing {
            state.events.push(Event::Truncated(inode));
            inode
        } else {
            let inode = state.new_inode();
            state.change_name(NameChange::Add { to, inode, is_directory: false });
            inode
        };
        let recorded = self.0.recorded(inode, file);
        recorded.record_write(state, Data::Zeros(bytes), 0)?;
        recorded.record_sync(state)?;
        Ok(Box::new(recorded))
    }

    fn create_stream(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        let state = &mut *self.0.state.lock();
        state.demand(Need::Room)?;
        let to = self.0.name_of(state, path)?;
        let file = options().create_new(true).open(path)?;
        let inode = state.new_inode();
        state.change_name(NameChange::Add { to, inode, is_directory: false });
        Ok(Box::new(self.0.recorded(inode, file)))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        let state = &mut *self.0.state.lock();
        let inode = self.0.inode_at(state, path)?;
        let file = options().open(path)?;
        Ok(Box::new(self.0.recorded(inode, file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let state = &mut *self.0.state.lock();
        state.demand(Need::Change)?;
        let inode = self.0.inode_at(state, from)?;
        let names = (self.0.name_of(state, from)?, self.0.name_of(state, to)?);
        Disk.rename(from, to)?;
        // POSIX: two names of one file stay as they are.
        if state.tree.get(&names.1) != Some(&inode) {
            state.change_name(NameChange::Rename { from: names.0, to: names.1, inode });
        }
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let state = &mut *self.0.state.lock();
        state.demand(Need::Change)?;
        let inode = self.0.inode_at(state, path)?;
        let from = self.0.name_of(state, path)?;
        Disk.remove(path)?;
        state.change_name(NameChange::Remove { from, inode });
        Ok(())
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let state = &mut *self.0.state.lock();
        state.demand(Need::Room)?;
        let inode = self.0.inode_at(state, from)?;
        let (from_name, to_name) = (self.0.name_of(state, from)?, self.0.name_of(state, to)?);
        Disk.hard_link(from, to)?;
        state.change_name(NameChange::Link { from: from_name, to: to_name, inode });
        Ok(())
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        let state = &mut *self.0.state.lock();
        state.demand(Need::Room)?;
        let to = self.0.name_of(state, path)?;
        Disk.create_directory(path)?;
        let inode = state.new_inode();
        state.change_name(NameChange::Add { to, inode, is_directory: true });
        Ok(())
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        let state = &mut *self.0.state.lock();
        let inode = self.0.inode_at(state, path)?;
        fs::read_dir(path)?;
        state.demand(Need::Sync)?;
        state.events.push(Event::Synced(inode));
        Ok(())
    }
}

impl RecordedFile {
    fn record_write(&self, state: &mut State, data: Data, offset: u64) -> io::Result<()> {
        let grows = offset + data.len() > self.file.metadata()?.len();
        let failure = state.failure(if grows { Need::Room } else { Need::Change });
        let data = if failure.is_some() { data.first_half() } else { data };
        match &data {
            Data::Bytes(bytes) => self.file.write_all_at(bytes, offset)?,
            // The file was just emptied.
            Data::Zeros(bytes) => self.file.set_len(*bytes)?,
        }
        state.events.push(Event::Written { file: self.inode, offset, data });
        failure.map_or(Ok(()), Err)
    }

    fn record_sync(&self, state: &mut State) -> io::Result<()> {
        let failure = state.failure(Need::Sync);
        let synced = failure.is_none();
        let event = if synced { Event::Synced } else { Event::SyncFailed };
        state.events.push(event(self.inode));
        failure.map_or(Ok(()), Err)
    }
}

impl SegmentFile for RecordedFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.record_write(&mut self.shared.state.lock(), Data::Bytes(bytes.to_owned()), offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.record_sync(&mut self.shared.state.lock())
    }
}

impl fmt::Debug for DiskRecorder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("DiskRecorder").field(&self.0.directory).finish()
    }
}
