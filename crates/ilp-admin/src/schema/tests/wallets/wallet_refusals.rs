//! Every refusal that the operations on wallets have, as both generations of clients see it.

use ilp_store::{Companions, QuoteRecord};
use uuid::Uuid;

use super::outgoing_payments::usd;
use crate::schema::tests::{
    refusals::{Case, UNKNOWN, case, plus, with},
    *,
};

const BAD: (&str, &str) = ("BAD_USER_INPUT", "400");
const MISSING: (&str, &str) = ("NOT_FOUND", "404");
const INACTIVE: (&str, &str) = ("INACTIVE", "400");

fn refused(
    mutation: &'static str,
    input: Value,
    (code, legacy): (&'static str, &'static str),
    message: &'static str,
) -> Case {
    case(mutation, input, code, legacy, message)
}

fn wallet_cases(asset: &str) -> Vec<Case> {
    let new = json!({"assetId": asset, "address": "https://wallet.example/new"});
    let create = |input, kind, message| refused("createWalletAddress", input, kind, message);
    let at = |url: &str| with(new.clone(), "/address", json!(url));
    let update = |input, kind, message| refused("updateWalletAddress", input, kind, message);
    let property = json!([{"key": "k".repeat(129), "value": "v", "visibleInOpenPayments": true}]);
    let mut cases = vec![
        create(
            at("https://WALLET.example/alice/"),
            ("DUPLICATE", "409"),
            "Wallet address already exists",
        ),
        create(with(new.clone(), "/assetId", json!(UNKNOWN)), MISSING, "unknown asset"),
        create(with(new.clone(), "/assetId", json!("1")), MISSING, "unknown asset"),
        create(plus(new.clone(), "publicName", json!("a\nb")), BAD, "invalid name"),
        create(plus(new.clone(), "tenantId", json!("x")), BAD, "Assignment to the specified"),
        create(
            plus(new.clone(), "additionalProperties", property),
            BAD,
            "invalid additionalProperties",
        ),
        update(json!({ "id": UNKNOWN }), MISSING, "unknown wallet address"),
        update(json!({ "id": "1" }), MISSING, "unknown wallet address"),
    ];
    for url in
        ["", "alice", "https://wallet.example", "http://wallet.example/x", "https://w/quotes"]
    {
        cases.push(create(at(url), BAD, "invalid url"));
    }
    let fee = |asset: &str, points: i64, kind, message| {
        let fee = json!({"fixed": "1", "basisPoints": points});
        let input = json!({"assetId": asset, "type": "SENDING", "fee": fee});
        refused("setFee", input, kind, message)
    };
    let wrong = "Basis point fee must be between 0 and 10000";
    cases.extend([
        fee(UNKNOWN, 1, MISSING, "Unknown asset"),
        fee("1", 1, MISSING, "Unknown asset"),
        fee(asset, -1, BAD, wrong),
        fee(asset, 10_001, BAD, wrong),
    ]);
    let fee = json!({"assetId": asset, "type": "SENDING", "fee": {"fixed": -1, "basisPoints": 0}});
    cases.push(refused("setFee", fee, BAD, "Fixed fee must be greater than or equal to 0"));
    cases
}

fn incoming_cases(wallet: &str, inactive: &str) -> Vec<Case> {
    let new = json!({ "walletAddressId": wallet });
    let create = |input, kind, message| refused("createIncomingPayment", input, kind, message);
    let of = |wallet: &str| json!({ "walletAddressId": wallet });
    let but =
        |name: &str, value: Value, message| create(plus(new.clone(), name, value), BAD, message);
    let eur = json!({"value": 1, "assetCode": "EUR", "assetScale": 9});
    let scale = json!({"value": 1, "assetCode": "USD", "assetScale": 2});
    let late = clock().saturating_add_ms(31 * 86_400_000).to_string();
    vec![
        create(of(UNKNOWN), MISSING, "unknown wallet address"),
        create(of("1"), MISSING, "unknown wallet address"),
        create(of(inactive), INACTIVE, "inactive wallet address"),
        but("incomingAmount", usd(0), "invalid amount"),
        but("incomingAmount", eur, "invalid amount"),
        but("incomingAmount", scale, "invalid amount"),
        but("incomingAmount", with(usd(1), "/value", json!(-1)), "invalid amount"),
        but("expiresAt", json!("tomorrow"), "invalid expiresAt"),
        but("expiresAt", json!("2020-01-01T00:00:00Z"), "invalid expiresAt"),
        but("expiresAt", json!(late), "invalid expiresAt"),
        but("metadata", json!({"x": "x".repeat(17_000)}), "invalid metadata"),
        but("senderWalletAddress", json!(""), "invalid receiver"),
    ]
}

