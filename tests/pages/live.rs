//! The live parts of pages.

use std::{collections::HashMap, time::Instant};

use serde_json::json;

use super::Browser;
use crate::support::{
    Node, PATIENCE,
    http::{Connection, read_head},
    packets::prepare,
    stub::Stub,
};

/// A page's stream of changes, read as the page's script does.
struct Following {
    connection: Connection,
    /// The present contents of each part.
    parts: HashMap<String, String>,
}

impl Following {
    fn open(node: &Node, path: &str, cookie: Option<&str>) -> Self {
        let mut connection = Connection::open(node.admin).unwrap();
        let cookie = cookie.map(|cookie| format!("cookie: {cookie}\r\n")).unwrap_or_default();
        let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{cookie}\r\n");
        connection.write(head.as_bytes()).unwrap();
        Self { connection, parts: HashMap::new() }
    }

    /// Returns the status and the content type of the answer.
    fn head(&mut self) -> (String, String) {
        let (first, headers) = read_head(self.connection.stream()).unwrap();
        let kind = headers.into_iter().find(|(name, _)| name == "content-type");
        (first, kind.map(|(_, value)| value).unwrap_or_default())
    }

    /// Returns the next event's name and data; `None` at the end.
    fn next(&mut self) -> Option<(String, String)> {
        let mut event = String::new();
        loop {
            let line = self.connection.read_line().ok().filter(|line| !line.is_empty())?;
            if let Some(name) = line.strip_prefix("event: ") {
                event = name.trim_end().to_owned();
            }
            if let Some(data) = line.strip_prefix("data: ") {
                return Some((event, data.trim_end().to_owned()));
            }
        }
    }

    /// Waits until a part has these words.
    fn until(&mut self, part: &str, words: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.parts.get(part).is_some_and(|text| text.contains(words)) {
            assert!(Instant::now() < deadline, "no {words} in {part}: {:?}", self.parts);
            let (event, data) = self.next().unwrap_or_else(|| panic!("no {words} in {part}"));
            assert_eq!(event, "parts", "{data}");
            self.parts.extend(serde_json::from_str::<HashMap<_, _>>(&data).unwrap());
        }
    }
}

#[test]
fn packets_are_told_to_those_who_follow_a_page() {
    let (node, bob) = (Node::start(), Stub::fulfilling());
    let asset = node.create_asset("USD", 2);
    let alice = node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", json!({}));
    node.create_peer(&asset, "test.bob", &bob.endpoint(), json!({}));
    let mut page = Following::open(&node, &format!("/live/peers/{alice}"), None);
    assert_eq!(page.head(), ("HTTP/1.1 200 OK".to_owned(), "text/event-stream".to_owned()));
    page.until("figures", "10,000.00 USD");
    let mut overview = Following::open(&node, "/live/overview", None);
    let mut list = Following::open(&node, "/live/peers?", None);
    node.sender("test.alice").fulfilled(&prepare("test.bob", 150));
    node.sender("test.alice").rejected(&prepare("test.nobody", 7));
    page.until("figures", "9,998.50 USD");
    page.until("passing", "<code>F02</code>");
    overview.until("figures", "2 in all");
    list.until("peer-list", "9,998.50 USD");

    let by_hand = Browser::of(&node).get(&format!("/peers/{alice}")).text();
    assert!(by_hand.contains("<code>F02</code>") && by_hand.contains("9,998.50 USD"), "{by_hand}");
    let overview = Browser::of(&node).get("/").text();
    assert!(overview.contains("role=\"img\"") && overview.contains("50.0 %"), "{overview}");
}

#[test]
fn a_peer_that_needs_the_operator_is_named_with_what_to_do() {
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let low = json!({ "liquidityThreshold": "999990", "name": "<b>Alice</b>" });
    let alice = node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", low);
    node.create_peer(&asset, "test.bob", "http://127.0.0.1:2", json!({}));
    let before = Browser::of(&node).get("/").text();
    assert!(!before.contains("Needs you"), "{before}");
    let mut page = Following::open(&node, "/live/overview", None);
    let take = "mutation($input: CreatePeerLiquidityWithdrawalInput!) {
        createPeerLiquidityWithdrawal(input: $input) { success } }";
    let input = json!({ "peerId": alice, "amount": "10", "timeoutSeconds": 0,
        "id": "019926a0-3b5c-7def-8123-456789abcdef", "idempotencyKey": "once" });
    node.query(take, json!({ "input": input }));
    page.until("attention", "Settle with its operator");
    let mut sender = node.sender("test.alice");
    (0..10).for_each(|_| drop(sender.rejected(&prepare("test.bob", 1))));
    page.until("attention", "Test the connection");
    page.until("attention", "10 of 10 packets");
    let shown = Browser::of(&node).get("/").text();
    assert!(shown.contains("&lt;b&gt;Alice&lt;/b&gt;") && !shown.contains("<b>Alice"), "{shown}");
}

#[test]
fn following_ends_with_the_session_the_peer_and_the_node_and_is_bounded() {
    let node = Node::start_with(&[("JIRANI_ADMIN_SECRET", "hush-hush-hush-hush")]);
    let mut browser = Browser::of(&node);
    let mut stranger = Following::open(&node, "/live/overview", None);
    assert!(stranger.head().0.contains(" 401 "));
    browser.sign_in("hush-hush-hush-hush");
    let cookie = browser.cookie.clone();
    let follow = |path: &str| Following::open(&node, path, cookie.as_deref());
    assert!(follow("/live/nothing").head().0.contains(" 404 "));
    let mut unknown = follow("/live/peers/019926a0-3b5c-7def-8123-456789abcdef");
    assert_eq!(unknown.next().map(|(event, _)| event).as_deref(), Some("gone"));

    let mut all: Vec<_> = (0..40).map(|_| follow("/live/overview")).collect();
    let answers: Vec<_> = all.iter_mut().map(|page| page.head().0).collect();
    let count = |status: &str| answers.iter().filter(|first| first.contains(status)).count();
    assert_eq!((count(" 200 "), count(" 503 ")), (32, 8), "{answers:?}");
    drop(all.split_off(1));
    let mut page = all.pop().unwrap();
    browser.send("/", "/sign-out", &[]);
    while let Some((event, _)) = page.next() {
        if event == "ended" {
            assert_eq!(page.next(), None);
            let dir = node.stop();
            assert!(!dir.log().contains("still under way when the node ended"), "{}", dir.log());
            return;
        }
    }
    panic!("the session's end was not told");
}
