//! Follows recorded events, and says what is on the disk after a loss of power.
//!
//! Of the changes that weren't synced:
//! - each sector of 512 bytes holds its durable content or that after any one of the later writes;
//! - a file has its durable length, its last length, or one between;
//! - each change of a name is there or not. A rename is one change: the new name leads to the new
//!   file or to what it led to before. A change that relies on a lost one is lost too.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs::File,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use crate::{
    directory::FILE_MODE,
    journal::{Disk, Files},
    testing::random::Random,
};

const SECTOR_BYTES: u64 = 512;

/// A file or directory, whatever its names are.
pub(super) type Inode = u64;

/// The recorded directory itself.
pub(super) const ROOT: Inode = 0;

/// A name in a directory.
pub(super) type Name = (Inode, OsString);

pub(super) type Tree = BTreeMap<Name, Inode>;

/// One step on the way to the disk.
pub(super) enum Event {
    /// A durable file, or a directory without content of its own.
    Found {
        at: Name,
        inode: Inode,
        content: Option<Vec<u8>>,
    },
    Named(NameChange),
    Truncated(Inode),
    Written {
        file: Inode,
        offset: u64,
        data: Data,
    },
    /// A file's data, or a directory's names, became durable.
    Synced(Inode),
    /// A file's data was given up by the system: it is on the disk or not, for good.
    SyncFailed(Inode),
}

#[derive(Clone)]
pub(super) enum NameChange {
    Add { to: Name, inode: Inode, is_directory: bool },
    Link { from: Name, to: Name, inode: Inode },
    Remove { from: Name, inode: Inode },
    Rename { from: Name, to: Name, inode: Inode },
}

#[derive(Clone)]
pub(super) enum Data {
    Bytes(Vec<u8>),
    Zeros(u64),
}

impl NameChange {
    pub(super) fn apply(&self, tree: &mut Tree) {
        match self {
            Self::Add { to, inode, .. } | Self::Link { to, inode, .. } => {
                tree.insert(to.clone(), *inode);
            }
            Self::Remove { from, .. } => {
                tree.remove(from);
            }
            Self::Rename { from, to, inode } => {
                tree.remove(from);
                tree.insert(to.clone(), *inode);
            }
        }
    }

    /// Whether the changes that this one relies on are in the tree.
    fn is_possible(&self, tree: &Tree) -> bool {
        match self {
            Self::Add { .. } => true,
            Self::Link { from, inode, .. }
            | Self::Remove { from, inode }
            | Self::Rename { from, inode, .. } => tree.get(from) == Some(inode),
        }
    }

    /// The directories that must be synced before the change is durable.
    fn directories(&self) -> BTreeSet<Inode> {
        match self {
            Self::Add { to, .. } | Self::Link { to, .. } => BTreeSet::from([to.0]),
            Self::Remove { from, .. } => BTreeSet::from([from.0]),
            Self::Rename { from, to, .. } => BTreeSet::from([from.0, to.0]),
        }
    }
}

impl Data {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Zeros(bytes) => *bytes,
        }
    }

    pub(super) fn first_half(self) -> Self {
        match self {
            Self::Bytes(mut bytes) => {
                bytes.truncate(bytes.len() / 2);
                Self::Bytes(bytes)
            }
            Self::Zeros(bytes) => Self::Zeros(bytes / 2),
        }
    }
}

/// A change of a file's content that isn't durable yet.
struct Pending {
    offset: u64,
    data: Data,
    /// The file's length after it.
    length: u64,
}

impl Pending {
    fn sectors(&self) -> impl Iterator<Item = u64> + use<> {
        let end = self.offset + self.data.len();
        (self.offset / SECTOR_BYTES)..end.div_ceil(SECTOR_BYTES)
    }

    /// Applies the part of the change that lies in `from..to`. The content is long enough.
    fn apply(&self, content: &mut [u8], from: u64, to: u64) {
        let from = from.max(self.offset);
        let to = to.min(self.offset + self.data.len());
        let target = &mut content[index(from)..index(to)];
        match &self.data {
            Data::Bytes(bytes) => {
                target.copy_from_slice(&bytes[index(from - self.offset)..index(to - self.offset)])
            }
            Data::Zeros(_) => target.fill(0),
        }
    }
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).expect("the files of tests fit in memory")
}

#[derive(Default)]
struct FileState {
    durable: Vec<u8>,
    pending: Vec<Pending>,
    /// The length as running processes see it.
    length: u64,
}

impl FileState {
    fn truncate(&mut self) {
        // Sectors that were freed and taken again may read as zeros.
        self.pending.push(Pending { offset: 0, data: Data::Zeros(self.length), length: 0 });
        self.length = 0;
    }

    fn write(&mut self, offset: u64, data: Data) {
        self.length = self.length.max(offset + data.len());
        self.pending.push(Pending { offset, data, length: self.length });
    }

    fn sync(&mut self) {
        self.durable.resize(index(self.length_max()), 0);
        for change in std::mem::take(&mut self.pending) {
            change.apply(&mut self.durable, 0, u64::MAX);
            self.durable[index(change.length)..].fill(0);
        }
        self.durable.resize(index(self.length), 0);
    }

    fn length_max(&self) -> u64 {
        let longest =
            self.pending.iter().map(|change| change.length.max(change.offset + change.data.len()));
        longest.fold(self.durable.len() as u64, u64::max)
    }

