//! Operations through the schema, on a store in a directory of their own.

mod books;
mod changes;
mod pages;
mod peers;
mod rafiki;
mod refusals;
mod surface;
mod tenants;
mod wallets;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_graphql::{Request, Variables};
use ilp_connector::Connector;
use ilp_operator::paying::PaymentReports as _;
pub(crate) use ilp_operator::testing::{clock, put_forward};
use ilp_operator::{Clock, Operator, PeeringRules, testing::TestNetwork};
use ilp_store::{DurableLedger, LedgerOptions, Store, ledger::BatchWriter};
use interledger_packet::{Address, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::schema::{AdminSchema, sdl};

/// Makes an operator over the store in `dir`, as the daemon does.
pub(crate) async fn operator(dir: &Path) -> (Operator, Arc<Connector<DurableLedger>>) {
    operator_with(dir, LedgerOptions::default(), rules(), clock, |books| books).await
}

/// Makes an operator with other rules for nodes that ask to become peers.
pub(crate) async fn operator_with_rules(
    dir: &Path,
    peering: PeeringRules,
) -> (Operator, Arc<Connector<DurableLedger>>) {
    operator_with(dir, LedgerOptions::default(), peering, clock, |books| books).await
}

fn rules() -> PeeringRules {
    let connector_url = "https://ilp.jirani.example".to_owned();
    PeeringRules { connector_url, ..PeeringRules::default() }
}

/// An operator with a clock of its own, and another writer around the one of the books.
async fn operator_with(
    dir: &Path,
    options: LedgerOptions,
    peering: PeeringRules,
    now: Clock,
    wrap: impl FnOnce(Box<dyn BatchWriter>) -> Box<dyn BatchWriter>,
) -> (Operator, Arc<Connector<DurableLedger>>) {
    let network = TestNetwork(peers::peering::reply);
    ilp_operator::testing::operator_with(dir, options, peering, now, network, wrap).await
}

struct Node {
    dir: TempDir,
    schema: AdminSchema,
    operator: Operator,
    connector: Arc<Connector<DurableLedger>>,
}

impl Node {
    async fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap()).await
    }

    async fn start_in(dir: TempDir) -> Self {
        Self::start_with(dir, LedgerOptions::default(), |books| books).await
    }

    async fn start_with(
        dir: TempDir,
        options: LedgerOptions,
        wrap: impl FnOnce(Box<dyn BatchWriter>) -> Box<dyn BatchWriter>,
    ) -> Self {
        let (operator, connector) = operator_with(dir.path(), options, rules(), clock, wrap).await;
        Self { dir, schema: AdminSchema::new(operator.clone()), operator, connector }
    }

    /// Ends the node and starts it anew on the same directory.
    async fn restart(self) -> Self {
        let Self { dir, schema, operator, connector } = self;
        drop((schema, operator));
        let closed = connector.ledger().close();
        assert!(closed.is_ok() || connector.ledger().stopped().is_some());
        drop(connector);
        Self::start_in(dir).await
    }

    /// Returns the whole response, as a client reads it.
    async fn run(&self, query: &str, variables: Value) -> Value {
        let request = Request::new(query).variables(Variables::from_json(variables));
        serde_json::to_value(self.schema.execute(request).await).unwrap()
    }

    /// Returns the data of a request that must succeed.
    async fn data(&self, query: &str, variables: Value) -> Value {
        let response = self.run(query, variables).await;
        assert_eq!(response.get("errors"), None, "{response}");
        response["data"].clone()
    }

    /// One mutation with its input, selecting `selection`.
    async fn mutate(&self, name: &str, input: Value, selection: &str) -> Value {
        let mut type_name = name.to_owned();
        type_name[..1].make_ascii_uppercase();
        let query = format!(
            "mutation($input: {type_name}Input!) {{ {name}(input: $input) {{ {selection} }} }}"
        );
        self.run(&query, json!({ "input": input })).await
    }

    async fn create_asset(&self, code: &str) -> String {
        let response =
            self.mutate("createAsset", json!({"code": code, "scale": 9}), "asset { id }").await;
        text(&response["data"]["createAsset"]["asset"]["id"])
    }

    /// Creates a peer at `address` with a token of that name.
    async fn create_peer(&self, asset_id: &str, address: &str) -> String {
        let response =
            self.mutate("createPeer", peer_input(asset_id, address), "peer { id }").await;
        assert_eq!(response.get("errors"), None, "{response}");
        text(&response["data"]["createPeer"]["peer"]["id"])
    }

    async fn liquidity(&self, peer_id: &str) -> String {
        let query = "query($id: String!) { peer(id: $id) { liquidity } }";
        text(&self.data(query, json!({ "id": peer_id })).await["peer"]["liquidity"])
    }
}

