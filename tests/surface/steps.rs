//! The steps, area by area. Each area leaves objects that the next ones use.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{NO_ID, Step, UNKNOWN, done, refused, text};
use crate::support::{Node, http::Connection};

pub(super) const BAD: &str = "BAD_USER_INPUT";
pub(super) const MISSING: &str = "NOT_FOUND";
pub(super) const FORBIDDEN: &str = "FORBIDDEN";

/// A query's name, its arguments, its selection, and its refusal, if it has one.
pub(super) type Question =
    (&'static str, String, &'static str, Option<(&'static str, &'static str)>);

pub(super) fn assets() -> Vec<Step> {
    let new = json!({ "code": "USD{g}", "scale": 2 });
    vec![
        done("createAsset", new.clone(), "Created Asset").keep("asset"),
        refused("createAsset", new, "DUPLICATE", "Asset already exists"),
        refused("createAsset", json!({ "code": "", "scale": 2 }), BAD, "invalid asset code"),
        done("updateAsset", json!({ "id": "{asset}", "withdrawalThreshold": 5 }), "Updated Asset"),
        refused("updateAsset", json!({ "id": NO_ID }), MISSING, "Asset not found"),
        refused("deleteAsset", json!({ "id": UNKNOWN }), MISSING, "Asset not found"),
        done("createAsset", json!({ "code": "OLD{g}", "scale": 2 }), "Created Asset").keep("old"),
        done("deleteAsset", json!({ "id": "{old}" }), "Asset deleted"),
        done(
            "setFee",
            json!({ "assetId": "{asset}", "type": "SENDING",
                "fee": { "fixed": 0, "basisPoints": 0 } }),
            "",
        ),
        refused(
            "setFee",
            json!({ "assetId": UNKNOWN, "type": "SENDING",
                "fee": { "fixed": 0, "basisPoints": 0 } }),
            MISSING,
            "Unknown asset",
        ),
    ]
}

fn peer(address: &str, token: &str) -> Value {
    json!({
        "staticIlpAddress": address,
        "http": {
            "incoming": { "authTokens": [token] },
            "outgoing": { "endpoint": "{bob}", "authToken": "theirs" },
        },
        "assetId": "{asset}",
        "initialLiquidity": "1000000",
    })
}

fn but(mut input: Value, path: &str, value: Value) -> Value {
    *input.pointer_mut(path).unwrap() = value;
    input
}

pub(super) fn peers() -> Vec<Step> {
    let new = peer("test.bob{g}", "bob{g}");
    let other = peer("test.rob{g}", "rob{g}");
    let create = |input, code, words| refused("createPeer", input, code, words);
    let same = "duplicate peer found for same ILP address and asset";
    let token = |token: &str| json!({ "peerId": "{peer}", "authToken": token });
    vec![
        done("createPeer", new.clone(), "Created ILP Peer").keep("peer"),
        create(but(new.clone(), "/http/incoming/authTokens/0", json!("x{g}")), "DUPLICATE", same),
        create(
            but(new, "/staticIlpAddress", json!("test.x")),
            "DUPLICATE",
            "duplicate incoming token",
        ),
        create(but(other.clone(), "/assetId", json!(UNKNOWN)), MISSING, "unknown asset"),
        create(but(other.clone(), "/assetId", json!(NO_ID)), MISSING, "unknown asset"),
        create(but(other.clone(), "/staticIlpAddress", json!("x y")), BAD, "invalid ILP address"),
        create(
            but(other.clone(), "/http/outgoing/endpoint", json!("a b")),
            BAD,
            "invalid HTTP endpoint",
        ),
        create(
            but(other.clone(), "/initialLiquidity", json!(-1)),
            BAD,
            "invalid initial liquidity for peer",
        ),
        create(
            but(other.clone(), "/http/incoming/authTokens", json!([])),
            BAD,
            "invalid incoming token",
        ),
        done("createPeer", other, "Created ILP Peer").keep("other"),
        done("updatePeer", json!({ "id": "{peer}", "name": "Bob" }), "Updated ILP Peer"),
        refused("updatePeer", json!({ "id": NO_ID }), MISSING, "unknown peer"),
        refused(
            "updatePeer",
            json!({ "id": "{peer}", "staticIlpAddress": "test.rob{g}" }),
            "DUPLICATE",
            same,
        ),
        done("addPeerToken", token("next{g}"), "Added peer token"),
        refused("addPeerToken", token("rob{g}"), "DUPLICATE", "duplicate incoming token"),
        done("revokePeerToken", token("bob{g}"), "Revoked peer token"),
        refused(
            "revokePeerToken",
            json!({ "peerId": UNKNOWN, "authToken": "x" }),
            MISSING,
            "unknown peer",
        ),
        refused(
            "deleteAsset",
            json!({ "id": "{asset}" }),
            FORBIDDEN,
            "Cannot delete! Asset in use.",
        ),
        done("deletePeer", json!({ "id": "{other}" }), "Deleted ILP Peer"),
        refused("deletePeer", json!({ "id": "{other}" }), MISSING, "unknown peer"),
    ]
}

