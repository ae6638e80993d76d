//! Every refusal of the contract that these operations have, as both generations of clients see it.

use ilp_operator::Reason;

use super::*;

pub(crate) struct Case {
    mutation: &'static str,
    input: Value,
    code: &'static str,
    legacy: &'static str,
    message: &'static str,
}

pub(crate) fn case(
    mutation: &'static str,
    input: Value,
    code: &'static str,
    legacy: &'static str,
    message: &'static str,
) -> Case {
    Case { mutation, input, code, legacy, message }
}

pub(crate) const UNKNOWN: &str = "019926a0-3b5c-7def-8123-456789abcdef";
const TRANSFER: &str = "0f9926a0-3b5c-4def-8123-456789abcdef";

/// An input with one member replaced.
pub(crate) fn with(mut input: Value, path: &str, value: Value) -> Value {
    *input.pointer_mut(path).unwrap_or_else(|| panic!("no {path}")) = value;
    input
}

pub(crate) fn plus(mut input: Value, name: &str, value: Value) -> Value {
    input[name] = value;
    input
}

fn asset_cases(asset: &str) -> Vec<Case> {
    let bad = |input| case("createAsset", input, "BAD_USER_INPUT", "400", "invalid asset code");
    let usd = json!({"code": "USD", "scale": 9});
    let other_tenant = plus(with(usd.clone(), "/code", json!("NEW")), "tenantId", json!("other"));
    vec![
        case("createAsset", usd.clone(), "DUPLICATE", "409", "Asset already exists"),
        bad(json!({"code": "", "scale": 9})),
        bad(json!({"code": "   ", "scale": 9})),
        case(
            "createAsset",
            plus(with(usd, "/code", json!("NEW")), "liquidityThreshold", json!(-1)),
            "BAD_USER_INPUT",
            "400",
            "invalid liquidityThreshold",
        ),
        case("createAsset", other_tenant, "BAD_USER_INPUT", "400", "Assignment to the specified"),
        case("updateAsset", json!({"id": UNKNOWN}), "NOT_FOUND", "404", "Asset not found"),
        case("updateAsset", json!({"id": "1"}), "NOT_FOUND", "404", "Asset not found"),
        case("deleteAsset", json!({"id": UNKNOWN}), "NOT_FOUND", "404", "Asset not found"),
        case("deleteAsset", json!({"id": "x"}), "NOT_FOUND", "404", "Asset not found"),
        case(
            "deleteAsset",
            json!({"id": asset}),
            "FORBIDDEN",
            "403",
            "Cannot delete! Asset in use.",
        ),
    ]
}

/// Inputs that no peer may have, for a new peer and for one that exists.
fn peer_cases(asset: &str, peer: &str) -> Vec<Case> {
    let new = peer_input(asset, "test.new");
    let http = new["http"].clone();
    let mut cases = Vec::new();
    let mut both = |member: &str, value: Value, code, legacy, message| {
        let created = plus(new.clone(), member, value.clone());
        cases.push(case("createPeer", created, code, legacy, message));
        let edit = plus(json!({ "id": peer }), member, value);
        cases.push(case("updatePeer", edit, code, legacy, message));
    };
    let mut bad = |member: &str, value: Value, message| {
        both(member, value, "BAD_USER_INPUT", "400", message);
    };
    for address in ["", "test", "test..x", "test.a b", "nope.x", "peer.x", "test.jirani"] {
        bad("staticIlpAddress", json!(address), "invalid ILP address");
    }
    for route in ["", "x", "test..x", "peer"] {
        bad("routes", json!(["g", route]), "invalid ILP address");
    }
    bad("http", with(http.clone(), "/outgoing/endpoint", json!("a b")), "invalid HTTP endpoint");
    bad("http", with(http.clone(), "/outgoing/endpoint", json!("")), "invalid HTTP endpoint");
    bad("http", with(http.clone(), "/outgoing/authToken", json!("")), "invalid outgoing token");
    let tokens = |tokens: Value| with(http.clone(), "/incoming/authTokens", tokens);
    bad("http", tokens(json!([])), "invalid incoming token");
    bad("http", tokens(json!([""])), "invalid incoming token");
    bad("http", tokens(json!(["a\r\nb"])), "invalid incoming token");
    bad("name", json!("x".repeat(257)), "invalid name");
    bad("maxPacketAmount", json!(-1), "invalid maxPacketAmount");
    bad("maxPacketAmount", json!(0), "invalid maxPacketAmount: 0 would refuse every packet");
    bad("packetsPerMinuteMax", json!("18446744073709551616"), "invalid packetsPerMinuteMax");
    bad("packetsInFlightMax", json!(-1), "invalid packetsInFlightMax");
    bad("amountInFlightMax", json!("x"), "invalid amountInFlightMax");
    bad("assetShareInFlightPercentMax", json!(101), "invalid assetShareInFlightPercentMax");
    let duplicate = "duplicate incoming token";
    both("http", tokens(json!(["a", "a"])), "DUPLICATE", "409", duplicate);
    both("http", tokens(json!(["b", "token-test.taken"])), "DUPLICATE", "409", duplicate);
    both(
        "staticIlpAddress",
        json!("test.taken"),
        "DUPLICATE",
        "409",
        "duplicate peer found for same ILP address and asset",
    );
    cases
}