fn quote_cases(wallet: &str, inactive: &str, incoming: &str) -> Vec<Case> {
    let to = |receiver: &str| {
        let amount = usd(100);
        json!({"walletAddressId": wallet, "receiver": receiver, "debitAmount": amount})
    };
    let far = |name: &str| to(&format!("https://far.example/{name}"));
    let quote = |input, kind, message| refused("createQuote", input, kind, message);
    let of = |wallet: &str| with(far("bob"), "/walletAddressId", json!(wallet));
    let eur = |value: u64| json!({"value": value, "assetCode": "EUR", "assetScale": 9});
    let deliver = |receiver: &str, amount: Value| {
        let ask = json!({"walletAddressId": wallet, "receiver": receiver});
        plus(ask, "receiveAmount", amount)
    };
    let internal = ("INTERNAL_SERVER_ERROR", "500");
    let own = "https://wallet.example/alice";
    vec![
        quote(of(UNKNOWN), MISSING, "unknown wallet address"),
        quote(of("1"), MISSING, "unknown wallet address"),
        quote(of(inactive), INACTIVE, "inactive wallet address"),
        quote(plus(far("bob"), "receiveAmount", eur(1)), BAD, "invalid amount"),
        quote(with(far("bob"), "/debitAmount", usd(0)), BAD, "invalid amount"),
        quote(with(far("bob"), "/debitAmount", eur(1)), BAD, "invalid amount"),
        quote(deliver("https://far.example/bob", eur(0)), BAD, "invalid amount"),
        quote(deliver("https://far.example/bob", eur(1)), BAD, "invalid amount"),
        quote(deliver(own, eur(1)), BAD, "invalid amount"),
        quote(json!({"walletAddressId": wallet, "receiver": own}), BAD, "invalid amount"),
        quote(deliver(incoming, usd(11)), BAD, "invalid amount"),
        quote(to(incoming), BAD, "invalid amount"),
        quote(with(far("bob"), "/debitAmount", usd(10)), BAD, "non-positive receive amount"),
        quote(to(""), BAD, "invalid receiver"),
        quote(to("bob"), BAD, "invalid receiver"),
        quote(to("http://far.example/bob"), BAD, "invalid receiver"),
        quote(far("nobody"), BAD, "invalid receiver: nobody is there"),
        quote(far("greedy"), BAD, "invalid amount: it is too much"),
        quote(far("dust"), BAD, "non-positive receive amount: something arrives when 109 or more"),
        quote(far("exotic"), internal, "could not convert between assets: USD to XAU"),
        quote(to("$wallet.example/euro"), internal, "could not convert between assets"),
        quote(far("silent"), ("SERVICE_UNAVAILABLE", "503"), "the receiver can't be reached"),
    ]
}

async fn payment_cases(node: &Node, wallet: &str, inactive: &str) -> Vec<Case> {
    let amount = json!({"debitAmount": usd(100)});
    let bob = "https://far.example/bob";
    let used = node.quote(wallet, bob, amount.clone()).await;
    let sending = node.payment(&used).await;
    node.fund(&sending).await;
    let fresh = node.quote(wallet, bob, amount).await;
    let store = node.operator.store();
    let known = store.quote(text(&fresh["id"]).parse().unwrap()).unwrap().unwrap();
    let expired = QuoteRecord { id: Uuid::now_v7(), expires_at_ms: 1, ..known };
    store.transact(Companions::none(), |tx| tx.insert_quote(&expired)).unwrap();
    let from = |quote: &Value, wallet: &str| json!({"walletAddressId": wallet, "quoteId": quote});
    let other = node.wallet(&node.create_asset("GBP").await, "other").await;
    let create = |input, kind, message| refused("createOutgoingPayment", input, kind, message);
    let cancel = |id: &str, kind, message| {
        refused("cancelOutgoingPayment", json!({ "id": id }), kind, message)
    };
    let fund = |id: &str, kind, message| {
        let input = json!({"outgoingPaymentId": id, "idempotencyKey": "f"});
        refused("depositOutgoingPaymentLiquidity", input, kind, message)
    };
    let conflict = ("CONFLICT", "409");
    let data = json!({"outgoingPaymentId": sending, "idempotencyKey": "d", "dataToTransmit": "x"});
    vec![
        create(from(&fresh["id"], UNKNOWN), MISSING, "unknown wallet address"),
        create(from(&fresh["id"], inactive), INACTIVE, "inactive wallet address"),
        create(from(&json!(UNKNOWN), wallet), MISSING, "unknown quote"),
        create(from(&json!("1"), wallet), MISSING, "unknown quote"),
        create(from(&fresh["id"], &other), BAD, "invalid quote: it is another"),
        create(from(&used["id"], wallet), BAD, "invalid quote: a payment was made from it"),
        create(from(&json!(expired.id), wallet), BAD, "invalid quote: it has expired"),
        cancel(UNKNOWN, MISSING, "unknown payment"),
        cancel("1", MISSING, "unknown payment"),
        cancel(&sending, conflict, "wrong state"),
        fund(UNKNOWN, MISSING, "unknown payment"),
        fund("1", MISSING, "unknown payment"),
        fund(&sending, conflict, "wrong state"),
        refused("depositOutgoingPaymentLiquidity", data, BAD, "invalid dataToTransmit"),
    ]
}

