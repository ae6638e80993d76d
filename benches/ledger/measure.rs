//! Where the books lie, and what the machine says about the time that passed.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use uuid::Uuid;

/// A tick of the clock in which the kernel counts CPU time.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// A directory beside the build's output, as that is on a real disk more often than /tmp is.
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
        // Left over at the worst.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// User and system time of this process with all its threads.
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

/// Time that the hypervisor gave to others.
pub(crate) fn steal_ticks() -> u64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    stat.split_whitespace().nth(8).and_then(|field| field.parse().ok()).unwrap_or(0)
}
