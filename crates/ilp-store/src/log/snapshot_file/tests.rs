mod crash;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use proptest::prelude::*;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128;

use super::*;
use crate::journal::{Disk, Files, Place};

type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

fn head(next_sequence: u64) -> SnapshotHead {
    let place =
        Place { segment: 7, offset: 4_096, page_offset: 64, link: 0xdead_beef, next_sequence };
    SnapshotHead { journal: Uuid::from_u128(0x1234), place, time_ms: 1_700_000_000_000 }
}

fn write(directory: &Path, entries: &Entries, block_bytes_max: usize) -> SnapshotReport {
    let mut writer = SnapshotWriter::create(&Disk, directory, &head(42)).unwrap();
    writer.block_bytes_max = block_bytes_max;
    for (key, value) in entries {
        writer.push(key, value).unwrap();
    }
    writer.finish().unwrap()
}

/// Reads entries up to the end or to the first error.
fn read(path: &Path) -> (Entries, Result<(), SnapshotError>) {
    let mut entries = Entries::new();
    let reader = match SnapshotReader::open(path) {
        Ok(reader) => reader,
        Err(error) => return (entries, Err(error)),
    };
    for entry in reader {
        match entry {
            Ok((key, value)) => assert!(entries.insert(key, value).is_none(), "a key came twice"),
            Err(error) => return (entries, Err(error)),
        }
    }
    (entries, Ok(()))
}

/// A file of several small blocks, and of one block with a single entry that is larger.
struct Sample {
    directory: tempfile::TempDir,
    entries: Entries,
    bytes: Vec<u8>,
}

impl Sample {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut entries: Entries =
            (0..12_u8).map(|number| (vec![b'k', number], vec![number; 7])).collect();
        entries.insert(vec![b'k', 5, 1], vec![9; 100]);
        entries.insert(Vec::new(), Vec::new());
        let report = write(directory.path(), &entries, 40);
        let bytes = fs::read(report.path).unwrap();
        Self { directory, entries, bytes }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("changed.snapshot")
    }

    /// Asserts that a changed file is damaged, and that the entries that were read before the
    /// damage are a true beginning.
    fn assert_damaged(&self, bytes: &[u8], what: &str) -> Entries {
        fs::write(self.path(), bytes).unwrap();
        let (found, end) = read(&self.path());
        assert!(matches!(end, Err(SnapshotError::Damaged { .. })), "{what}: {end:?}");
        assert!(found.iter().eq(self.entries.iter().take(found.len())), "{what}: other entries");
        let checked = SnapshotReader::check(&self.path());
        assert!(matches!(checked, Err(SnapshotError::Damaged { .. })), "{what}: {checked:?}");
        found
    }

    /// The ranges of the blocks in the file.
    fn blocks(&self) -> Vec<std::ops::Range<usize>> {
        let (mut blocks, mut at) = (Vec::new(), head::HEAD_BYTES);
        while let Some(mut fields) = self.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let length = u32::from_be_bytes(take(&mut fields).unwrap()) as usize;
            let end = at + BLOCK_HEAD_BYTES + length;
            blocks.push(at..end);
            at = end;
        }
        blocks
    }
}

#[test]
fn a_snapshot_tells_its_origin_and_its_size() {
    let sample = Sample::new();
    let path = sample.directory.path().join("00000000000000000042.snapshot");
    assert_eq!(*SnapshotReader::open(&path).unwrap().head(), head(42));
    let report = SnapshotReader::check(&path).unwrap();
    let (entries, bytes) = (sample.entries.len() as u64, sample.bytes.len() as u64);
    assert_eq!(report, SnapshotReport { path: path.clone(), entries, bytes });
    let mut reader = SnapshotReader::open(&path).unwrap();
    assert_eq!(reader.by_ref().count(), sample.entries.len());
    assert!(reader.next().is_none(), "the end is the end");
    assert!(sample.blocks().len() > 5);
}

#[test]
fn large_entries_take_blocks_of_their_own() {
    let directory = tempfile::tempdir().unwrap();
    let entries = Entries::from([
        (vec![1], vec![1; 10]),
        (vec![2; KEY_BYTES_MAX], vec![2; VALUE_BYTES_MAX]),
        (vec![3], vec![3; BLOCK_BYTES_MAX - 50]),
        (vec![4], vec![4; 100]),
        (vec![5], vec![5; 10]),
    ]);
    let report = write(directory.path(), &entries, BLOCK_BYTES_MAX);
    assert!(report.bytes > 16 << 20);
    let (found, end) = read(&report.path);
    end.unwrap();
    assert!(found == entries);
}

#[test]
fn every_flipped_bit_is_damage() {
    let sample = Sample::new();
    let mut most = 0;
    for bit in 0..sample.bytes.len() * 8 {
        let mut bytes = sample.bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        most = most.max(sample.assert_damaged(&bytes, &format!("bit {bit}")).len());
    }
    assert_eq!(most, sample.entries.len(), "the entries before damage were read");
}

