//! The commands of developers and of CI: `cargo xtask ci` does on a laptop what CI does.

mod dependencies;
mod needs;
mod supply;
mod test_run;
mod tidy;

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use needs::Tool;
use test_run::test;

const USAGE: &str = "\
cargo xtask COMMAND

  ci              what CI runs: fmt, tidy, deps, supply, clippy, otlp, doc, test, interleavings,
                  fuzz.
                  Installs cargo-fuzz, and what `test` does; CI=true leaves nothing out
  test            every test. Installs Node.js, npm packages, chromium and its driver where it may
                  (apt-get, as root or by sudo without a password); else leaves out the suites that
                  need them and says so, unless CI=true
  deps            prove that dependencies point down only
  supply          licences, duplicates and unused ones among the dependencies, by cargo-deny and
                  cargo-shear where they are installed
  schema          write crates/ilp-admin/schema.graphql anew, after a change of the admin API
  tidy [--recount]
                  house rules that no other tool checks. --recount writes how many findings of a
                  rule are still allowed, which may only shrink
  interleavings   hold, post and void under every order in which threads can take their locks
  fuzz [SECONDS]  fuzz the packet parsers, both ends of STREAM, the journal, stored records, SPSP
                  answers and signatures, 60 seconds a target if not told otherwise
  power-cuts [CUTS]
                  cut the power of a simulated disk under the store, 500 times if not told otherwise,
                  with all forms of a lost or damaged index, and again while it starts
  model [SEEDS]   hold so many interleavings of changes, packets, checkpoints, snapshots and crashes,
                  1,000,000 if not told otherwise, against a naive model of the store
  recovery [ROUNDS]
                  kill a node under load, 200 times if not told otherwise, and hold its books
                  against what senders and receivers saw
  cluster [ROUNDS]
                  kill the primary under load, 500 times if not told otherwise, with every other fault
                  test of the cluster, and search all states of its protocol up to 7 writes
";

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let outcome = match arguments.next().as_deref() {
        Some("ci") => ci(),
        Some("test") => test(),
        Some("deps") => dependencies::check(),
        Some("supply") => supply::check(),
        Some("schema") => schema(),
        Some("tidy") => match arguments.next().as_deref() {
            None => tidy::check(&root()),
            Some("--recount") => tidy::recount(&root()),
            Some(_) => Err(USAGE.to_owned()),
        },
        Some("power-cuts") => {
            let cuts = arguments.next().unwrap_or_else(|| "500".to_owned());
            store_test("power_cut", ("JIRANI_POWER_CUTS", &cuts))
        }
        Some("model") => {
            let seeds = arguments.next().unwrap_or_else(|| "1000000".to_owned());
            store_test("interleavings", ("JIRANI_MODEL_SEEDS", &seeds))
        }
        Some("recovery") => recovery(&arguments.next().unwrap_or_else(|| "200".to_owned())),
        Some("cluster") => cluster(&arguments.next().unwrap_or_else(|| "500".to_owned())),
        Some("interleavings") => interleavings(),
        Some("fuzz") => {
            fuzzer().and_then(|()| fuzz(&arguments.next().unwrap_or_else(|| "60".to_owned())))
        }
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            say(&format!("xtask: {reason}"));
            ExitCode::FAILURE
        }
    }
}

