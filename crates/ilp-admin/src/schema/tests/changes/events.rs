//! Listing events, having one sent again, and copying the store.

use ilp_store::{AttemptOutcome, Companions, EventRecord};
use uuid::Uuid;

use crate::schema::tests::*;

const PAGE: &str =
    "query($first: Int, $after: String, $order: SortOrder, $filter: WebhookEventFilter) {
    webhookEvents(first: $first, after: $after, sortOrder: $order, filter: $filter) {
        pageInfo { hasNextPage endCursor } edges { cursor node { id type } } } }";

impl Node {
    /// Ends the node, puts events straight into its store, oldest first, and starts it anew.
    async fn with_events(self, kinds: &[&str]) -> (Self, Vec<Uuid>) {
        let Self { dir, schema, operator, connector } = self;
        drop((schema, operator));
        connector.ledger().close().unwrap();
        drop(connector);
        let store = Store::open(dir.path()).unwrap();
        let mut ids = Vec::new();
        for kind in kinds {
            let id = Uuid::now_v7();
            store
                .transact(Companions::none(), |tx| {
                    tx.append_event(&EventRecord::new(id, kind, br#"{"n":1}"#.to_vec(), 5))
                })
                .unwrap();
            ids.push(id);
        }
        store
            .transact(Companions::none(), |tx| {
                tx.record_attempt(ids[0], AttemptOutcome::Dead { at_ms: 9 })
            })
            .unwrap();
        store
            .transact(Companions::none(), |tx| {
                tx.record_attempt(ids[1], AttemptOutcome::Delivered { at_ms: 9 })
            })
            .unwrap();
        drop(store);
        (Self::start_in(dir).await, ids)
    }
}

#[tokio::test]
async fn events_are_listed_by_pages_and_types() {
    let (node, ids) = Node::start().await.with_events(&["a", "b", "a", "c", "a"]).await;
    let page = async |variables: Value| {
        let data = node.data(PAGE, variables).await;
        let edges = data["webhookEvents"]["edges"].as_array().unwrap().clone();
        let kinds: String = edges.iter().map(|edge| text(&edge["node"]["type"])).collect();
        (kinds, data["webhookEvents"]["pageInfo"].clone())
    };
    assert_eq!(page(json!({})).await.0, "acaba", "newest first");
    let (kinds, info) = page(json!({"first": 2, "order": "ASC"})).await;
    assert_eq!((kinds.as_str(), &info["hasNextPage"]), ("ab", &json!(true)));
    let rest = page(json!({"after": info["endCursor"], "order": "ASC"})).await;
    assert_eq!((rest.0.as_str(), &rest.1["hasNextPage"]), ("aca", &json!(false)));
    let filtered = async |filter: Value| page(json!({"filter": {"type": filter}})).await.0;
    assert_eq!(filtered(json!({"in": ["a"]})).await, "aaa");
    assert_eq!(filtered(json!({"notIn": ["a"]})).await, "cb");
    assert_eq!(filtered(json!({"in": ["a", "c"], "notIn": ["a"]})).await, "c");
    assert_eq!(filtered(json!({"in": [], "notIn": []})).await, "acaba");
    let events = node.events().await;
    assert_eq!(events[4]["id"], ids[0].to_string());
    assert_eq!((&events[4]["state"], &events[4]["attempts"]), (&json!("DEAD"), &json!(1)));
    assert_eq!(events[3]["state"], "DELIVERED");
    assert_eq!(events[3]["data"], json!({"n": 1}));
}

#[tokio::test]
async fn a_dead_event_is_sent_again_when_asked_and_a_delivered_one_is_not() {
    let (node, ids) = Node::start().await.with_events(&["a", "b"]).await;
    let retry = async |id: &str, selection: &str| {
        let query =
            format!("mutation($id: String!) {{ retryWebhookEvent(id: $id) {{ {selection} }} }}");
        node.run(&query, json!({ "id": id })).await
    };
    let selection = "code message webhookEvent { state attempts }";
    let done = retry(&ids[0].to_string(), selection).await;
    let expected = json!({
        "code": "200", "message": "Webhook event will be sent again",
        "webhookEvent": {"state": "PENDING", "attempts": 0}
    });
    assert_eq!(done["data"]["retryWebhookEvent"], expected);
    for (id, code, legacy, message) in [
        (ids[1].to_string(), "CONFLICT", "409", "Webhook event already delivered"),
        (Uuid::new_v4().to_string(), "NOT_FOUND", "404", "unknown webhook event"),
        ("1".to_owned(), "NOT_FOUND", "404", "unknown webhook event"),
    ] {
        let today = retry(&id, "success").await;
        assert_eq!(today["errors"][0]["extensions"]["code"], code, "{today}");
        let older = retry(&id, selection).await;
        assert_eq!(older["data"]["retryWebhookEvent"]["code"], legacy, "{older}");
        let told = text(&older["data"]["retryWebhookEvent"]["message"]);
        assert!(told.starts_with(message), "{told}");
    }
}

#[tokio::test]
async fn a_backup_goes_into_an_empty_directory_and_opens_as_a_node() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let peer = node.create_peer(&asset, "test.bob").await;
    node.move_liquidity("depositPeerLiquidity", "peerId", &peer, 70).await;
    let backups = tempfile::tempdir().unwrap();
    let backup = async |dir: &str| {
        let query = "mutation($dir: String!) { backup(dir: $dir) { code message backup {
            lastSequence } } }";
        node.data(query, json!({ "dir": dir })).await["backup"].clone()
    };
    let full = backups.path().join("full");
    std::fs::create_dir(&full).unwrap();
    std::fs::write(full.join("file"), "x").unwrap();
    let own = node.dir.path().join("copy");
    for wrong in [
        "",
        "relative/copy",
        "/tmp/../tmp/x",
        "/nonexistent/parent/copy",
        full.to_str().unwrap(),
        full.join("file").to_str().unwrap(),
        own.to_str().unwrap(),
        "/tmp/nul\0",
    ] {
        let refused = backup(wrong).await;
        assert_eq!(refused["code"], "400", "{wrong:?}: {refused}");
        assert!(text(&refused["message"]).starts_with("invalid backup directory: "), "{refused}");
    }
    assert!(!own.exists());
    let dir = backups.path().join("copy");
    // Without the secret, only where the directory's owner has asked for it.
    let uninvited = backup(dir.to_str().unwrap()).await;
    assert!(text(&uninvited["message"]).contains("jirani-backup-here"), "{uninvited}");
    assert!(!dir.exists());
    std::fs::create_dir(&dir).unwrap();
    let uninvited = backup(dir.to_str().unwrap()).await;
    assert_eq!(uninvited["code"], "400", "{uninvited}");
    std::fs::write(dir.join("jirani-backup-here"), "").unwrap();
    let done = backup(dir.to_str().unwrap()).await;
    assert_eq!((&done["code"], &done["message"]), (&json!("200"), &json!("Backed up the store")));
    let (copy, connector) = operator(&dir).await;
    assert_eq!(copy.peers().get(&peer).await.unwrap().liquidity, 70);
    drop(copy);
    connector.ledger().close().unwrap();
}
