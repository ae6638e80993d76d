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
    // The configuration's secret gives access to the node that runs with it.
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
fn what_was_added_is_shown_changed_and_removed() {
    let node = Node::start();
    let ok = |arguments: &[&str]| {
        let output = run_on(&node, arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        text(&output)
    };
    assert!(ok(&["asset", "list"]).contains("add one: jirani asset add"));
    assert!(ok(&["peer", "list"]).contains("add one: jirani peer add"));
    ok(&["asset", "add", "USD", "2"]);
    let peer = ["peer", "add", "--asset", "USD", "--address", "test.bob", "--liquidity", "5"];
    ok(&[&peer[..], &["--endpoint", "127.0.0.1:1", "--outgoing-token", "first"]].concat());

    let update = ["peer", "update", "test.bob", "--max-packet-amount", "12.50", "--name", "Bob"];
    ok(&[&update[..], &["--endpoint", "127.0.0.1:2", "--route", "test.far"]].concat());
    let shown = ok(&["peer", "show", "test.bob"]);
    for part in ["Bob", "12.50 USD", "5.00 USD", "127.0.0.1:2", "test.bob test.far"] {
        assert!(shown.contains(part), "{shown}");
    }
    let query = "{ peers { edges { node { http { outgoing { authToken } } } } } }";
    let peers = node.query(query, json!({}))["peers"].clone();
    assert_eq!(peers["edges"][0]["node"]["http"]["outgoing"]["authToken"], "first");
    ok(&["peer", "update", "test.bob", "--max-packet-amount", "none", "--route", "none"]);
    let shown: Value = serde_json::from_str(&ok(&["peer", "show", "test.bob", "--json"])).unwrap();
    assert_eq!((&shown["maxPacketAmount"], &shown["routes"]), (&json!(null), &json!(["test.bob"])));

    ok(&["asset", "update", "USD", "--liquidity-threshold", "100"]);
    assert!(ok(&["asset", "list"]).contains("100.00"));
    for (arguments, code, said) in [
        (&["asset", "remove", "USD", "--yes"][..], 1, "remove its peers"),
        (&["asset", "add", "USD", "2"], 1, "jirani asset list shows it"),
        (&["peer", "remove", "test.bob"], 2, "--yes"),
        (&["peer", "show", "test.bob.alice"], 1, "there is no peer test.bob.alice"),
        (&["peer", "update", "test.bob"], 2, "nothing to change"),
        (&["peer", "add"], 2, "where nobody can be asked"),
    ] {
        let output = run_on(&node, arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output));
        assert!(text(&output).contains(said), "{arguments:?}: {}", text(&output));
    }
    assert!(ok(&["peer", "remove", "test.bob", "--yes"]).contains("5.00 USD went to settlement"));
    ok(&["asset", "remove", "USD", "--yes"]);
    let events = ok(&["events", "list"]);
    assert!(events.contains("asset.liquidity_low"), "a threshold above what there is: {events}");
}

