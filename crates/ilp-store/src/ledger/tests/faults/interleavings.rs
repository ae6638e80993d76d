//! Any interleaving of operations, checkpoints, snapshots, removals, restarts and losses of power
//! leaves what a naive model has.
//!
//! A seed is a scenario. Its index is in memory, so that a second has room for hundreds of them.

use std::{
    fs,
    ops::{Range, RangeInclusive},
    path::{Path, PathBuf},
};

use super::{
    actor::{Actor, FIRST_OPERATIONS, Node, Operation, check},
    power_cut::{possible_counts, scratch},
};
use crate::{
    index::memory::Memory,
    journal::{Disk, Files},
    ledger::tests::*,
    log::mark::Mark,
    testing::{
        power_cut::{DiskRecorder, Fault},
        random::Random,
    },
};

/// How many scenarios are tried, unless the variable of this name says another number.
const SEEDS: u64 = 10_000;
const SEEDS_VARIABLE: &str = "JIRANI_MODEL_SEEDS";

/// A step that was taken.
#[derive(Debug)]
#[expect(dead_code, reason = "the fields are for the report of a failure")]
enum Step {
    Operation(Operation),
    Checkpoint,
    Snapshot,
    IndexCopy,
    Restart,
    AnotherLedger,
    Backup,
    Failure { fault: Fault, at: usize },
    PowerLoss { cut: usize, events: usize, index: &'static str },
}

impl Step {
    /// Returns a line that fits into a report.
    fn line(&self) -> String {
        let whole = format!("\n  {self:?}");
        whole.chars().take(200).collect()
    }
}

/// A node, a client of it, and what comes next.
struct Scenario {
    random: Random,
    directory: tempfile::TempDir,
    /// How many disks there were.
    disks: u64,
    recorder: DiskRecorder,
    node: Option<Node>,
    actor: Actor,
    /// How many operations had come to the disk when the recording began.
    operations_before: usize,
    /// The index at some moments of this disk, each with the number of events until then.
    indexes: Vec<(usize, Memory)>,
    /// After how many events of this disk the log was durable up to which entry.
    durable: Vec<(usize, u64)>,
    segment_bytes: u32,
    retain_segments_min: Option<u64>,
    snapshot_log_bytes_min: u64,
    /// The steps so far, for the report of a failure.
    steps: Vec<Step>,
}

impl Scenario {
    fn new(seed: u64) -> Self {
        Memory::keep_all();
        let mut random = Random::new(seed);
        let directory = scratch();
        let home = directory.path().join("0");
        Disk.create_directory(&home).unwrap();
        let recorder = DiskRecorder::new(&home).unwrap();
        Self {
            segment_bytes: [4_096, 8_192][random.index(2)],
            retain_segments_min: [None, Some(1), Some(2)][random.index(3)],
            snapshot_log_bytes_min: [0, 2_000, u64::MAX][random.index(3)],
            random,
            directory,
            disks: 0,
            recorder,
            node: None,
            actor: Actor::new(0, seed),
            operations_before: 0,
            indexes: Vec::new(),
            durable: Vec::new(),
            steps: Vec::new(),
        }
    }

    fn home(&self) -> PathBuf {
        self.directory.path().join(self.disks.to_string())
    }

    fn options(&self) -> LedgerOptions {
        LedgerOptions {
            segment_bytes: self.segment_bytes,
            retain_segments_min: self.retain_segments_min,
            snapshot_log_bytes_min: self.snapshot_log_bytes_min,
            // Checkpoints are steps of the scenario.
            checkpoint_entries: u64::MAX,
            checkpoint_interval: Duration::from_secs(100_000),
            ..options(100)
        }
    }

    fn open(&mut self, counts: RangeInclusive<usize>) -> Result<usize, String> {
        let files: Arc<dyn Files> = Arc::new(self.recorder.clone());
        let node = Node::open(&self.home(), &files, self.options());
        let node = node.map_err(|error| format!("the node doesn't start: {error}"))?;
        let found = check(&node, &[(&self.actor, counts)])?;
        self.node = Some(node);
        Ok(found[0])
    }

    fn node(&self) -> &Node {
        self.node.as_ref().expect("the node is open between steps")
    }

    fn operations(&self) -> usize {
        self.actor.history.len() - 1
    }