#[test]
fn every_truncation_and_every_appended_byte_is_damage() {
    let sample = Sample::new();
    for length in 0..sample.bytes.len() {
        sample.assert_damaged(&sample.bytes[..length], &format!("length {length}"));
    }
    for byte in [0, 1, 255] {
        sample.assert_damaged(&[sample.bytes.as_slice(), &[byte]].concat(), "an appended byte");
    }
    let last = sample.blocks().pop().unwrap();
    let twice = [sample.bytes.as_slice(), &sample.bytes[last]].concat();
    sample.assert_damaged(&twice, "the last block twice");
}

#[test]
fn blocks_out_of_place_are_damage() {
    let sample = Sample::new();
    let blocks = sample.blocks();
    let start = 0..head::HEAD_BYTES;
    let file_of = |blocks: &[std::ops::Range<usize>]| {
        let parts = std::iter::once(&start).chain(blocks);
        parts.flat_map(|range| sample.bytes[range.clone()].to_vec()).collect::<Vec<u8>>()
    };
    assert!(file_of(&blocks) == sample.bytes);
    for one in 0..blocks.len() {
        for other in 0..one {
            let mut swapped = blocks.clone();
            swapped.swap(one, other);
            sample.assert_damaged(&file_of(&swapped), &format!("blocks {one} and {other} swapped"));
        }
        let mut without = blocks.clone();
        let removed = without.remove(one);
        sample.assert_damaged(&file_of(&without), &format!("block {one} removed"));
        without.insert(one, removed.clone());
        without.insert(one, removed);
        sample.assert_damaged(&file_of(&without), &format!("block {one} twice"));
    }
    // The blocks of another snapshot with equal entries, made at another time.
    let other = tempfile::tempdir().unwrap();
    let origin = SnapshotHead { time_ms: 5, ..head(42) };
    let mut writer = SnapshotWriter::create(&Disk, other.path(), &origin).unwrap();
    writer.block_bytes_max = 40;
    for (key, value) in &sample.entries {
        writer.push(key, value).unwrap();
    }
    let bytes = fs::read(writer.finish().unwrap().path).unwrap();
    assert_eq!(bytes.len(), sample.bytes.len());
    let mixed = [&sample.bytes[start], &bytes[head::HEAD_BYTES..]].concat();
    assert!(sample.assert_damaged(&mixed, "another file's blocks").is_empty());
}

/// Blocks whose checksums are right, as only a faulty or hostile program could write them.
#[test]
fn contradictions_under_a_right_checksum_are_damage() {
    fn block(length: u32, count: u32, entries: &[u8]) -> Vec<u8> {
        let fields = [length.to_be_bytes(), count.to_be_bytes()].concat();
        [fields.as_slice(), &[0; 16], entries].concat()
    }
    fn entry(key: &[u8], value_bytes: u32) -> Vec<u8> {
        let key_bytes = u32::try_from(key.len()).unwrap();
        [&key_bytes.to_be_bytes(), &value_bytes.to_be_bytes(), key].concat()
    }
    let two = [entry(b"b", 0), entry(b"a", 0)].concat();
    let totals = |entries: u64, bytes: u64| [entries.to_be_bytes(), bytes.to_be_bytes()].concat();
    let long_key = entry(&[7; KEY_BYTES_MAX + 1], 0);
    let long_key_bytes = u32::try_from(long_key.len()).unwrap();
    let sample = Sample { entries: Entries::new(), ..Sample::new() };
    let cases: [(&str, Vec<u8>); 11] = [
        ("out of bounds", block(u32::MAX, 1, &[])),
        ("out of bounds", block(65_537, 2, &[0; 65_537])),
        ("out of bounds", block(17, 0, &[0; 17])),
        ("within a block", block(1 << 24, 1, &[])),
        ("longer than its block", block(9, 1, &entry(b"k", u32::MAX))),
        ("longer than its block", block(9, 2, &entry(b"k", 0))),
        ("longer than its block", block(0, u32::MAX, &[])),
        ("longer than its entries", block(18, 1, &two)),
        ("don't rise", block(18, 2, &two)),
        ("longer than its block", block(long_key_bytes, 1, &long_key)),
        ("totals", block(16, 0, &totals(1, 136))),
    ];
    let (start, previous) = head(42).to_bytes();
    for (detail, mut block) in cases {
        seal(&mut block, previous);
        sample.assert_damaged(&[start.as_slice(), &block].concat(), detail);
        let error = SnapshotReader::check(&sample.path()).unwrap_err().to_string();
        assert!(error.contains(detail), "{detail}: {error}");
    }
    let mut empty = block(16, 0, &totals(0, 136));
    seal(&mut empty, previous);
    fs::write(sample.path(), [start.as_slice(), &empty].concat()).unwrap();
    assert_eq!(SnapshotReader::check(&sample.path()).unwrap().entries, 0);
}

