//! Every operation of the admin API, each mutation done and refused, in both generations of
//! clients.
//!
//! The older generation selects `code success message` and reads refusals there; today's selects
//! only the object and reads GraphQL errors. The same steps run once for each, on one node; `{g}`
//! in a step is the generation, and `{name}` an id that an earlier step has kept.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    Node,
    stub::{Answer, Stub},
    wait_for,
};

mod payment_steps;
mod staged;
mod steps;

/// An id that no record has, and a text that is not a UUID.
const UNKNOWN: &str = "019926a0-3b5c-7def-8123-456789abcdef";
const NO_ID: &str = "1";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Generation {
    /// Reads `code`, `success` and `message`.
    Documented,
    /// Reads the object, and errors.
    Today,
}

/// A mutation and its expected result.
struct Step {
    mutation: &'static str,
    input: Value,
    /// The message of a success, or the code and the message of a refusal.
    expected: Result<&'static str, (&'static str, &'static str)>,
    /// The name under which the new object's id is kept.
    kept: Option<&'static str>,
}

fn done(mutation: &'static str, input: Value, message: &'static str) -> Step {
    Step { mutation, input, expected: Ok(message), kept: None }
}

fn refused(
    mutation: &'static str,
    input: Value,
    code: &'static str,
    message: &'static str,
) -> Step {
    Step { mutation, input, expected: Err((code, message)), kept: None }
}

impl Step {
    fn keep(self, name: &'static str) -> Self {
        Self { kept: Some(name), ..self }
    }
}

/// One walk through the steps.
struct Walk<'a> {
    node: &'a Node,
    generation: Generation,
    kept: BTreeMap<String, String>,
    /// The operations that were done, and those that were refused.
    seen: BTreeSet<(&'static str, bool)>,
}

impl Walk<'_> {
    fn take(&mut self, steps: Vec<Step>) {
        for step in steps {
            let input = self.filled(&step.input);
            let query = query(step.mutation, self.generation);
            let variables =
                if argument(step.mutation) == "input" { json!({ "input": input }) } else { input };
            let answer = self.node.graphql(&query, variables.clone());
            let context = format!("{} {variables} -> {answer}", step.mutation);
            let data = &answer["data"][step.mutation];
            match (self.generation, step.expected) {
                (Generation::Documented, Ok(message)) => {
                    assert_eq!(data["code"], "200", "{context}");
                    assert_eq!(data["success"], true, "{context}");
                    assert!(text(&data["message"]).starts_with(message), "{context}");
                }
                (Generation::Today, Ok(_)) => assert!(answer["errors"].is_null(), "{context}"),
                (Generation::Documented, Err((code, words))) => {
                    assert!(answer["errors"].is_null(), "{context}");
                    assert_eq!(data["code"], legacy(code), "{context}");
                    assert_eq!(data["success"], false, "{context}");
                    assert!(text(&data["message"]).starts_with(words), "{context}");
                    if let Some((object, _)) = object(step.mutation) {
                        assert!(data[object].is_null(), "{context}");
                    }
                }
                (Generation::Today, Err((code, words))) => {
                    let error = &answer["errors"][0];
                    assert_eq!(error["extensions"]["code"], code, "{context}");
                    assert!(text(&error["message"]).starts_with(words), "{context}");
                }
            }
            self.seen.insert((step.mutation, step.expected.is_ok()));
            if step.expected.is_ok()
                && let Some((object, _)) = object(step.mutation)
            {
                assert!(data[object].is_object(), "{context}");
                if let Some(name) = step.kept {
                    self.kept.insert(name.to_owned(), text(&data[object]["id"]));
                }
            }
        }
    }

    /// Waits for the end of the outgoing payment of this name, and returns its state.
    fn paid(&self, name: &str) -> String {
        text(&self.node.ended_payment(&self.kept[name])["state"])
    }

    /// Returns the mutations that were not both done and refused.
    fn left_out(&self) -> Vec<String> {
        let has = |name: &str, is_done| self.seen.iter().any(|seen| *seen == (name, is_done));
        operations(self.node, "mutationType")
            .into_iter()
            .filter(|name| !has(name, false) || !has(name, true))
            .collect()
    }

    fn filled(&self, input: &Value) -> Value {
        let mut text = input.to_string();
        for (name, value) in &self.kept {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        serde_json::from_str(&text).unwrap()
    }
}