fn peer_input(asset_id: &str, address: &str) -> Value {
    json!({
        "staticIlpAddress": address,
        "assetId": asset_id,
        "http": {
            "incoming": {"authTokens": [format!("token-{address}")]},
            "outgoing": {"endpoint": "https://ilp.example", "authToken": "theirs"},
        },
    })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

#[tokio::test]
async fn the_node_tells_who_it_is_and_pings() {
    let node = Node::start().await;
    node.create_asset("USD").await;
    let data = node
        .data(
            "{ node { version address peerCount assetCount ledgerStopped } whoami { id isOperator }
               ping(address: \"test.bob\") { answered triggeredBy code message tookUs } }",
            json!({}),
        )
        .await;
    assert_eq!(
        data,
        json!({
            "node": {
                "version": "0.1.0", "address": "test.jirani", "peerCount": 0, "assetCount": 1,
                "ledgerStopped": null
            },
            "whoami": {"id": "438fa74a-fa7d-4317-9ced-dde32ece1787", "isOperator": true},
            "ping": {
                "answered": true, "triggeredBy": "test.bob", "code": "F06",
                "message": "no payment", "tookUs": 42
            },
        })
    );
    let response = node.run("{ ping(address: \"nope\") { code } }", json!({})).await;
    assert_eq!(response["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}

/// Also shows that what tools ask about the schema stays within the limits.
#[tokio::test]
async fn every_type_field_and_argument_is_described() {
    let node = Node::start().await;
    let query = "{ __schema { types { name description enumValues { name description }
        inputFields { name description }
        fields { name description args { name description
            type { ofType { ofType { ofType { ofType { ofType { ofType { ofType { name } } } } } } } }
        } } } } }";
    let data = node.data(query, json!({})).await;
    let built_in = ["Boolean", "Float", "ID", "Int", "String"];
    let types = data["__schema"]["types"].as_array().unwrap();
    let own = types.iter().filter(|kind| {
        let name = text(&kind["name"]);
        !name.starts_with("__") && !built_in.contains(&name.as_str())
    });
    let mut undescribed = Vec::new();
    for kind in own.clone() {
        find_undescribed(kind, &text(&kind["name"]), &mut undescribed);
    }
    assert!(own.count() > 30);
    assert_eq!(undescribed, Vec::<String>::new());
}

fn find_undescribed(described: &Value, path: &str, undescribed: &mut Vec<String>) {
    if described["description"].as_str().unwrap_or_default().is_empty() {
        undescribed.push(path.to_owned());
    }
    for list in ["fields", "inputFields", "enumValues", "args"] {
        for member in described[list].as_array().into_iter().flatten() {
            let path = format!("{path}.{}", text(&member["name"]));
            find_undescribed(member, &path, undescribed);
        }
    }
}

#[test]
fn the_exported_schema_is_the_served_one_in_a_stable_order() {
    assert_eq!(sdl(), sdl());
    for expected in [
        "createPeer(",
        "scalar UInt64",
        "type Peer implements Model",
        "depositPeerLiquidity(",
        "): LiquidityMutationResponse\n",
        "http: HttpInput!",
        "staticIlpAddress: String!",
        "first: Int",
    ] {
        assert!(sdl().contains(expected), "{expected}");
    }
}

#[tokio::test]
async fn a_request_is_bounded_in_depth_and_in_what_it_costs() {
    let node = Node::start().await;
    let ping = "ping(address: \"test.bob\") { code }";
    let many: String = (0..20).map(|number| format!("p{number}: {ping} ")).collect();
    let page = "peers(first: 100) { edges { node { id name routes asset { id code } } } }";
    let pages: String = (0..20).map(|number| format!("p{number}: {page} ")).collect();
    for query in [format!("{{ {many} }}"), format!("{{ {pages} }}")] {
        let response = node.run(&query, json!({})).await;
        assert_eq!(response["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
        assert_eq!(response["data"], Value::Null);
    }
    node.data(&format!("{{ {page} }}"), json!({})).await;
    let mut inner = "name".to_owned();
    for _ in 0..9 {
        inner = format!("possibleTypes {{ interfaces {{ {inner} }} }}");
    }
    let response =
        node.run(&format!("{{ __type(name: \"Model\") {{ {inner} }} }}"), json!({})).await;
    assert_eq!(response["data"], Value::Null);
    assert_eq!(response["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
}
