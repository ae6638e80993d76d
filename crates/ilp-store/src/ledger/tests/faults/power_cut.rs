//! Losses of power while a node works, and while it starts after one; and disks that fail.
//!
//! Several clients work on a node whose disk is recorded. Then the disk is rebuilt as a loss of power
//! at some moment leaves it, an index is put there that may be of any time and in any state, and the
//! node is started again.

mod faults;
mod indexes;
mod migration;

use std::{
    fs,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use self::indexes::IndexCopies;
use super::{
    actor::{Actor, Node, check},
    damage,
};
use crate::{
    journal::{Disk, Files},
    ledger::tests::*,
    log::mark::Mark,
    testing::{power_cut::DiskRecorder, random::Random},
};

/// How many losses of power the tests try, unless the variable of this name says another number.
const CUTS: u64 = 60;
const CUTS_VARIABLE: &str = "JIRANI_POWER_CUTS";
/// Of so many losses of power one is followed by another, while the node starts.
const CUTS_PER_RECOVERY: u64 = 3;

const ACTORS: usize = 4;
const OPERATIONS: usize = 80;
/// How many operations show that a node goes on working.
const FURTHER_OPERATIONS: usize = 8;

/// Small enough that segments, checkpoints, snapshots and removals come in quick succession.
fn small_options() -> LedgerOptions {
    LedgerOptions {
        segment_bytes: 4_096,
        checkpoint_entries: 50,
        retain_segments_min: Some(2),
        snapshot_log_bytes_min: 8 * 1024,
        ..options(1_000)
    }
}

/// A directory for the files of a test, in memory where the system has a place for that.
pub(super) fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let in_memory = memory.is_dir().then(|| tempfile::tempdir_in(memory).ok()).flatten();
    in_memory.unwrap_or_else(|| tempfile::tempdir().unwrap())
}

/// Lets all actors take operations at once, each on its own thread. Returns the first reason why one
/// of them ended early.
fn work(
    actors: &mut [Actor],
    node: &Node,
    recorder: &DiskRecorder,
    operations: usize,
) -> Result<(), String> {
    thread::scope(|scope| {
        let threads: Vec<_> = (0_u64..)
            .zip(actors)
            .map(|(number, actor)| {
                scope.spawn(move || {
                    for _ in 0..operations {
                        recorder.mark(number * 2);
                        let operation = actor.begin();
                        let taken = actor.take(&operation, node);
                        taken.map_err(|reason| format!("{operation:?}: {reason}"))?;
                        recorder.mark(number * 2 + 1);
                    }
                    Ok(())
                })
            })
            .collect();
        let ended: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        ended.into_iter().collect()
    })
}

/// Returns for each actor how many of its operations may have come to the disk before a cut: at least
/// those that were answered, and at most those that had begun.
pub(super) fn possible_counts(
    recorder: &DiskRecorder,
    cut: usize,
    actors: usize,
) -> Vec<RangeInclusive<usize>> {
    let marks = recorder.marks_before(cut);
    let count = |mark: u64| marks.iter().filter(|found| **found == mark).count();
    (0..actors as u64).map(|actor| count(actor * 2 + 1)..=count(actor * 2)).collect()
}

fn paired(
    actors: &[Actor],
    counts: Vec<RangeInclusive<usize>>,
) -> Vec<(&Actor, RangeInclusive<usize>)> {
    actors.iter().zip(counts).collect()
}

fn exactly(counts: &[usize]) -> Vec<RangeInclusive<usize>> {
    counts.iter().map(|count| *count..=*count).collect()
}

/// A node's work, its disk and its indexes at many moments.
struct Recorded {
    directory: tempfile::TempDir,
    recorder: DiskRecorder,
    actors: Vec<Actor>,
    indexes: IndexCopies,
    /// After how many events the log was durable up to which entry.
    durable: Vec<(usize, u64)>,
}

