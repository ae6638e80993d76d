//! Lists, page by page.

use super::*;

const PAGE: &str =
    "query($first: Int, $last: Int, $after: String, $before: String, $order: SortOrder) {
    peers(first: $first, last: $last, after: $after, before: $before, sortOrder: $order) {
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        edges { cursor node { id staticIlpAddress } } } }";

fn addresses(page: &Value) -> Vec<String> {
    let edges = page["edges"].as_array().unwrap();
    edges.iter().map(|edge| text(&edge["node"]["staticIlpAddress"])).collect()
}

impl Node {
    async fn page(&self, variables: Value) -> Value {
        self.data(PAGE, variables).await["peers"].clone()
    }
}

#[tokio::test]
async fn pages_lead_forward_and_backward() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    for name in ["a", "b", "c", "d", "e"] {
        node.create_peer(&asset, &format!("test.{name}")).await;
    }
    let first = node.page(json!({"first": 2})).await;
    assert_eq!(addresses(&first), ["test.e", "test.d"], "newest first");
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    assert_eq!(first["pageInfo"]["hasPreviousPage"], false);
    assert_eq!(first["pageInfo"]["startCursor"], first["edges"][0]["cursor"]);
    let end = &first["pageInfo"]["endCursor"];
    let second = node.page(json!({"first": 10, "after": end})).await;
    assert_eq!(addresses(&second), ["test.c", "test.b", "test.a"]);
    assert_eq!(second["pageInfo"]["hasNextPage"], false);
    assert_eq!(second["pageInfo"]["hasPreviousPage"], true);
    let start = &second["pageInfo"]["endCursor"];
    let back = node.page(json!({"last": 2, "before": start})).await;
    assert_eq!(addresses(&back), ["test.c", "test.b"]);
    let oldest = node.page(json!({"first": 2, "order": "ASC"})).await;
    assert_eq!(addresses(&oldest), ["test.a", "test.b"]);
    let none = node.page(json!({"first": 0})).await;
    assert_eq!(none["pageInfo"]["endCursor"], Value::Null);

    for wrong in [
        json!({"first": 1, "last": 1}),
        json!({"first": -1}),
        json!({"first": 101}),
        json!({"after": "x"}),
    ] {
        let response = node.run(PAGE, wrong).await;
        assert_eq!(response["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{response}");
    }
}

#[tokio::test]
async fn a_thousand_peers_are_listed_once_each_while_others_are_removed() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let mut ids = Vec::new();
    for number in 0..1000 {
        ids.push(node.create_peer(&asset, &format!("test.p{number}")).await);
    }
    let mut listed = Vec::new();
    let mut after = Value::Null;
    let mut next_to_remove = 0;
    loop {
        let page = node.page(json!({"first": 100, "after": after})).await;
        let edges = page["edges"].as_array().unwrap();
        listed.extend(edges.iter().map(|edge| text(&edge["node"]["id"])));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        // The row of the cursor itself, and one that is still to come.
        let of_cursor = text(&after);
        node.mutate("deletePeer", json!({ "id": of_cursor }), "success").await;
        node.mutate("deletePeer", json!({ "id": ids[next_to_remove] }), "success").await;
        next_to_remove += 1;
    }
    let expected: Vec<String> = ids.iter().skip(next_to_remove).rev().cloned().collect();
    assert_eq!(next_to_remove, 9);
    assert_eq!(listed, expected, "newest first, none twice, none missing");
}
