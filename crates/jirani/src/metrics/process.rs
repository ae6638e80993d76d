//! Metrics of the process, under the names that every Prometheus client library uses.

use std::fmt::Result;

use procfs::{
    ProcResult,
    process::{LimitValue, Process},
};

use super::page::Page;

struct Usage {
    cpu_seconds: f64,
    resident_bytes: u64,
    virtual_bytes: u64,
    files_open: usize,
    files_max: Option<u64>,
    threads: u64,
    started_at_seconds: f64,
}

/// Writes nothing where the system has no `/proc`, or hides it.
pub(super) fn write(page: &mut Page<'_>) -> Result {
    let Ok(usage) = usage() else { return Ok(()) };
    page.counter("process_cpu_seconds", "Time on a processor", usage.cpu_seconds)?;
    page.gauge("process_resident_memory_bytes", "Memory in use", usage.resident_bytes)?;
    page.gauge("process_virtual_memory_bytes", "Memory spoken for", usage.virtual_bytes)?;
    page.gauge("process_open_fds", "Open files and sockets", usage.files_open)?;
    if let Some(files_max) = usage.files_max {
        page.gauge("process_max_fds", "Files and sockets that may be open", files_max)?;
    }
    page.gauge("process_threads", "Threads", usage.threads)?;
    let help = "When the process was started, in seconds since 1970";
    page.gauge("process_start_time_seconds", help, usage.started_at_seconds)
}

fn usage() -> ProcResult<Usage> {
    let process = Process::myself()?;
    let stat = process.stat()?;
    let ticks_per_second = procfs::ticks_per_second() as f64;
    let booted_at_seconds = procfs::boot_time_secs()? as f64;
    Ok(Usage {
        cpu_seconds: (stat.utime + stat.stime) as f64 / ticks_per_second,
        resident_bytes: stat.rss * procfs::page_size(),
        virtual_bytes: stat.vsize,
        files_open: process.fd_count()?,
        files_max: match process.limits()?.max_open_files.soft_limit {
            LimitValue::Value(files) => Some(files),
            LimitValue::Unlimited => None,
        },
        threads: stat.num_threads.unsigned_abs(),
        started_at_seconds: booted_at_seconds + stat.starttime as f64 / ticks_per_second,
    })
}
