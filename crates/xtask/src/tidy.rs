//! House rules that neither the compiler nor clippy checks.

mod allowed;
mod texts;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use allowed::{Findings, Rule};

/// A file is a room: longer than this and it is two rooms.
const LINES_MAX: usize = 400;

/// The most .rs files in a folder of [`SMALL_FOLDERS`]: more of them are a list and not a structure.
const FOLDER_FILES_MAX: usize = 12;

/// The crates whose folders are subjects.
const SMALL_FOLDERS: [&str; 3] = ["crates/ilp-admin", "crates/ilp-operator", "crates/ilp-store"];

/// Checks all tracked files.
///
/// # Errors
/// The faults, one a line.
pub(crate) fn check(root: &Path) -> Result<(), String> {
    let mut faults = Vec::new();
    find(root, &mut faults)?.check(root, &mut faults)?;
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

/// Writes the numbers of findings that are allowed anew, where no rule has more than before.
///
/// # Errors
/// A rule has more findings, or the file can't be written.
pub(crate) fn recount(root: &Path) -> Result<(), String> {
    find(root, &mut Vec::new())?.recount(root)
}

/// Returns the findings of rules that allow some, and adds the faults of all other rules.
fn find(root: &Path, faults: &mut Vec<String>) -> Result<Findings, String> {
    let mut findings = Findings::default();
    let mut folders: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    for path in tracked_files(root)? {
        let Ok(text) = fs::read_to_string(root.join(&path)) else { continue };
        let is_text = matches!(
            path.extension().and_then(|extension| extension.to_str()),
            Some("rs" | "toml" | "md" | "js" | "mjs" | "json" | "graphql")
        );
        if is_text {
            check_text(&path, &text, faults);
        }
        if path.extension().is_some_and(|extension| extension == "rs") {
            check_rust(&path, &text, faults);
            let place = path.display().to_string();
            texts::doc_comments(&place, &text, &mut findings);
            texts::retired_names(&place, &text, &mut findings);
            texts::message_words(&place, &text, &mut findings);
            if let Some(folder) = path.parent() {
                folders.entry(folder.to_path_buf()).or_default().push(place);
            }
        }
        if path.ends_with("Cargo.toml") && path.starts_with("crates") && !is_fuzz(&path) {
            check_manifest(&path, &text, faults);
        }
    }
    for (folder, files) in folders {
        let is_small = SMALL_FOLDERS.iter().any(|small| folder.starts_with(small));
        if is_small && files.len() > FOLDER_FILES_MAX {
            let scope = folder.display().to_string();
            for file in files {
                findings.add(Rule::FolderFiles, scope.clone(), file);
            }
        }
    }
    Ok(findings)
}

fn check_text(path: &Path, text: &str, faults: &mut Vec<String>) {
    let name = path.display();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        if line.ends_with([' ', '\t']) {
            faults.push(format!("{name}:{number}: trailing white space"));
        }
        // Built from two halves, so that this file doesn't find itself.
        for unfinished in [["TO", "DO"].concat(), ["FIX", "ME"].concat()] {
            if line.contains(&unfinished) {
                faults.push(format!("{name}:{number}: {unfinished}"));
            }
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        faults.push(format!("{name}: no newline at the end"));
    }
}

fn check_rust(path: &Path, text: &str, faults: &mut Vec<String>) {
    let name = path.display();
    let lines = text.lines().count();
    if lines > LINES_MAX {
        faults.push(format!("{name}: {lines} lines, at most {LINES_MAX}"));
    }
    if path.ends_with("mod.rs") {
        faults.push(format!("{name}: name the file after its module"));
    }
    // The test binary's main.rs has a sentence for each of its modules.
    let is_test = path.ends_with("tests.rs")
        || path.starts_with("crates") && path.components().any(|part| part.as_os_str() == "tests")
        || is_fuzz(path);
    if !is_test && !text.starts_with("//!") && !text.starts_with("#!") {
        faults.push(format!("{name}: begins without a sentence about itself (//!)"));
    }
}

fn check_manifest(path: &Path, text: &str, faults: &mut Vec<String>) {
    if !text.contains("[lints]\nworkspace = true") {
        faults.push(format!("{}: without the workspace's lints", path.display()));
    }
}

fn is_fuzz(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "fuzz")
}

fn tracked_files(root: &Path) -> Result<Vec<PathBuf>, String> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("git ls-files: {error}"))?;
    if !output.status.success() {
        return Err(format!("git ls-files: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(PathBuf::from).collect())
}
