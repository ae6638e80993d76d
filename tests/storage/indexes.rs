//! Indexes of another time or another node, and damaged in every file: the start is slower, and
//! nothing is lost.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{killed_with_books, node_dir, setup};
use crate::support::{DataDir, Node, jirani, packets::prepare, stub::Stub};

/// A node with books that is stopped and started again and again.
struct Books {
    dir: Option<DataDir>,
    alice: String,
    bob: String,
    moved: u64,
    /// The number of indexes that were put aside.
    put_aside: u32,
    _stub: Stub,
}

impl Books {
    fn start() -> Self {
        let (dir, alice, bob, stub) = killed_with_books();
        Self { dir: Some(dir), alice, bob, moved: 1_000, put_aside: 0, _stub: stub }
    }

    fn index(&self) -> PathBuf {
        self.dir.as_ref().unwrap().data().join("index")
    }

    /// Starts a node, which must have everything, lets it book more, and kills or stops it. Returns
    /// the lines of its log.
    fn run(&mut self, kill: bool, when: &str) -> String {
        let dir = self.dir.take().unwrap();
        let before = dir.log().len();
        let node: Node = dir.start();
        let balances = (node.liquidity(&self.alice), node.liquidity(&self.bob));
        assert_eq!(balances, (1_000_000 - self.moved, 1_000_000 + self.moved), "{when}");
        let mut sender = node.sender("test.alice");
        for _ in 0..20 {
            sender.fulfilled(&prepare("test.bob", 10));
        }
        self.moved += 200;
        let dir = if kill { node.kill() } else { node.stop() };
        let said = dir.log()[before..].to_owned();
        self.put_aside += u32::from(said.contains(PUT_ASIDE));
        self.dir = Some(dir);
        said
    }

    fn verify(&self) {
        let mut command = jirani();
        command.args(["ledger", "verify", "--data-dir"]).arg(self.dir.as_ref().unwrap().data());
        let verified = command.output().unwrap();
        assert!(verified.status.success(), "{verified:?}");
    }

    /// Returns the numbers of the damaged indexes that are kept.
    fn kept(&self) -> Vec<u32> {
        let entries = fs::read_dir(self.dir.as_ref().unwrap().data()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut kept: Vec<_> = names
            .filter_map(|name| Some(name.strip_prefix("index.broken-")?.parse().unwrap()))
            .collect();
        kept.sort_unstable();
        kept
    }
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-r").args([from, to]).status().unwrap();
    assert!(copied.success());
}

/// The files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files
}

const PUT_ASIDE: &str = "it is put aside and made anew";

#[test]
fn an_index_from_yesterday_goes_on_from_where_it_was() {
    let mut books = Books::start();
    books.run(false, "before");
    let yesterday = books.index().with_extension("yesterday");
    copy(&books.index(), &yesterday);
    for kill in [true, false] {
        books.run(kill, "since yesterday");
    }
    fs::remove_dir_all(books.index()).unwrap();
    fs::rename(&yesterday, books.index()).unwrap();
    let said = books.run(true, "from yesterday");
    assert!(!said.contains(PUT_ASIDE), "{said}");
    books.verify();
}

#[test]
fn another_nodes_index_is_put_aside() {
    let mut books = Books::start();
    let other = setup(node_dir()).node.stop();
    fs::remove_dir_all(books.index()).unwrap();
    copy(&other.data().join("index"), &books.index());
    let said = books.run(true, "another node's index");
    assert!(said.contains(PUT_ASIDE) && said.contains("another log"), "{said}");
    books.verify();
    assert_eq!(books.kept().last(), Some(&books.put_aside));
}

#[test]
fn an_index_that_cannot_be_read_is_put_aside_and_two_such_are_kept() {
    let mut books = Books::start();
    books.run(false, "at first");
    let count = files(&books.index()).len();
    for at in 0..count {
        for harm in ["a folder in its place", "half of it", "nothing of it"] {
            // sled removes and renames files, so there may be fewer now.
            let Some(path) = files(&books.index()).get(at).cloned() else { continue };
            let name = path.file_name().unwrap().to_owned();
            let length = fs::metadata(&path).unwrap().len();
            match harm {
                "half of it" | "nothing of it" => {
                    let left = if harm == "half of it" { length / 2 } else { 0 };
                    fs::File::options().write(true).open(&path).unwrap().set_len(left).unwrap();
                }
                _ => {
                    fs::remove_file(&path).unwrap();
                    fs::create_dir(&path).unwrap();
                }
            }
            books.run(at % 2 == 0, &format!("{harm} in place of {}", name.display()));
        }
    }
    assert!(books.put_aside > 2, "{} of {count} files times 3", books.put_aside);
    for _ in 0..3 {
        fs::remove_dir_all(books.index()).unwrap();
        fs::write(books.index(), "not an index").unwrap();
        let said = books.run(true, "a file in place of the index");
        assert!(said.contains(PUT_ASIDE), "{said}");
    }
    assert_eq!(books.kept(), [books.put_aside - 1, books.put_aside]);
    books.verify();
}