/// Lets a node work from its first start on, with a restart in the middle.
fn record(seed: u64) -> Recorded {
    let directory = scratch();
    let home = directory.path().join("node");
    Disk.create_directory(&home).unwrap();
    let recorder = DiskRecorder::new(&home).unwrap();
    let files: Arc<dyn Files> = Arc::new(recorder.clone());
    let mut actors: Vec<_> = (0..ACTORS as u64).map(|number| Actor::new(number, seed)).collect();
    let mut indexes = IndexCopies::new(directory.path().join("indexes"));
    let mut durable = Vec::new();
    for _ in 0..2 {
        let node = Node::open(&home, &files, small_options()).unwrap();
        let ended = AtomicBool::new(false);
        thread::scope(|scope| {
            let watcher = scope.spawn(|| {
                while !ended.load(Ordering::SeqCst) {
                    let sequence = node.ledger.durable_sequence();
                    durable.push((recorder.events(), sequence));
                    indexes.copy(&node, &recorder);
                    thread::sleep(Duration::from_millis(1));
                }
            });
            let worked = work(&mut actors, &node, &recorder, OPERATIONS);
            ended.store(true, Ordering::SeqCst);
            watcher.join().unwrap();
            worked.unwrap();
        });
        node.ledger.close().unwrap();
        durable.push((recorder.events(), node.ledger.durable_sequence()));
        drop(node);
        indexes.copy_closed(&home, &recorder);
    }
    Recorded { directory, recorder, actors, indexes, durable }
}

impl Recorded {
    /// Puts the mark of what was answered into a directory, as the system may have written it before
    /// a cut: not at all, up to now, up to some moment before, or in part.
    fn put_mark(&self, cut: usize, random: &mut Random, home: &Path) {
        let before = self.durable.partition_point(|(events, _)| *events <= cut);
        let which = random.below(4);
        if before == 0 || which == 0 {
            return;
        }
        let place = if which == 1 { before - 1 } else { random.index(before) };
        Mark::open(home).unwrap().advance(self.durable[place].1).unwrap();
        if which == 3 {
            let file = fs::File::options().write(true).open(home.join(crate::log::mark::FILE));
            file.unwrap().set_len(random.below(20)).unwrap();
        }
    }

    /// Loses power at a moment that follows from the seed, and starts the node again.
    fn lose_power(&self, seed: u64, foreign: &Path) -> Result<(), String> {
        let mut random = Random::new(seed);
        let cut = random.index(self.recorder.events() + 1);
        let rebuilt = scratch();
        let home = rebuilt.path().join("node");
        self.recorder.rebuild(cut, seed, &home).unwrap();
        let index = self.indexes.put(cut, &mut random, foreign, &home);
        self.put_mark(cut, &mut random, &home);
        let counts = possible_counts(&self.recorder, cut, self.actors.len());
        let recovers = seed.is_multiple_of(CUTS_PER_RECOVERY);
        let started = if recovers {
            self.lose_power_again(&home, counts, &mut random)
        } else {
            let disk: Arc<dyn Files> = Arc::new(Disk);
            goes_on(&home, &disk, paired(&self.actors, counts), 20).map(drop)
        };
        started.map_err(|reason| format!("cut {cut}, seed {seed}, index {index}: {reason}"))
    }