fn more_peer_cases(asset: &str) -> Vec<Case> {
    let new = peer_input(asset, "test.new");
    let liquidity = |value| {
        let input = plus(new.clone(), "initialLiquidity", value);
        case("createPeer", input, "BAD_USER_INPUT", "400", "invalid initial liquidity for peer")
    };
    let of_asset = |id: &str| {
        case("createPeer", peer_input(id, "test.new"), "NOT_FOUND", "404", "unknown asset")
    };
    let missing = |mutation, id: &str| {
        case(mutation, json!({ "id": id }), "NOT_FOUND", "404", "unknown peer")
    };
    vec![
        liquidity(json!(-1)),
        liquidity(json!("18446744073709551616")),
        liquidity(json!("1.5")),
        of_asset(UNKNOWN),
        of_asset("no-uuid"),
        of_asset("00000000-0000-0000-0000-000000000000"),
        missing("updatePeer", UNKNOWN),
        missing("updatePeer", "1"),
        missing("deletePeer", UNKNOWN),
        missing("deletePeer", ""),
    ]
}

fn deposit_cases(
    mutation: &'static str,
    owner: &'static str,
    id: &str,
    unknown: &'static str,
) -> Vec<Case> {
    // Not the key of the deposit that was made, since that would be answered like it.
    let mut input = json!({ "amount": "5", "id": TRANSFER, "idempotencyKey": "other" });
    input[owner] = json!(id);
    let but = |name: &str, value: Value, code, legacy, message| {
        case(mutation, plus(input.clone(), name, value), code, legacy, message)
    };
    let invalid_id =
        |id: &str| but("id", json!(id), "BAD_USER_INPUT", "400", "Invalid transfer id");
    let invalid =
        |amount| but("amount", amount, "BAD_USER_INPUT", "400", "Invalid transfer amount");
    vec![
        but(owner, json!(UNKNOWN), "NOT_FOUND", "404", unknown),
        but(owner, json!("1"), "NOT_FOUND", "404", unknown),
        but("amount", json!(0), "FORBIDDEN", "403", "Transfer amount is zero"),
        but("amount", json!("0"), "FORBIDDEN", "403", "Transfer amount is zero"),
        invalid(json!(-5)),
        invalid(json!("18446744073709551616")),
        // Five are there, so the total would pass the limit.
        plus_transfer(invalid(json!("18446744073709551615"))),
        invalid_id("1"),
        invalid_id("00000000-0000-0000-0000-000000000000"),
        case(mutation, input.clone(), "DUPLICATE", "409", "Transfer already exists"),
    ]
}

fn plus_transfer(mut case: Case) -> Case {
    case.input["id"] = json!("1f9926a0-3b5c-4def-8123-456789abcdef");
    case
}

impl Node {
    pub(crate) async fn expect_refusal(&self, case: &Case) {
        let Case { mutation, input, code, legacy, message } = case;
        let object = match *mutation {
            "createAsset" | "updateAsset" | "deleteAsset" => "asset { id }",
            "createPeer" | "updatePeer" => "peer { id }",
            _ => "success",
        };
        let today = self.mutate(mutation, input.clone(), object).await;
        let error = &today["errors"][0];
        assert_eq!(error["extensions"]["code"], *code, "{mutation} {input}: {today}");
        assert!(text(&error["message"]).starts_with(message), "{mutation} {input}: {today}");
        let named = |reason: &Reason| error["extensions"]["reason"] == reason.name();
        let reason = Reason::all().find(named);
        let legacy_code = reason.map(|reason| reason.kind().http_code());
        assert_eq!(legacy_code, Some(*legacy), "{mutation} {input}: {today}");

        let selection = format!("code success message {object}");
        let older = self.mutate(mutation, input.clone(), &selection).await;
        let data = &older["data"][mutation];
        assert_eq!(older.get("errors"), None, "{mutation} {input}: {older}");
        assert_eq!(data["code"], *legacy, "{mutation} {input}: {older}");
        assert_eq!(data["success"], false, "{mutation} {input}: {older}");
        assert!(text(&data["message"]).starts_with(message), "{mutation} {input}: {older}");
        assert!(data["asset"].is_null() && data["peer"].is_null(), "{older}");
    }
}

#[tokio::test]
async fn every_refusal_is_told_to_both_generations() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let peer = node.create_peer(&asset, "test.bob").await;
    node.create_peer(&asset, "test.taken").await;
    for case in
        asset_cases(&asset).iter().chain(&peer_cases(&asset, &peer)).chain(&more_peer_cases(&asset))
    {
        node.expect_refusal(case).await;
    }
    assert_eq!(node.operator.node().peer_count, 2, "no refusal left anything behind");
}

