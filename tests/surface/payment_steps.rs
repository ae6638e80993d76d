//! The steps with wallet addresses and payments between them.

use serde_json::{Value, json};

use super::{
    NO_ID, Step, UNKNOWN, done, refused,
    steps::{BAD, FORBIDDEN, MISSING},
};

pub(super) fn wallets() -> Vec<Step> {
    let new =
        |name: &str| json!({ "assetId": "{asset}", "address": format!("{{wallets}}/{name}{{g}}") });
    let withdraw = |wallet: &str| {
        json!({ "walletAddressId": wallet, "id": "{t5}", "idempotencyKey": "{g}w",
            "timeoutSeconds": 0 })
    };
    vec![
        done("createWalletAddress", new("alice"), "Created wallet address").keep("alice"),
        done("createWalletAddress", new("carol"), "Created wallet address").keep("carol"),
        refused("createWalletAddress", new("alice"), "DUPLICATE", "Wallet address already exists"),
        done(
            "updateWalletAddress",
            json!({ "id": "{alice}", "publicName": "Alice" }),
            "Updated wallet address",
        ),
        refused("updateWalletAddress", json!({ "id": NO_ID }), MISSING, "unknown wallet address"),
        refused(
            "createWalletAddressWithdrawal",
            withdraw("{alice}"),
            FORBIDDEN,
            "Transfer amount is zero",
        ),
        refused(
            "createWalletAddressWithdrawal",
            withdraw(NO_ID),
            MISSING,
            "Unknown wallet address",
        ),
    ]
}

fn quote(receiver: &str) -> Value {
    let amount = json!({ "value": 100, "assetCode": "USD{g}", "assetScale": 2 });
    json!({ "walletAddressId": "{alice}", "receiver": receiver, "debitAmount": amount })
}

fn pay(quote: &str) -> Value {
    json!({ "walletAddressId": "{alice}", "quoteId": quote })
}

fn fund(id: &str, key: &str) -> Value {
    json!({ "outgoingPaymentId": id, "idempotencyKey": format!("{{g}}{key}") })
}

const CAROL: &str = "{wallets}/carol{g}";

pub(super) fn payments() -> Vec<Step> {
    let unknown = "unknown payment";
    let amount = json!({ "value": 100, "assetCode": "USD{g}", "assetScale": 2 });
    let invoice = json!({ "walletAddressId": "{carol}", "incomingAmount": amount });
    let made = "Created outgoing payment";
    vec![
        done("createIncomingPayment", invoice, "Created incoming").keep("incoming"),
        refused(
            "createIncomingPayment",
            json!({ "walletAddressId": UNKNOWN }),
            MISSING,
            "unknown wallet address",
        ),
        done("createQuote", quote(CAROL), "Created quote").keep("quote"),
        refused("createQuote", quote(""), BAD, "invalid receiver"),
        done("createOutgoingPayment", pay("{quote}"), made).keep("payment"),
        refused("createOutgoingPayment", pay(UNKNOWN), MISSING, "unknown quote"),
        done("cancelOutgoingPayment", json!({ "id": "{payment}" }), "Cancelled outgoing payment"),
        refused("cancelOutgoingPayment", json!({ "id": NO_ID }), MISSING, unknown),
        done("createQuote", quote(CAROL), "Created quote").keep("quote"),
        done("createOutgoingPayment", pay("{quote}"), made).keep("payment"),
        done("depositOutgoingPaymentLiquidity", fund("{payment}", "f1"), ""),
        refused("depositOutgoingPaymentLiquidity", fund(UNKNOWN, "f2"), MISSING, unknown),
    ]
}

pub(super) fn payment_of_an_invoice() -> Vec<Step> {
    // The invoice gives the amount.
    let of_invoice = json!({ "walletAddressId": "{alice}", "receiver": "{invoice}" });
    vec![
        done("createQuote", of_invoice, "Created quote").keep("quote"),
        done("createOutgoingPayment", pay("{quote}"), "Created outgoing").keep("payment"),
        done("depositOutgoingPaymentLiquidity", fund("{payment}", "f3"), ""),
    ]
}

/// Pays a receiver that can't be paid any more when the payment starts.
pub(super) fn payment_to_nobody() -> Vec<Step> {
    let closed = json!({ "id": "{carol}", "status": "INACTIVE" });
    vec![
        done("createQuote", quote(CAROL), "Created quote").keep("quote"),
        done("createOutgoingPayment", pay("{quote}"), "Created outgoing").keep("payment"),
        done("updateWalletAddress", closed, "Updated wallet address"),
        done("depositOutgoingPaymentLiquidity", fund("{payment}", "f4"), ""),
    ]
}

pub(super) fn what_payments_left() -> Vec<Step> {
    let withdraw = |owner: &str, id: &str, key: &str| {
        let key = format!("{{g}}{key}");
        json!({ owner: id, "idempotencyKey": key, "timeoutSeconds": 0 })
    };
    let (outgoing, incoming) =
        ("createOutgoingPaymentWithdrawal", "createIncomingPaymentWithdrawal");
    let mut from_wallet = withdraw("walletAddressId", "{carol}", "x1");
    from_wallet["id"] = json!("{t6}");
    vec![
        done("createWalletAddressWithdrawal", from_wallet, ""),
        done(outgoing, withdraw("outgoingPaymentId", "{payment}", "x2"), ""),
        refused(
            outgoing,
            withdraw("outgoingPaymentId", UNKNOWN, "x3"),
            MISSING,
            "Unknown outgoing payment",
        ),
        done(incoming, withdraw("incomingPaymentId", "{incoming}", "x4"), ""),
        refused(
            incoming,
            withdraw("incomingPaymentId", UNKNOWN, "x5"),
            MISSING,
            "Unknown incoming payment",
        ),
    ]
}
