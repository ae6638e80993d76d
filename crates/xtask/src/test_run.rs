//! `cargo xtask test`: installs what the tests need where it may, and runs every suite that can run.

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    needs::{self, Machine, Privilege, Suite, Tool},
    root, run, say,
};

/// The cost of a run, printed before it begins.
const COST: &str = "\
xtask: every test of the workspace. The first run builds all of it and may take an hour on two cores;
xtask: later runs take minutes. It needs 10 GB of disk, a C compiler and, for three of the suites,
xtask: Node.js 18 or newer with npm, chromium and chromedriver, and PostgreSQL.";

/// Runs the tests, and fails if they fail.
///
/// # Errors
/// A test fails, or a suite can't run where `CI=true`.
pub(crate) fn test() -> Result<(), String> {
    say(COST);
    let machine = machine();
    let missing = provide(machine, &needs::of_tests());
    let mut left_out = machine.left_out(&missing)?;
    let mut why = if missing.is_empty() { None } else { Some(machine.lack(&missing)) };
    if let Err(reason) = npm_packages(&left_out) {
        if machine.is_ci {
            return Err(reason);
        }
        why = Some(format!("{reason}; the next run tries again"));
        left_out.retain(|suite| !suite.needs.contains(&Tool::Npm));
        left_out.extend(needs::SUITES.iter().filter(|suite| suite.needs.contains(&Tool::Npm)));
    }
    let Some(why) = why else { return run("cargo", &["test", "--workspace"]) };
    tell(&left_out, &why);
    let names = names_of(&left_out)?;
    // Names are matched exactly, since tests of other crates have similar names.
    let skips = names.iter().flat_map(|name| ["--skip", name.as_str()]);
    let arguments: Vec<&str> =
        ["test", "--workspace", "--", "--exact"].into_iter().chain(skips).collect();
    let outcome = run("cargo", &arguments);
    tell(&left_out, &why);
    outcome
}

/// Installs the tools that are missing where that is allowed, and returns those still missing.
pub(crate) fn provide(machine: Machine, wanted: &[Tool]) -> Vec<Tool> {
    let missing = needs::missing(wanted, needs::version_of);
    let packages = machine.to_install(&missing);
    if packages.is_empty() {
        return missing;
    }
    say(&format!(
        "xtask: installing {} with apt-get{}",
        packages.join(" "),
        if machine.privilege == Privilege::Sudo { " and sudo" } else { "" }
    ));
    let as_root = |words: &[&str]| match machine.privilege {
        Privilege::Sudo => run("sudo", &[&["-n"][..], words].concat()),
        _ => run(words[0], &words[1..]),
    };
    let apt = |arguments: &[&str]| {
        let words = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"];
        as_root(&[&words[..], arguments].concat())
    };
    let install = ["install", "--yes", "--no-install-recommends"];
    let mut installed = apt(&["update"]);
    if packages.contains(&needs::POSTGRES_PACKAGE) {
        // The tests make servers of their own, and none is to be left running.
        let no_server = "s/^#\\?create_main_cluster.*/create_main_cluster = false/";
        let file = "/etc/postgresql-common/createcluster.conf";
        installed = installed
            .and_then(|()| apt(&[&install[..], &["postgresql-common"]].concat()))
            .and_then(|()| as_root(&["sed", "-i", no_server, file]));
    }
    if let Err(reason) = installed.and_then(|()| apt(&[&install[..], &packages].concat())) {
        say(&format!("xtask: {reason}"));
    }
    needs::missing(wanted, needs::version_of)
}