#[tokio::test]
async fn every_refused_deposit_is_told_to_both_generations() {
    for (mutation, owner, unknown) in [
        ("depositPeerLiquidity", "peerId", "unknown peer"),
        ("depositAssetLiquidity", "assetId", "unknown asset"),
    ] {
        let node = Node::start().await;
        let asset = node.create_asset("USD").await;
        let peer = node.create_peer(&asset, "test.bob").await;
        let id = if owner == "peerId" { &peer } else { &asset };
        let mut input = json!({ "amount": 5, "id": TRANSFER, "idempotencyKey": "k" });
        input[owner] = json!(id);
        let response = node.mutate(mutation, input, "code success message").await;
        assert_eq!(response["data"][mutation]["code"], "200", "{response}");
        for case in &deposit_cases(mutation, owner, id, unknown) {
            node.expect_refusal(case).await;
        }
    }
}

#[tokio::test]
async fn look_ups_of_nothing_are_not_found_or_null() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    for id in [UNKNOWN, "1", ""] {
        for (field, message) in [("asset", "Asset not found"), ("peer", "unknown peer")] {
            let query = format!("query($id: String!) {{ {field}(id: $id) {{ id }} }}");
            let response = node.run(&query, json!({ "id": id })).await;
            assert_eq!(response["errors"][0]["message"], message);
            assert_eq!(response["errors"][0]["extensions"]["code"], "NOT_FOUND");
            assert_eq!(response["data"], json!({ field: null }));
        }
    }
    let query = "query($id: String!) {
        assetByCodeAndScale(code: \"USD\", scale: 2) { id }
        peerByAddressAndAsset(staticIlpAddress: \"test.bob\", assetId: $id) { id } }";
    for id in [asset.as_str(), "1"] {
        let nothing = json!({"assetByCodeAndScale": null, "peerByAddressAndAsset": null});
        assert_eq!(node.data(query, json!({ "id": id })).await, nothing);
    }
}

#[tokio::test]
async fn what_is_selected_decides_also_through_alias_fragment_and_directive() {
    let node = Node::start().await;
    let refused = |selection: &str| {
        let declared = if selection.contains("$no") { "($no: Boolean! = false)" } else { "" };
        let fragment = "fragment Status on DeletePeerMutationResponse { c: code }";
        let fragment = if selection.contains("...Status") { fragment } else { "" };
        format!(
            "mutation{declared} {{ deletePeer(input: {{id: \"1\"}}) {{ {selection} }} }} {fragment}"
        )
    };
    for as_data in [
        "code",
        "said: message success",
        "... { message }",
        "success ...Status",
        "... on DeletePeerMutationResponse { code }",
    ] {
        let response = node.run(&refused(as_data), json!({})).await;
        assert_eq!(response.get("errors"), None, "{as_data}: {response}");
    }
    for as_error in ["success", "__typename", "success code @include(if: $no)"] {
        let response = node.run(&refused(as_error), json!({})).await;
        assert_eq!(response["errors"][0]["extensions"]["code"], "NOT_FOUND", "{as_error}");
    }
}

#[tokio::test]
async fn what_the_schema_refuses_has_a_code_too() {
    let node = Node::start().await;
    let code = |response: &Value| response["errors"][0]["extensions"]["code"].clone();
    for invalid in ["{", "{ nothing }", "{ peer }", "mutation { createAsset { code } }"] {
        let response = node.run(invalid, json!({})).await;
        assert_eq!(code(&response), "GRAPHQL_VALIDATION_FAILED", "{invalid}");
    }
    for scale in [json!(256), json!(-1), json!(2.5), json!("2")] {
        let input = json!({"code": "USD", "scale": scale});
        let response = node.mutate("createAsset", input, "code").await;
        assert_eq!(code(&response), "BAD_USER_INPUT", "{response}");
        assert!(text(&response["errors"][0]["message"]).contains("0 to 255"), "{response}");
    }
}

#[tokio::test]
async fn numbers_in_the_document_itself_are_read_like_those_in_variables() {
    let node = Node::start().await;
    let create = async |threshold: &str| {
        let query = format!(
            "mutation {{ createAsset(input: {{code: \"USD\", scale: 2,
                liquidityThreshold: {threshold}}}) {{ code message asset {{ liquidityThreshold }} }} }}"
        );
        let response = node.run(&query, json!({})).await;
        response["data"]["createAsset"].clone()
    };
    for wrong in ["-1", "1.5", "1e3", "18446744073709551616", "1e999", "99999999999999999999999999"]
    {
        let refused = create(wrong).await;
        assert!(refused.is_null() || refused["code"] == "400", "{wrong}: {refused}");
    }
    let made = create("18446744073709551615").await;
    assert_eq!(made["asset"]["liquidityThreshold"], "18446744073709551615", "{made}");
}