fn movement(owner: &str, id: &str, transfer: &str, amount: Value) -> Value {
    json!({ owner: id, "id": transfer, "amount": amount, "idempotencyKey": "{g}" })
}

/// Returns the input with a key of its own.
fn keyed(input: Value, key: &str) -> Value {
    but(input, "/idempotencyKey", json!(format!("{{g}}-{key}")))
}

pub(super) fn liquidity() -> Vec<Step> {
    let mut steps = Vec::new();
    let kinds = [
        ("peerId", "{peer}", "unknown peer", "depositPeerLiquidity", "Added peer liquidity"),
        ("assetId", "{asset}", "unknown asset", "depositAssetLiquidity", "Added asset liquidity"),
    ];
    for (at, (owner, id, unknown, deposit, message)) in kinds.into_iter().enumerate() {
        let transfer = format!("{{t{at}}}");
        let one = |id: &str, transfer: &str, amount: Value, key: &str| {
            keyed(movement(owner, id, transfer, amount), &format!("{owner}{key}"))
        };
        let refuse = |input, code, words| refused(deposit, input, code, words);
        steps.extend([
            done(deposit, one(id, &transfer, json!("100"), "1"), message),
            // A repeated request gets the first answer, and another one under its key is refused.
            done(deposit, one(id, &transfer, json!(100), "1"), message),
            refuse(
                one(id, &transfer, json!("101"), "1"),
                BAD,
                "Incoming arguments are different than the original request for idempotencyKey",
            ),
            refuse(one(id, &transfer, json!(1), "2"), "DUPLICATE", "Transfer already exists"),
            refuse(one(UNKNOWN, "{t9}", json!(1), "3"), MISSING, unknown),
            refuse(one(NO_ID, "{t9}", json!(1), "4"), MISSING, unknown),
            refuse(one(id, "{t9}", json!(0), "5"), FORBIDDEN, "Transfer amount is zero"),
            refuse(one(id, NO_ID, json!(1), "6"), BAD, "Invalid transfer id"),
            refuse(one(id, "{t9}", json!("18446744073709551615"), "7"), BAD, ""),
            refuse(one(id, "{t9}", json!("18446744073709551616"), "8"), BAD, ""),
        ]);
    }
    steps.extend(withdrawals());
    steps
}

