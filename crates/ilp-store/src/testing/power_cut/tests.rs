use std::collections::BTreeSet;

use super::*;

const SEEDS: u64 = 300;

/// A recorder, its directory, and room for what it rebuilds.
struct Bench {
    directory: tempfile::TempDir,
    recorder: DiskRecorder,
}

impl Bench {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("real")).unwrap();
        let recorder = DiskRecorder::new(&directory.path().join("real")).unwrap();
        Self { directory, recorder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join("real").join(name)
    }

    fn sync_names(&self) {
        self.recorder.sync_directory(&self.path("")).unwrap();
    }

    /// Writes a durable file.
    fn durable(&self, name: &str, content: &[u8]) -> Box<dyn SegmentFile> {
        let file = self.recorder.create_stream(&self.path(name)).unwrap();
        file.write_at(content, 0).unwrap();
        file.sync().unwrap();
        self.sync_names();
        file
    }

    /// Rebuilds the directory for many seeds, and returns all that was seen in it.
    fn seen<T: Ord>(&self, cut: usize, look: impl Fn(&Path) -> T) -> BTreeSet<T> {
        let look_at = |seed| {
            let into = tempfile::tempdir().unwrap();
            self.recorder.rebuild(cut, seed, into.path()).unwrap();
            look(into.path())
        };
        (0..SEEDS).map(look_at).collect()
    }

    /// The contents of a file that were seen if power is lost now; `None` for an absent file.
    fn contents(&self, name: &str) -> BTreeSet<Option<Vec<u8>>> {
        self.seen(self.recorder.events(), |root| fs::read(root.join(name)).ok())
    }
}

fn only<T: Ord>(seen: T) -> BTreeSet<T> {
    BTreeSet::from([seen])
}

fn text(content: &str) -> Option<Vec<u8>> {
    Some(content.as_bytes().to_vec())
}

#[test]
fn what_was_synced_is_there_and_what_was_not_may_be_lost() {
    let bench = Bench::new();
    let file = bench.recorder.create_stream(&bench.path("file")).unwrap();
    file.write_at(b"one", 0).unwrap();
    file.sync().unwrap();
    assert_eq!(bench.contents("file"), BTreeSet::from([None, text("one")]), "the name isn't");
    bench.sync_names();
    let synced = bench.recorder.events();
    assert_eq!(bench.contents("file"), only(text("one")));
    file.write_at(b"two", 0).unwrap();
    assert_eq!(bench.contents("file"), BTreeSet::from([text("one"), text("two")]));
    file.sync().unwrap();
    assert_eq!(bench.contents("file"), only(text("two")));
    assert_eq!(bench.seen(synced, |root| fs::read(root.join("file")).ok()), only(text("one")));
    assert_eq!(bench.seen(0, |root| fs::read_dir(root).unwrap().count()), only(0));
    assert_eq!(fs::read(bench.path("file")).unwrap(), b"two", "the real file has all");
}

#[test]
fn a_write_is_torn_at_sectors_and_its_length_may_be_lost() {
    let bench = Bench::new();
    let file = bench.durable("file", &[1; 1_000]);
    file.write_at(&[2; 3_000], 500).unwrap();
    let seen = bench.contents("file");
    for content in &seen {
        let content = content.as_ref().expect("the name is durable");
        assert!((1_000..=3_500).contains(&content.len()));
        assert!(content[..500].iter().all(|byte| *byte == 1), "the write begins at 500");
        for (index, sector) in content.chunks(512).enumerate() {
            let of_write: BTreeSet<u8> = (index * 512..)
                .zip(sector)
                .filter(|(offset, _)| (500..1_000).contains(offset))
                .map(|(_, byte)| *byte)
                .collect();
            assert!(of_write.len() <= 1, "a sector is there as a whole");
            let behind: BTreeSet<u8> = (index * 512..)
                .zip(sector)
                .filter(|(at, _)| *at >= 1_024)
                .map(|it| *it.1)
                .collect();
            assert!(behind.len() <= 1 && !behind.contains(&1), "zeros or the write");
        }
    }
    let whole = [&[1; 500][..], &[2; 3_000]].concat();
    assert!(seen.contains(&Some(vec![1; 1_000])) && seen.contains(&Some(whole)));
    let with = |wanted: fn(&[u8]) -> bool| {
        assert!(seen.iter().flatten().any(|content| wanted(content)));
    };
    with(|content| content.len() == 3_500 && content[600] == 1 && content[3_400] == 2);
    with(|content| content.len() == 3_500 && content[600] == 2 && content[3_400] == 0);
    with(|content| content.len() == 3_500 && content[1_500] != content[2_500]);
    with(|content| content.len() == 1_000 && content[600] == 2);
    with(|content| (1_001..3_500).contains(&content.len()));
}