fn withdrawal_cases(wallet: &str, incoming_id: &str) -> Vec<Case> {
    let id = "0f9926a0-3b5c-4def-8123-456789abcdef";
    let from_wallet = |wallet: &str, id: &str| {
        let withdrawal = json!({"walletAddressId": wallet, "id": id, "idempotencyKey": "w"});
        plus(withdrawal, "timeoutSeconds", json!(0))
    };
    let wallets =
        |input, kind, message| refused("createWalletAddressWithdrawal", input, kind, message);
    let incoming = |id: &str, timeout_s: Value, kind, message| {
        let input =
            json!({"incomingPaymentId": id, "idempotencyKey": "i", "timeoutSeconds": timeout_s});
        refused("createIncomingPaymentWithdrawal", input, kind, message)
    };
    let outgoing = |id: &str| {
        let input = json!({"outgoingPaymentId": id, "idempotencyKey": "o", "timeoutSeconds": 0});
        refused("createOutgoingPaymentWithdrawal", input, MISSING, "Unknown outgoing payment")
    };
    let unknown = "Unknown incoming payment";
    vec![
        wallets(from_wallet(UNKNOWN, id), MISSING, "Unknown wallet address"),
        wallets(from_wallet("1", id), MISSING, "Unknown wallet address"),
        wallets(from_wallet(wallet, "1"), BAD, "Invalid transfer id"),
        wallets(from_wallet(wallet, id), ("FORBIDDEN", "403"), "Transfer amount is zero"),
        incoming(UNKNOWN, json!(0), MISSING, unknown),
        incoming("1", json!(0), MISSING, unknown),
        incoming(incoming_id, json!(0), MISSING, unknown),
        incoming(incoming_id, json!(-1), BAD, "invalid timeoutSeconds"),
        outgoing(UNKNOWN),
        outgoing("1"),
    ]
}

#[tokio::test]
async fn every_refusal_of_wallets_is_told_to_both_generations() {
    let node = Node::start().await;
    node.pay_through_notes().await;
    let (asset, euro) = (node.create_asset("USD").await, node.create_asset("EUR").await);
    let (wallet, inactive) =
        (node.wallet(&asset, "alice").await, node.wallet(&asset, "idle").await);
    node.wallet(&euro, "euro").await;
    node.done("updateWalletAddress", json!({"id": inactive, "status": "INACTIVE"}), "code").await;
    let fee = json!({"fixed": 10, "basisPoints": 0});
    node.done("setFee", json!({"assetId": asset, "type": "SENDING", "fee": fee}), "code").await;
    let input = json!({"walletAddressId": wallet, "incomingAmount": usd(10)});
    let incoming = node.done("createIncomingPayment", input, "payment { id url }").await;
    let (incoming_id, url) = (text(&incoming["payment"]["id"]), text(&incoming["payment"]["url"]));
    let mut cases = wallet_cases(&asset);
    cases.extend(incoming_cases(&wallet, &inactive));
    cases.extend(quote_cases(&wallet, &inactive, &url));
    cases.extend(payment_cases(&node, &wallet, &inactive).await);
    cases.extend(withdrawal_cases(&wallet, &incoming_id));
    assert_eq!(cases.len(), 76);
    for case in cases {
        node.expect_refusal(&case).await;
    }
}

#[tokio::test]
async fn queries_say_what_does_not_exist() {
    let node = Node::start().await;
    for (query, message) in [
        ("walletAddress", "unknown wallet address"),
        ("quote", "quote does not exist"),
        ("incomingPayment", "payment does not exist"),
        ("outgoingPayment", "payment does not exist"),
    ] {
        for id in [UNKNOWN, "1", ""] {
            let query = format!("query($id: String!) {{ {query}(id: $id) {{ id }} }}");
            let response = node.run(&query, json!({ "id": id })).await;
            let error = &response["errors"][0];
            assert_eq!(error["message"], message, "{response}");
            assert_eq!(error["extensions"]["code"], "NOT_FOUND");
        }
    }
}

/// Until the part that pays is there, only those of this node can be paid.
#[tokio::test]
async fn a_node_that_is_starting_quotes_nobody_far_away() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let wallet = node.wallet(&asset, "alice").await;
    let input = json!({"walletAddressId": wallet, "receiver": "https://far.example/bob",
        "debitAmount": usd(100)});
    let refused = node.done("createQuote", input, "code message").await;
    assert_eq!(refused["code"], "503", "{refused}");
}