    /// Starts a node after a loss of power, lets it work, and loses power again at some moments of
    /// that.
    fn lose_power_again(
        &self,
        home: &Path,
        counts: Vec<RangeInclusive<usize>>,
        random: &mut Random,
    ) -> Result<(), String> {
        let recorder = DiskRecorder::new(home).unwrap();
        let files: Arc<dyn Files> = Arc::new(recorder.clone());
        let node = Node::open(home, &files, small_options()).map_err(|error| error.to_string())?;
        let found = check(&node, &paired(&self.actors, counts))?;
        let mut further = [Actor::new(20, 20)];
        work(&mut further, &node, &recorder, FURTHER_OPERATIONS)?;
        node.ledger.close().map_err(|error| format!("{error:?}"))?;
        drop(node);
        let cut = random.index(recorder.events() + 1);
        let rebuilt = scratch();
        let again = rebuilt.path().join("node");
        recorder.rebuild(cut, random.below(u64::MAX), &again).unwrap();
        // The record has the index as it was when the start began.
        let index = random.below(3);
        if index > 0 {
            drop(fs::remove_dir_all(again.join("index")));
        }
        if index > 1 {
            damage::copy_all(&home.join("index"), &again.join("index"));
        }
        let mut actors = paired(&self.actors, exactly(&found));
        actors.push((&further[0], possible_counts(&recorder, cut, 1).remove(0)));
        let disk: Arc<dyn Files> = Arc::new(Disk);
        let started = goes_on(&again, &disk, actors, 21);
        let context = |reason| format!("again at {cut}, index {index}: {reason}");
        started.map(drop).map_err(context)
    }
}

/// Starts a node, checks what it has, lets it work and stop, and adds up its books. Returns after how
/// many operations of each actor it was found.
fn goes_on(
    home: &Path,
    files: &Arc<dyn Files>,
    actors: Vec<(&Actor, RangeInclusive<usize>)>,
    number: u64,
) -> Result<Vec<usize>, String> {
    let node = Node::open(home, files, small_options()).map_err(|error| error.to_string())?;
    let found = check(&node, &actors).map_err(|reason| format!("at the start: {reason}"))?;
    let mut further = Actor::new(number, number);
    for _ in 0..FURTHER_OPERATIONS {
        let operation = further.begin();
        further.take(&operation, &node)?;
    }
    let exact = exactly(&found).into_iter().chain([FURTHER_OPERATIONS..=FURTHER_OPERATIONS]);
    let all = actors.iter().map(|(actor, _)| *actor).chain([&further]);
    let all: Vec<_> = all.zip(exact).collect();
    check(&node, &all).map_err(|reason| format!("after more work: {reason}"))?;
    node.ledger.close().map_err(|error| format!("{error:?}"))?;
    drop(node);
    let report = verify(home).map_err(|error| error.to_string())?;
    if !report.faults.is_empty() || !report.unchecked.is_empty() {
        return Err(format!("{report:?}"));
    }
    Ok(found)
}

fn cuts() -> u64 {
    let wanted = std::env::var(CUTS_VARIABLE).ok();
    wanted.map_or(CUTS, |wanted| wanted.parse().expect("JIRANI_POWER_CUTS is a number"))
}

#[test]
fn a_loss_of_power_at_any_moment_loses_and_doubles_nothing() {
    let other = record(1_000);
    let foreign: PathBuf = other.directory.path().join("node").join("index");
    let (mut failures, mut begun) = (Vec::new(), 0);
    // Another run of the threads after each 100 cuts.
    for round in 0..cuts().div_ceil(100) {
        let recorded = record(round);
        let segments = segments_left(&recorded);
        assert!(segments.0 > 2 && segments.1 >= 2, "segments and snapshots: {segments:?}");
        assert!(recorded.recorder.events() > 500, "{} events", recorded.recorder.events());
        for seed in round * 100..cuts().min((round + 1) * 100) {
            failures.extend(recorded.lose_power(seed, &foreign).err());
            begun += 1;
        }
    }
    assert_eq!(begun, cuts());
    assert!(failures.is_empty(), "{} of {begun}: {failures:#?}", failures.len());
}

/// Returns the number of the oldest segment, and how many snapshots there are.
fn segments_left(recorded: &Recorded) -> (u32, usize) {
    let home = recorded.directory.path().join("node");
    let segments = crate::journal::segments_in(&home.join("journal")).unwrap();
    let snapshots = fs::read_dir(home.join("snapshots")).unwrap().count();
    (segments[0], snapshots)
}