#[test]
fn rates_fees_and_wallets_are_set_and_shown_and_a_payment_is_made() {
    let node = Node::start();
    let ok = |arguments: &[&str]| {
        let output = run_on(&node, arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        text(&output)
    };
    for (code, stock) in [("USD", "100"), ("EUR", "100")] {
        ok(&["asset", "add", code, "2"]);
        ok(&["liquidity", "deposit", stock, "--asset", code]);
    }
    assert!(ok(&["rate", "list"]).contains("set one: jirani rate set"));
    assert!(ok(&["rate", "set", "USD", "EUR", "0.92"]).contains("1 USD is worth 0.92 EUR"));
    let rates = ok(&["rate", "list"]);
    assert!(rates.contains("0.92") && rates.contains("INVERSE"), "{rates}");
    assert!(ok(&["fee", "set", "USD", "--percent", "1.5"]).contains("cost 1.50% and 0.00 USD"));
    let (alice, bob) = ("$wallet.example.com/alice", "https://wallet.example.com/bob");
    let added = ok(&["wallet", "add", alice, "--asset", "USD", "--name", "Alice"]);
    assert!(added.contains("it is paid as $wallet.example.com/alice"), "{added}");
    ok(&["wallet", "add", bob, "--asset", "EUR"]);
    let listed = ok(&["wallet", "list"]);
    assert!(listed.contains("Alice") && listed.contains("wallet.example.com/bob"), "{listed}");

    let pay = ["pay", bob, "--from", alice];
    let paid = ok(&[&pay[..], &["--deliver", "9.20", "--yes"]].concat());
    for part in ["of it fee", "sent 10.00 USD, 9.20 EUR arrived", "took out the fee of 0.15 USD"] {
        assert!(paid.contains(part), "{paid}");
    }
    let paid = ok(&[&pay[..], &["--send", "5.08", "--yes", "--json"]].concat());
    let paid: Value = serde_json::from_str(&paid).unwrap();
    assert_eq!(paid["state"], "COMPLETED", "{paid}");
    let shown = ok(&["wallet", "show", "$wallet.example.com/bob", "--json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let delivered: u64 = paid["deliveredAmount"]["value"].as_str().unwrap().parse().unwrap();
    assert_eq!(shown["liquidity"], (920 + delivered).to_string());
    assert!(ok(&["wallet", "show", alice]).contains("COMPLETED"));
    let withdrawn = ok(&["wallet", "withdraw", bob]);
    assert!(withdrawn.contains("withdrew") && withdrawn.contains("EUR"), "{withdrawn}");
    let not_said = run_on(&node, &[&pay[..], &["--send", "5"]].concat());
    assert_eq!(not_said.status.code(), Some(2), "{}", text(&not_said));
    assert!(text(&not_said).contains("say --yes"), "{}", text(&not_said));
    ok(&["rate", "delete", "USD", "EUR"]);

    let nobody = "$wallet.example.com/carol";
    for (arguments, code, said) in [
        (&["pay", bob, "--from", alice, "--send", "5", "--yes"][..], 1, "setRate"),
        (&["pay", bob, "--from", nobody, "--send", "5", "--yes"], 1, "jirani wallet add"),
        (&["pay", "bob", "--from", alice, "--send", "5", "--yes"], 2, "a payment pointer such as"),
        (&["wallet", "add", alice, "--asset", "USD"], 1, "jirani wallet list shows it"),
        (&["wallet", "add", bob, "--asset", "XYZ"], 1, "jirani asset add"),
        (&["rate", "set", "USD", "EUR", "-1"], 2, "unexpected argument"),
        (&["rate", "set", "USD", "EUR", "x"], 1, "such as 0.92"),
        (&["rate", "delete", "USD", "EUR"], 1, "rate"),
        (&["fee", "set", "USD", "--percent", "101"], 1, "not a percentage"),
    ] {
        let output = run_on(&node, arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output));
        assert!(text(&output).contains(said), "{arguments:?}: {}", text(&output));
    }
}

#[test]
fn peering_is_one_command_on_each_side() {
    let nodes = ["test.here", "test.there"]
        .map(|address| Node::start_with(&[("JIRANI_ILP_ADDRESS", address)]));
    let [here, there] = &nodes;
    let bob = Stub::fulfilling();
    for (node, address) in nodes.iter().zip(["test.here", "test.there"]) {
        let asset = node.create_asset("USD", 2);
        let own = |name: &str| format!("{address}.{name}");
        node.create_peer(&asset, &own("alice"), "http://127.0.0.1:1", json!({}));
        node.create_peer(&asset, &own("bob"), &bob.endpoint(), json!({}));
    }
    let (our_endpoint, their_endpoint) = (here.ilp.to_string(), there.ilp.to_string());
    let agreed = ["--asset", "USD", "--max-packet-amount", "10", "--liquidity", "50"];
    let peer = ["peer", "add", "--address", "test.there", "--endpoint", &their_endpoint];
    let more = ["--our-endpoint", &our_endpoint, "--json"];
    let added = run_on(here, &[&peer[..], &agreed, &more].concat());
    assert!(added.status.success(), "{}", text(&added));
    let added: Value = serde_json::from_slice(&added.stdout).unwrap();
    let entered = added["otherSide"]["command"].as_str().unwrap();
    // The other operator pastes the command.
    let words: Vec<&str> = entered.split(' ').skip(1).collect();
    let pasted = run_on(there, &[&words[..], &["--liquidity", "50"]].concat());
    assert!(pasted.status.success(), "{entered}: {}", text(&pasted));
    let input = &added["otherSide"]["variables"]["input"];
    assert_eq!(
        (&input["staticIlpAddress"], &input["maxPacketAmount"]),
        (&json!("test.here"), &json!("1000"))
    );
    for (from, to) in [(here, "test.there"), (there, "test.here")] {
        let pinged = run_on(from, &["ping", to]);
        assert!(pinged.status.success(), "{}", text(&pinged));
    }
    // Each side's alice pays the other side's bob.
    here.sender("test.here.alice").fulfilled(&prepare("test.there.bob", 300));
    there.sender("test.there.alice").fulfilled(&prepare("test.here.bob", 100));
    for (node, towards, left) in [(here, "test.there", "52.00"), (there, "test.here", "48.00")] {
        let shown = text(&run_on(node, &["peer", "show", towards]));
        assert!(shown.contains(left), "{shown}");
    }
}

#[test]
fn queries_are_signed_where_there_is_a_secret() {
    const SECRET: &str = "a secret of more than 16 characters";
    let node = Node::start_with(&[("JIRANI_ADMIN_SECRET", SECRET)]);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("query.graphql");
    fs::write(&file, "query($address: String!) { ping(address: $address) { answered } }").unwrap();
    let file = file.to_str().unwrap();
    let variables = "{\"address\": \"test.jirani\", \"\u{e9}\": 1.50}";
    let graphql = ["graphql", file, "--variables", variables];
    let answered = run_on(&node, &[&graphql[..], &["--secret", SECRET]].concat());
    assert!(answered.status.success(), "{}", text(&answered));
    let answer: Value = serde_json::from_slice(&answered.stdout).unwrap();
    assert_eq!(answer["data"]["ping"]["answered"], true, "{answer}");
    let other =
        run_on(&node, &[&graphql[..], &["--secret", "another secret of some length"]].concat());
    assert_eq!(other.status.code(), Some(1));
    assert!(text(&other).contains("admin.secret"), "{}", text(&other));
    fs::write(file, "{ nonsense }").unwrap();
    let refused = run_on(&node, &["graphql", file, "--secret", SECRET]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused).contains("Unknown field"), "{}", text(&refused));
}

#[test]
fn shells_are_told_what_there_is() {
    for (shell, said) in
        [("bash", "complete -F"), ("zsh", "#compdef jirani"), ("fish", "complete -c jirani")]
    {
        let script = run(&["completions", shell]);
        assert!(script.status.success() && text(&script).contains(said), "{}", text(&script));
    }
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
