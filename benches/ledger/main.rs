//! The cost of a durable transfer: the journal with and without its sync, side by side in one run,
//! with 1, 16, 64 and 256 posts in flight; then the speed of a start's replay.
//!
//! One thread drives all posts, as a runtime's thread would. CPU is that of the whole process, so
//! sled's own threads count. The two forms take turns, and the median of the rounds is shown, with
//! the time that the hypervisor took away meanwhile.
//!
//! The run ends with the cost of the first hundred thousand transfers of a history beside the last
//! ones; `-- history` runs that alone.
//!
//! `-- ended 10000 1000000` measures the cost of ended payments at a start (module `ended`).

#![allow(clippy::float_arithmetic, reason = "measured times and ratios, no amounts")]

mod drive;
mod ended;
mod history;
mod measure;

use std::{
    fs, io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use ilp_store::{
    DurableLedger, LedgerOptions, Store,
    journal::{Disk, Files, SegmentFile},
    ledger::{BatchWriter, Queued},
};

use drive::{drive, funded};
use measure::{Scratch, TICK, cpu_ticks, steal_ticks};

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(1_200);
const IN_FLIGHT: [usize; 4] = [1, 16, 64, 256];
const ACCOUNTS: u128 = 100;
const REPLAYED: u64 = 1_000_000;
const REPLAY_ACCOUNTS: u128 = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Journal,
    JournalWithoutSync,
}

const FORMS: [(Form, &str); 2] =
    [(Form::Journal, "journal"), (Form::JournalWithoutSync, "journal, no sync")];

fn main() {
    // `cargo test --benches` and `cargo bench -- --test` only check that the benchmark runs.
    let is_given = |word: &str| std::env::args().any(|argument| argument == word);
    let quick = is_given("--test");
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|word| word == "ended-start") {
        return ended::start(&arguments[at + 1]);
    }
    if is_given("ended") {
        return ended::measure(&arguments);
    }
    if is_given("history") {
        return history::measure(quick);
    }
    let (rounds, round) = if quick { (1, Duration::from_millis(50)) } else { (ROUNDS, ROUND) };
    println!(
        "{:<18}{:>10}{:>12}{:>12}{:>10}{:>10}{:>10}{:>8}{:>8}",
        "form",
        "in flight",
        "per s",
        "CPU us each",
        "commits/s",
        "p50 us",
        "p99 us",
        "batch",
        "steal %"
    );
    for in_flight in IN_FLIGHT {
        let mut results = FORMS.map(|_| Vec::new());
        for _ in 0..rounds {
            for ((form, _), results) in FORMS.iter().zip(&mut results) {
                results.push(measure(*form, in_flight, round));
            }
        }
        for ((_, name), results) in FORMS.iter().zip(&results) {
            show(name, in_flight, results);
        }
    }
    replay(if quick { 10_000 } else { REPLAYED });
    history::measure(quick);
}

/// The measurements of one round.
struct Round {
    per_second: f64,
    cpu_us: f64,
    commits_per_second: f64,
    p50_us: f64,
    p99_us: f64,
    batch: f64,
    steal_percent: f64,
}