/// The cheap checks first, so that a slip is told within seconds.
fn ci() -> Result<(), String> {
    run("cargo", &["fmt", "--all", "--check"])?;
    tidy::check(&root())?;
    dependencies::check()?;
    supply::check()?;
    // --all-targets covers the benches, so they are known to compile without a release build.
    run("cargo", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    otlp()?;
    run_with("cargo", &["doc", "--workspace", "--no-deps"], &[("RUSTDOCFLAGS", "-D warnings")])?;
    test()?;
    interleavings()?;
    // Nine targets: two minutes.
    match fuzzer() {
        Ok(()) => fuzz("13"),
        Err(reason) if test_run::machine().is_ci => Err(reason),
        Err(reason) => {
            say(&format!("xtask: left out: fuzz; {reason}"));
            Ok(())
        }
    }
}

/// Provides what fuzzing needs: a C++ compiler for libFuzzer, and cargo-fuzz.
fn fuzzer() -> Result<(), String> {
    let machine = test_run::machine();
    let missing = test_run::provide(machine, &[Tool::CppCompiler]);
    if !missing.is_empty() {
        return Err(machine.lack(&missing));
    }
    let is_there = Command::new("cargo").args(["fuzz", "--version"]).output();
    if is_there.is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    say("xtask: installing cargo-fuzz, which the fuzz targets are run with, for this user");
    run("cargo", &["install", "--quiet", "--locked", "cargo-fuzz"])
}

/// The test that compares the file with the schema writes it when it is told to.
fn schema() -> Result<(), String> {
    let test = "the_checked_in_schema_is_the_served_one";
    run_with("cargo", &["test", "-p", "ilp-admin", "--lib", test], &[("JIRANI_SCHEMA", "write")])
}

/// The one feature. Its tests are in the binary alone, so nothing is built a second time but that and
/// the crates that only the feature needs.
fn otlp() -> Result<(), String> {
    let feature = ["--package", "jirani", "--features", "otlp", "--bin", "jirani"];
    run("cargo", &[&["clippy"], &feature[..], &["--", "-D", "warnings"]].concat())?;
    run("cargo", &[&["test"], &feature[..], &["otlp"]].concat())
}

/// Runs the long form of tests of the store, whose length a variable says.
fn store_test(filter: &str, length: (&str, &str)) -> Result<(), String> {
    let test =
        ["test", "--release", "--package", "ilp-store", "--lib", filter, "--", "--nocapture"];
    run_with("cargo", &test, &[length])
}

fn recovery(rounds: &str) -> Result<(), String> {
    let test =
        ["test", "--package", "jirani", "--test", "end_to_end", "recovery", "--", "--nocapture"];
    run_with("cargo", &test, &[("JIRANI_RECOVERY_ROUNDS", rounds)])
}

fn cluster(rounds: &str) -> Result<(), String> {
    let test = ["test", "--release", "--package", "ilp-store-postgres", "--", "--nocapture"];
    let lengths = [("JIRANI_CLUSTER_ROUNDS", rounds), ("JIRANI_CLUSTER_WRITES", "7")];
    run_with("cargo", &test, &lengths)
}

/// Goes through the orders in which threads can take the accounts' locks. Another flag means other
/// artifacts, so they get a folder of their own and don't push out those of the tests.
fn interleavings() -> Result<(), String> {
    let test = ["test", "--package", "ilp-connector", "--lib", "interleavings"];
    let folder = ["--target-dir", "target/shuttle"];
    run_with("cargo", &[&test[..], &folder].concat(), &[("RUSTFLAGS", "--cfg shuttle")])
}

/// Each fuzz target, with the folder beside whose `fuzz` it is run.
const FUZZ_TARGETS: [(&str, &str); 9] = [
    ("crates/interledger-packet", "parse"),
    ("crates/interledger-packet", "address"),
    ("crates/ilp-stream", "frame"),
    ("crates/ilp-stream", "receiver"),
    ("crates/ilp-stream", "sender"),
    (".", "journal"),
    (".", "record"),
    (".", "spsp"),
    (".", "signature"),
];

/// Coverage instrumentation is unstable; RUSTC_BOOTSTRAP lets the stable compiler do it.
fn fuzz(seconds: &str) -> Result<(), String> {
    let total = format!("-max_total_time={seconds}");
    for (folder, target) in FUZZ_TARGETS {
        let arguments = ["fuzz", "run", "--sanitizer", "none", target, "--", &total];
        let dir = root().join(folder);
        say(&format!("xtask: cargo {}", arguments.join(" ")));
        let status = Command::new("cargo")
            .args(arguments)
            .current_dir(dir)
            .env("RUSTC_BOOTSTRAP", "1")
            .status()
            .map_err(|error| format!("cargo fuzz: {error}"))?;
        if !status.success() {
            return Err(format!("fuzzing {target} failed"));
        }
    }
    Ok(())
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    run_with(program, arguments, &[])
}

fn run_with(program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Result<(), String> {
    let line = format!("{program} {}", arguments.join(" "));
    say(&format!("xtask: {line}"));
    let status = Command::new(program)
        .args(arguments)
        .envs(environment.iter().copied())
        .current_dir(root())
        .status()
        .map_err(|error| format!("{line}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{line}: {status}")) }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[expect(clippy::print_stderr, reason = "a developer's tool talks to the terminal")]
fn say(text: &str) {
    eprintln!("{text}");
}
