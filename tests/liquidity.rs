//! Deposits and withdrawals on a running node: nothing is booked twice, no balance falls below
//! zero, no money is lost.

use std::{process::Output, thread};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Node, jirani, packets::in_ms, wait_for};

const NOWHERE: &str = "http://127.0.0.1:1";

impl Node {
    /// Runs a liquidity mutation under a fresh key, and returns `code` and `message` of its answer.
    fn money(&self, mutation: &str, mut input: Value) -> (String, String) {
        input["idempotencyKey"] = json!(Uuid::new_v4());
        let (first, rest) = mutation.split_at(1);
        let query = format!(
            "mutation($input: {}{rest}Input!) {{ {mutation}(input: $input) {{ code message }} }}",
            first.to_uppercase()
        );
        let answer = self.query(&query, json!({ "input": input }))[mutation].clone();
        let text = |member: &str| answer[member].as_str().unwrap().to_owned();
        (text("code"), text("message"))
    }

    fn deposit(&self, peer: &str, amount: Value) -> (String, String) {
        let input = json!({ "peerId": peer, "id": Uuid::new_v4(), "amount": amount });
        self.money("depositPeerLiquidity", input)
    }

    fn withdraw(&self, peer: &str, id: Uuid, amount: u64, timeout_s: u64) -> (String, String) {
        let input =
            json!({ "peerId": peer, "id": id, "amount": amount, "timeoutSeconds": timeout_s });
        self.money("createPeerLiquidityWithdrawal", input)
    }

    fn end(&self, mutation: &str, id: Uuid) -> (String, String) {
        self.money(mutation, json!({ "withdrawalId": id }))
    }

    fn peer_with(&self, asset: &str, address: &str, liquidity: u64) -> String {
        self.create_peer(asset, address, NOWHERE, json!({ "initialLiquidity": liquidity }))
    }
}

