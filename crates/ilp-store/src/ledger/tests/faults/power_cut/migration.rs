//! The migration of a store of format 1, ended at each of its steps: afterwards the store is of the
//! present format or still of format 1, and the next start has everything.

use std::collections::BTreeMap;

use sled::IVec;

use super::*;
use crate::{
    journal::SegmentFile, ledger::books::state::Row, store::format_1::BACKUP,
    testing::power_cut::Fault,
};

/// Writes a store that jirani 0.1.0 has written to an absent directory, with the zeros that were cut
/// from the ends of its files.
fn unpack(name: &str, home: &Path) {
    let golden =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/format-1").join(name);
    let expected = fs::read(golden.join("expected.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_slice(&expected).unwrap();
    for file in expected["files"].as_array().unwrap() {
        let path = file["path"].as_str().unwrap();
        let mut bytes = fs::read(golden.join("store").join(path)).unwrap();
        bytes.resize(file["bytes"].as_u64().unwrap().try_into().unwrap(), 0);
        let to = home.join(path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, bytes).unwrap();
    }
}

/// The content of a store: its records, and its balances by account.
type Content = (BTreeMap<Vec<u8>, IVec>, BTreeMap<AccountId, Row>);

fn content(home: &Path, files: &Arc<dyn Files>) -> Result<Content, String> {
    let store = Store::open_with(home, Arc::clone(files)).map_err(|error| error.to_string())?;
    if home.join("db").exists() {
        return Err("it is still of format 1".to_owned());
    }
    let all = (std::ops::Bound::Included(vec![1]), std::ops::Bound::Excluded(vec![0x80]));
    let records = store.range(all.0, all.1).map(|entry| {
        let (key, value) = entry.map_err(|error| error.to_string())?;
        Ok((key.to_vec(), value))
    });
    let records = records.collect::<Result<_, String>>()?;
    let kept = store.inner.books.lock();
    let rows = kept.state.rows().map(|row| (row.account, *row)).collect();
    Ok((records, rows))
}

/// Starts a store that has seen an ended migration, and checks that it has everything then and after
/// another start, and that its books add up.
fn starts(home: &Path, files: &Arc<dyn Files>, whole: &Content) -> Result<(), String> {
    for start in ["first", "second"] {
        if content(home, files).map_err(|reason| format!("{start} start: {reason}"))? != *whole {
            return Err(format!("{start} start: something is lost"));
        }
    }
    let report = verify(home).map_err(|error| error.to_string())?;
    if report.faults.is_empty() { Ok(()) } else { Err(format!("{report:?}")) }
}

fn disk() -> Arc<dyn Files> {
    Arc::new(Disk)
}

/// A store of format 1 in a directory of its own, with a recorder.
fn golden(name: &str) -> (tempfile::TempDir, PathBuf, DiskRecorder) {
    let directory = scratch();
    let home = directory.path().join("node");
    Disk.create_directory(&home).unwrap();
    unpack(name, &home);
    // The next segment was prepared and not used yet.
    fs::write(home.join("journal/0000000002.segment"), vec![0; 64 * 1024]).unwrap();
    let recorder = DiskRecorder::new(&home).unwrap();
    (directory, home, recorder)
}

/// How many possibilities are tried of each loss of power.
fn seeds() -> u64 {
    2 + cuts() / 100
}

#[test]
fn a_migration_survives_a_loss_of_power_at_each_step() {
    for name in ["killed", "stopped"] {
        let (_directory, home, recorder) = golden(name);
        let files: Arc<dyn Files> = Arc::new(recorder.clone());
        let whole = content(&home, &files).unwrap();
        assert!(whole.0.len() > 20 && whole.1.len() > 5, "{} records", whole.0.len());
        let events = recorder.events();
        assert!(events > 15, "{events} events");
        for cut in 0..=events {
            for seed in 0..seeds() {
                let rebuilt = scratch();
                let again = rebuilt.path().join("node");
                recorder.rebuild(cut, seed * 1_000 + cut as u64, &again).unwrap();
                let started = starts(&again, &disk(), &whole);
                started.unwrap_or_else(|reason| panic!("{name}, cut {cut}, seed {seed}: {reason}"));
            }
        }
        // What was kept of the old store is a store of format 1, whatever the node does after that.
        let store = Store::open_with(&home, disk()).unwrap();
        (0..3).for_each(|_| store.change(|tx| tx.set_setting("later", b"any")).unwrap());
        drop(store);
        let kept = scratch();
        let old = kept.path().join("node");
        damage::copy_all(&home.join(BACKUP), &old);
        assert!(old.join("db").exists());
        starts(&old, &disk(), &whole).unwrap();
    }
}

/// A disk whose file system has no hard links.
#[derive(Debug)]
struct WithoutLinks(DiskRecorder);

impl Files for WithoutLinks {
    fn create(&self, path: &Path, bytes: u64) -> io::Result<Box<dyn SegmentFile>> {
        self.0.create(path, bytes)
    }

    fn create_stream(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        self.0.create_stream(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        self.0.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.remove(path)
    }

    fn hard_link(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        self.0.create_directory(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.0.sync_directory(path)
    }
}

#[test]
fn a_migration_without_hard_links_is_finished_by_the_next_start() {
    let (_directory, home, _) = golden("killed");
    let whole = content(&home, &disk()).unwrap();
    let mut failures = 0;
    for event in 1.. {
        let (_directory, home, recorder) = golden("killed");
        let segment = fs::read(home.join("journal/0000000001.segment")).unwrap();
        let files: Arc<dyn Files> = Arc::new(WithoutLinks(recorder.clone()));
        recorder.fail_at(event, Fault::StorageFull);
        let failed = content(&home, &files).is_err();
        recorder.heal();
        starts(&home, &files, &whole).unwrap_or_else(|reason| panic!("at {event}: {reason}"));
        let kept = home.join(BACKUP).join("journal/0000000001.segment");
        assert!(fs::read(kept).unwrap() == segment, "at {event}: the old segment isn't kept");
        if !failed {
            break;
        }
        failures += 1;
    }
    assert!(failures > 5, "{failures}");
}

#[test]
fn a_migration_that_fails_at_any_step_is_finished_by_the_next_start() {
    let (_directory, home, _) = golden("killed");
    let whole = content(&home, &disk()).unwrap();
    let mut failures = 0;
    for fault in [Fault::Write, Fault::Sync, Fault::StorageFull] {
        for event in 1.. {
            let (_directory, home, recorder) = golden("killed");
            let files: Arc<dyn Files> = Arc::new(recorder.clone());
            recorder.fail_at(event, fault);
            let failed = content(&home, &files).is_err();
            recorder.heal();
            let failing = |reason| -> String { format!("{fault:?} at {event}: {reason}") };
            starts(&home, &files, &whole).map_err(failing).unwrap();
            // The system may have shown what wasn't on the disk yet.
            let rebuilt = scratch();
            let again = rebuilt.path().join("node");
            recorder.rebuild(recorder.events(), event as u64, &again).unwrap();
            starts(&again, &disk(), &whole).map_err(failing).unwrap();
            if !failed {
                break;
            }
            failures += 1;
        }
    }
    assert!(failures > 30, "{failures}");
}