    fn step(&mut self) -> Result<(), String> {
        let which = if self.operations() < FIRST_OPERATIONS { 0 } else { self.random.below(21) };
        let ledger = &self.node().ledger;
        let failed = |error: StoreError| error.to_string();
        match which {
            0..=9 => {
                self.recorder.mark(0);
                let operation = self.actor.begin();
                self.steps.push(Step::Operation(operation.clone()));
                self.actor.take(&operation, self.node())?;
                self.recorder.mark(1);
            }
            10 | 11 => {
                ledger.checkpoint().map_err(failed)?;
                self.steps.push(Step::Checkpoint);
            }
            12 => {
                let made = {
                    let _turn = ledger.store.inner.turn.lock();
                    ledger.keeper.make_snapshot()
                };
                made.map_err(failed)?;
                self.steps.push(Step::Snapshot);
            }
            13 => {
                let memory = Memory::copy(&self.home().join("index")).expect("it is in memory");
                self.indexes.push((self.recorder.events(), memory));
                self.durable.push((self.recorder.events(), self.node().ledger.durable_sequence()));
                self.steps.push(Step::IndexCopy);
            }
            14 => self.restart()?,
            15 => self.reopen_ledger()?,
            16 => self.back_up()?,
            17 => self.fail()?,
            _ => self.lose_power()?,
        }
        Ok(())
    }

    fn restart(&mut self) -> Result<(), String> {
        self.steps.push(Step::Restart);
        let node = self.node.take().expect("the node is open between steps");
        node.ledger.close().map_err(|error| format!("{error:?}"))?;
        drop(node);
        let operations = self.operations();
        self.open(operations..=operations)?;
        self.actor.check_told(self.node())
    }

    /// Closes the ledger and opens it again on the store, which stays open.
    fn reopen_ledger(&mut self) -> Result<(), String> {
        self.steps.push(Step::AnotherLedger);
        let Node { ledger, store } = self.node.take().expect("the node is open between steps");
        drop(ledger);
        let options = LedgerOptions { files: Arc::new(self.recorder.clone()), ..self.options() };
        let ledger = DurableLedger::open(&store, options).map_err(|error| error.to_string())?;
        let node = Node { ledger, store };
        let operations = self.operations();
        let checked = check(&node, &[(&self.actor, operations..=operations)]);
        self.node = Some(node);
        checked.map(drop)
    }

    /// Backs the node up while it runs, and starts the copy.
    fn back_up(&mut self) -> Result<(), String> {
        self.steps.push(Step::Backup);
        // The recorder knows this directory alone.
        let copy = self.home().join("backup");
        self.node().ledger.backup(&copy).map_err(|error| format!("the backup fails: {error}"))?;
        let disk: Arc<dyn Files> = Arc::new(Disk);
        let node = Node::open(&copy, &disk, self.options()).map_err(|error| error.to_string())?;
        let operations = self.operations();
        check(&node, &[(&self.actor, operations..=operations)])
            .map_err(|reason| format!("in the backup: {reason}"))?;
        drop(node);
        fs::remove_dir_all(copy).unwrap();
        Ok(())
    }

    /// Lets the disk fail soon, starts on it once it is well again, and loses power after that.
    fn fail(&mut self) -> Result<(), String> {
        let fault = [Fault::Write, Fault::Sync, Fault::StorageFull][self.random.index(3)];
        let at = self.recorder.events() + 1 + self.random.index(8);
        self.steps.push(Step::Failure { fault, at });
        self.recorder.fail_at(at, fault);
        let mut answered = self.operations();
        for _ in 0..6 {
            let operation = self.actor.begin();
            self.steps.push(Step::Operation(operation.clone()));
            if self.actor.take(&operation, self.node()).is_err() {
                break;
            }
            answered = self.operations();
            // A failure of the keeper's is told by the next operation.
            let _kept = self.node().ledger.checkpoint();
        }
        drop(self.node.take());
        self.recorder.heal();
        let begun = self.operations();
        let found = self.open(answered..=begun)?;
        self.actor.go_on_from(found);
        self.start_anew(self.recorder.events(), found..=found)
    }

    /// Loses power at any moment of this disk, or at one of the last, and starts on what is left.
    fn lose_power(&mut self) -> Result<(), String> {
        let events = self.recorder.events();
        let back = if self.random.below(2) == 0 { events } else { events.min(6) };
        let cut = events - self.random.index(back + 1);
        let counts = possible_counts(&self.recorder, cut, 1).remove(0);
        let before = self.operations_before;
        self.start_anew(cut, before + counts.start()..=before + counts.end())
    }

