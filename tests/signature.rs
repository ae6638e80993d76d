//! Requests signed by a program in JavaScript, as Rafiki's clients do it, and refused signatures.

use serde_json::{Value, json};

use crate::support::{Node, http::Connection, script::Script, socket::Socket};

const SECRET: &str = "iyIgCprjb9uL8wFckR+pLEkJWMB7FJhgkvqhTQR/964=";
const TENANT: &str = "438fa74a-fa7d-4317-9ced-dde32ece1787";
const BODY: &str = r#"{"query":"{ whoami { isOperator } }"}"#;
/// A mutation.
const CHANGE: &str =
    r#"{"query":"mutation { createAsset(input: {code: \"USD\", scale: 2}) { asset { id } } }"}"#;

/// A node with a secret, and the program that signs requests.
pub(crate) struct Signed {
    pub(crate) node: Node,
    script: Script,
}

impl Signed {
    pub(crate) fn start() -> Self {
        let environment = [
            ("JIRANI_ILP_ADDRESS", "test.node"),
            ("ADMIN_API_SECRET", SECRET),
            ("OPERATOR_TENANT_ID", TENANT),
        ];
        Self { node: Node::start_with(&environment), script: Script::start("sign.js") }
    }

    fn sign(&mut self, secret: &str, body: &str, offset_ms: i64) -> String {
        let question = json!({ "secret": secret, "body": body, "offsetMs": offset_ms });
        self.script.ask(&question)["signature"].as_str().unwrap().to_owned()
    }

    fn post(&self, body: &str, signature: &str) -> (u16, Value) {
        let headers =
            [("content-type", "application/json"), ("tenant-id", TENANT), ("signature", signature)];
        let mut connection = Connection::open(self.node.admin).unwrap();
        let response = connection.request("POST", "/graphql", &headers, body.as_bytes()).unwrap();
        (response.status, serde_json::from_slice(&response.body).unwrap())
    }

    fn status(&self, body: &str, signature: &str) -> u16 {
        self.post(body, signature).0
    }

    /// Sends a signed request and returns its data.
    pub(crate) fn query(&mut self, query: &str, variables: Value) -> Value {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let signature = self.sign(SECRET, &body, 0);
        let (status, answer) = self.post(&body, &signature);
        assert_eq!(status, 200, "{answer}");
        assert!(answer["errors"].is_null(), "{answer}");
        answer["data"].clone()
    }
}

#[test]
fn whatever_json_says_two_programs_sign_the_same() {
    let mut signed = Signed::start();
    for variables in [
        r#"{"a":0,"b":-0,"c":-0.0,"d":1.0,"e":100e0,"f":1e21,"g":1e-7,"h":0.000001}"#,
        r#"{"numbers":[333333333.33333329,1E30,4.50,2e-3,5e-324,-1.7976931348623157e308,123.456e-2]}"#,
        r#"{"safe":[9007199254740991,-9007199254740991,9007199254740992,1e15,123456789012345680000]}"#,
        r#"{"z":1,"a":{"y":[{"b":1,"a":2}],"x":null},"10":1,"9":2,"B":true,"":false}"#,
        r#"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}"#,
        r#"{"text":"é \u00e9 😀 \ud83d\ude00 \u2028 \u0000 \u001f \u007f \" \\ \/ \b\f\n\r\t"}"#,
        "{ \"spaced\" :\n[ 1 ,\t2 ] }",
        r#"{"twice":1,"twice":2}"#,
    ] {
        for body in [
            format!(r#"{{"query":"{{ whoami {{ isOperator }} }}","variables":{variables}}}"#),
            format!(r#"{{ "variables" : {variables}, "query":"{{ whoami {{ isOperator }} }}" }}"#),
        ] {
            let signature = signed.sign(SECRET, &body, 0);
            let (status, answer) = signed.post(&body, &signature);
            assert_eq!(
                (status, &answer["data"]["whoami"]["isOperator"]),
                (200, &json!(true)),
                "{body}"
            );
        }
    }
}

/// A program in JavaScript signs integers above 2^53 as it reads them, rounded. The node runs the
/// signed amount, and no other one that rounds to the same.
#[test]
fn an_amount_above_2_to_the_53_runs_as_it_was_signed() {
    let mut signed = Signed::start();
    let body = |scale: u8, threshold: &str| {
        let query = "mutation($input: CreateAssetInput!) {
            createAsset(input: $input) { asset { liquidityThreshold } } }";
        let query = json!(query);
        format!(
            r#"{{"query":{query},"variables":{{"input":{{"code":"USD","scale":{scale},"liquidityThreshold":{threshold}}}}}}}"#
        )
    };
    let threshold = |answer: &Value| answer["data"]["createAsset"]["asset"].clone();
    let rounded = body(1, "9007199254740992");
    let neighbour = body(1, "9007199254740993");
    let signature = signed.sign(SECRET, &rounded, 0);
    let (status, answer) = signed.post(&neighbour, &signature);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(threshold(&answer)["liquidityThreshold"], "9007199254740992", "{answer}");
    assert_eq!(signed.status(&rounded, &signature), 401, "one signature, one change");

    let own = body(2, "9007199254740993");
    let signature = signed.sign(SECRET, &own, 0);
    let (status, answer) = signed.post(&own, &signature);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(threshold(&answer)["liquidityThreshold"], "9007199254740992", "{answer}");

    // JavaScript reads this number as one above every 64-bit integer.
    let largest = body(3, "18446744073709551615");
    let signature = signed.sign(SECRET, &largest, 0);
    let (status, answer) = signed.post(&largest, &signature);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{answer}");

    let other = body(4, "9007199254740994");
    let signature = signed.sign(SECRET, &other, 0);
    assert_eq!(signed.status(&body(4, "9007199254740993"), &signature), 401);
    assert_eq!(signed.status(&other, &signature), 200, "the refused one has not used it up");
}

#[test]
fn what_is_not_signed_as_it_is_sent_is_refused() {
    let mut signed = Signed::start();
    let good = signed.sign(SECRET, BODY, 0);
    let (time, digest) = good.split_once(", ").unwrap();
    for (what, body, signature) in [
        ("another body", BODY.replace("isOperator", "id"), good.clone()),
        ("one more member", BODY.replace("{\"q", "{\"a\":1,\"q"), good.clone()),
        ("another time", BODY.to_owned(), format!("{time}0, {digest}")),
        ("no digest", BODY.to_owned(), time.to_owned()),
        ("no time", BODY.to_owned(), digest.to_owned()),
        ("a digest cut short", BODY.to_owned(), good[..good.len() - 1].to_owned()),
        ("nothing", BODY.to_owned(), String::new()),
    ] {
        assert_eq!(signed.status(&body, &signature), 401, "{what}");
    }
    for (what, secret, offset_ms) in [
        ("another secret", "iyIgCprjb9uL8wFckR+pLEkJWMB7FJhgkvqhTQR/965=", 0),
        ("a minute ago", SECRET, -60_000),
        ("in a minute", SECRET, 60_000),
    ] {
        let signature = signed.sign(secret, BODY, offset_ms);
        assert_eq!(signed.status(BODY, &signature), 401, "{what}");
    }
    for offset_ms in [-20_000, 20_000] {
        let signature = signed.sign(SECRET, BODY, offset_ms);
        assert_eq!(signed.status(BODY, &signature), 200, "{offset_ms} ms off is within bounds");
    }
    assert_eq!(signed.status(BODY, &good), 200, "the refused ones have not used it up");
    let query = "{ auditEvents(filter: {operation: {in: [\"authenticate\"]}}) {
        edges { node { code caller origin message } } } }";
    let kept = signed.query(query, json!({}));
    let kept = kept["auditEvents"]["edges"].as_array().unwrap();
    assert_eq!(kept.len(), 10);
    assert!(kept.iter().all(|edge| edge["node"]["code"] == "401"));
    assert_eq!(kept[0]["node"]["origin"], "127.0.0.1");
    assert!(!signed.node.dir.log().contains(SECRET));
}

