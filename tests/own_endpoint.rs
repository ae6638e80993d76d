//! The endpoint for packets to this node, as the other operator gets it.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::{Node, http::Connection, jirani};

fn run(node: &Node, arguments: &[&str]) -> Output {
    let url = format!("http://{}", node.admin);
    jirani().args(arguments).env("JIRANI_ADMIN_URL", url).output().unwrap()
}

fn page(node: &Node, path: &str) -> String {
    Connection::open(node.admin).unwrap().request("GET", path, &[], b"").unwrap().text()
}

/// Starts a node that listens for packets at `listen`, with a peer, and returns the peer's sheet
/// too.
fn node(listen: &str, more: &[(&str, &str)]) -> (Node, String) {
    let listening = [("JIRANI_ILP_ADDRESS", "test.node"), ("JIRANI_ILP_LISTEN", listen)];
    let node = Node::start_with(&[&listening[..], more].concat());
    let asset = node.create_asset("USD", 2);
    let peer = node.create_peer(&asset, "test.bob", "http://127.0.0.1:1", json!({}));
    (node, format!("/peers/{peer}/sheet"))
}

fn add(node: &Node, more: &[&str]) -> (Value, String) {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let add = |address: &str, more: &[&str]| {
        let peer =
            ["peer", "add", "--asset", "USD", "--endpoint", "x.example", "--address", address];
        let output = run(node, &[&peer[..], more].concat());
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let json = add(&format!("test.a{number}"), &[more, &["--json"]].concat());
    (serde_json::from_str(&json).unwrap(), add(&format!("test.b{number}"), more))
}

#[test]
fn an_endpoint_that_leads_nowhere_from_outside_is_told_with_the_key_to_set() {
    for (listen, place, is_told) in [
        ("0.0.0.0:0", "stands for every address of this machine", false),
        ("127.0.0.1:0", "is reached from this machine alone", true),
    ] {
        let (node, sheet) = node(listen, &[]);
        let told = node.query("{ node { connectorUrl connectorAdvice } }", json!({}));
        let advice = told["node"]["connectorAdvice"].as_str().unwrap();
        assert!(advice.contains(place) && advice.contains("ilp.public_url"), "{advice}");
        for path in ["/", &sheet] {
            let page = page(&node, path).replace("&#39;", "'");
            assert!(page.contains(place) && page.contains("ilp.public_url"), "{path}: {page}");
        }
        let (added, text) = add(&node, &[]);
        assert_eq!(added["otherSide"].is_object(), is_told, "{added}");
        assert_eq!(text.contains("jirani peer add --address test.node"), is_told, "{text}");
        assert!(text.contains(place) && text.contains("ilp.public_url"), "{text}");
        // Without a sheet, the answer has the tokens all the same.
        assert!(added["incomingToken"].is_string() && added["outgoingToken"].is_string());
    }
}

#[test]
fn an_endpoint_is_told_with_its_scheme_and_a_public_one_without_a_word() {
    let public = [("JIRANI_ILP_PUBLIC_URL", "https://ilp.mywallet.com")];
    let (node, sheet) = node("127.0.0.1:0", &public);
    for path in ["/", &sheet] {
        let page = page(&node, path);
        assert!(page.contains("https://ilp.mywallet.com"), "{page}");
        assert!(!page.contains("ilp.public_url"), "{page}");
    }
    let (added, text) = add(&node, &[]);
    let command = added["otherSide"]["command"].as_str().unwrap();
    assert!(command.contains("--endpoint https://ilp.mywallet.com "), "{command}");
    assert!(!text.contains("ilp.public_url"), "{text}");
    for (given, told, word) in [
        ("ilp.example.com", "https://ilp.example.com", false),
        ("127.0.0.1:3002", "http://127.0.0.1:3002", true),
        ("10.1.2.3:3002", "http://10.1.2.3:3002", true),
    ] {
        let (added, text) = add(&node, &["--our-endpoint", given]);
        let endpoint = &added["otherSide"]["variables"]["input"]["http"]["outgoing"]["endpoint"];
        assert_eq!(endpoint, told);
        assert!(text.contains(&format!("--endpoint {told} ")), "{text}");
        assert_eq!(text.contains("ilp.public_url"), word, "{text}");
    }
}
