//! Two operators who peer their nodes by command, and payments each way.

use serde_json::{Value, json};

use crate::support::{Node, jirani, packets::prepare, stub::Stub, terminal::Terminal};

/// Runs a command on a node, which has to succeed, and returns its output.
fn run(node: &Node, arguments: &[&str]) -> String {
    let mut command = jirani();
    command.args(arguments).env("JIRANI_ADMIN_URL", format!("http://{}", node.admin));
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn json_of(node: &Node, arguments: &[&str]) -> Value {
    serde_json::from_str(&run(node, &[arguments, &["--json"]].concat())).unwrap()
}

fn nodes() -> [Node; 2] {
    ["test.here", "test.there"].map(|address| {
        let node = Node::start_with(&[("JIRANI_ILP_ADDRESS", address)]);
        run(&node, &["asset", "add", "USD", "2"]);
        node
    })
}

/// Runs the command that the other operator sent, with another initial liquidity.
fn paste(node: &Node, command: &str, liquidity: &str) {
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    run(node, &[&words[..], &["--liquidity", liquidity]].concat());
}

#[test]
fn two_nodes_are_peered_by_one_command_each_and_pay_each_way_by_stream() {
    let [here, there] = nodes();
    let (our_endpoint, their_endpoint) = (here.ilp.to_string(), there.ilp.to_string());
    let peer = ["peer", "add", "--address", "test.there", "--endpoint", &their_endpoint];
    let agreed = ["--asset", "USD", "--max-packet-amount", "0.01", "--liquidity", "50"];
    let ours = ["--our-endpoint", &our_endpoint];
    let added = json_of(&here, &[&peer[..], &agreed, &ours].concat());
    paste(&there, added["otherSide"]["command"].as_str().unwrap(), "50");

    let [alice, bob] = [(&here, "alice"), (&there, "bob")].map(|(node, name)| {
        let url = format!("http://{}/{name}", node.wallet);
        run(node, &["wallet", "add", &url, "--asset", "USD"]);
        url
    });
    let pay = |node: &Node, from: &str, to: &str, amount: &str| {
        json_of(node, &["pay", to, "--from", from, "--send", amount, "--yes"])
    };
    let liquidity =
        |node: &Node, peer: &str| json_of(node, &["peer", "show", peer])["liquidity"].clone();
    for (paid, amount, packets) in [
        (pay(&here, &alice, &bob, "12.50"), "1250", 1_250),
        (pay(&there, &bob, &alice, "7.05"), "705", 705),
    ] {
        assert_eq!(paid["state"], "COMPLETED", "{paid}");
        assert_eq!(paid["deliveredAmount"]["value"], amount);
        assert_eq!(paid["packets"], packets);
    }
    assert_eq!(liquidity(&here, "test.there"), (5_000 + 1_250 - 705).to_string());
    assert_eq!(liquidity(&there, "test.here"), (5_000 - 1_250 + 705).to_string());
    let of =
        |node: &Node, wallet: &str| json_of(node, &["wallet", "show", wallet])["liquidity"].clone();
    assert_eq!((of(&here, &alice), of(&there, &bob)), (json!("705"), json!("1250")));
}

#[test]
fn whoever_sits_at_a_terminal_is_asked_and_the_other_side_enters_what_is_printed() {
    let [here, there] = nodes();
    let mut command = jirani();
    command.args(["peer", "add"]).env("JIRANI_ADMIN_URL", format!("http://{}", here.admin));
    let mut terminal = Terminal::start(&mut command);
    // USD is the only asset, so an empty line takes it.
    terminal.answer("the asset that both sides count in (USD)", "");
    terminal.answer("their ILP address", "no address");
    terminal.answer("their ILP address", "test.there");
    terminal.answer("where they take packets", &there.ilp.to_string());
    terminal.answer("what you call them", "Them over there");
    terminal.answer("the most that one packet may carry", "12.345");
    terminal.answer("the most that one packet may carry", "10");
    terminal.answer("their credit line", "50");
    terminal.answer("where they reach this node", &here.ilp.to_string());
    let (screen, status) = terminal.end();
    assert_eq!(status, Some(0), "{screen}");
    assert!(screen.contains("added test.there"), "{screen}");
    let entered = screen.lines().find_map(|line| line.strip_prefix("  jirani peer add "));
    let entered = entered.unwrap_or_else(|| panic!("no command on the screen: {screen}"));
    paste(&there, &format!("jirani peer add {entered}"), "50");
    let shown = json_of(&here, &["peer", "show", "test.there"]);
    assert_eq!(
        (&shown["name"], &shown["maxPacketAmount"]),
        (&json!("Them over there"), &json!("1000"))
    );

    // Each side's alice pays the other side's bob.
    let bob = Stub::fulfilling();
    for (node, address) in [(&here, "test.here"), (&there, "test.there")] {
        let assets = json_of(node, &["asset", "list"]);
        let asset = assets[0]["id"].as_str().unwrap();
        node.create_peer(asset, &format!("{address}.alice"), "http://127.0.0.1:1", json!({}));
        node.create_peer(asset, &format!("{address}.bob"), &bob.endpoint(), json!({}));
    }
    here.sender("test.here.alice").fulfilled(&prepare("test.there.bob", 1_000));
    there.sender("test.there.alice").fulfilled(&prepare("test.here.bob", 700));
    here.sender("test.here.alice").rejected(&prepare("test.there.bob", 1_001));
}

#[test]
fn a_dialogue_that_is_cut_short_has_done_nothing() {
    let [here, _there] = nodes();
    let mut command = jirani();
    command.args(["peer", "add"]).env("JIRANI_ADMIN_URL", format!("http://{}", here.admin));
    let mut terminal = Terminal::start(&mut command);
    // A new asset is added at once, and no other record before the last answer.
    terminal.answer("the asset that both sides count in", "");
    terminal.answer("their ILP address", "test.there");
    // The end of the input, Ctrl-D.
    terminal.answer("where they take packets", "\u{4}");
    let (screen, status) = terminal.end();
    assert_eq!(status, Some(1), "{screen}");
    assert!(screen.contains("the answers ended"), "{screen}");
    assert_eq!(json_of(&here, &["peer", "list"]), json!([]));
}