#[test]
fn a_signature_of_a_change_counts_once_also_after_the_node_was_killed() {
    let mut signed = Signed::start();
    let used = signed.sign(SECRET, CHANGE, 20_000);
    assert_eq!(signed.status(CHANGE, &used), 200);
    assert_eq!(signed.status(CHANGE, &used), 401, "again");
    assert_eq!(signed.status(CHANGE, &format!("{used}, n=another")), 401, "with a third part");
    let extended = signed.sign(SECRET, CHANGE, 20_000) + ", n=1";
    assert_eq!(signed.status(CHANGE, &extended), 200, "a third part means nothing");

    let Signed { node, script } = signed;
    let signed = Signed { node: node.kill().start(), script };
    assert_eq!(signed.status(CHANGE, &used), 401, "after the kill");
    assert_eq!(signed.status(CHANGE, &extended), 401, "after the kill, as it was sent");
    assert_eq!(signed.status(CHANGE, extended.split(", n").next().unwrap()), 401);
    let mut signed = signed;
    let fresh = signed.sign(SECRET, CHANGE, 0);
    assert_eq!(signed.status(CHANGE, &fresh), 200);
}

/// Rafiki's front end makes the same query twice within a millisecond, so both have one signature.
#[test]
fn a_query_that_is_asked_twice_in_a_millisecond_is_answered_twice() {
    let mut signed = Signed::start();
    let signature = signed.sign(SECRET, BODY, 0);
    for _ in 0..2 {
        let (status, answer) = signed.post(BODY, &signature);
        assert_eq!((status, &answer["data"]["whoami"]["isOperator"]), (200, &json!(true)));
    }
    // The signature opens no WebSocket either, over which a client could make changes.
    let mut socket = Socket::upgraded(&signed.node);
    let mut payload: Value = serde_json::from_str(BODY).unwrap();
    payload["signature"] = json!(signature);
    payload["tenant-id"] = json!(TENANT);
    socket.send(&json!({ "type": "connection_init", "payload": payload }));
    assert_eq!(socket.read(), json!(4403));
}

/// A query by GET is signed as its `POST` is.
#[test]
fn a_query_by_get_is_signed_too() {
    let mut signed = Signed::start();
    let body = r#"{"query":"query A($a: String!) { __type(name: $a) { name } }","operationName":"A","variables":{"a":"Peer"}}"#;
    let path = "/graphql?query=query+A(%24a:+String!)+%7B+__type(name:+%24a)+%7B+name+%7D+%7D\
                &operationName=A&variables=%7B%22a%22:%22Peer%22%7D";
    let signature = signed.sign(SECRET, body, 0);
    let get = |path: &str, signature: &str| {
        let headers = [("tenant-id", TENANT), ("signature", signature)];
        let mut connection = Connection::open(signed.node.admin).unwrap();
        let response = connection.request("GET", path, &headers, b"").unwrap();
        (response.status, response.text())
    };
    let right = (200, r#"{"data":{"__type":{"name":"Peer"}}}"#.to_owned());
    assert_eq!(get(path, &signature), right);
    assert_eq!(get(&path.replace("operationName=A", "operationName=B"), &signature).0, 401);
    assert_eq!(get(path, "").0, 401);
}