    /// Keeps any part of what isn't durable, and forgets the rest.
    fn lose(&mut self, chance: &mut Chance) {
        let mut left: BTreeMap<u64, u32> = BTreeMap::new();
        for sector in self.pending.iter().flat_map(Pending::sectors) {
            *left.entry(sector).or_default() += 1;
        }
        for count in left.values_mut() {
            *count = (0..*count).map(|_| u32::from(chance.data())).sum();
        }
        let durable_length = self.durable.len() as u64;
        let shortest =
            self.pending.iter().map(|change| change.length).fold(durable_length, u64::min);
        let length = if self.pending.is_empty() || !chance.data() {
            durable_length
        } else if chance.data() {
            self.length
        } else {
            shortest + chance.below(self.length_max() - shortest + 1)
        };
        self.durable.resize(index(self.length_max()), 0);
        for change in std::mem::take(&mut self.pending) {
            for sector in change.sectors() {
                // A sector is written as a whole, with all changes up to one.
                let count = left.get_mut(&sector).expect("all sectors were counted");
                if let Some(fewer) = count.checked_sub(1) {
                    *count = fewer;
                    let from = sector * SECTOR_BYTES;
                    change.apply(&mut self.durable, from, from + SECTOR_BYTES);
                }
            }
        }
        self.durable.resize(index(length), 0);
    }
}

/// The state of the disk after some events.
pub(super) struct Replay {
    files: BTreeMap<Inode, FileState>,
    directories: BTreeSet<Inode>,
    /// All changes of names in their order, each with the directories that are still to be synced.
    names: Vec<(NameChange, BTreeSet<Inode>)>,
    chance: Chance,
}

impl Replay {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            files: BTreeMap::new(),
            directories: BTreeSet::from([ROOT]),
            names: Vec::new(),
            chance: Chance::new(seed),
        }
    }

    pub(super) fn follow(&mut self, event: &Event) {
        match event {
            Event::Found { at, inode, content } => {
                let is_directory = content.is_none();
                self.add(*inode, content.clone());
                let change = NameChange::Add { to: at.clone(), inode: *inode, is_directory };
                self.names.push((change, BTreeSet::new()));
            }
            Event::Named(change) => {
                if let NameChange::Add { inode, is_directory, .. } = change {
                    self.add(*inode, (!is_directory).then(Vec::new));
                }
                self.names.push((change.clone(), change.directories()));
            }
            Event::Truncated(file) => self.file(*file).truncate(),
            Event::Written { file, offset, data } => self.file(*file).write(*offset, data.clone()),
            Event::Synced(inode) => match self.files.get_mut(inode) {
                Some(file) => file.sync(),
                None => self.names.iter_mut().for_each(|(_, unsynced)| {
                    unsynced.remove(inode);
                }),
            },
            Event::SyncFailed(file) => {
                let file = self.files.get_mut(file).expect("the file was added");
                file.lose(&mut self.chance);
            }
        }
    }

    fn add(&mut self, inode: Inode, content: Option<Vec<u8>>) {
        if let Some(durable) = content {
            let length = durable.len() as u64;
            self.files.insert(inode, FileState { durable, length, ..FileState::default() });
        } else {
            self.directories.insert(inode);
        }
    }

    fn file(&mut self, inode: Inode) -> &mut FileState {
        self.files.get_mut(&inode).expect("the file was added")
    }

    /// Writes what the disk holds to a directory.
    pub(super) fn lose_power(mut self, into: &Path) -> io::Result<()> {
        for file in self.files.values_mut() {
            file.lose(&mut self.chance);
        }
        let mut tree = Tree::new();
        for (change, unsynced) in &self.names {
            let is_durable = unsynced.is_empty();
            if is_durable || (change.is_possible(&tree) && self.chance.name()) {
                change.apply(&mut tree);
            }
        }
        if !into.exists() {
            Disk.create_directory(into)?;
        }
        self.write(&tree, ROOT, into, &mut BTreeMap::new())
    }

    fn write(
        &self,
        tree: &Tree,
        directory: Inode,
        into: &Path,
        written: &mut BTreeMap<Inode, PathBuf>,
    ) -> io::Result<()> {
        let children = tree.range((directory, OsString::new())..(directory + 1, OsString::new()));
        for ((_, name), inode) in children {
            let path = into.join(name);
            if self.directories.contains(inode) {
                Disk.create_directory(&path)?;
                self.write(tree, *inode, &path, written)?;
            } else if let Some(first) = written.get(inode) {
                Disk.hard_link(first, &path)?;
            } else {
                let mut options = File::options();
                let mut file = options.write(true).create_new(true).mode(FILE_MODE).open(&path)?;
                file.write_all(&self.files[inode].durable)?;
                written.insert(*inode, path);
            }
        }
        Ok(())
    }
}

/// Seeded chances. Each seed has its own odds, so that some seeds lose all, some nothing, and some
/// a little.
struct Chance {
    random: Random,
    /// How many of eight sectors and lengths are kept.
    data_eighths: u64,
    /// How many of eight changes of names are kept.
    name_eighths: u64,
}

impl Chance {
    fn new(seed: u64) -> Self {
        let mut chance = Self { random: Random::new(seed), data_eighths: 0, name_eighths: 0 };
        chance.data_eighths = chance.odds();
        chance.name_eighths = chance.odds();
        chance
    }

    fn odds(&mut self) -> u64 {
        [0, 1, 4, 7, 8][index(self.below(5))]
    }

    fn data(&mut self) -> bool {
        self.below(8) < self.data_eighths
    }

    fn name(&mut self) -> bool {
        self.below(8) < self.name_eighths
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.random.below(bound)
    }
}
