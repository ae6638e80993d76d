//! The programs that the checks need beside cargo, which of them a machine has, and which suites
//! are skipped without them.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

/// The oldest Node.js whose `fetch` and test packages the suites use.
const NODE_MAJOR_MIN: u32 = 18;

/// The program that makes a PostgreSQL server. Debian keeps it out of the `PATH`.
const INITDB: &str = "initdb";

/// The package of a PostgreSQL server. It would start one of its own if it weren't told not to.
pub(crate) const POSTGRES_PACKAGE: &str = "postgresql";

/// A program that a check starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    CCompiler,
    /// A C++ compiler, for libFuzzer, which the fuzz targets are linked with.
    CppCompiler,
    /// The program `kill`, for the tests that send signals.
    Kill,
    Node,
    Npm,
    Chromium,
    Chromedriver,
    /// The programs of a PostgreSQL server, for the tests that make one.
    Postgres,
}

impl Tool {
    /// Returns the name of the program for messages to people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CCompiler => "a C compiler (cc)",
            Self::CppCompiler => "a C++ compiler (c++)",
            Self::Kill => "kill",
            Self::Node => "Node.js 18 or newer",
            Self::Npm => "npm",
            Self::Chromium => "chromium",
            Self::Chromedriver => "chromedriver",
            Self::Postgres => "PostgreSQL",
        }
    }

    fn program(self) -> &'static str {
        match self {
            Self::CCompiler => "cc",
            Self::CppCompiler => "c++",
            Self::Kill => "kill",
            Self::Node => "node",
            Self::Npm => "npm",
            Self::Chromium => "chromium",
            Self::Chromedriver => "chromedriver",
            Self::Postgres => INITDB,
        }
    }

    /// Returns the Debian packages that contain the program; Ubuntu has another name for
    /// chromium's.
    fn packages(self, is_ubuntu: bool) -> &'static [&'static str] {
        match self {
            Self::CCompiler => &["gcc", "libc6-dev"],
            Self::CppCompiler => &["g++"],
            Self::Kill => &["procps"],
            Self::Node => &["nodejs"],
            Self::Npm => &["npm"],
            Self::Chromium if is_ubuntu => &["chromium-browser"],
            Self::Chromium => &["chromium"],
            Self::Chromedriver if is_ubuntu => &["chromium-chromedriver"],
            Self::Chromedriver => &["chromium-driver"],
            Self::Postgres => &[POSTGRES_PACKAGE],
        }
    }

    /// Returns whether a program with this output of `--version` is new enough.
    fn is_new_enough(self, version: &str) -> bool {
        if self != Self::Node {
            return true;
        }
        let major = version.trim().trim_start_matches('v').split('.').next();
        major.and_then(|major| major.parse().ok()).is_some_and(|major: u32| major >= NODE_MAJOR_MIN)
    }
}

/// A part of the tests that can be left out.
#[derive(Debug)]
pub(crate) struct Suite {
    pub(crate) name: &'static str,
    pub(crate) needs: &'static [Tool],
    /// The prefixes of the names of the suite's end-to-end tests.
    pub(crate) tests: &'static [&'static str],
}

/// Suites that need more than a compiler.
pub(crate) const SUITES: &[Suite] = &[
    Suite {
        name: "interoperability with Interledger software by others",
        needs: &[Tool::Node, Tool::Npm],
        tests: &[
            "events::an_event_with_an_integer_above_2_to_the_53_is_right_for_a_receiver_in_javascript",
            "graphql_clients::",
            "interop::",
            "interop_pay::",
            "interop_rates::",
            "packet_npm::",
            "signature::",
            "stream_npm::",
        ],
    },
    Suite {
        name: "the operator's pages in a browser",
        needs: &[Tool::Node, Tool::Npm, Tool::Chromium, Tool::Chromedriver],
        tests: &["browser::"],
    },
    Suite {
        name: "several nodes on PostgreSQL",
        needs: &[Tool::Postgres],
        tests: &[
            "cluster::",
            "demo::the_connector_as_a_cluster_goes_on_without_a_node_and_without_the_primary",
        ],
    },
];

/// Tools without which no test runs.
const REQUIRED: &[Tool] = &[Tool::CCompiler, Tool::Kill];

/// The privilege by which programs may be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Privilege {
    Root,
    /// The privilege of `sudo` that asks for no password.
    Sudo,
    None,
}

/// The properties of the machine that matter to the checks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    /// Whether `apt-get` is its package manager.
    pub(crate) has_apt: bool,
    pub(crate) is_ubuntu: bool,
    pub(crate) privilege: Privilege,
    /// Whether `CI=true` is set, so that nothing may be skipped.
    pub(crate) is_ci: bool,
}

impl Machine {
    /// Returns the command that installs packages on this machine, for a person or for this
    /// program.
    pub(crate) fn install_line(self, packages: &[&str]) -> Option<String> {
        let sudo = if self.privilege == Privilege::Root { "" } else { "sudo " };
        let packages = packages.join(" ");
        self.has_apt.then(|| format!("{sudo}apt-get install --no-install-recommends {packages}"))
    }

