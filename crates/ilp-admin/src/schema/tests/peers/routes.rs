//! The routing table, as it is listed.

use crate::schema::tests::*;

async fn routes(node: &Node, arguments: &str) -> Value {
    let query = format!(
        "{{ routes({arguments}) {{ pageInfo {{ hasNextPage hasPreviousPage endCursor startCursor }}
            edges {{ cursor node {{ prefix state peer {{ staticIlpAddress }} asset {{ code }} }} }}
        }} }}"
    );
    node.data(&query, json!({})).await["routes"].take()
}

fn rows(page: &Value) -> Vec<(String, String)> {
    let edges = page["edges"].as_array().unwrap().iter();
    edges
        .map(|edge| {
            let node = &edge["node"];
            assert_eq!(
                (&node["state"], &node["asset"]["code"]),
                (&json!("UNKNOWN"), &json!("USD"))
            );
            (text(&node["prefix"]), text(&node["peer"]["staticIlpAddress"]))
        })
        .collect()
}

#[tokio::test]
async fn all_routes_are_listed_in_order_and_a_page_at_a_time() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let mut ids = Vec::new();
    for (name, routes, is_default_route) in
        [("test.b", json!(["test.far"]), true), ("test.a", json!(["test", "test.far"]), false)]
    {
        let mut input = peer_input(&asset, name);
        input["routes"] = routes;
        input["isDefaultRoute"] = json!(is_default_route);
        let created = node.mutate("createPeer", input, "peer { id }").await;
        ids.push(text(&created["data"]["createPeer"]["peer"]["id"]));
    }
    let expected: Vec<_> = [
        ("", "test.b"),
        ("test", "test.a"),
        ("test.a", "test.a"),
        ("test.b", "test.b"),
        ("test.far", "test.b"),
        ("test.far", "test.a"),
    ]
    .map(|(prefix, peer)| (prefix.to_owned(), peer.to_owned()))
    .into();
    let all = routes(&node, "first: 100").await;
    assert_eq!(rows(&all), expected);
    assert_eq!(all["pageInfo"]["hasNextPage"], false);
    assert_eq!(all["pageInfo"]["hasPreviousPage"], false);
    assert_eq!(all["pageInfo"]["startCursor"], all["edges"][0]["cursor"]);

    let (mut seen, mut after) = (Vec::new(), "null".to_owned());
    loop {
        let page = routes(&node, &format!("first: 4, after: {after}")).await;
        seen.extend(rows(&page));
        after = page["pageInfo"]["endCursor"].to_string();
        if page["pageInfo"]["hasNextPage"] == false {
            assert_eq!(page["pageInfo"]["hasPreviousPage"], true);
            break;
        }
    }
    assert_eq!(seen, expected);

    node.mutate("deletePeer", json!({ "id": ids[0] }), "success").await;
    let left = rows(&routes(&node, "first: 100").await);
    assert_eq!(
        left.iter().map(|(prefix, _)| prefix).collect::<Vec<_>>(),
        ["test", "test.a", "test.far"]
    );
}

#[tokio::test]
async fn what_makes_no_page_of_routes_is_refused() {
    let node = Node::start().await;
    for arguments in ["first: 101", "first: -1", "after: \"x\"", "after: \"x:test\""] {
        let query = format!("{{ routes({arguments}) {{ edges {{ cursor }} }} }}");
        let response = node.run(&query, json!({})).await;
        assert_eq!(response["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{response}");
    }
}