/// Runs `work` on twelve threads at once.
fn at_once<T: Send>(work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..12)
            .map(|number| {
                scope.spawn({
                    let work = &work;
                    move || work(number)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn of_twelve_withdrawals_of_all_at_once_exactly_one_succeeds() {
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let peer = node.peer_with(&asset, "test.alice", 100);
    let answers = at_once(|_| node.withdraw(&peer, Uuid::new_v4(), 100, 0));
    let done = answers.iter().filter(|(code, _)| code == "200").count();
    let short = ("403".to_owned(), "Insufficient transfer balance".to_owned());
    assert_eq!((done, answers.iter().filter(|answer| **answer == short).count()), (1, 11));
    assert_eq!(node.liquidity(&peer), 0);
}

#[test]
fn of_twelve_deposits_under_one_id_exactly_one_is_booked() {
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let peer = node.peer_with(&asset, "test.alice", 0);
    let id = Uuid::new_v4();
    let answers = at_once(|_| {
        node.money("depositPeerLiquidity", json!({ "peerId": peer, "id": id, "amount": 7 }))
    });
    assert_eq!(answers.iter().filter(|(code, _)| code == "200").count(), 1, "{answers:?}");
    let exists = ("409".to_owned(), "Transfer already exists".to_owned());
    assert_eq!(answers.iter().filter(|answer| **answer == exists).count(), 11, "{answers:?}");
    assert_eq!(node.liquidity(&peer), 7);
}

#[test]
fn deposits_are_booked_exactly_or_refused() {
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let amounts = [1, (1 << 53) + 1, (1 << 63) - 1, 1 << 63, u64::MAX];
    for (number, amount) in amounts.into_iter().enumerate() {
        let peer = node.peer_with(&asset, &format!("test.p{number}"), 0);
        assert_eq!(node.deposit(&peer, json!(amount.to_string())).0, "200", "{amount}");
        assert_eq!(node.liquidity(&peer), amount);
        for wrong in [json!(0), json!(-1), json!("18446744073709551616"), json!("1e3")] {
            let (code, _) = node.deposit(&peer, wrong.clone());
            assert!(code == "403" || code == "400", "{wrong}: {code}");
        }
        assert_eq!(
            node.deposit(&peer, json!((u64::MAX - amount).to_string())).0,
            if amount == u64::MAX { "403" } else { "200" }
        );
        assert_eq!(node.deposit(&peer, json!(1)).0, "400", "the total would not fit");
        assert_eq!(node.liquidity(&peer), u64::MAX);
    }
}

#[test]
fn what_nobody_posts_comes_back_in_time_and_what_is_posted_does_not() {
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let peer = node.peer_with(&asset, "test.alice", 100);
    let (late, posted) = (Uuid::new_v4(), Uuid::new_v4());
    assert_eq!(node.withdraw(&peer, late, 60, 1).0, "200");
    assert_eq!(node.withdraw(&peer, posted, 40, 1).0, "200");
    assert_eq!(node.liquidity(&peer), 0);
    assert_eq!(node.end("postLiquidityWithdrawal", posted).0, "200");
    // No request reads the withdrawal in between: the node expires it by itself.
    wait_for("the withdrawal's end", || (node.liquidity(&peer) == 60).then_some(()));
    let expired = ("403".to_owned(), "Transfer already expired".to_owned());
    assert_eq!(node.end("postLiquidityWithdrawal", late), expired);
    let unknown = ("404".to_owned(), "Unknown transfer".to_owned());
    assert_eq!(node.end("voidLiquidityWithdrawal", Uuid::new_v4()), unknown);
}

#[test]
fn a_kill_keeps_what_is_pending_and_its_time() {
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let peer = node.peer_with(&asset, "test.alice", 100);
    let [posted, voided, late] = [(); 3].map(|()| Uuid::new_v4());
    for (id, amount, timeout_s) in [(posted, 10, 3600), (voided, 20, 3600), (late, 30, 1)] {
        assert_eq!(node.withdraw(&peer, id, amount, timeout_s).0, "200");
    }
    // The last withdrawal was made before now, for one second.
    let late_ends = in_ms(1_000);
    let dir = node.kill();
    wait_for("the end of the withdrawal's time", || (in_ms(0) > late_ends).then_some(()));
    let node = dir.start();
    // The withdrawal that expired while the node was down is voided at the start.
    wait_for("the withdrawal's end", || (node.liquidity(&peer) == 70).then_some(()));
    assert_eq!(node.end("postLiquidityWithdrawal", posted).0, "200");
    assert_eq!(node.end("voidLiquidityWithdrawal", voided).0, "200");
    let node = node.kill().start();
    assert_eq!(node.liquidity(&peer), 90);
    let posted_already = ("409".to_owned(), "Transfer already posted".to_owned());
    assert_eq!(node.end("postLiquidityWithdrawal", posted), posted_already);
    let voided_already = ("409".to_owned(), "Transfer already voided".to_owned());
    assert_eq!(node.end("voidLiquidityWithdrawal", voided), voided_already);
}

#[test]
fn a_deleted_peers_liquidity_goes_to_settlement_and_its_books_stay() {
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let peer = node.peer_with(&asset, "test.alice", 100);
    let pending = Uuid::new_v4();
    node.withdraw(&peer, pending, 30, 3600);
    let delete = "mutation($input: DeletePeerInput!) { deletePeer(input: $input) { success } }";
    node.query(delete, json!({ "input": { "id": peer } }));
    assert_eq!(node.end("voidLiquidityWithdrawal", pending).0, "200");
    let query = "query($id: String!) { accountingTransfers(id: $id) {
        debits { amount state transferType } credits { amount } } }";
    let books = node.query(query, json!({ "id": peer }))["accountingTransfers"].clone();
    let row = |amount: &str, state: &str| json!({ "amount": amount, "state": state, "transferType": "WITHDRAWAL" });
    let debits = [row("30", "POSTED"), row("70", "POSTED"), row("30", "VOIDED")];
    assert_eq!(books["debits"], json!(debits));
    assert_eq!(books["credits"], json!([{ "amount": "100" }]));
}

fn run_on(node: &Node, arguments: &[&str]) -> Output {
    let url = format!("http://{}", node.admin);
    jirani().args(arguments).env("JIRANI_ADMIN_URL", url).output().unwrap()
}

fn text(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}

#[test]
fn money_moves_by_command_line() {
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let peer = node.peer_with(&asset, "test.alice", 0);
    let ok = |arguments: &[&str]| {
        let output = run_on(&node, &[&["liquidity"], arguments].concat());
        assert!(output.status.success(), "{}", text(&output));
        text(&output)
    };
    assert!(ok(&["deposit", "12.50", "--peer", "test.alice"]).contains("deposited 12.50"));
    ok(&["deposit", "3", "--asset", "USD"]);
    assert_eq!(node.liquidity(&peer), 1_250);
    let id = Uuid::new_v4().to_string();
    let told = ok(&["withdraw", "2.5", "--peer", &peer, "--timeout", "600", "--id", &id]);
    assert!(told.contains(&format!("jirani liquidity post {id}")), "{told}");
    assert_eq!(node.liquidity(&peer), 1_000);
    ok(&["void", &id]);
    assert_eq!(node.liquidity(&peer), 1_250);
    let told = ok(&["withdraw", "12.50", "--peer", "test.alice", "--json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["amount"], "1250");
    for (arguments, code, said) in [
        (&["withdraw", "0.01", "--peer", "test.alice"][..], 1, "Insufficient transfer balance"),
        (&["post", &id], 1, "Transfer already voided"),
        (&["deposit", "1.001", "--asset", "USD"], 1, "decimal places"),
        (&["deposit", "1", "--peer", "test.nobody"], 1, "there is no peer test.nobody"),
        (&["deposit", "1"], 2, "--peer"),
    ] {
        let output = run_on(&node, &[&["liquidity"], arguments].concat());
        assert_eq!(output.status.code(), Some(code), "{}", text(&output));
        assert!(text(&output).contains(said), "{}", text(&output));
    }
}

#[test]
fn the_books_are_verified_and_exported_when_stopped_and_from_a_backup_when_not() {
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let peer = node.peer_with(&asset, "test.alice", 100);
    node.withdraw(&peer, Uuid::new_v4(), 40, 0);
    let data = node.dir.data();
    let ledger = |arguments: &[&str], dir: &std::path::Path| {
        let dir = ["--data-dir", dir.to_str().unwrap()];
        jirani().arg("ledger").args(arguments).args(dir).output().unwrap()
    };
    let in_use = ledger(&["verify"], &data);
    assert_eq!(in_use.status.code(), Some(74), "{}", text(&in_use));
    assert!(text(&in_use).contains("jirani backup DIR"), "{}", text(&in_use));

    let backup = node.dir.temp.path().join("backup");
    let copied = run_on(&node, &["backup", backup.to_str().unwrap()]);
    assert!(copied.status.success(), "{}", text(&copied));
    let again = run_on(&node, &["backup", backup.to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(1), "{}", text(&again));
    assert!(text(&again).contains("not empty"), "{}", text(&again));
    let dir = node.stop();
    for store in [&backup, &data] {
        let verified = ledger(&["verify"], store);
        assert!(verified.status.success(), "{}", text(&verified));
        assert!(text(&verified).contains("the books add up"), "{}", text(&verified));
        let exported = ledger(&["export", "--account", &peer], store);
        assert!(exported.status.success(), "{}", text(&exported));
        assert_eq!(String::from_utf8_lossy(&exported.stdout).lines().count(), 3);
        let everything = ledger(&["export", "--format", "json"], store);
        assert!(everything.status.success() && text(&everything).contains("100"));
    }
    let missing = ledger(&["verify"], &dir.temp.path().join("nothing"));
    assert_eq!(missing.status.code(), Some(74), "{}", text(&missing));
    assert!(!dir.temp.path().join("nothing").exists());
}

#[test]
fn a_transfer_repeated_under_its_id_is_booked_already_and_another_one_is_refused() {
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let peer = node.peer_with(&asset, "test.alice", 0);
    node.peer_with(&asset, "test.bob", 0);
    let run = |arguments: &[&str]| {
        let output = run_on(&node, &[&["liquidity"], arguments].concat());
        (output.status.code(), text(&output))
    };
    let ids = [(); 3].map(|()| Uuid::new_v4().to_string());
    let deposit = |amount, owner, name| run(&["deposit", amount, owner, name, "--id", &ids[0]]);
    let (code, said) = deposit("5", "--peer", "test.alice");
    assert!(code == Some(0) && said.contains("deposited 5"), "{said}");
    for amount in ["5", "5.00"] {
        let (code, said) = deposit(amount, "--peer", "test.alice");
        assert!(code == Some(0) && said.contains("already booked"), "{said}");
    }
    let (_, told) = run(&["deposit", "5", "--peer", &peer, "--id", &ids[0], "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&told).unwrap()["alreadyBooked"], true);
    for (amount, owner, name) in
        [("5.01", "--peer", "test.alice"), ("5", "--peer", "test.bob"), ("5", "--asset", "USD")]
    {
        let (code, said) = deposit(amount, owner, name);
        assert!(code == Some(1) && said.contains("used for another transfer"), "{said}");
    }
    assert_eq!(node.liquidity(&peer), 500);
    let withdraw = |amount, timeout, id: &String| {
        run(&["withdraw", amount, "--peer", "test.alice", "--timeout", timeout, "--id", id])
    };
    assert_eq!(withdraw("4", "0", &ids[1]).0, Some(0));
    // Less than the amount is left, and the repeated call succeeds because the withdrawal is booked
    // already.
    let (code, said) = withdraw("4", "0", &ids[1]);
    assert!(code == Some(0) && said.contains("already booked"), "{said}");
    assert_eq!(withdraw("4", "60", &ids[1]).0, Some(1));
    assert_eq!(withdraw("4", "0", &ids[0]).0, Some(1), "the deposit's id");
    assert_eq!(withdraw("1", "600", &ids[2]).0, Some(0));
    assert_eq!(withdraw("1", "600", &ids[2]).0, Some(0));
    assert_eq!(withdraw("1", "601", &ids[2]).0, Some(1));
    assert_eq!(node.liquidity(&peer), 0);
    assert_eq!(run(&["void", &ids[2]]).0, Some(0));
    let (code, said) = withdraw("1", "600", &ids[2]);
    assert!(code == Some(1) && said.contains("has come back"), "{said}");
    assert_eq!(node.liquidity(&peer), 100);
}