    pub(crate) fn packages_of(self, missing: &[Tool]) -> Vec<&'static str> {
        missing.iter().flat_map(|tool| tool.packages(self.is_ubuntu)).copied().collect()
    }

    /// Returns the packages that contain the missing tools, where this program may install them.
    pub(crate) fn to_install(self, missing: &[Tool]) -> Vec<&'static str> {
        let may = self.has_apt && self.privilege != Privilege::None;
        if may { self.packages_of(missing) } else { Vec::new() }
    }

    /// Returns the message that tools are missing, with how to install them.
    pub(crate) fn lack(self, missing: &[Tool]) -> String {
        let names: Vec<&str> = missing.iter().map(|tool| tool.name()).collect();
        let how = match self.install_line(&self.packages_of(missing)) {
            Some(line) => format!("install it with:  {line}"),
            None => "install it with this system's package manager".to_owned(),
        };
        format!("{} missing; {how}", names.join(", "))
    }

    /// Returns the suites that are skipped because tools are still missing.
    ///
    /// # Errors
    /// A tool is missing that every test needs, or any tool at all where `CI=true`.
    pub(crate) fn left_out(self, missing: &[Tool]) -> Result<Vec<&'static Suite>, String> {
        if missing.iter().any(|tool| self.is_ci || REQUIRED.contains(tool)) {
            return Err(self.lack(missing));
        }
        let lacks = |suite: &&Suite| suite.needs.iter().any(|tool| missing.contains(tool));
        Ok(SUITES.iter().filter(lacks).collect())
    }
}

/// Returns all tools that the tests need.
pub(crate) fn of_tests() -> Vec<Tool> {
    let mut tools = REQUIRED.to_vec();
    for tool in SUITES.iter().flat_map(|suite| suite.needs) {
        if !tools.contains(tool) {
            tools.push(*tool);
        }
    }
    tools
}

/// Returns the tools among `wanted` that don't run here or are too old. Being in the `PATH` is not
/// enough: Ubuntu has a chromium there that only says how to install one.
pub(crate) fn missing(wanted: &[Tool], version_of: impl Fn(&str) -> Option<String>) -> Vec<Tool> {
    let is_there = |tool: &&Tool| {
        !version_of(tool.program()).is_some_and(|version| tool.is_new_enough(&version))
    };
    wanted.iter().filter(is_there).copied().collect()
}

/// Returns a program's output for `--version`; `None` where it doesn't run.
pub(crate) fn version_of(program: &str) -> Option<String> {
    // kill is asked for its list of signals: not every kill knows --version.
    let argument = if program == "kill" { "-l" } else { "--version" };
    let path = if program == INITDB { initdb()? } else { program.into() };
    let output = Command::new(path).arg(argument).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns where Debian's PostgreSQL has its program.
fn initdb() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let programs = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin").join(INITDB)));
    programs.filter(|program| program.exists()).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAPTOP: Machine =
        Machine { has_apt: true, is_ubuntu: false, privilege: Privilege::None, is_ci: false };

    /// Returns the tools missing on a machine with these programs.
    fn machine_with(programs: &[(&str, &str)]) -> Vec<Tool> {
        missing(&of_tests(), |program| {
            let found = programs.iter().find(|(name, _)| *name == program);
            found.map(|(_, version)| (*version).to_owned())
        })
    }

    #[test]
    fn a_fresh_debian_gets_what_it_lacks_where_it_may_be_installed() {
        let lacking = machine_with(&[("cc", "cc 12"), ("kill", "")]);
        let without = [Tool::Node, Tool::Npm, Tool::Chromium, Tool::Chromedriver, Tool::Postgres];
        assert_eq!(lacking, without);
        let root = Machine { privilege: Privilege::Root, ..LAPTOP };
        let packages = ["nodejs", "npm", "chromium", "chromium-driver", "postgresql"];
        assert_eq!(root.to_install(&lacking), packages);
        let ubuntu = Machine { is_ubuntu: true, privilege: Privilege::Sudo, ..LAPTOP };
        assert_eq!(
            ubuntu.to_install(&[Tool::Chromium, Tool::Chromedriver]),
            ["chromium-browser", "chromium-chromedriver"]
        );
        assert!(LAPTOP.to_install(&lacking).is_empty(), "without root or sudo");
        let other = Machine { has_apt: false, ..root };
        assert!(other.to_install(&lacking).is_empty(), "another package manager");
    }

    #[test]
    fn suites_are_left_out_with_the_line_that_installs_what_they_need() {
        let programs =
            [("cc", ""), ("kill", ""), ("node", "v18.19.0"), ("npm", "9"), ("initdb", "15")];
        let lacking = machine_with(&programs);
        let left_out = LAPTOP.left_out(&lacking).unwrap();
        assert_eq!(left_out.len(), 1);
        assert_eq!(left_out[0].tests, ["browser::"]);
        let line = "sudo apt-get install --no-install-recommends chromium chromium-driver";
        assert!(LAPTOP.lack(&lacking).ends_with(line), "{}", LAPTOP.lack(&lacking));
        let all_there = LAPTOP.left_out(&[]).unwrap();
        assert!(all_there.is_empty());
        // The pages' suite uses an npm package too.
        assert_eq!(LAPTOP.left_out(&[Tool::Npm]).unwrap().len(), 2);
    }

    #[test]
    fn ci_leaves_nothing_out_and_no_machine_goes_without_a_compiler() {
        let ci = Machine { is_ci: true, ..LAPTOP };
        let refused = ci.left_out(&[Tool::Chromium]).unwrap_err();
        assert!(refused.contains("chromium missing"), "{refused}");
        let refused = LAPTOP.left_out(&[Tool::CCompiler, Tool::Chromium]).unwrap_err();
        assert!(refused.contains("a C compiler (cc), chromium missing"), "{refused}");
        assert!(refused.ends_with("gcc libc6-dev chromium"), "{refused}");
    }

    #[test]
    fn an_old_node_counts_as_none() {
        for (version, is_new) in [("v12.22.9\n", false), ("v18.0.0", true), ("v22.1.0", true)] {
            let lacking = machine_with(&[("node", version)]);
            assert_eq!(!lacking.contains(&Tool::Node), is_new, "{version}");
        }
    }
}
