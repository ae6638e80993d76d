//! A disk that fails, is full, and writes down in which order it was called.

use std::{io::ErrorKind, path::Path, sync::atomic::AtomicU64};

use crate::{
    journal::{Disk, Files, SegmentFile},
    ledger::tests::*,
};

/// The calls of the disk, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Write,
    SyncDone,
    Woken,
}

#[derive(Debug, Default)]
struct Shared {
    calls: Mutex<Vec<Call>>,
    fails_write: AtomicBool,
    fails_sync: AtomicBool,
    full: AtomicBool,
    /// The number of further files that can't be created for want of a file descriptor.
    descriptors_lacking: AtomicU64,
    created: AtomicU64,
    sync_takes: Mutex<Duration>,
}

#[derive(Clone, Debug, Default)]
struct Watching(Arc<Shared>);

struct WatchedFile(Box<dyn SegmentFile>, Arc<Shared>);

impl Files for Watching {
    fn create(&self, path: &Path, bytes: u64) -> io::Result<Box<dyn SegmentFile>> {
        if self.0.full.load(Ordering::SeqCst) {
            return Err(ErrorKind::StorageFull.into());
        }
        let lacking = self.0.descriptors_lacking.fetch_update(
            Ordering::SeqCst,
            Ordering::SeqCst,
            |lacking| lacking.checked_sub(1),
        );
        if lacking.is_ok() {
            return Err(rustix::io::Errno::MFILE.into());
        }
        self.0.created.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(WatchedFile(Disk.create(path, bytes)?, Arc::clone(&self.0))))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        Ok(Box::new(WatchedFile(Disk.open(path)?, Arc::clone(&self.0))))
    }

    fn create_stream(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        Ok(Box::new(WatchedFile(Disk.create_stream(path)?, Arc::clone(&self.0))))
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

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        Disk.sync_directory(path)
    }
}

impl SegmentFile for WatchedFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.1.fails_write.load(Ordering::SeqCst) {
            // Half of it is there, as when a disk goes away in the middle.
            self.0.write_at(&bytes[..bytes.len() / 2], offset)?;
            return Err(io::Error::other("the disk is gone"));
        }
        self.1.calls.lock().push(Call::Write);
        self.0.write_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        let pause = *self.1.sync_takes.lock();
        thread::sleep(pause);
        if self.1.fails_sync.load(Ordering::SeqCst) {
            return Err(io::Error::other("the sync failed"));
        }
        self.0.sync()?;
        self.1.calls.lock().push(Call::SyncDone);
        Ok(())
    }
}

fn on(disk: &Watching, segment_bytes: u32) -> LedgerOptions {
    LedgerOptions { files: Arc::new(disk.clone()), segment_bytes, ..options(1_000) }
}

#[test]
fn nobody_is_woken_before_the_sync_of_what_they_wait_for() {
    let (_dir, store) = fresh();
    let disk = Watching::default();
    let ledger = DurableLedger::open(&store, on(&disk, 64 * 1024)).unwrap();
    fund(&ledger, 1, 1_000);
    disk.0.calls.lock().clear();
    *disk.0.sync_takes.lock() = Duration::from_millis(2);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let posted = disk.0.calls.lock().len();
                    block_on(ledger.post(hold(&ledger, 1, 2, 1).unwrap())).unwrap();
                    let mut calls = disk.0.calls.lock();
                    // A write that began after the post, and its sync, come before the wake.
                    let since = &calls[posted..];
                    let write = since.iter().position(|call| *call == Call::Write);
                    let write = write.expect("what was posted is written");
                    assert!(since[write..].contains(&Call::SyncDone), "{since:?}");
                    calls.push(Call::Woken);
                }
            });
        }
    });
    let calls = disk.0.calls.lock();
    let io: Vec<_> = calls.iter().filter(|call| **call != Call::Woken).collect();
    assert!(io.len() > 4 && io.len().is_multiple_of(2));
    for pair in io.chunks(2) {
        assert_eq!(pair, [&Call::Write, &Call::SyncDone], "one page at a time");
    }
}

#[test]
fn a_failed_write_or_sync_stops_the_ledger_and_leaves_whole_books() {
    for fails_sync in [false, true] {
        let (dir, store) = fresh();
        let disk = Watching::default();
        let ledger = DurableLedger::open(&store, on(&disk, 64 * 1024)).unwrap();
        fund(&ledger, 1, 100);
        let flag = if fails_sync { &disk.0.fails_sync } else { &disk.0.fails_write };
        flag.store(true, Ordering::SeqCst);
        assert_eq!(block_on(ledger.post(hold(&ledger, 1, 2, 1).unwrap())), Err(Stopped));
        flag.store(false, Ordering::SeqCst);
        assert_eq!(hold(&ledger, 1, 2, 1).unwrap_err(), HoldError::Stopped);
        assert!(ledger.stopped().is_some());
        // What isn't durable must not get into a checkpoint either, and records stop too.
        assert!(ledger.checkpoint().is_err());
        assert!(store.change(|tx| tx.set_setting("a", b"b")).is_err());
        assert_eq!(ledger.close(), Err(Stopped));
        drop((ledger, store));
        let ledger = DurableLedger::open(&open(dir.path()), options(10)).unwrap();
        // The sync that failed may have written all the same; half a page never counts.
        let second = available(&ledger, 2);
        assert!(second == 0 || (fails_sync && second == 1), "{second}");
        assert_eq!(available(&ledger, 1) + second, 100);
        assert_eq!(ledger.verify().unwrap().faults, Vec::<String>::new());
    }
}