#[test]
fn a_sector_never_has_a_later_write_without_an_earlier_one() {
    let bench = Bench::new();
    let file = bench.durable("file", b"....");
    file.write_at(b"a", 0).unwrap();
    file.write_at(b"b", 1).unwrap();
    file.write_at(b"c", 0).unwrap();
    let expected = ["....", "a...", "ab..", "cb.."].map(text);
    assert_eq!(bench.contents("file"), BTreeSet::from(expected));
}

#[test]
fn a_rename_shows_the_old_file_or_the_new_one() {
    let bench = Bench::new();
    bench.durable("file", b"old");
    bench.durable("file.new", b"new");
    bench.recorder.rename(&bench.path("file.new"), &bench.path("file")).unwrap();
    let look = |root: &Path| {
        let read = |name| fs::read_to_string(root.join(name)).ok();
        (read("file").expect("never neither"), read("file.new"))
    };
    let renamed = ("new".to_owned(), None);
    let before = ("old".to_owned(), Some("new".to_owned()));
    let seen = bench.seen(bench.recorder.events(), look);
    assert_eq!(seen, BTreeSet::from([before, renamed.clone()]));
    bench.sync_names();
    assert_eq!(bench.seen(bench.recorder.events(), look), only(renamed));
}

#[test]
fn a_rename_to_another_directory_is_durable_after_the_sync_of_both() {
    let bench = Bench::new();
    bench.recorder.create_directory(&bench.path("sub")).unwrap();
    bench.durable("file", b"1");
    bench.recorder.rename(&bench.path("file"), &bench.path("sub/file")).unwrap();
    let look = |root: &Path| (root.join("file").exists(), root.join("sub/file").exists());
    let either = BTreeSet::from([(true, false), (false, true)]);
    assert_eq!(bench.seen(bench.recorder.events(), look), either);
    bench.sync_names();
    assert_eq!(bench.seen(bench.recorder.events(), look), either);
    bench.recorder.sync_directory(&bench.path("sub")).unwrap();
    assert_eq!(bench.seen(bench.recorder.events(), look), only((false, true)));
}

#[test]
fn names_are_lost_or_kept_one_by_one_until_their_directory_is_synced() {
    let bench = Bench::new();
    bench.durable("gone", b"1");
    bench.recorder.remove(&bench.path("gone")).unwrap();
    bench.recorder.create_directory(&bench.path("sub")).unwrap();
    let file = bench.recorder.create(&bench.path("sub/file"), 600).unwrap();
    bench.recorder.sync_directory(&bench.path("sub")).unwrap();
    bench.recorder.hard_link(&bench.path("sub/file"), &bench.path("link")).unwrap();
    let look = |root: &Path| {
        let there = |name: &str| root.join(name).exists();
        assert_eq!(there("sub"), there("sub/file"), "the name in it is durable");
        assert_eq!(fs::metadata(root.join("sub/file")).map_or(600, |file| file.len()), 600);
        [there("gone"), there("sub"), there("link")]
    };
    let seen = bench.seen(bench.recorder.events(), look);
    assert!(seen.len() >= 5, "{seen:?}");
    bench.sync_names();
    file.write_at(b"x", 0).unwrap();
    file.sync().unwrap();
    let look_again = |root: &Path| {
        let read = |name| fs::read(root.join(name)).unwrap()[0];
        assert_eq!((read("link"), read("sub/file")), (b'x', b'x'));
        let names = look(root);
        // Both names are of one file in the rebuilt directory too.
        fs::write(root.join("link"), b"other").unwrap();
        assert_eq!(fs::read(root.join("sub/file")).unwrap(), b"other");
        names
    };
    assert_eq!(bench.seen(bench.recorder.events(), look_again), only([false, true, true]));
}

#[test]
fn a_file_of_zeros_is_whole_only_after_its_last_event() {
    let bench = Bench::new();
    bench.durable("zeros", &[7; 2_000]);
    let before = bench.recorder.events();
    bench.recorder.create(&bench.path("zeros"), 1_500).unwrap();
    let after = bench.recorder.events();
    let read = |root: &Path| fs::read(root.join("zeros")).unwrap();
    assert_eq!(bench.seen(before, read), only(vec![7; 2_000]));
    assert!(bench.seen(after - 1, read).len() > 10, "any part of the old and the new content");
    assert_eq!(bench.seen(after, read), only(vec![0; 1_500]));
}

