//! The directory of the measured books, and the machine's CPU time.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use uuid::Uuid;

/// The kernel's unit of CPU time.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// A directory beside the build's output, which is more often on a real disk than /tmp is.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        let base = std::env::current_exe().ok().and_then(|path| path.parent().map(Path::to_owned));
        let name = format!("ledger-bench-{}", Uuid::new_v4());
        Self(base.unwrap_or_else(std::env::temp_dir).join(name))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A failure only leaves the directory behind.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Returns user and system time of this process with all its threads.
pub(crate) fn cpu_ticks() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum()
}

/// Returns the time that the hypervisor gave to others.
pub(crate) fn steal_ticks() -> u64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    stat.split_whitespace().nth(8).and_then(|field| field.parse().ok()).unwrap_or(0)
}
