//! Indexes of several moments, whole and harmed.

use std::{
    fs,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use crate::{
    journal::segments_in,
    ledger::tests::faults::{actor::Node, damage::copy_all},
    testing::{power_cut::DiskRecorder, random::Random},
};

/// How many changes of the disk lie between two copies at the least.
const EVENTS: usize = 100;

/// Copies of a node's index, oldest first.
pub(super) struct IndexCopies {
    directory: PathBuf,
    /// After how many events of the disk each one was there.
    events: Vec<usize>,
}

impl IndexCopies {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory, events: Vec::new() }
    }

    fn path(&self, number: usize) -> PathBuf {
        self.directory.join(number.to_string())
    }

    /// Copies the index of a running node, if the last copy is some time ago.
    pub(super) fn copy(&mut self, node: &Node, recorder: &DiskRecorder) {
        if self.events.last().is_some_and(|last| recorder.events() < last + EVENTS) {
            return;
        }
        // So that the files are those of one moment.
        let inner = &node.store.inner;
        let _turn = inner.turn.lock();
        inner.keyspace.index.flush();
        self.copy_closed(&inner.path, recorder);
    }

    /// Copies the index of a node that doesn't write to it.
    pub(super) fn copy_closed(&mut self, home: &Path, recorder: &DiskRecorder) {
        copy_all(&home.join("index"), &self.path(self.events.len()));
        self.events.push(recorder.events());
    }

    /// Puts an index into the directory of a node that lost power right after an event, and says which.
    pub(super) fn put(
        &self,
        cut: usize,
        random: &mut Random,
        foreign: &Path,
        home: &Path,
    ) -> &'static str {
        let target = home.join("index");
        if !segments_in(&home.join("journal")).is_ok_and(|segments| !segments.is_empty()) {
            // An index without a log means that the log is lost, and the node is right to refuse.
            return "absent";
        }
        let before = self.events.partition_point(|events| *events <= cut);
        let newest = before.checked_sub(1).map(|number| self.path(number));
        let put = |from: &Path| copy_all(from, &target);
        match (random.below(8), newest) {
            (0, _) | (1..=5, None) => return "absent",
            (1, Some(newest)) => put(&newest),
            (2, Some(_)) => put(&self.path(random.index(before))),
            (3, Some(newest)) => {
                put(&newest);
                harm(&target, random, |file, length, random| {
                    file.set_len(random.below(length + 1)).unwrap();
                });
                return "truncated";
            }
            (4, Some(newest)) => {
                put(&newest);
                harm(&target, random, |file, length, random| {
                    for _ in 0..=random.below(30) {
                        let (at, byte) = (random.below(length.max(1)), random.below(256));
                        file.write_all_at(&[u8::try_from(byte).unwrap()], at).unwrap();
                    }
                });
                return "flipped";
            }
            (5, Some(newest)) => {
                put(&newest);
                let (from, bytes) = (random.below(40_000), vec![0; 4_096]);
                harm(&target, random, |file, length, _| {
                    file.write_all_at(&bytes, from.min(length)).unwrap();
                });
                return "with a hole";
            }
            (6, _) => {
                put(foreign);
                return "another node's";
            }
            (_, _) => {
                let later = (before + 1).min(self.events.len() - 1);
                put(&self.path(later));
                return "a later one";
            }
        }
        "an earlier one"
    }
}

/// Harms one of sled's files, most of all the one with the entries.
fn harm(index: &Path, random: &mut Random, harm: impl FnOnce(&fs::File, u64, &mut Random)) {
    let mut paths: Vec<_> = fs::read_dir(index)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    let which = random.index(paths.len() + 2);
    let path = paths.get(which).cloned().unwrap_or_else(|| index.join("db"));
    let file = fs::File::options().read(true).write(true).open(path).unwrap();
    let length = file.metadata().unwrap().len();
    harm(&file, length, random);
}
