//! `cargo xtask supply`: licences, bans and duplicates of the dependencies by cargo-deny, and unused
//! ones by cargo-shear.
//!
//! Each check runs where its program is installed, and is left out with a message elsewhere:
//! compiling cargo-deny takes CI's two cores several minutes.

use std::process::{Command, Stdio};

use crate::{root, run, say};

/// A program that checks dependencies, with the version that it was last run in.
struct Program {
    name: &'static str,
    subcommand: &'static str,
    version: &'static str,
}

const DENY: Program = Program { name: "cargo-deny", subcommand: "deny", version: "0.20.2" };
const SHEAR: Program = Program { name: "cargo-shear", subcommand: "shear", version: "1.14.0" };

/// Checks the dependencies. A check is left out with a message where its program is missing, or
/// where manifests can't be fetched: only a fault in the code fails.
///
/// # Errors
/// The faults.
pub(crate) fn check() -> Result<(), String> {
    let (has_deny, has_shear) = (DENY.is_installed(), SHEAR.is_installed());
    // cargo-deny reads the manifests of all platforms' dependencies.
    if (has_deny || has_shear)
        && let Err(reason) = run("cargo", &["fetch", "--locked", "--quiet"])
    {
        say(&format!("xtask: left out: cargo-deny and cargo-shear; {reason}"));
        return Ok(());
    }
    if has_deny {
        let checks = ["bans", "licenses", "sources"];
        let options = ["deny", "--all-features", "--locked", "check"];
        run("cargo", &[&options[..], &checks].concat())?;
    }
    if has_shear { unused() } else { Ok(()) }
}

/// Runs cargo-shear and fails for the dependencies that no crate uses. Its other findings are
/// wrong here: the published interledger-packet, an oracle of tests, has the name of ours, and the
/// benches of several crates share a folder.
fn unused() -> Result<(), String> {
    let arguments = ["shear", "--locked", "--format", "github"];
    say(&format!("xtask: cargo {}", arguments.join(" ")));
    let output = Command::new("cargo")
        .args(arguments)
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo-shear: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let found = unused_in(&text);
    if !found.is_empty() {
        return Err(found.join("\n"));
    }
    let is_read = output.status.success() || text.contains("title=shear/");
    if is_read { Ok(()) } else { Err(format!("cargo-shear: {}", output.status)) }
}

fn unused_in(text: &str) -> Vec<&str> {
    let is_unused =
        |line: &&str| line.starts_with("::error") && line.contains("title=shear/unused_");
    text.lines().filter(is_unused).collect()
}

impl Program {
    /// Returns whether the program is installed, and says how to install it where it isn't.
    fn is_installed(&self) -> bool {
        let Self { name, subcommand, version } = self;
        let output = Command::new("cargo").args([*subcommand, "--version"]).output();
        let is_there = output.is_ok_and(|output| output.status.success());
        if !is_there {
            say(&format!(
                "xtask: left out: {name}, which is not installed; install it with:  \
                 cargo install --locked {name}@{version}"
            ));
        }
        is_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unused_dependencies_fail() {
        let text = "::warning title=shear/unlinked_files::3 unlinked files\n../a.rs\n\
                    ::error file=Cargo.toml,line=8,title=shear/misplaced_dependency::b\n\
                    ::error file=Cargo.toml,line=9,title=shear/unused_dependency::c\n";
        let found = unused_in(text);
        assert_eq!(found.len(), 1);
        assert!(found[0].ends_with("::c"));
    }
}