#[test]
fn a_full_disk_warns_first_and_stops_only_when_there_is_no_room() {
    let (dir, store) = fresh();
    let disk = Watching::default();
    let ledger = DurableLedger::open(&store, on(&disk, 4_096)).unwrap();
    fund(&ledger, 1, 1_000);
    disk.0.full.store(true, Ordering::SeqCst);
    let mut posted = 0;
    let pay = |posted: &mut u128| {
        let result = block_on(ledger.post(hold(&ledger, 1, 2, 1).unwrap()));
        *posted += u128::from(result.is_ok());
        result
    };
    while ledger.warning().is_none() {
        assert_eq!(pay(&mut posted), Ok(()), "half a segment is left when it warns");
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(ledger.stopped(), None);
    assert_eq!(pay(&mut posted), Ok(()));
    // Room again, in time.
    disk.0.full.store(false, Ordering::SeqCst);
    for _ in 0..40 {
        assert_eq!(pay(&mut posted), Ok(()));
    }
    assert_eq!(ledger.warning(), None);
    disk.0.full.store(true, Ordering::SeqCst);
    while pay(&mut posted).is_ok() {}
    let reason = ledger.stopped().unwrap();
    assert!(reason.contains("no room for the journal's next segment"), "{reason}");
    drop((ledger, store));
    let ledger = DurableLedger::open(&open(dir.path()), options(10)).unwrap();
    assert_eq!(available(&ledger, 2), posted);
}

#[test]
fn a_lack_of_file_descriptors_is_waited_for() {
    let (_dir, store) = fresh();
    let disk = Watching::default();
    let ledger = DurableLedger::open(&store, on(&disk, 4_096)).unwrap();
    fund(&ledger, 1, 1_000);
    disk.0.descriptors_lacking.store(3, Ordering::SeqCst);
    let mut warnings = Vec::new();
    // These entries need more than a segment, so the writer reaches its end while no new one can be
    // made.
    for _ in 0..100 {
        assert_eq!(block_on(ledger.post(hold(&ledger, 1, 2, 1).unwrap())), Ok(()));
        warnings.extend(ledger.warning());
    }
    assert_eq!(disk.0.descriptors_lacking.load(Ordering::SeqCst), 0);
    assert_eq!((ledger.stopped(), ledger.warning()), (None, None));
    assert!(warnings.iter().all(|warning| warning.contains("limit of open files")), "{warnings:?}");
}

#[test]
fn segments_are_made_ahead_and_on_another_thread() {
    let (_dir, store) = fresh();
    let disk = Watching::default();
    let ledger = DurableLedger::open(&store, on(&disk, 4_096)).unwrap();
    fund(&ledger, 1, 1_000);
    // A fresh one has one segment; the second is made when the first is half full.
    assert_eq!(disk.0.created.load(Ordering::SeqCst), 1);
    for _ in 0..16 {
        block_on(ledger.post(hold(&ledger, 1, 2, 1).unwrap())).unwrap();
    }
    for _ in 0..200 {
        if disk.0.created.load(Ordering::SeqCst) == 2 {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("the next segment was not prepared");
}

#[test]
fn a_store_that_fails_stops_what_is_new_and_tells_an_idle_node() {
    let (dir, store) = fresh();
    let (told, hears) = mpsc::channel();
    let on_failure: Option<OnFailure> =
        Some(Box::new(move |reason| told.send(reason.to_owned()).unwrap()));
    let ledger = DurableLedger::open(&store, LedgerOptions { on_failure, ..options(100) }).unwrap();
    fund(&ledger, 1, 100);
    let held = hold(&ledger, 1, 2, 10).unwrap();
    let reason = "a checkpoint's sync failed";
    drop(store.inner.fail_stop.fail(&reason));
    assert_eq!(hears.recv().unwrap(), reason);
    assert_eq!(ledger.stopped().as_deref(), Some(reason));
    assert_eq!(hold(&ledger, 1, 2, 10).unwrap_err(), HoldError::Stopped);
    let transfer = deposit(&ledger, Uuid::now_v7(), ASSET, 1);
    assert!(matches!(block_on(ledger.transfer(transfer, 1)), Err(TransferError::Stopped)));
    // The journal is whole, and takes what was on hold.
    assert_eq!(block_on(ledger.post(held)), Ok(()));
    // Told once: the callback is gone.
    drop(store.inner.fail_stop.fail(&"again"));
    assert!(hears.recv().is_err());
    ledger.close().unwrap();
    assert!(DurableLedger::open(&store, options(100)).is_err());
    drop((ledger, store));
    let ledger = DurableLedger::open(&open(dir.path()), options(100)).unwrap();
    assert_eq!((available(&ledger, 1), available(&ledger, 2)), (90, 10));
}
