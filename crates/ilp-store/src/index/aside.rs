//! Putting a broken index aside, for study.

use std::{fs, io, path::Path};

use super::DIRECTORY;

/// How many broken indexes are kept.
const KEPT_MAX: usize = 2;

/// The file that says that the index is to be put aside by the next start.
const MARK: &str = "index.damaged";

/// Has the next start put the index aside.
///
/// # Errors
/// Those of the operating system.
pub(crate) fn mark_damaged(store: &Path) -> io::Result<()> {
    fs::write(store.join(MARK), [])
}

/// Returns whether the index is to be put aside.
pub(crate) fn is_marked(store: &Path) -> bool {
    store.join(MARK).exists()
}

/// Moves the index of a store aside as `index.broken-N`, and removes all but the newest of those.
///
/// # Errors
/// Those of the operating system.
pub(crate) fn put_aside(store: &Path) -> io::Result<()> {
    let index = store.join(DIRECTORY);
    if !index.exists() {
        return unmark(store);
    }
    let mut numbers = Vec::new();
    for entry in fs::read_dir(store)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("index.broken-"));
        numbers.extend(number.and_then(|number| number.parse::<u32>().ok()));
    }
    numbers.sort_unstable();
    let path = |number: u32| store.join(format!("{DIRECTORY}.broken-{number}"));
    let next = numbers.last().map_or(1, |last| last.saturating_add(1));
    fs::rename(index, path(next))?;
    let outdated = numbers.len().saturating_sub(KEPT_MAX - 1);
    for number in &numbers[..outdated] {
        remove(&path(*number))?;
    }
    unmark(store)
}

fn unmark(store: &Path) -> io::Result<()> {
    match fs::remove_file(store.join(MARK)) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
        _ => Ok(()),
    }
}

/// Removes a broken index, which may be a file where there should be a directory.
fn remove(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_newest_broken_indexes_are_kept() {
        let store = tempfile::tempdir().unwrap();
        put_aside(store.path()).unwrap();
        for round in 1..=4_u8 {
            fs::create_dir(store.path().join(DIRECTORY)).unwrap();
            fs::write(store.path().join(DIRECTORY).join("db"), [round]).unwrap();
            put_aside(store.path()).unwrap();
        }
        let mut kept: Vec<_> = fs::read_dir(store.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        kept.sort();
        assert_eq!(kept, ["index.broken-3", "index.broken-4"]);
        let newest = fs::read(store.path().join("index.broken-4/db")).unwrap();
        assert_eq!(newest, [4]);
    }

    #[test]
    fn broken_indexes_that_are_files_are_removed_too() {
        let store = tempfile::tempdir().unwrap();
        for _ in 1..=4 {
            fs::write(store.path().join(DIRECTORY), "not an index").unwrap();
            put_aside(store.path()).unwrap();
        }
        assert!(!store.path().join("index.broken-2").exists());
        assert!(store.path().join("index.broken-4").is_file());
    }
}
