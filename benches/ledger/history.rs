//! The cost of a long history: the first transfers of new books beside the last of over a million,
//! with the retention set, so that old segments go.
//!
//! Each stretch of a hundred thousand ends with a checkpoint, so that each pays for its own; a node
//! writes one at least twice a minute. CPU is that of the whole process: posting, writing, checkpoints
//! and retention.

use std::{fs, path::Path, time::Duration};

use ilp_store::{DurableLedger, LedgerOptions, Store};

use super::{
    drive::{drive, funded},
    measure::{Scratch, TICK, cpu_ticks},
};

const HISTORIES: usize = 3;
const STRETCHES: usize = 12;
const STRETCH: u64 = 100_000;
const ACCOUNTS: u128 = 1_000;
const IN_FLIGHT: usize = 256;
/// Small segments, with room for some 20,000 transfers each, so that many of them are made and
/// deleted.
const SEGMENT_BYTES: u32 = 2 * 1024 * 1024;
const SEGMENTS_KEPT: u64 = 2;

/// A quantity measured over a stretch.
type Figure = fn(&Stretch) -> f64;

/// The measurements of one stretch of the history.
struct Stretch {
    cpu_us: f64,
    p50_us: f64,
    p99_us: f64,
    journal_mb: f64,
    sled_mb: f64,
}

pub(crate) fn measure(quick: bool) {
    let (histories, transfers) = if quick { (1, 1_000) } else { (HISTORIES, STRETCH) };
    let histories: Vec<Vec<Stretch>> = (0..histories).map(|_| history(transfers)).collect();
    println!(
        "\n{:<34}{:>14}{:>14}{:>10}",
        format!("of {} transfers", STRETCHES as u64 * transfers),
        format!("first {transfers}"),
        format!("last {transfers}"),
        "ratio"
    );
    let parts: [(&str, Figure); 5] = [
        ("CPU us each", |stretch| stretch.cpu_us),
        ("latency p50, us", |stretch| stretch.p50_us),
        ("latency p99, us", |stretch| stretch.p99_us),
        ("journal on the disk, MB", |stretch| stretch.journal_mb),
        ("sled on the disk, MB", |stretch| stretch.sled_mb),
    ];
    for (name, value) in parts {
        let of = |stretch: usize| median(histories.iter().map(|all| value(&all[stretch])));
        let ratios = histories
            .iter()
            .map(|all| value(&all[STRETCHES - 1]) / value(&all[0]).max(f64::EPSILON));
        let (first, last) = (of(0), of(STRETCHES - 1));
        println!("{name:<34}{first:>14.1}{last:>14.1}{:>10.2}", median(ratios));
    }
}

fn history(transfers: u64) -> Vec<Stretch> {
    let dir = Scratch::new();
    let store = Store::open(&dir.0).expect("the directory is new");
    let options = LedgerOptions {
        segment_bytes: SEGMENT_BYTES,
        retain_segments_min: Some(SEGMENTS_KEPT),
        checkpoint_entries: u64::MAX,
        checkpoint_interval: Duration::from_secs(3_600),
        ..LedgerOptions::default()
    };
    let ledger = DurableLedger::open(&store, options).expect("new books");
    let accounts = funded(&ledger, ACCOUNTS);
    ledger.checkpoint().expect("the store can be written");
    (0..STRETCHES)
        .map(|_| {
            let cpu = cpu_ticks();
            let mut latencies = drive(&ledger, &accounts, IN_FLIGHT, |made| made < transfers);
            ledger.checkpoint().expect("the store can be written");
            let cpu_seconds = (cpu_ticks() - cpu) as f64 * TICK.as_secs_f64();
            latencies.sort_unstable();
            let at = |percent: usize| {
                let at = (latencies.len() - 1) * percent / 100;
                latencies[at].as_secs_f64() * 1e6
            };
            Stretch {
                cpu_us: cpu_seconds * 1e6 / transfers as f64,
                p50_us: at(50),
                p99_us: at(99),
                journal_mb: megabytes(&dir.0.join("journal")),
                sled_mb: megabytes(&dir.0.join("db")),
            }
        })
        .collect()
}

/// Returns the size of a file, or of all files of a directory.
fn megabytes(path: &Path) -> f64 {
    let files =
        fs::read_dir(path).map(|entries| entries.filter_map(Result::ok).collect::<Vec<_>>());
    let bytes: u64 = match files {
        Ok(files) => files.iter().filter_map(|file| file.metadata().ok()).map(|it| it.len()).sum(),
        Err(_) => fs::metadata(path).map_or(0, |file| file.len()),
    };
    bytes as f64 / 1e6
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