fn show(name: &str, in_flight: usize, rounds: &[Round]) {
    let median = |value: fn(&Round) -> f64| {
        let mut values: Vec<f64> = rounds.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    println!(
        "{name:<18}{in_flight:>10}{:>12.0}{:>12.1}{:>10.0}{:>10.0}{:>10.0}{:>8.1}{:>8.1}",
        median(|round| round.per_second),
        median(|round| round.cpu_us),
        median(|round| round.commits_per_second),
        median(|round| round.p50_us),
        median(|round| round.p99_us),
        median(|round| round.batch),
        median(|round| round.steal_percent),
    );
}

fn measure(form: Form, in_flight: usize, length: Duration) -> Round {
    let dir = Scratch::new();
    let commits = Arc::new(AtomicU64::new(0));
    let (_store, ledger) = open(&dir.0, form, &commits);
    let accounts = funded(&ledger, ACCOUNTS);
    let (cpu, steal, start) = (cpu_ticks(), steal_ticks(), Instant::now());
    commits.store(0, Ordering::Relaxed);
    let mut latencies = drive(&ledger, &accounts, in_flight, |_| start.elapsed() < length);
    let seconds = start.elapsed().as_secs_f64();
    let cpu_seconds = (cpu_ticks() - cpu) as f64 * TICK.as_secs_f64();
    let stolen = (steal_ticks() - steal) as f64 * TICK.as_secs_f64();
    let commits = commits.load(Ordering::Relaxed) as f64;
    latencies.sort_unstable();
    let at = |share: f64| latencies[(latencies.len() as f64 * share) as usize].as_secs_f64() * 1e6;
    let count = latencies.len() as f64;
    Round {
        per_second: count / seconds,
        cpu_us: cpu_seconds * 1e6 / count,
        commits_per_second: commits / seconds,
        p50_us: at(0.5),
        p99_us: at(0.99),
        batch: count / commits.max(1.0),
        steal_percent: 100.0 * stolen / seconds,
    }
}

fn open(dir: &Path, form: Form, commits: &Arc<AtomicU64>) -> (Store, DurableLedger) {
    let store = Store::open(dir).expect("the directory is new");
    let files: Arc<dyn Files> =
        if form == Form::JournalWithoutSync { Arc::new(Unsynced) } else { Arc::new(Disk) };
    let options = LedgerOptions { files, checkpoint_entries: u64::MAX, ..Default::default() };
    let ledger = DurableLedger::open_with(&store, options, |inner| {
        Box::new(Counted { inner, commits: Arc::clone(commits) })
    });
    (store, ledger.expect("the store is new"))
}

struct Counted {
    inner: Box<dyn BatchWriter>,
    commits: Arc<AtomicU64>,
}

impl BatchWriter for Counted {
    fn write(&mut self, batch: &[Queued]) -> io::Result<()> {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.inner.write(batch)
    }
}

/// A disk that doesn't wait for its syncs, and is real otherwise.
#[derive(Clone, Copy, Debug)]
struct Unsynced;

struct UnsyncedFile(Box<dyn SegmentFile>);

impl Files for Unsynced {
    fn create(&self, path: &Path, bytes: u64) -> io::Result<Box<dyn SegmentFile>> {
        Ok(Box::new(UnsyncedFile(Disk.create(path, bytes)?)))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        Ok(Box::new(UnsyncedFile(Disk.open(path)?)))
    }

    fn create_stream(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        Ok(Box::new(UnsyncedFile(Disk.create_stream(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        Disk.remove(path)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.hard_link(from, to)
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        Disk.create_directory(path)
    }

    fn sync_directory(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }
}

impl SegmentFile for UnsyncedFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Measures the speed of a start's replay of a journal that no checkpoint has passed.
fn replay(transfers: u64) {
    let (dir, copy) = (Scratch::new(), Scratch::new());
    let (store, ledger) = open(&dir.0, Form::JournalWithoutSync, &Arc::default());
    let accounts = funded(&ledger, REPLAY_ACCOUNTS);
    drive(&ledger, &accounts, 256, |made| made < transfers);
    // The copy has the state after a crash: a close would write a checkpoint.
    copy_all(&dir.0, &copy.0);
    drop((ledger, store));
    let mut rates = Vec::new();
    for _ in 0..3 {
        let again = Scratch::new();
        copy_all(&copy.0, &again.0);
        let store = Store::open(&again.0).expect("a copy of a store");
        let start = Instant::now();
        let ledger = DurableLedger::open(&store, LedgerOptions::default()).expect("whole books");
        let seconds = start.elapsed().as_secs_f64();
        rates.push(ledger.durable_sequence() as f64 / seconds);
        let report = ledger.verify().expect("the journal can be read");
        assert!(report.faults.is_empty(), "{:?}", report.faults);
    }
    rates.sort_by(f64::total_cmp);
    println!(
        "replay of {transfers} transfers on {REPLAY_ACCOUNTS} accounts: {:.2} million/s \
         ({:.2} to {:.2})",
        rates[1] / 1e6,
        rates[0] / 1e6,
        rates[2] / 1e6
    );
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the scratch directory can be written");
    for entry in fs::read_dir(from).expect("the store is there") {
        let path = entry.expect("the store can be listed").path();
        let target = to.join(path.file_name().expect("an entry has a name"));
        if path.is_dir() {
            copy_all(&path, &target);
        } else {
            fs::copy(&path, &target).expect("there is room for a copy");
        }
    }
}
