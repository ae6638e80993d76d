//! The command line as an operator uses it.

use std::{fs, os::unix::fs::PermissionsExt, process::Output};

use serde_json::{Value, json};

use crate::support::{Node, jirani, packets::prepare, stub::Stub};

fn run(arguments: &[&str]) -> Output {
    jirani().args(arguments).output().unwrap()
}

fn run_on(node: &Node, arguments: &[&str]) -> Output {
    let url = format!("http://{}", node.admin);
    jirani().args(arguments).env("JIRANI_ADMIN_URL", url).output().unwrap()
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn init_writes_a_configuration_once_and_the_node_runs_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let written = run(&["init", path]);
    assert!(written.status.success(), "{}", text(&written));
    let file = dir.path().join("jirani.toml");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let before = fs::read(&file).unwrap();
    let again = run(&["init", path]);
    assert_eq!(again.status.code(), Some(1), "{}", text(&again));
    assert!(text(&again).contains("is there already"));
    assert_eq!(fs::read(&file).unwrap(), before);
    // Its secret opens the node that runs with it.
    let configuration = String::from_utf8(before).unwrap();
    let secret = configuration.lines().find_map(|line| line.strip_prefix("secret = ")).unwrap();
    let node = Node::start_with(&[("JIRANI_CONFIG", file.to_str().unwrap())]);
    let url = format!("http://{}", node.admin);
    let list = ["asset", "list", "--url", &url];
    assert_eq!(run(&list).status.code(), Some(1));
    let with_secret = [&list[..], &["--secret", secret.trim_matches('"')]].concat();
    let listed = run(&with_secret);
    assert!(listed.status.success(), "{}", text(&listed));
}

#[test]
fn assets_and_peers_are_added_and_packets_flow() {
    let (node, bob) = (Node::start(), Stub::fulfilling());
    let added = run_on(&node, &["asset", "add", "USD", "2"]);
    assert!(added.status.success() && text(&added).contains("added USD"), "{}", text(&added));
    let add_peer = |address: &str, endpoint: &str, more: &[&str]| {
        let base = ["peer", "add", "--asset", "USD", "--address", address, "--endpoint", endpoint];
        run_on(&node, &[&base[..], &["--outgoing-token", "theirs"], more].concat())
    };
    let more = ["--liquidity", "100.50", "--max-packet-amount", "10", "--json"];
    let alice = add_peer("test.alice", "http://127.0.0.1:1", &more);
    assert!(alice.status.success(), "{}", text(&alice));
    let alice: Value = serde_json::from_slice(&alice.stdout).unwrap();
    assert_eq!(alice["liquidity"], "10050");
    let bob_added = add_peer("test.bob", &bob.endpoint(), &["--incoming-token", "bobs"]);
    assert!(bob_added.status.success(), "{}", text(&bob_added));

    let token = alice["incomingToken"].as_str().unwrap();
    node.sender(token).fulfilled(&prepare("test.bob", 1_000));
    let listed = text(&run_on(&node, &["peer", "list"]));
    assert!(listed.contains("test.alice") && listed.contains("90.50"), "{listed}");

    let refused = add_peer("test.alice", "http://127.0.0.1:1", &[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused).contains("duplicate peer found"), "{}", text(&refused));
    let too_fine = add_peer("test.carol", "http://127.0.0.1:1", &["--liquidity", "0.001"]);
    assert!(text(&too_fine).contains("decimal places"), "{}", text(&too_fine));
}

#[test]
fn ping_tells_who_answered() {
    let node = Node::start();
    let further = Node::start_with(&[("JIRANI_ILP_ADDRESS", "test.further")]);
    let (asset, other) = (node.create_asset("USD", 2), further.create_asset("USD", 2));
    let http = |endpoint: String, incoming: &str, outgoing: &str| {
        json!({ "http": { "incoming": { "authTokens": [incoming] },
                          "outgoing": { "endpoint": endpoint, "authToken": outgoing } } })
    };
    let there = http(further.ilp.to_string(), "to-node", "to-further");
    node.create_peer(&asset, "test.further", "", there);
    let here = http(node.ilp.to_string(), "to-further", "to-node");
    further.create_peer(&other, "test.node", "", here);

    let reached = run_on(&node, &["ping", "test.further"]);
    assert!(reached.status.success(), "{}", text(&reached));
    assert!(text(&reached).contains("test.further"), "{}", text(&reached));
    let json = run_on(&node, &["ping", "test.further.someone", "--json"]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["triggeredBy"], "test.further");

    let nowhere = run_on(&node, &["ping", "test.nowhere"]);
    assert_eq!(nowhere.status.code(), Some(1), "{}", text(&nowhere));
    assert!(text(&nowhere).contains("no route"), "{}", text(&nowhere));
    assert_eq!(run_on(&node, &["ping", "not an address"]).status.code(), Some(1));
}

