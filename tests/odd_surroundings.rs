//! The command line in odd surroundings: a reader that closes the pipe early, a full disk,
//! arguments and files that are not UTF-8.

use std::{
    ffi::OsString,
    fs::{self, File},
    os::unix::ffi::OsStringExt,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::json;

use crate::support::{
    DataDir, Node, jirani,
    packets::{fulfill, prepare},
    stub::{Answer, Stub},
};

fn on(node: &Node, arguments: &[&str]) -> Command {
    let mut command = jirani();
    command.args(arguments).env("JIRANI_ADMIN_URL", format!("http://{}", node.admin));
    command
}

/// Runs a command whose output is not read.
fn unread(mut command: Command) -> Output {
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(process.stdout.take());
    process.wait_with_output().unwrap()
}

fn errors(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!errors.contains("panicked"), "{errors}");
    errors
}

#[test]
fn a_reader_who_has_enough_is_no_failure_and_a_full_disk_is() {
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", json!({}));
    let query = node.dir.temp.path().join("query.graphql");
    fs::write(&query, "{ peers { edges { node { id } } } }").unwrap();
    let query = query.to_str().unwrap();
    let listed: &[&[&str]] = &[
        &["peer", "list"],
        &["peer", "list", "--json"],
        &["asset", "list"],
        &["graphql", query],
        &["completions", "bash"],
        &["--help"],
    ];
    for arguments in listed {
        let output = unread(on(&node, arguments));
        assert!(output.status.success(), "{arguments:?}: {}", errors(&output));
        assert_eq!(errors(&output), "", "{arguments:?}");
        if *arguments != ["--help"] {
            let full = File::options().write(true).open("/dev/full").unwrap();
            let output = on(&node, arguments).stdout(full).output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", errors(&output));
            assert!(errors(&output).contains("the output can't be written"), "{arguments:?}");
        }
    }
    // A command does its work even if its output is not read.
    assert!(unread(on(&node, &["asset", "add", "EUR", "2"])).status.success());
    assert!(on(&node, &["asset", "remove", "EUR", "--yes"]).output().unwrap().status.success());

    let dir = node.stop();
    let export = || {
        let mut command = jirani();
        command.args(["ledger", "export", "--data-dir"]).arg(dir.data());
        command
    };
    let output = unread(export());
    assert!(output.status.success(), "{}", errors(&output));
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = export().stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
}

#[test]
fn where_nobody_hears_a_complaint_the_exit_code_still_tells_it() {
    let mut command = jirani();
    command.args(["asset", "list", "--url", "http://127.0.0.1:1"]);
    let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    drop(process.stderr.take());
    assert_eq!(process.wait().unwrap().code(), Some(1));
}

#[test]
fn arguments_variables_and_files_that_are_no_text_are_told_as_such() {
    let no_text = || OsString::from_vec(b"hush\xff".to_vec());
    let dir = tempfile::tempdir().unwrap();
    let run = |configure: &dyn Fn(&mut Command)| -> (Option<i32>, String) {
        let mut command = jirani();
        command.current_dir(dir.path()).env("JIRANI_DATA_DIR", dir.path().join("data"));
        configure(&mut command);
        let output = command.output().unwrap();
        (output.status.code(), errors(&output))
    };
    let (code, said) = run(&|it| {
        it.args(["asset", "add"]).arg(no_text()).arg("2");
    });
    assert_eq!(code, Some(2), "{said}");
    let (code, said) = run(&|it| {
        it.arg("--config").arg(no_text());
    });
    assert_eq!(code, Some(64), "{said}");
    for name in ["JIRANI_ADMIN_SECRET", "ADMIN_API_SECRET"] {
        let (code, said) = run(&|it| {
            it.arg("run").env(name, no_text());
        });
        assert_eq!(code, Some(64), "{said}");
        assert!(said.contains(name) && !said.contains("hush"), "{said}");
    }
    let binary = dir.path().join("binary");
    fs::write(&binary, b"name = \"\xff\"").unwrap();
    for (file, why) in [
        (Path::new("/dev/zero"), "more than 1048576 bytes"),
        (dir.path(), "directory"),
        (&binary, "UTF-8"),
    ] {
        let (code, said) = run(&|it| {
            it.arg("--config").arg(file);
        });
        assert_eq!(code, Some(64), "{said}");
        assert!(said.contains(why), "{said}");
    }
}

/// Makes deposits and sends packets on a node whose log goes to `log`, and stops the node while a
/// packet is in flight. Everything must work as with a log that is read.
fn works_with(log: impl Into<Stdio>) {
    let dir = DataDir::new(&[("JIRANI_ILP_ADDRESS", "test.node")]);
    let mut command = dir.command();
    command.stderr(log);
    let mut node = dir.start_by(command);
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = parking_lot::Mutex::new(held);
    let bob = Stub::start(move |_| {
        let _ = held.lock().recv();
        Answer::Reply(fulfill().into())
    });
    let asset = node.create_asset("USD", 2);
    let alice = node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", json!({}));
    node.create_peer(&asset, "test.bob", &bob.endpoint(), json!({}));
    // Each deposit writes a line to the log, and all of them are more than a pipe takes.
    for number in 0..400 {
        let deposited = node.query(
            "mutation($input: DepositPeerLiquidityInput!) {
                depositPeerLiquidity(input: $input) { code success } }",
            json!({ "input": {
                "id": uuid::Uuid::new_v4(), "peerId": alice, "amount": "1",
                "idempotencyKey": format!("deposit {number}"),
            }}),
        );
        assert_eq!(deposited["depositPeerLiquidity"]["success"], true, "{deposited}");
    }
    assert_eq!(node.liquidity(&alice), 1_000_400);
    let mut sender = node.sender("test.alice");
    sender.write_only(&prepare("test.bob", 1));
    crate::support::wait_for("the packet at its next hop", || {
        (!bob.requests().is_empty()).then_some(())
    });
    node.signal("TERM");
    crate::support::wait_for("the end of listening", || {
        crate::support::http::get(node.admin, "/healthz").err().map(drop)
    });
    release.send(()).unwrap();
    let response = sender.read_response().unwrap();
    assert_eq!(response.status, 200);
    assert_eq!(response.body, fulfill());
    assert_eq!(node.ended().code(), Some(0));
}

#[test]
fn a_log_whose_reader_has_gone_ends_and_fails_nothing() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    works_with(writer);
}

#[test]
fn a_log_whose_reader_does_not_read_ends_and_fails_nothing() {
    let (_reader, writer) = std::io::pipe().unwrap();
    works_with(writer);
}

#[test]
fn a_log_on_a_full_disk_ends_and_fails_nothing() {
    works_with(File::options().write(true).open("/dev/full").unwrap());
}