    /// Starts on what a loss of power leaves of this disk.
    fn start_anew(&mut self, cut: usize, counts: RangeInclusive<usize>) -> Result<(), String> {
        let home = self.directory.path().join((self.disks + 1).to_string());
        let seed = self.random.below(u64::MAX);
        self.recorder.rebuild(cut, seed, &home).unwrap();
        let index = self.put_index(cut, &home);
        if let Some((_, sequence)) = self.durable.iter().rfind(|(events, _)| *events <= cut)
            && self.random.below(2) == 0
        {
            Mark::open(&home).unwrap().advance(*sequence).unwrap();
        }
        self.steps.push(Step::PowerLoss { cut, events: self.recorder.events(), index });
        drop(self.node.take());
        fs::remove_dir_all(self.home()).unwrap();
        self.disks += 1;
        self.recorder = DiskRecorder::new(&home).unwrap();
        (self.indexes, self.durable) = (Vec::new(), Vec::new());
        let found = self.open(counts)?;
        self.actor.go_on_from(found);
        self.operations_before = found;
        Ok(())
    }

    fn put_index(&mut self, cut: usize, home: &Path) -> &'static str {
        // An index without a log means that the log is lost, and the node is right to refuse.
        let has_log = fs::read_dir(home.join("journal")).is_ok_and(|mut log| log.next().is_some());
        let now = Memory::copy(&self.home().join("index")).expect("it is in memory");
        self.indexes.push((self.recorder.events(), now));
        let (which, any) = (self.random.below(4), self.random.index(self.indexes.len()));
        let newest = self.indexes.iter().rposition(|(events, _)| *events <= cut);
        let (place, name) = match (which, newest) {
            _ if !has_log => return "absent",
            (0, _) | (1 | 3, None) => return "absent",
            (1, Some(newest)) => (newest, "of that moment"),
            (3, Some(newest)) => (newest, "harmed"),
            _ => (any, "of any moment"),
        };
        let (_, memory) = self.indexes[place].clone();
        if name == "harmed" {
            self.harm(&memory);
        }
        memory.put(&home.join("index"));
        name
    }

    /// Takes an entry away that a start checks, or changes one.
    fn harm(&mut self, memory: &Memory) {
        let mut entries = memory.lock();
        let keys: Vec<_> = entries.keys().filter(|key| is_checked(key)).cloned().collect();
        if keys.is_empty() {
            return;
        }
        let key = &keys[self.random.index(keys.len())];
        if self.random.below(2) == 0 {
            entries.remove(key);
        } else {
            entries.insert(key.clone(), b"harm".into());
        }
    }

    fn run(&mut self) -> Result<(), String> {
        self.open(0..=0)?;
        for _ in 0..10 + self.random.below(20) {
            self.step()?;
        }
        let operations = self.operations();
        check(self.node(), &[(&self.actor, operations..=operations)])?;
        self.restart()?;
        drop(self.node.take());
        let report = verify(&self.home()).map_err(|error| error.to_string())?;
        let is_whole = report.faults.is_empty() && report.unchecked.is_empty();
        if is_whole { Ok(()) } else { Err(format!("{report:?}")) }
    }
}

/// Whether a start compares the entries of this kind with their sum.
fn is_checked(key: &[u8]) -> bool {
    !crate::store::start::UNCHECKED.contains(&key[0])
}

/// Returns the scenarios to try: so many from the first one on, or those of a range such as `7..8`.
fn seeds() -> Range<u64> {
    let Ok(wanted) = std::env::var(SEEDS_VARIABLE) else { return 0..SEEDS };
    let (first, end) = wanted.split_once("..").unwrap_or(("0", &wanted));
    let number = |text: &str| text.parse().expect("JIRANI_MODEL_SEEDS is a number or a range");
    number(first)..number(end)
}

#[test]
fn any_interleaving_leaves_what_the_model_has() {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for first in 0..threads {
            let failures = &failures;
            scope.spawn(move || {
                for seed in seeds().skip(first).step_by(threads) {
                    let mut scenario = Scenario::new(seed);
                    if let Err(reason) = scenario.run() {
                        let steps = scenario.steps.iter().map(Step::line).collect::<String>();
                        failures.lock().push(format!("seed {seed}: {reason}, after{steps}"));
                    }
                    if failures.lock().len() > 3 {
                        return;
                    }
                }
            });
        }
    });
    let failures = failures.into_inner();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
