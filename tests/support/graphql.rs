//! A client of the admin API.

use serde_json::{Value, json};

use super::{Node, http::Connection};

/// The mutation of the operator's documentation.
pub(crate) const CREATE_PEER: &str = "mutation CreatePeer($input: CreatePeerInput!) {
  createPeer(input: $input) {
    code success message
    peer { id asset { code scale } staticIlpAddress name }
  }
}";

impl Node {
    /// Returns the whole response to a query.
    pub(crate) fn graphql(&self, query: &str, variables: Value) -> Value {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let mut connection = Connection::open(self.admin).unwrap();
        let json = [("content-type", "application/json")];
        let response = connection.request("POST", "/graphql", &json, body.as_bytes()).unwrap();
        assert_eq!(response.status, 200, "{}", response.text());
        serde_json::from_slice(&response.body).unwrap()
    }

    /// Returns the data of a query that must succeed.
    pub(crate) fn query(&self, query: &str, variables: Value) -> Value {
        let response = self.graphql(query, variables);
        assert!(response["errors"].is_null(), "{response}");
        response["data"].clone()
    }

    pub(crate) fn create_asset(&self, code: &str, scale: u8) -> String {
        let created = self.query(
            "mutation($input: CreateAssetInput!) { createAsset(input: $input) { asset { id } } }",
            json!({ "input": { "code": code, "scale": scale } }),
        );
        created["createAsset"]["asset"]["id"].as_str().unwrap().to_owned()
    }

    /// Creates a peer with the documented mutation; `more` overrides parts of its input.
    pub(crate) fn create_peer(
        &self,
        asset: &str,
        address: &str,
        endpoint: &str,
        more: Value,
    ) -> String {
        let response =
            self.query(CREATE_PEER, json!({ "input": peer_input(asset, address, endpoint, more) }));
        let created = &response["createPeer"];
        assert_eq!(created["code"], "200", "{created}");
        assert_eq!(created["message"], "Created ILP Peer");
        created["peer"]["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn liquidity(&self, peer: &str) -> u64 {
        let found = self
            .query("query($id: String!) { peer(id: $id) { liquidity } }", json!({ "id": peer }));
        found["peer"]["liquidity"].as_str().unwrap().parse().unwrap()
    }
}

/// Returns the input for a peer that shows `address` as its token, with 1,000,000 of liquidity.
pub(crate) fn peer_input(asset: &str, address: &str, endpoint: &str, more: Value) -> Value {
    let mut input = json!({
        "staticIlpAddress": address,
        "name": address,
        "http": {
            "incoming": { "authTokens": [address] },
            "outgoing": { "endpoint": endpoint, "authToken": format!("for-{address}") },
        },
        "assetId": asset,
        "initialLiquidity": "1000000",
    });
    for (key, value) in more.as_object().unwrap() {
        input[key] = value.clone();
    }
    input
}