#[test]
fn a_newer_format_and_an_unreadable_file_are_named() {
    let sample = Sample::new();
    let mut bytes = sample.bytes.clone();
    bytes[8..12].copy_from_slice(&2_u32.to_be_bytes());
    let checksum = xxh3_128(&bytes[..80]);
    bytes[80..96].copy_from_slice(&checksum.to_be_bytes());
    fs::write(sample.path(), &bytes).unwrap();
    let error = SnapshotReader::open(&sample.path()).unwrap_err();
    assert!(matches!(error, SnapshotError::UnknownFormat { found: 2, known: 1, .. }), "{error}");

    let error = SnapshotReader::open(&sample.directory.path().join("absent")).unwrap_err();
    let SnapshotError::Io { cause, .. } = &error else { unreachable!("{error}") };
    assert_eq!(cause.kind(), io::ErrorKind::NotFound);
    // A directory opens, and can't be read.
    let error = SnapshotReader::open(sample.directory.path()).unwrap_err();
    assert!(matches!(error, SnapshotError::Io { action: "read", .. }), "{error}");
}

#[test]
fn a_writer_refuses_wrong_entries_and_removes_its_file() {
    let directory = tempfile::tempdir().unwrap();
    let names = || fs::read_dir(directory.path()).unwrap().count();
    let refusals: [(&[u8], &[u8]); 4] = [
        (b"b", b""),
        (b"a", b""),
        (&[b'c'; KEY_BYTES_MAX + 1], b""),
        (b"c", &vec![0; VALUE_BYTES_MAX + 1]),
    ];
    for (key, value) in refusals {
        let mut writer = SnapshotWriter::create(&Disk, directory.path(), &head(1)).unwrap();
        writer.push(b"b", b"1").unwrap();
        let refused = writer.push(key, value).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        assert!(writer.push(b"z", b"").is_err(), "an entry is absent, so nothing may follow");
        assert_eq!(names(), 1);
        assert!(writer.finish().is_err());
        assert_eq!(names(), 0);
    }
}

#[test]
fn the_newest_snapshots_are_kept_and_partial_ones_removed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("snapshots");
    assert_eq!(snapshots_in(&path).unwrap(), []);
    keep_newest(&Disk, &path, 2).unwrap();
    fs::create_dir(&path).unwrap();
    for sequence in [3, u64::MAX, 1_000, 20] {
        let writer = SnapshotWriter::create(&Disk, &path, &head(sequence)).unwrap();
        assert!(writer.finish().unwrap().path.exists());
    }
    let others = ["1.snapshot", "+0000000000000000007.snapshot", "99999999999999999999.snapshot"];
    for name in others.into_iter().chain(["00000000000000000009.snapshot.partial"]) {
        fs::write(path.join(name), b"").unwrap();
    }
    fs::create_dir(path.join("00000000000000000008.snapshot")).unwrap();
    let sequences = || {
        let listed = snapshots_in(&path).unwrap();
        for (sequence, path) in &listed {
            assert_eq!(SnapshotReader::open(path).unwrap().head(), &head(*sequence));
        }
        listed.into_iter().map(|(sequence, _)| sequence).collect::<Vec<_>>()
    };
    assert_eq!(sequences(), [u64::MAX, 1_000, 20, 3]);
    keep_newest(&Disk, &path, 2).unwrap();
    assert_eq!(sequences(), [u64::MAX, 1_000]);
    // Two snapshots, three files of other names and the directory.
    assert_eq!(fs::read_dir(&path).unwrap().count(), 6);
}

#[test]
fn a_partial_file_of_an_interrupted_writer_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let partial = directory.path().join("00000000000000000042.snapshot.partial");
    fs::write(&partial, vec![1; 100_000]).unwrap();
    let entries = Entries::from([(b"key".to_vec(), b"value".to_vec())]);
    let report = write(directory.path(), &entries, BLOCK_BYTES_MAX);
    assert_eq!(read(&report.path).0, entries);
    assert!(!partial.exists());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_sorted_map_comes_back(
        entries in prop::collection::btree_map(
            prop::collection::vec(any::<u8>(), 0..6),
            prop::collection::vec(any::<u8>(), 0..60),
            0..80,
        ),
        block_bytes_max in 1_usize..400,
    ) {
        let directory = tempfile::tempdir().unwrap();
        let report = write(directory.path(), &entries, block_bytes_max);
        prop_assert_eq!(report.entries, entries.len() as u64);
        prop_assert_eq!(report.bytes, fs::metadata(&report.path).unwrap().len());
        let (found, end) = read(&report.path);
        prop_assert!(end.is_ok());
        prop_assert_eq!(found, entries);
        prop_assert_eq!(SnapshotReader::check(&report.path).unwrap(), report);
    }

    #[test]
    fn any_bytes_are_an_error_and_no_panic(
        start in any::<bool>(),
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("any");
        let head = if start { head(1).to_bytes().0 } else { Vec::new() };
        fs::write(&path, [head, bytes].concat()).unwrap();
        let (found, end) = read(&path);
        prop_assert!(found.is_empty() && end.is_err());
    }
}