fn withdrawals() -> Vec<Step> {
    let of = |owner: &str, id: &str, transfer: &str, amount: u64, timeout_s: u64, key: &str| {
        let mut input = keyed(movement(owner, id, transfer, json!(amount)), key);
        input["timeoutSeconds"] = json!(timeout_s);
        input
    };
    let end = |id: &str, key: &str| json!({ "withdrawalId": id, "idempotencyKey": key });
    let (peers, assets) = ("createPeerLiquidityWithdrawal", "createAssetLiquidityWithdrawal");
    let (post, void) = ("postLiquidityWithdrawal", "voidLiquidityWithdrawal");
    vec![
        done(peers, of("peerId", "{peer}", "{t2}", 50, 60, "w1"), ""),
        done(post, end("{t2}", "{g}p1"), "Posted Withdrawal"),
        refused(post, end("{t2}", "{g}p2"), "CONFLICT", "Transfer already posted"),
        refused(void, end("{t2}", "{g}p3"), "CONFLICT", "Transfer already posted"),
        done(assets, of("assetId", "{asset}", "{t3}", 50, 60, "w2"), ""),
        done(void, end("{t3}", "{g}p4"), "Voided Withdrawal"),
        refused(void, end("{t3}", "{g}p5"), "CONFLICT", "Transfer already voided"),
        refused(post, end("{t3}", "{g}p6"), "CONFLICT", "Transfer already voided"),
        refused(post, end(UNKNOWN, "{g}p7"), MISSING, "Unknown transfer"),
        refused(void, end(NO_ID, "{g}p8"), MISSING, "Unknown transfer"),
        refused(peers, of("peerId", UNKNOWN, "{t9}", 1, 0, "w3"), MISSING, "unknown peer"),
        refused(assets, of("assetId", NO_ID, "{t9}", 1, 0, "w4"), MISSING, "unknown asset"),
        refused(peers, of("peerId", "{peer}", "{t9}", 0, 0, "w5"), FORBIDDEN, "Transfer amount is"),
        refused(peers, of("peerId", "{peer}", "{t2}", 1, 0, "w6"), "DUPLICATE", "Transfer already"),
        refused(peers, of("peerId", "{peer}", NO_ID, 1, 0, "w7"), BAD, "Invalid transfer id"),
        refused(
            assets,
            of("assetId", "{asset}", "{t9}", 1_000, 0, "w8"),
            FORBIDDEN,
            "Insufficient transfer balance",
        ),
        done(peers, of("peerId", "{peer}", "{t4}", 7, 1, "w9"), ""),
    ]
}

/// Returns the steps after the last withdrawal above has expired.
pub(super) fn expired() -> Vec<Step> {
    let end = |key: &str| json!({ "withdrawalId": "{t4}", "idempotencyKey": key });
    vec![
        refused("postLiquidityWithdrawal", end("{g}e1"), FORBIDDEN, "Transfer already expired"),
        refused("voidLiquidityWithdrawal", end("{g}e2"), FORBIDDEN, "Transfer already expired"),
    ]
}

pub(super) fn auto_peering_port(node: &Node) -> SocketAddr {
    let file = std::fs::read_to_string(node.dir.data().join("node.json")).unwrap();
    let file: Value = serde_json::from_str(&file).unwrap();
    text(&file["auto_peering"]["listen"]).parse().unwrap()
}

/// Sends two peering requests to the node, and returns the ids of the waiting requests.
pub(super) fn peering_requests(node: &Node, g: &str) -> Vec<String> {
    let port = auto_peering_port(node);
    for name in ["eve", "mia"] {
        let offer = json!({
            "staticIlpAddress": format!("test.{name}{g}"),
            "ilpConnectorUrl": "http://127.0.0.1:1",
            "asset": { "code": format!("USD{g}"), "scale": 2 },
            "httpToken": format!("{name}{g}"), "maxPacketAmount": 100, "name": name,
        });
        let headers = [("content-type", "application/json"), ("accept", "application/json")];
        let mut connection = Connection::open(port).unwrap();
        let offer = offer.to_string();
        let answer = connection.request("POST", "/", &headers, offer.as_bytes()).unwrap();
        assert_eq!(answer.status, 202, "{}", answer.text());
    }
    let waiting = node.query("{ peeringRequests { edges { node { id } } } }", json!({}));
    let edges = waiting["peeringRequests"]["edges"].as_array().unwrap();
    edges.iter().map(|edge| text(&edge["node"]["id"])).collect()
}