#[test]
fn what_goes_wrong_has_its_exit_code_and_says_what_to_do() {
    let usage = run(&["frobnicate"]);
    assert_eq!(usage.status.code(), Some(2));
    let helped = [
        &["--help"][..],
        &["run", "--help"],
        &["peer", "add", "--help"],
        &["asset", "--help"],
        &["peer", "--help"],
        &["liquidity", "--help"],
        &["ledger", "--help"],
        &["ledger", "verify", "--help"],
    ];
    for command in helped {
        let help = run(command);
        assert!(help.status.success() && text(&help).contains("Example"), "{}", text(&help));
    }
    let unreachable = run(&["asset", "list", "--url", "http://127.0.0.1:1"]);
    assert_eq!(unreachable.status.code(), Some(1));
    assert!(text(&unreachable).contains("is the node running"), "{}", text(&unreachable));

    let dir = tempfile::tempdir().unwrap();
    let start = |variables: &[(&str, &str)]| {
        let mut command = jirani();
        command.current_dir(dir.path()).envs(variables.iter().copied());
        command.output().unwrap()
    };
    let wrong = start(&[("JIRANI_ILP_LISTEN", "nowhere")]);
    assert_eq!(wrong.status.code(), Some(64));
    assert!(text(&wrong).contains("ilp.listen = nowhere"), "{}", text(&wrong));
    let missing = start(&[("JIRANI_CONFIG", "/nonexistent/jirani.toml")]);
    assert_eq!(missing.status.code(), Some(64), "{}", text(&missing));
    fs::write(dir.path().join("file"), "").unwrap();
    let no_folder = start(&[("JIRANI_DATA_DIR", "file")]);
    assert_eq!(no_folder.status.code(), Some(74), "{}", text(&no_folder));
}

#[test]
fn an_export_of_one_account_takes_every_owner_there_is_or_was_and_no_other() {
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let bob = node.create_peer(&asset, "test.bob", "http://127.0.0.1:1", json!({}));
    let carol = json!({ "initialLiquidity": "0" });
    let carol = node.create_peer(&asset, "test.carol", "http://127.0.0.1:1", carol);
    let delete = "mutation($input: DeletePeerInput!) { deletePeer(input: $input) { success } }";
    node.query(delete, json!({ "input": { "id": carol } }));
    let dir = node.stop();
    let export = |account: &str| {
        let mut command = jirani();
        command.args(["ledger", "export", "--account", account, "--data-dir"]).arg(dir.data());
        command.output().unwrap()
    };
    let settlement = format!("{asset}:settlement");
    for (account, lines) in [(&bob, 2), (&carol, 1), (&asset, 1), (&settlement, 2)] {
        let exported = export(account);
        assert!(exported.status.success(), "{}", text(&exported));
        assert_eq!(String::from_utf8_lossy(&exported.stdout).lines().count(), lines, "{account}");
    }
    let nobody = uuid::Uuid::new_v4().to_string();
    for unknown in [nobody.clone(), format!("{nobody}:settlement"), "bob".to_owned()] {
        let refused = export(&unknown);
        assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
        assert!(refused.stdout.is_empty());
        assert!(text(&refused).contains(&format!("{unknown} names no account of this node")));
    }
}

#[test]
fn two_nodes_never_share_a_data_folder_or_a_port() {
    let node = Node::start();
    let second = node.dir.command().output().unwrap();
    assert_eq!(second.status.code(), Some(74));
    assert!(node.dir.log().contains("in use"), "{}", node.dir.log());

    let other = crate::support::DataDir::new(&[]);
    let port = node.ilp.to_string();
    let refused = other.command().env("JIRANI_ILP_LISTEN", &port).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(other.log().contains(&port) && other.log().contains("ilp.listen"), "{}", other.log());
}
