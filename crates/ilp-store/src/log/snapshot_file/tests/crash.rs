//! Snapshots under losses of power and failing disks.

use super::*;
use crate::testing::power_cut::{DiskRecorder, Fault};

/// Entries in several blocks.
fn entries() -> Entries {
    (0..30_u8).map(|number| (vec![number], vec![number; 100])).collect()
}

fn write_snapshot(files: &dyn Files, directory: &Path, sequence: u64) -> io::Result<()> {
    let mut writer = SnapshotWriter::create(files, directory, &head(sequence))?;
    writer.block_bytes_max = 500;
    for (key, value) in entries() {
        writer.push(&key, &value)?;
    }
    writer.finish().map(drop)
}

/// Asserts that every snapshot is whole, and returns their sequences.
fn whole_snapshots(directory: &Path) -> Vec<u64> {
    let listed = snapshots_in(directory).unwrap();
    for (sequence, path) in &listed {
        let (found, end) = read(path);
        end.unwrap();
        assert!(found == entries(), "snapshot {sequence} has other entries");
    }
    listed.into_iter().map(|(sequence, _)| sequence).collect()
}

#[test]
fn a_loss_of_power_leaves_no_snapshot_or_a_whole_one() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = DiskRecorder::new(directory.path()).unwrap();
    let mut finished = Vec::new();
    for sequence in 1..=3 {
        write_snapshot(&recorder, directory.path(), sequence).unwrap();
        finished.push((recorder.events(), sequence));
        keep_newest(&recorder, directory.path(), 2).unwrap();
    }
    let mut interrupted = 0;
    for cut in 0..=recorder.events() {
        for seed in 0..20 {
            let rebuilt = tempfile::tempdir().unwrap();
            recorder.rebuild(cut, seed, rebuilt.path()).unwrap();
            let found = whole_snapshots(rebuilt.path());
            let expected: Vec<_> = finished.iter().filter(|(event, _)| *event <= cut).collect();
            for (_, sequence) in expected.iter().rev().take(2) {
                assert!(found.contains(sequence), "cut {cut}, seed {seed}: {sequence} is lost");
            }
            interrupted += usize::from(fs::read_dir(rebuilt.path()).unwrap().count() > found.len());
            // The next writer isn't hindered by what is there.
            write_snapshot(&Disk, rebuilt.path(), 4).unwrap();
            keep_newest(&Disk, rebuilt.path(), 1).unwrap();
            assert_eq!(whole_snapshots(rebuilt.path()), [4]);
            assert_eq!(fs::read_dir(rebuilt.path()).unwrap().count(), 1);
        }
    }
    assert!(interrupted > 20, "partial files were there too: {interrupted}");
}

#[test]
fn a_failing_disk_leaves_no_snapshot_or_a_whole_one() {
    let mut failures = 0;
    for fault in [Fault::Write, Fault::Sync, Fault::StorageFull] {
        for event in 1.. {
            let directory = tempfile::tempdir().unwrap();
            let recorder = DiskRecorder::new(directory.path()).unwrap();
            recorder.fail_at(event, fault);
            let outcome = write_snapshot(&recorder, directory.path(), 1);
            let found = whole_snapshots(directory.path());
            assert!(outcome.is_err() || found == [1]);
            for seed in 0..20 {
                let rebuilt = tempfile::tempdir().unwrap();
                recorder.rebuild(recorder.events(), seed, rebuilt.path()).unwrap();
                let found = whole_snapshots(rebuilt.path());
                assert!(outcome.is_err() || found == [1], "{fault:?} at {event}, seed {seed}");
            }
            recorder.heal();
            write_snapshot(&recorder, directory.path(), 1).unwrap();
            assert_eq!(whole_snapshots(directory.path()), [1]);
            if outcome.is_ok() {
                break;
            }
            failures += 1;
        }
    }
    assert!(failures > 20, "{failures}");
}
