//! Any bytes as the stored form of each kind of record. A record that is read must be the same when
//! it is stored and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| ilp_store::fuzzing::read_record(bytes));