/// Returns the steps of a request: it is approved, or rejected where another one was approved.
pub(super) fn peering(reject: bool) -> Vec<Step> {
    let id = |id: &str| json!({ "id": id });
    let missing = "unknown peering request";
    if reject {
        return vec![
            done("rejectPeeringRequest", id("{request}"), "Rejected peering request"),
            refused("rejectPeeringRequest", id("{request}"), MISSING, missing),
        ];
    }
    vec![
        done("approvePeeringRequest", id("{request}"), "Created ILP Peer"),
        refused("approvePeeringRequest", id("{request}"), MISSING, missing),
    ]
}

pub(super) fn upkeep() -> Vec<Step> {
    let rate = |rate: &str| json!({ "base": "USD{g}", "quote": "EUR", "rate": rate });
    let pair = json!({ "base": "USD{g}", "quote": "EUR" });
    let by_url = |url: &str| json!({ "assetId": "{shared}", "peerUrl": url });
    vec![
        done("setRate", rate("0.92"), ""),
        refused("setRate", rate("-1"), BAD, "invalid rate"),
        done("deleteRate", pair.clone(), "Deleted rate"),
        refused("deleteRate", pair, MISSING, ""),
        done("backup", json!({ "dir": "{dir}" }), "Backed up the store"),
        refused("backup", json!({ "dir": "{dir}" }), BAD, "invalid backup directory"),
        refused("retryWebhookEvent", json!({ "id": NO_ID }), MISSING, "unknown webhook event"),
        done("createOrUpdatePeerByUrl", by_url("{url}"), "Created ILP Peer"),
        refused(
            "createOrUpdatePeerByUrl",
            by_url("http://127.0.0.1:1"),
            MISSING,
            "Peer URL is invalid or peer does not support auto-peering",
        ),
        refused("createOrUpdatePeerByUrl", by_url("{nonsense}"), BAD, "Invalid peering request"),
    ]
}

pub(super) fn queries(
    asset: &str,
    peer: &str,
    wallet: &str,
    url: &str,
    tenant: &str,
) -> Vec<Question> {
    let id = |id: &str| format!("(id: \"{id}\")");
    let mut questions: Vec<Question> = vec![
        ("asset", id(asset), "{ id }", None),
        ("asset", id(NO_ID), "{ id }", Some((MISSING, "Asset not found"))),
        ("assetByCodeAndScale", "(code: \"USD\", scale: 2)".to_owned(), "{ id }", None),
        ("peer", id(peer), "{ id http { outgoing { endpoint } } }", None),
        ("peer", id(UNKNOWN), "{ id }", Some((MISSING, "unknown peer"))),
        (
            "peerByAddressAndAsset",
            format!("(staticIlpAddress: \"test.alice\", assetId: \"{asset}\")"),
            "{ id }",
            None,
        ),
        ("walletAddress", id(wallet), "{ id }", None),
        ("walletAddressByUrl", format!("(url: \"{url}\")"), "{ id }", None),
        ("accountingTransfers", id(peer), "{ credits { id } debits { id } }", None),
        ("tenant", id(tenant), "{ id publicName }", None),
        ("whoami", String::new(), "{ id isOperator }", None),
        ("node", String::new(), "{ version address }", None),
        ("ping", "(address: \"test.alice\")".to_owned(), "{ answered code }", None),
        ("rates", String::new(), "{ __typename }", None),
        ("routes", "(first: 10)".to_owned(), "{ __typename }", None),
    ];
    for name in ["quote", "outgoingPayment", "incomingPayment"] {
        questions.push((name, id(UNKNOWN), "{ id }", Some((MISSING, ""))));
    }
    let lists = [
        "assets",
        "peers",
        "walletAddresses",
        "outgoingPayments",
        "incomingPayments",
        "payments",
        "webhookEvents",
        "tenants",
        "auditEvents",
        "peeringRequests",
    ];
    for name in lists {
        let selected = "{ edges { cursor node { id } } pageInfo { hasNextPage } }";
        questions.push((name, "(first: 10)".to_owned(), selected, None));
        questions.push((name, "(first: 101)".to_owned(), selected, Some((BAD, ""))));
    }
    questions
}
