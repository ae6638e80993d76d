//! The admin port over a real socket.

use std::collections::HashSet;

use ilp_connector::token::Secret;
use ilp_operator::{PageArguments, SignatureRules};
use ilp_store::{AuditFilter, Store};
use ring::hmac;
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

use super::{request::BODY_BYTES_MAX, *};
use crate::schema::tests::{clock, operator};

pub(super) const SECRET: &str = "adminsecret";
const QUERY: &str = r#"{"query":"{ whoami { isOperator } }"}"#;
const CHANGE: &str =
    r#"{"query":"mutation { createAsset(input: {code: \"USD\", scale: 2}) { code } }"}"#;

pub(super) struct Port {
    _dir: TempDir,
    pub(super) operator: Operator,
    pub(super) address: SocketAddr,
    connector: Arc<ilp_connector::Connector<ilp_store::DurableLedger>>,
    /// Tells the node to stop.
    pub(super) stop: CancellationToken,
    pub(super) sockets: Sockets,
}

impl Port {
    pub(super) async fn open(auth: impl FnOnce(Store) -> Auth) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (operator, connector) = operator(dir.path()).await;
        let auth = auth(operator.store().clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let sockets = Sockets::new(stop.clone());
        let routes = router(operator.clone(), auth, sockets.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { _dir: dir, operator, address, connector, stop, sockets }
    }

    pub(super) async fn with_secret() -> Self {
        let rules = SignatureRules { tenant_id: "t".to_owned(), lifetime_ms: 30_000 };
        let secret = Secret::new(SECRET.to_owned());
        Self::open(|store| Auth::secret(&secret, rules, clock, store).unwrap()).await
    }

    /// Status and body of the answer to one request, whose head is given in lines.
    async fn send(&self, head: &str, body: &str) -> (u16, String) {
        let (head, body) = self.send_for_all(head, body).await;
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body)
    }

    /// Sends a request and returns the head and the body of the answer.
    async fn send_for_all(&self, head: &str, body: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let length = body.len();
        let head = head.replace('\n', "\r\n");
        let host = if head.contains("Host:") { "" } else { "Host: localhost\r\n" };
        let request =
            format!("{head}\r\n{host}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}");
        // The server may answer a request that it refuses before it has read all of it.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_ascii_lowercase(), body.to_owned())
    }

    async fn post(&self, headers: &str, body: &str) -> (u16, String) {
        let head = format!("POST /graphql HTTP/1.1\nContent-Type: application/json{headers}");
        self.send(&head, body).await
    }
}

fn signed(body: &str, time_ms: u64, appended: &str) -> String {
    format!("\ntenant-id: t\nsignature: {}{appended}", signed_at(time_ms, body))
}