/// Returns the object in a mutation's answer, and the selection of it; most mutations have one.
fn object(mutation: &str) -> Option<(&'static str, &'static str)> {
    Some(match mutation {
        "createAsset" | "updateAsset" | "deleteAsset" => ("asset", "{ id }"),
        "createPeer"
        | "updatePeer"
        | "createOrUpdatePeerByUrl"
        | "addPeerToken"
        | "revokePeerToken"
        | "approvePeeringRequest" => ("peer", "{ id }"),
        "createWalletAddress" | "updateWalletAddress" => ("walletAddress", "{ id }"),
        "createIncomingPayment" | "createOutgoingPayment" | "cancelOutgoingPayment" => {
            ("payment", "{ id }")
        }
        "createQuote" => ("quote", "{ id }"),
        "createWalletAddressWithdrawal" => ("withdrawal", "{ id }"),
        "setFee" => ("fee", "{ id }"),
        _ => return None,
    })
}

fn argument(mutation: &str) -> &'static str {
    match mutation {
        "backup" => "dir",
        "retryWebhookEvent" => "id",
        _ => "input",
    }
}

fn query(mutation: &str, generation: Generation) -> String {
    let argument = argument(mutation);
    let of = match argument {
        "input" => match mutation {
            "createAssetLiquidityWithdrawal" => "CreateAssetLiquidityWithdrawalInput!".to_owned(),
            name => format!("{}{}Input!", name[..1].to_uppercase(), &name[1..]),
        },
        _ => "String!".to_owned(),
    };
    let object = object(mutation).map(|(name, fields)| format!("{name} {fields}"));
    let selected = match generation {
        Generation::Documented => format!("code success message {}", object.unwrap_or_default()),
        Generation::Today => object.unwrap_or_else(|| "success".to_owned()),
    };
    format!(
        "mutation(${argument}: {of}) {{ {mutation}({argument}: ${argument}) {{ {selected} }} }}"
    )
}