/// Installs the npm packages that suites use, in the versions that a lock file pins. A second run
/// finds them installed.
fn npm_packages(left_out: &[&Suite]) -> Result<(), String> {
    let is_left_out = |suite: &Suite| left_out.iter().any(|left_out| left_out.name == suite.name);
    let uses_npm = |suite: &&Suite| suite.needs.contains(&Tool::Npm) && !is_left_out(suite);
    if !needs::SUITES.iter().any(|suite| uses_npm(&suite)) {
        return Ok(());
    }
    run(
        "npm",
        &["ci", "--prefix", "tests/interop", "--no-audit", "--no-fund", "--loglevel", "error"],
    )
    .map_err(|reason| format!("the npm packages can't be installed: {reason}"))
}

fn tell(left_out: &[&Suite], why: &str) {
    for suite in left_out {
        say(&format!("xtask: left out: {} ({})", suite.name, suite.tests.join(" ")));
    }
    say(&format!("xtask: {why}"));
}

/// Returns the full names of the tests in these suites.
fn names_of(suites: &[&Suite]) -> Result<Vec<String>, String> {
    let list = ["test", "--workspace", "--test", "end_to_end", "--", "--list", "--format", "terse"];
    let output = Command::new("cargo")
        .args(list)
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo test: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo {}: {}", list.join(" "), output.status));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let all: Vec<&str> = text.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    tests_of(suites, &all)
}

/// Returns those tests of `all` that belong to the suites.
///
/// # Errors
/// A suite names tests that don't exist: its tests would then run although the suite is to be
/// skipped.
fn tests_of(suites: &[&Suite], all: &[&str]) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    for prefix in suites.iter().flat_map(|suite| suite.tests) {
        let before = names.len();
        names.extend(
            all.iter().filter(|name| name.starts_with(prefix)).map(|name| (*name).to_owned()),
        );
        if names.len() == before {
            return Err(format!("no test is named {prefix}: correct the suites in crates/xtask"));
        }
    }
    Ok(names)
}

/// Returns the properties of this machine.
pub(crate) fn machine() -> Machine {
    let succeeds = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        let quiet = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
        quiet.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let user = Command::new("id").arg("-u").output();
    let is_root = user.is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    let privilege = if is_root {
        Privilege::Root
    } else if succeeds("sudo", &["-n", "true"]) {
        Privilege::Sudo
    } else {
        Privilege::None
    };
    let release = fs::read_to_string(Path::new("/etc/os-release")).unwrap_or_default();
    Machine {
        has_apt: succeeds("apt-get", &["--version"]),
        is_ubuntu: release.lines().any(|line| line == "ID=ubuntu"),
        privilege,
        is_ci: env::var_os("CI").is_some_and(|value| value == "true"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_of_a_suite_are_named_in_full() {
        let all = ["browser::with_scripts", "interop::a", "urls::b", "pages::browser::c"];
        let (interop, browser) = (&needs::SUITES[0], &needs::SUITES[1]);
        assert_eq!(tests_of(&[browser], &all), Ok(vec!["browser::with_scripts".to_owned()]));
        let refused = tests_of(&[interop], &all).unwrap_err();
        assert!(refused.contains("no test is named"), "{refused}");
    }

    /// Checks that each test that starts Node.js or a browser is in a suite: it would fail where
    /// they are missing.
    #[test]
    fn each_end_to_end_test_that_starts_a_program_by_others_is_in_a_suite() {
        let starters =
            ["Script::start(", "Command::new(\"node\")", "Command::new(\"chromedriver\")"];
        let mut found = 0;
        for entry in fs::read_dir(root().join("tests")).unwrap() {
            let path = entry.unwrap().path();
            let Some(module) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
            let Ok(text) = fs::read_to_string(&path) else { continue };
            if starters.iter().any(|starter| text.contains(starter)) {
                found += 1;
                let is_of = |prefix: &str| prefix.starts_with(&format!("{module}::"));
                let is_in_one =
                    needs::SUITES.iter().any(|suite| suite.tests.iter().any(|it| is_of(it)));
                assert!(is_in_one, "{module} starts Node.js or a browser and is in no suite");
            }
        }
        assert!(found >= 6, "{found}");
    }
}
