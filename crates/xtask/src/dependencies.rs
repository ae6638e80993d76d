//! Dependencies point down only, some libraries are named by one crate alone, and no two folders of a
//! crate name each other.

mod circles;

use std::process::Command;

use crate::root;

/// Each crate, and the crates of this workspace that it may name.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("interledger-packet", &[]),
    ("ilp-connector", &["ilp-net", "interledger-packet"]),
    ("ilp-http", &["ilp-net", "interledger-packet"]),
    ("ilp-net", &["interledger-packet"]),
    ("ilp-store", &["ilp-connector", "interledger-packet"]),
    ("ilp-store-postgres", &["ilp-store"]),
    ("ilp-stream", &["interledger-packet"]),
    ("ilp-operator", &["ilp-net", "ilp-store", "ilp-connector", "interledger-packet"]),
    ("ilp-admin", &["ilp-operator", "ilp-store", "ilp-connector", "interledger-packet"]),
    ("ilp-pages", &["ilp-operator", "ilp-store", "ilp-connector", "interledger-packet"]),
    ("ilp-admin-client", &[]),
    (
        "jirani",
        &[
            "ilp-admin",
            "ilp-admin-client",
            "ilp-http",
            "ilp-net",
            "ilp-operator",
            "ilp-pages",
            "ilp-store",
            "ilp-store-postgres",
            "ilp-stream",
            "ilp-connector",
            "interledger-packet",
        ],
    ),
    ("xtask", &[]),
];

/// Libraries that a crate must not depend on, not even through others, so that it stays testable
/// without a runtime, a disk or a socket.
const NEVER: &[(&str, &[&str])] = &[
    ("interledger-packet", &["tokio", "serde", "chrono", "regex"]),
    ("ilp-connector", &["tokio", "hyper", "sled", "serde_json"]),
    ("ilp-store", &["tokio", "hyper", "async-graphql"]),
    ("ilp-http", &["sled", "async-graphql"]),
    ("ilp-store-postgres", &["hyper", "async-graphql"]),
    ("ilp-net", &["tokio", "hyper", "async-graphql"]),
    ("ilp-operator", &["async-graphql", "axum", "hyper", "maud"]),
    ("ilp-pages", &["async-graphql"]),
    ("ilp-admin-client", &["tokio", "hyper", "async-graphql"]),
    ("ilp-stream", &["tokio", "serde", "rand"]),
];

/// Libraries that one crate alone names, so that replacing one is a change of one crate.
const NAMED_BY_ONE: &[(&str, &str)] = &[
    ("sled", "ilp-store"),
    ("async-graphql", "ilp-admin"),
    ("tokio-postgres", "ilp-store-postgres"),
];

/// Crates whose folders name each other still.
const WITH_CIRCLES: &[&str] = &["ilp-connector", "ilp-pages", "jirani"];

pub(crate) fn check() -> Result<(), String> {
    let crates: Vec<&str> = MAY_NAME.iter().map(|(name, _)| *name).collect();
    let mut faults = Vec::new();
    for (name, allowed) in MAY_NAME {
        let direct = tree(name, &["--depth", "1"])?;
        for dependency in direct.iter().filter(|dependency| crates.contains(&dependency.as_str())) {
            if dependency != name && !allowed.contains(&dependency.as_str()) {
                faults.push(format!("{name} must not depend on {dependency}"));
            }
        }
        for (library, owner) in NAMED_BY_ONE {
            if name != owner && direct.iter().any(|dependency| dependency == library) {
                faults.push(format!("only {owner} names {library}, and {name} does"));
            }
        }
    }
    for (name, banned) in NEVER {
        let all = tree(name, &[])?;
        let found = banned.iter().filter(|banned| all.iter().any(|name| name == *banned));
        faults.extend(found.map(|banned| format!("{name} must not depend on {banned}")));
    }
    for (name, _) in MAY_NAME {
        let src = root().join("crates").join(name).join("src");
        let circles = circles::between_folders(&src).map_err(|error| format!("{name}: {error}"))?;
        if !WITH_CIRCLES.contains(name) {
            let line = |circle| format!("{name}: folders name each other: {circle}");
            faults.extend(circles.into_iter().map(line));
        } else if circles.is_empty() {
            faults.push(format!("{name} has no circles any more: take it off WITH_CIRCLES"));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

/// The names of what a crate depends on, itself included.
fn tree(name: &str, arguments: &[&str]) -> Result<Vec<String>, String> {
    let output = Command::new("cargo")
        // By path and not by name: the published interledger-packet, an oracle of our tests, has
        // the name of ours.
        .args([
            "tree",
            "--all-features",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .args(["--manifest-path", &format!("crates/{name}/Cargo.toml")])
        .args(arguments)
        .current_dir(root())
        .output()
        .map_err(|error| format!("cargo tree: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo tree: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
}