fn legacy(code: &str) -> &'static str {
    match code {
        "BAD_USER_INPUT" | "INACTIVE" => "400",
        "FORBIDDEN" => "403",
        "NOT_FOUND" => "404",
        "DUPLICATE" | "CONFLICT" => "409",
        "SERVICE_UNAVAILABLE" => "503",
        _ => "500",
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Returns the operations that the node's schema has.
fn operations(node: &Node, root: &str) -> BTreeSet<String> {
    let query = format!("{{ __schema {{ {root} {{ fields {{ name }} }} }} }}");
    let answer = node.query(&query, json!({}));
    let fields = answer["__schema"][root]["fields"].as_array().unwrap().clone();
    fields.iter().map(|field| text(&field["name"])).collect()
}

#[test]
fn every_mutation_is_done_and_refused_in_both_generations() {
    let receiver = staged::Receiver::start();
    let events_to = receiver.stub.endpoint();
    let nonsense = Stub::start(|_| Answer::Reply(b"nonsense".to_vec()));
    let environment = [
        ("JIRANI_ILP_ADDRESS", "test.node"),
        ("JIRANI_WEBHOOK_URL", &*events_to),
        ("JIRANI_WEBHOOK_ATTEMPTS_MAX", "1"),
        ("JIRANI_AUTO_PEERING", "true"),
        ("JIRANI_AUTO_PEERING_LISTEN", "127.0.0.1:0"),
        ("JIRANI_AUTO_PEERING_APPROVAL", "require"),
        ("JIRANI_AUTO_PEERING_PRIVATE_ENDPOINTS", "true"),
    ];
    let node = Node::start_with(&environment);
    let bob = Stub::fulfilling();
    // This node accepts peering requests; a repeated one renews the tokens.
    let other = Node::start_with(&[
        ("JIRANI_ILP_ADDRESS", "test.other"),
        ("JIRANI_AUTO_PEERING", "true"),
        ("JIRANI_AUTO_PEERING_LISTEN", "127.0.0.1:0"),
        ("JIRANI_AUTO_PEERING_APPROVAL", "auto"),
        ("JIRANI_AUTO_PEERING_LIQUIDITY", "1000"),
        ("JIRANI_AUTO_PEERING_PRIVATE_ENDPOINTS", "true"),
    ]);
    other.create_asset("EUR", 2);
    let shared = node.create_asset("EUR", 2);
    for generation in [Generation::Documented, Generation::Today] {
        let g = if generation == Generation::Documented { "a" } else { "b" };
        let mut kept = BTreeMap::from([
            ("g".to_owned(), g.to_owned()),
            ("wallets".to_owned(), format!("http://{}", node.wallet)),
            ("shared".to_owned(), shared.clone()),
            ("url".to_owned(), format!("http://{}", steps::auto_peering_port(&other))),
            ("nonsense".to_owned(), nonsense.endpoint()),
            ("bob".to_owned(), bob.endpoint()),
            ("dir".to_owned(), node.dir.temp.path().join(g).display().to_string()),
        ]);
        let id = |number| (format!("t{number}"), Uuid::new_v4().to_string());
        kept.extend((0..10).map(id));
        // A node without a secret writes a backup only where its user has asked for one.
        std::fs::create_dir(&kept["dir"]).unwrap();
        std::fs::write(format!("{}/jirani-backup-here", kept["dir"]), "").unwrap();
        let mut walk = Walk { node: &node, generation, kept, seen: BTreeSet::new() };
        walk.take(steps::assets());
        walk.take(steps::peers());
        walk.take(steps::liquidity());
        let peer = walk.kept["peer"].clone();
        wait_for("the withdrawal's end", || (node.liquidity(&peer) == 1_000_050).then_some(()));
        walk.take(steps::expired());
        walk.take(payment_steps::wallets());
        walk.take(payment_steps::payments());
        assert_eq!(walk.paid("payment"), "COMPLETED");
        let incoming = node.query(
            "query($id: String!) { incomingPayment(id: $id) { url } }",
            json!({ "id": walk.kept["incoming"] }),
        );
        walk.kept.insert("invoice".to_owned(), text(&incoming["incomingPayment"]["url"]));
        walk.take(payment_steps::payment_of_an_invoice());
        assert_eq!(walk.paid("payment"), "COMPLETED");
        walk.take(payment_steps::payment_to_nobody());
        assert_eq!(walk.paid("payment"), "FAILED");
        walk.take(payment_steps::what_payments_left());
        for request in steps::peering_requests(&node, g) {
            walk.kept.insert("request".to_owned(), request);
            let answers = walk.seen.contains(&("approvePeeringRequest", true));
            walk.take(steps::peering(answers));
        }
        walk.take(steps::upkeep());
        walk.retry_a_dead_event(&receiver);
        walk.ask_twice_at_once();
        let undone = walk.left_out();
        assert!(undone.is_empty(), "{undone:?} are not done and refused by a step");
    }
}

#[test]
fn every_query_is_answered() {
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let peer = node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", json!({}));
    let (wallet, url) = node.create_wallet(&asset, "alice");
    let tenant = text(&node.query("{ whoami { id } }", json!({}))["whoami"]["id"]);
    let table = steps::queries(&asset, &peer, &wallet, &url, &tenant);
    let mut seen = BTreeSet::new();
    for (name, arguments, selected, refusal) in &table {
        let answer = node.graphql(&format!("{{ {name}{arguments} {selected} }}"), json!({}));
        match refusal {
            None => assert!(answer["errors"].is_null(), "{name}{arguments}: {answer}"),
            Some((code, words)) => {
                let error = &answer["errors"][0];
                assert_eq!(error["extensions"]["code"], *code, "{name}{arguments}: {answer}");
                assert!(text(&error["message"]).starts_with(words), "{name}: {answer}");
            }
        }
        seen.insert((*name).to_owned());
    }
    let unasked: Vec<_> =
        operations(&node, "queryType").into_iter().filter(|name| !seen.contains(name)).collect();
    assert!(unasked.is_empty(), "{unasked:?} are not asked by the table");
}
