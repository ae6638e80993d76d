//! The one tenant, and what is refused for want of others.

use super::*;

const OWN: &str = "438fa74a-fa7d-4317-9ced-dde32ece1787";

#[tokio::test]
async fn the_tenant_is_the_operator_and_everything_is_its_own() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    node.create_peer(&asset, "test.a").await;
    let tenant = "id email apiSecret idpConsentUrl idpSecret publicName deletedAt
        settings { key value }";
    let query = format!(
        "query($id: String!) {{ tenant(id: $id) {{ {tenant} createdAt }}
            tenants {{ edges {{ cursor node {{ id }} }}
                pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }}
            assets {{ edges {{ node {{ tenant {{ {tenant} }} }} }} }}
            peers {{ edges {{ node {{ tenant {{ id publicName }} }} }} }} }}"
    );
    let data = node.data(&query, json!({ "id": OWN })).await;
    let mut expected = json!({
        "id": OWN, "email": null, "apiSecret": "(hidden)", "idpConsentUrl": null,
        "idpSecret": null, "publicName": "jirani", "deletedAt": null,
        "settings": [{"key": "ILP_ADDRESS", "value": "test.jirani"}],
    });
    assert_eq!(data["assets"]["edges"][0]["node"]["tenant"], expected);
    expected["createdAt"] = data["tenant"]["createdAt"].clone();
    assert_eq!(data["tenant"], expected);
    let shown = json!({"id": OWN, "publicName": "jirani"});
    assert_eq!(data["peers"]["edges"][0]["node"]["tenant"], shown);
    assert_eq!(
        data["tenants"],
        json!({
            "edges": [{"cursor": OWN, "node": {"id": OWN}}],
            "pageInfo": {
                "hasNextPage": false, "hasPreviousPage": false, "startCursor": OWN, "endCursor": OWN
            }
        })
    );
    let node = node.restart().await;
    let again = node.data(&query, json!({ "id": OWN })).await;
    assert_eq!(again["tenant"]["createdAt"], data["tenant"]["createdAt"]);
}

#[tokio::test]
async fn pages_of_one_tenant_end_where_they_should() {
    let node = Node::start().await;
    for (arguments, count, previous, next) in [
        ("first: 5", 1, false, false),
        ("first: 0", 0, false, false),
        (&format!("after: \"{OWN}\""), 0, true, false),
        (&format!("before: \"{OWN}\""), 0, false, true),
        ("after: \"ffffffff-ffff-4fff-bfff-ffffffffffff\"", 1, false, false),
        ("after: \"ffffffff-ffff-4fff-bfff-ffffffffffff\", sortOrder: ASC", 0, true, false),
    ] {
        let query = format!(
            "{{ tenants({arguments}) {{ edges {{ cursor }}
                pageInfo {{ hasNextPage hasPreviousPage }} }} }}"
        );
        let page = node.data(&query, json!({})).await["tenants"].clone();
        assert_eq!(page["edges"].as_array().unwrap().len(), count, "{arguments}");
        let expected = json!({"hasNextPage": next, "hasPreviousPage": previous});
        assert_eq!(page["pageInfo"], expected, "{arguments}");
    }
}

#[tokio::test]
async fn another_tenant_is_refused_in_words_and_the_own_one_taken() {
    let node = Node::start().await;
    for (query, field) in [
        ("{ tenant(id: \"other\") { id } }", "tenant"),
        ("{ peers(tenantId: \"other\") { edges { cursor } } }", "peers"),
        ("{ assets(tenantId: \"other\") { edges { cursor } } }", "assets"),
        ("{ walletAddresses(tenantId: \"other\") { edges { cursor } } }", "walletAddresses"),
        ("{ payments(tenantId: \"other\") { edges { cursor } } }", "payments"),
        ("{ webhookEvents(tenantId: \"other\") { edges { cursor } } }", "webhookEvents"),
    ] {
        let response = node.run(query, json!({})).await;
        let error = &response["errors"][0];
        assert_eq!(error["extensions"]["code"], "NOT_FOUND", "{response}");
        assert_eq!(error["path"], json!([field]));
        assert!(text(&error["message"]).starts_with("unknown tenant"), "{response}");
    }
    node.mutate("createAsset", json!({"code": "USD", "scale": 2, "tenantId": OWN}), "success")
        .await;
    let own = format!("{{ assets(tenantId: \"{OWN}\") {{ edges {{ node {{ code }} }} }} }}");
    let data = node.data(&own, json!({})).await;
    assert_eq!(data["assets"]["edges"], json!([{"node": {"code": "USD"}}]));
    let input = json!({"code": "EUR", "scale": 2, "tenantId": "other"});
    let refused = node.mutate("createAsset", input, "code message").await;
    let answer = &refused["data"]["createAsset"];
    assert_eq!(answer["code"], "400");
    assert!(text(&answer["message"]).starts_with("Assignment to the specified tenant"));
}
