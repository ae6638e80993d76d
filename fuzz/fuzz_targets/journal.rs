//! Any bytes as pages and entries of the journal, and as the script of a log that is written,
//! damaged and scanned.

#![no_main]

use std::{env, fs, path::Path, process};

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Memory is far faster than a disk.
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_owned() } else { env::temp_dir() };
    let directory = parent.join(format!("jirani-fuzz-journal-{}", process::id()));
    fs::create_dir_all(&directory).expect("a directory for the log");
    ilp_store::fuzzing::scan_journal(&directory, bytes);
    fs::remove_dir_all(&directory).expect("the log can be removed");
});