/// Returns the value of a signature header.
pub(super) fn signed_at(time_ms: u64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = hmac::sign(&key, format!("{time_ms}.{body}").as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={time_ms}, v1={hex}")
}

#[tokio::test]
async fn without_a_secret_only_web_pages_are_kept_out() {
    let port = Port::open(|_| Auth::loopback(Vec::new())).await;
    let (status, body) = port.post("", QUERY).await;
    assert_eq!((status, body.as_str()), (200, r#"{"data":{"whoami":{"isOperator":true}}}"#));
    assert_eq!(port.post("; charset=utf-8", QUERY).await.0, 200);
    assert_eq!(port.post("\nHost: evil.example", QUERY).await.0, 403);
    for content_type in ["", "\nContent-Type: text/plain", "\nContent-Type: application/jsonx"] {
        let (status, _) = port.send(&format!("POST /graphql HTTP/1.1{content_type}"), QUERY).await;
        assert_eq!(status, 415, "{content_type}");
    }
}

/// `{ whoami { isOperator } }`, as a browser writes it in a URL.
const PATH: &str = "/graphql?query=%7B+whoami+%7B+isOperator+%7D+%7D";
/// A document with a query and a mutation.
const TWO: &str = "query+A+%7B+__typename+%7D+mutation+B+%7B+__typename+%7D";
const IS_OPERATOR: &str = r#"{"data":{"whoami":{"isOperator":true}}}"#;

#[tokio::test]
async fn a_query_comes_by_get_too_and_nothing_else_does() {
    let port = Port::open(|_| Auth::loopback(Vec::new())).await;
    let get = async |path: &str| port.send(&format!("GET {path} HTTP/1.1"), "").await;
    assert_eq!(get(PATH).await, (200, IS_OPERATOR.to_owned()));
    for (path, expected) in [
        (format!("{PATH}&variables=%7B%7D&extensions=&operationName=&more=1"), 200),
        (format!("{PATH}&variables=%7B"), 400),
        (format!("{PATH}&variables=1"), 400),
        (format!("{PATH}&query=x"), 400),
        ("/graphql".to_owned(), 400),
        ("/graphql?query=".to_owned(), 400),
        ("/graphql?query=subscription+%7B+packets+%7B+passedOver+%7D+%7D".to_owned(), 400),
        ("/graphql?query=mutation+%7B+__typename+%7D".to_owned(), 405),
        (format!("/graphql?query={TWO}&operationName=B"), 405),
        (format!("/graphql?query={TWO}&operationName=A"), 405),
    ] {
        assert_eq!(get(&path).await.0, expected, "{path}");
    }
    let path = "/graphql?query=mutation+%7B+__typename+%7D";
    let (head, _) = port.send_for_all(&format!("GET {path} HTTP/1.1"), "").await;
    assert!(head.contains("\r\nallow: post\r\n"), "{head}");

    let port = Port::with_secret().await;
    assert_eq!(port.send(&format!("GET {PATH} HTTP/1.1"), "").await.0, 401);
    let bearer = format!("GET {PATH} HTTP/1.1\nAuthorization: Bearer {SECRET}");
    assert_eq!(port.send(&bearer, "").await.0, 200);
    let now_ms = clock().unix_ms();
    let head = |path: &str| format!("GET {path} HTTP/1.1{}", signed(QUERY, now_ms, ""));
    assert_eq!(port.send(&head(PATH), "").await.0, 200, "signed as its POST is");
    assert_eq!(port.send(&head(&format!("{PATH}&operationName=A")), "").await.0, 401);
}

#[tokio::test]
async fn no_page_of_another_site_is_behind_a_get() {
    let port = Port::open(|_| Auth::loopback(Vec::new())).await;
    let browser = "\nUser-Agent: Mozilla/5.0 (X11) Gecko/20100101";
    for (headers, expected) in [
        ("\nUser-Agent: curl/8", 200),
        ("\nSec-Fetch-Mode: cors", 200),
        ("\nSec-Fetch-Site: cross-site", 403),
        ("\nSec-Fetch-Site: same-site", 403),
        ("\nSec-Fetch-Site: cross-site\nContent-Type: application/json", 403),
        ("\nOrigin: https://evil.example", 403),
        ("\nOrigin: null", 403),
        ("\nHost: evil.example", 403),
    ] {
        let status = port.send(&format!("GET {PATH} HTTP/1.1{headers}"), "").await.0;
        assert_eq!(status, expected, "{headers}");
    }
    for (headers, expected) in [
        ("", 403),
        ("\nContent-Type: text/plain", 403),
        ("\nSec-Fetch-Site: same-origin", 200),
        ("\nSec-Fetch-Site: none", 200),
        ("\nContent-Type: application/json", 200),
        ("\nGraphQL-Require-Preflight: true", 200),
        ("\nApollo-Require-Preflight: true", 200),
    ] {
        let status = port.send(&format!("GET {PATH} HTTP/1.1{browser}{headers}"), "").await.0;
        assert_eq!(status, expected, "a browser with {headers}");
    }
    let (head, _) = port.send_for_all(&format!("GET {PATH} HTTP/1.1"), "").await;
    for header in ["x-content-type-options: nosniff", "cache-control: no-store"] {
        assert!(head.contains(header), "{head}");
    }
}

#[tokio::test]
async fn an_answer_has_the_media_type_that_is_asked_for_and_data_if_it_was_run() {
    let port = Port::open(|_| Auth::loopback(Vec::new())).await;
    let graphql = "application/graphql-response+json";
    let refused = r#"{"query":"{ peer(id: \"1\") { id } }"}"#;
    let invalid = r#"{"query":"{ nothing }"}"#;
    let persisted = r#"{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"00"}}}"#;
    for (accept, body, status, has_data) in [
        ("*/*", QUERY, 200, true),
        ("*/*", refused, 200, true),
        ("*/*", invalid, 400, false),
        ("*/*", r#"{"query":"{"}"#, 400, false),
        ("*/*", "no json", 400, false),
        ("*/*", persisted, 200, false),
        ("application/json", invalid, 200, false),
        ("application/json", "no json", 400, false),
        ("application/json", persisted, 200, false),
        (graphql, QUERY, 200, true),
        (graphql, refused, 200, true),
        (graphql, invalid, 400, false),
        (graphql, persisted, 400, false),
        ("application/graphql-response+json, application/json;q=0.9", QUERY, 200, true),
    ] {
        let head =
            format!("POST /graphql HTTP/1.1\nContent-Type: application/json\nAccept: {accept}");
        let (head, answer) = port.send_for_all(&head, body).await;
        let expected = format!("http/1.1 {status} ");
        assert!(head.starts_with(&expected), "{accept} {body}: {head}");
        let media_type = if accept.contains("graphql") { graphql } else { "application/json" };
        assert!(head.contains(&format!("content-type: {media_type}")), "{accept}: {head}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer.get("data").is_some(), has_data, "{accept} {body}: {answer}");
        if body == persisted {
            assert_eq!(answer["errors"][0]["message"], "PersistedQueryNotSupported");
        }
    }
    let with_its_document = r#"{"query":"{ whoami { isOperator } }",
        "extensions":{"persistedQuery":{"version":1,"sha256Hash":"00"}}}"#;
    assert_eq!(port.post("", with_its_document).await, (200, IS_OPERATOR.to_owned()));
}

#[tokio::test]
async fn what_is_no_request_is_refused_in_json() {
    let port = Port::open(|_| Auth::loopback(Vec::new())).await;
    for body in [
        "",
        "{",
        "[]",
        &format!("[{QUERY}]"),
        "{}",
        "1",
        r#"{"query":1}"#,
        r#"{"query":"{ node { version } }","variables":[]}"#,
        r#"{"query":"{ node { version } }","operationName":1}"#,
        r#"{"query":"{ node { version } }","extensions":1}"#,
        r#"{"query":"{ nothing }"}"#,
        &"[".repeat(100_000),
    ] {
        let (status, answer) = port.post("", body).await;
        assert_eq!(status, 400, "{answer}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert!(answer["errors"][0]["message"].is_string(), "{answer}");
    }
    let long = format!("{{\"query\":\"{}\"}}", "x".repeat(BODY_BYTES_MAX));
    assert_eq!(port.post("", &long).await.0, 413);
    let with_nulls = r#"{"query":"{ node { version } }","variables":null,"operationName":null,
        "extensions":null}"#;
    assert_eq!(port.post("", with_nulls).await.0, 200);
}

#[tokio::test]
async fn with_a_secret_every_wrong_proof_gets_the_same_answer() {
    let port = Port::with_secret().await;
    let now_ms = clock().unix_ms();
    assert_eq!(port.post(&format!("\nAuthorization: Bearer {SECRET}"), QUERY).await.0, 200);
    let good = signed(QUERY, now_ms, "");
    assert_eq!(port.post(&good, QUERY).await.0, 200);
    assert_eq!(port.post(&good, QUERY).await.0, 200, "a query that is asked twice");
    let change = signed(CHANGE, now_ms, "");
    assert_eq!(port.post(&change, CHANGE).await.0, 200);
    let spaced = r#" { "query" : "{ whoami { isOperator } }" } "#;
    assert_eq!(port.post(&signed(QUERY, now_ms + 1, ""), spaced).await.0, 200);

    let (_, first) = port.post("", QUERY).await;
    assert!(first.contains("UNAUTHENTICATED"));
    let introspection = r#"{"query":"{ __schema { types { name } } }"}"#;
    for (headers, body) in [
        (String::new(), introspection),
        (String::new(), "no json"),
        ("\nAuthorization: Bearer wrong".to_owned(), QUERY),
        (change.clone(), CHANGE),
        (format!("{change}, n=1"), CHANGE),
        (signed(QUERY, now_ms + 60_000, ""), QUERY),
        (signed(QUERY, now_ms - 60_000, ""), QUERY),
        (signed(QUERY, now_ms + 2, ""), introspection),
        (signed(QUERY, now_ms + 3, "").replace("tenant-id: t", "tenant-id: x"), QUERY),
    ] {
        assert_eq!(port.post(&headers, body).await, (401, first.clone()), "{headers}");
    }
    let page = PageArguments { first: Some(100), ..PageArguments::default() };
    let kept = port.operator.audit().list(&page, AuditFilter::default()).await.unwrap().rows;
    assert_eq!(kept.len(), 11, "each that was turned away, the change, and no query");
    let refused = kept.into_iter().filter_map(|record| record.outcome);
    let refused = refused.filter(|outcome| outcome.code == "401");
    let reasons: HashSet<_> = refused.map(|outcome| outcome.message).collect();
    assert_eq!(reasons.len(), 7, "the operator is told what was wrong: {reasons:?}");
}

#[tokio::test]
async fn health_is_green_until_the_ledger_stops() {
    let port = Port::with_secret().await;
    let ask = async |path: &str| {
        port.send(&format!("GET {path} HTTP/1.1\nAccept: application/json"), "").await
    };
    for path in ["/healthz", "/readyz"] {
        let (status, body) = ask(path).await;
        assert_eq!(status, 200);
        assert!(body.contains(r#""status":"ok""#), "{body}");
    }
    port.operator.clock_stepped(-3_600_000);
    for path in ["/healthz", "/readyz"] {
        let (status, body) = ask(path).await;
        assert_eq!(status, 200);
        assert!(body.contains(r#""clockStep":{"byMs":-3600000,"noticedAt":""#), "{body}");
    }
    port.connector.ledger().close().unwrap();
    for path in ["/healthz", "/readyz"] {
        let (status, body) = ask(path).await;
        assert_eq!(status, 503);
        assert!(body.contains(r#""reason":"the ledger has stopped"#), "{body}");
    }
}

/// Rafiki's body, for which set-up scripts wait.
#[tokio::test]
async fn a_client_that_does_not_ask_for_json_is_told_ok() {
    let port = Port::with_secret().await;
    for accept in ["", "\nAccept: */*", "\nAccept: text/plain", "\nAccept: text/html, */*;q=0.8"] {
        let head = format!("GET /healthz HTTP/1.1{accept}");
        assert_eq!(port.send(&head, "").await, (200, "OK".to_owned()), "{accept}");
    }
    for accept in
        ["text/plain, Application/JSON;q=0.5", "application/*", "application/problem+json"]
    {
        let (status, body) =
            port.send(&format!("GET /healthz HTTP/1.1\nAccept: {accept}"), "").await;
        assert_eq!(status, 200);
        assert!(body.contains(r#""status":"ok""#), "{accept}: {body}");
    }
    port.connector.ledger().close().unwrap();
    let (status, body) = port.send("GET /healthz HTTP/1.1\nAccept: */*", "").await;
    assert_eq!(status, 503);
    assert!(body.starts_with("the ledger has stopped"), "{body}");
}