#[test]
fn failures_last_until_they_are_healed() {
    let bench = Bench::new();
    let file = bench.durable("file", b"1234");
    let raw = |outcome: io::Result<()>| outcome.unwrap_err().raw_os_error();
    let (eio, full) = (Some(Errno::IO.raw_os_error()), Some(Errno::NOSPC.raw_os_error()));
    let (path, other) = (bench.path("file"), bench.path("other"));
    let recorder = &bench.recorder;

    recorder.fail_at(recorder.events() + 2, Fault::Write);
    file.write_at(b"a", 0).unwrap();
    assert_eq!(raw(file.write_at(b"bb", 0)), eio);
    assert_eq!(fs::read(&path).unwrap(), b"b234", "half of it is there");
    assert_eq!(raw(recorder.rename(&path, &other)), eio);
    assert_eq!(raw(recorder.remove(&path)), eio);
    assert_eq!(raw(recorder.create_stream(&other).map(drop)), eio);
    file.sync().unwrap();
    assert_eq!(bench.contents("file"), only(text("b234")));

    recorder.fail_at(0, Fault::StorageFull);
    file.write_at(b"wxyz", 0).unwrap();
    assert_eq!(raw(file.write_at(b"56", 4)), full);
    assert_eq!(raw(recorder.create(&other, 10).map(drop)), full);
    assert_eq!(raw(recorder.create_directory(&other)), full);
    assert_eq!(raw(recorder.hard_link(&path, &other)), full);
    recorder.rename(&path, &other).unwrap();
    recorder.rename(&other, &path).unwrap();
    file.sync().unwrap();
    bench.sync_names();
    assert_eq!(bench.contents("file"), only(text("wxyz5")));

    recorder.fail_at(0, Fault::Sync);
    file.write_at(b"W", 0).unwrap();
    assert_eq!(raw(recorder.sync_directory(&bench.path(""))), eio);
    assert_eq!(raw(file.sync()), eio);
    recorder.heal();
    file.write_at(b"Z", 3).unwrap();
    file.sync().unwrap();
    let expected = ["wxyZ5", "WxyZ5"].map(text);
    assert_eq!(bench.contents("file"), BTreeSet::from(expected), "lost for good, or there");
}

#[test]
fn a_file_of_zeros_can_fail_at_each_of_its_events() {
    for (event, length) in [(1, None), (2, Some(50)), (3, None)] {
        let bench = Bench::new();
        bench.recorder.fail_at(event, Fault::StorageFull);
        let made = bench.recorder.create(&bench.path("zeros"), 100).map(drop);
        assert_eq!(made.is_err(), event < 3, "no room is needed for the sync");
        let real = fs::metadata(bench.path("zeros")).ok().map(|file| file.len());
        assert_eq!(real, if event == 3 { Some(100) } else { length });
    }
}

#[test]
fn marks_say_which_answers_had_left() {
    let bench = Bench::new();
    bench.recorder.mark(1);
    bench.durable("file", b"1");
    bench.recorder.mark(2);
    let events = bench.recorder.events();
    assert_eq!(bench.recorder.marks_before(0), [1]);
    assert_eq!(bench.recorder.marks_before(events - 1), [1]);
    assert_eq!(bench.recorder.marks_before(events), [1, 2]);
}

#[test]
fn files_made_without_the_recorder_are_durable() {
    let bench = Bench::new();
    bench.recorder.create_directory(&bench.path("early")).unwrap();
    fs::write(bench.path("early/file"), b"1").unwrap();
    fs::create_dir(bench.path("late")).unwrap();
    fs::write(bench.path("late/file"), b"2").unwrap();
    bench.recorder.rename(&bench.path("late"), &bench.path("moved")).unwrap();
    let seen = bench.seen(bench.recorder.events(), |root| {
        let read = |name| fs::read(root.join(name)).ok();
        (read("late/file"), read("moved/file"))
    });
    assert_eq!(seen, BTreeSet::from([(text("2"), None), (None, text("2"))]));

    // A second record, of the recovery, begins with all that the first one rebuilt.
    let rebuilt = bench.directory.path().join("rebuilt");
    let again = DiskRecorder::new(&bench.path("")).unwrap();
    again.rebuild(0, 1, &rebuilt).unwrap();
    assert_eq!(fs::read(rebuilt.join("early/file")).unwrap(), b"1");
    assert_eq!(fs::read(rebuilt.join("moved/file")).unwrap(), b"2");
    assert!(again.open(bench.directory.path()).is_err(), "outside of its directory");
}

#[test]
fn a_seed_always_rebuilds_one_directory() {
    let bench = Bench::new();
    let file = bench.durable("file", &[1; 5_000]);
    file.write_at(&[2; 5_000], 100).unwrap();
    bench.recorder.create_stream(&bench.path("other")).unwrap();
    let look = |root: &Path| (fs::read(root.join("file")).unwrap(), root.join("other").exists());
    let all = |bench: &Bench| {
        let rebuild = |seed| {
            let into = tempfile::tempdir().unwrap();
            bench.recorder.rebuild(bench.recorder.events(), seed, into.path()).unwrap();
            look(into.path())
        };
        (0..50).map(rebuild).collect::<Vec<_>>()
    };
    assert_eq!(all(&bench), all(&bench));
}
