//! The measurements of a round: a process's CPU time, the hypervisor's share, percentiles.

use std::{fs, time::Duration};

/// Returns the CPU time that a process has used so far, in nanoseconds, over all of its present
/// threads.
pub(crate) fn cpu_ns(pid: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("a running process");
    let of_task = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    };
    // A thread that ends between the two calls takes its time with it; servers keep theirs.
    tasks.filter_map(|entry| entry.ok().and_then(of_task)).sum()
}

/// Returns a number from `/proc/PID/status`, such as `VmRSS`, in kilobytes.
pub(crate) fn status_kb(pid: u32, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a running process");
    let line = status.lines().find(|line| line.starts_with(field)).expect("the field");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}

/// The time that the hypervisor gave to others, and the time of all cores, in ticks.
#[derive(Clone, Copy)]
pub(crate) struct Machine {
    stolen: u64,
    all: u64,
}

impl Machine {
    pub(crate) fn now() -> Self {
        let text = fs::read_to_string("/proc/stat").expect("Linux");
        let line = text.lines().next().expect("a line for all cores");
        let ticks: Vec<u64> =
            line.split_whitespace().skip(1).filter_map(|tick| tick.parse().ok()).collect();
        Self { stolen: ticks.get(7).copied().unwrap_or(0), all: ticks.iter().take(8).sum() }
    }

    /// Returns the percentage of the time since `self` that was stolen.
    pub(crate) fn stolen_since(self) -> f64 {
        let now = Self::now();
        100.0 * (now.stolen - self.stolen) as f64 / (now.all - self.all).max(1) as f64
    }
}

/// Latencies of a round, in nanoseconds.
#[derive(Default)]
pub(crate) struct Latencies(Vec<u64>);

impl Latencies {
    pub(crate) fn add(&mut self, latency: Duration) {
        self.0.push(latency.as_nanos() as u64);
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the latency that `percent` of all packets don't exceed, in microseconds.
    pub(crate) fn percentile_us(&mut self, percent: f64) -> f64 {
        if self.0.is_empty() {
            return f64::NAN;
        }
        let last = self.0.len() - 1;
        let at = (last as f64 * percent / 100.0).round() as usize;
        let (_, value, _) = self.0.select_nth_unstable(at);
        *value as f64 / 1_000.0
    }
}

/// The median of some values, and the least and the greatest.
#[derive(Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) greatest: f64,
}

impl Spread {
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        Self {
            median: at(values.len() / 2),
            least: at(0),
            greatest: at(values.len().saturating_sub(1)),
        }
    }
}

/// Returns a description of the machine, for the report.
pub(crate) fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = named.map_or("an unknown processor", |(_, name)| name.trim());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("?").to_owned();
    format!("{cores} cores of {model}; load average at the start {load}")
}
