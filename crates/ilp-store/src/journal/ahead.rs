//! Prepares the next segment on a thread of its own, so that no commit waits for zeros.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use parking_lot::{Condvar, Mutex};

use super::{Files, SegmentFile, files::lacks_descriptors, segment::path_of};

/// The pause between a failure and the thread's next try, unless the writer can't wait.
const PAUSE: Duration = Duration::from_secs(1);

/// The number of tries, a pause apart, that the writer waits for a file descriptor. A lack of them
/// ends as soon as connections end, whereas a full disk doesn't recover by itself. Meanwhile
/// packets get T03, since the ledger's queue is full.
const DESCRIPTOR_TRIES: u32 = 30;

/// The next segment, and the thread that makes it.
pub(crate) struct Ahead {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    files: Arc<dyn Files>,
    directory: PathBuf,
    segment_bytes: u32,
    slot: Mutex<Slot>,
    changed: Condvar,
}

#[derive(Default)]
struct Slot {
    /// The number of the segment that is to be made.
    wanted: Option<u32>,
    ready: Option<Box<dyn SegmentFile>>,
    /// How often it has been tried in vain since it was last made.
    failures: u32,
    reason: Option<String>,
    /// Whether the last failure was a lack of file descriptors.
    lacks_descriptors: bool,
    /// Whether the writer waits.
    urgent: bool,
    ended: bool,
}

impl Ahead {
    /// Starts the thread for the journal in `directory`.
    ///
    /// # Errors
    /// When the system can't start a thread.
    pub(crate) fn start(
        files: Arc<dyn Files>,
        directory: &Path,
        segment_bytes: u32,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            files,
            directory: directory.to_owned(),
            segment_bytes,
            slot: Mutex::new(Slot::default()),
            changed: Condvar::new(),
        });
        let on_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("jirani-segments".to_owned())
            .spawn(move || on_thread.run())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Begins to make this segment, unless that has begun already.
    pub(crate) fn want(&self, number: u32) {
        let mut slot = self.shared.slot.lock();
        if slot.wanted != Some(number) {
            slot.wanted = Some(number);
            self.shared.changed.notify_all();
        }
    }

    /// Returns the segment of this number. Waits for it when it isn't ready, and for one more try
    /// when there was no room for it: space may have come free since. A lack of file descriptors
    /// gets [`DESCRIPTOR_TRIES`].
    ///
    /// # Errors
    /// When the last of these tries has failed too.
    pub(crate) fn take(&self, number: u32) -> io::Result<Box<dyn SegmentFile>> {
        self.want(number);
        let mut slot = self.shared.slot.lock();
        let failures = slot.failures;
        slot.urgent = true;
        self.shared.changed.notify_all();
        loop {
            if let Some(file) = slot.ready.take() {
                slot.wanted = None;
                slot.urgent = false;
                return Ok(file);
            }
            let tries = if slot.lacks_descriptors { DESCRIPTOR_TRIES } else { 1 };
            if slot.failures >= failures.saturating_add(tries) {
                let reason = slot.reason.clone().unwrap_or_default();
                let text = format!("there is no room for the journal's next segment: {reason}");
                return Err(io::Error::new(io::ErrorKind::StorageFull, text));
            }
            self.shared.changed.wait(&mut slot);
        }
    }

    /// Asks for the reason why the next segment can't be made just now, from elsewhere.
    pub(crate) fn watch(&self) -> impl Fn() -> Option<String> + Send + Sync + use<> {
        let shared = Arc::clone(&self.shared);
        move || {
            let slot = shared.slot.lock();
            slot.reason.as_ref().map(|reason| {
                let remedy = if slot.lacks_descriptors {
                    "raise the limit of open files"
                } else {
                    "free some space"
                };
                format!("the journal's next segment can't be prepared ({reason}); {remedy}")
            })
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.shared.slot.lock().ended = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // It holds nothing that its panic could have broken.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn run(&self) {
        while let Some(number) = self.next() {
            let made = self
                .files
                .create(&path_of(&self.directory, number), self.segment_bytes.into())
                .and_then(|file| self.files.sync_directory(&self.directory).map(|()| file));
            let mut slot = self.slot.lock();
            match made {
                Ok(file) => {
                    slot.ready = Some(file);
                    (slot.failures, slot.reason) = (0, None);
                }
                Err(cause) => {
                    if slot.failures == 0 {
                        tracing::warn!(%cause, "the journal's next segment can't be prepared");
                    }
                    slot.failures += 1;
                    slot.lacks_descriptors = lacks_descriptors(&cause);
                    slot.reason = Some(cause.to_string());
                    slot.urgent = false;
                }
            }
            self.changed.notify_all();
        }
    }

    /// Waits until a segment is to be made. `None` once no more are.
    fn next(&self) -> Option<u32> {
        let mut slot = self.slot.lock();
        loop {
            if slot.ended {
                return None;
            }
            match slot.wanted {
                Some(number) if slot.ready.is_none() => {
                    if slot.failures == 0 || slot.urgent {
                        return Some(number);
                    }
                    if self.changed.wait_for(&mut slot, PAUSE).timed_out() {
                        return slot.wanted.filter(|_| !slot.ended);
                    }
                }
                _ => self.changed.wait(&mut slot),
            }
        }
    }
}
