//! Wallet addresses and payments, for a wallet's operator and a payer.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Node, http::Connection, wait_for};

/// The amount of a payment: what leaves the wallet address, or what arrives.
#[derive(Clone, Copy)]
pub(crate) enum Amount {
    Send(u64),
    Deliver(u64),
}

impl Node {
    /// Creates a wallet address at this node's own wallet port, and returns its id and URL.
    pub(crate) fn create_wallet(&self, asset: &str, name: &str) -> (String, String) {
        let url = format!("http://{}/{name}", self.wallet);
        let made = self.query(
            "mutation($input: CreateWalletAddressInput!) {
               createWalletAddress(input: $input) { walletAddress { id address } } }",
            json!({ "input": { "assetId": asset, "address": url, "publicName": name } }),
        );
        let made = &made["createWalletAddress"]["walletAddress"];
        assert_eq!(made["address"], url);
        (made["id"].as_str().unwrap().to_owned(), url)
    }

    /// Returns the answer that a payer gets at a URL of this node's wallet port.
    pub(crate) fn spsp(&self, url: &str) -> Value {
        let path = url.strip_prefix(&format!("http://{}", self.wallet)).unwrap();
        let host = self.wallet.to_string();
        let headers = [("host", &*host), ("accept", "application/spsp4+json")];
        let mut connection = Connection::open(self.wallet).unwrap();
        let response = connection.request("GET", path, &headers, b"").unwrap();
        assert_eq!(response.status, 200, "{}", response.text());
        assert_eq!(response.header("content-type"), Some("application/spsp4+json"));
        serde_json::from_slice(&response.body).unwrap()
    }

    pub(crate) fn wallet_liquidity(&self, id: &str) -> u64 {
        let found = self.query(
            "query($id: String!) { walletAddress(id: $id) { liquidity } }",
            json!({ "id": id }),
        );
        found["walletAddress"]["liquidity"].as_str().unwrap().parse().unwrap()
    }

    /// Returns a quote, or the whole response where there is none.
    pub(crate) fn quote(
        &self,
        wallet: &str,
        receiver: &str,
        amount: Amount,
    ) -> Result<Value, Value> {
        let (name, value, side) = match amount {
            Amount::Send(value) => ("debitAmount", value, "asset { code scale }"),
            Amount::Deliver(value) => ("receiveAmount", value, "asset { code scale }"),
        };
        let asset = match amount {
            Amount::Send(_) => self.query(
                &format!("query($id: String!) {{ walletAddress(id: $id) {{ {side} }} }}"),
                json!({ "id": wallet }),
            )["walletAddress"]["asset"]
                .clone(),
            // Every receiver in these tests that is paid a fixed amount has this asset.
            Amount::Deliver(_) => json!({ "code": "EUR", "scale": 4 }),
        };
        let response = self.graphql(
            "mutation($input: CreateQuoteInput!) { createQuote(input: $input) { quote {
               id debitAmount { value assetCode assetScale }
               receiveAmount { value assetCode assetScale } } } }",
            json!({ "input": {
                "walletAddressId": wallet,
                "receiver": receiver,
                name: {
                    "value": value.to_string(),
                    "assetCode": asset["code"],
                    "assetScale": asset["scale"],
                },
            }}),
        );
        let quote = response["data"]["createQuote"]["quote"].clone();
        if quote.is_null() { Err(response) } else { Ok(quote) }
    }

    /// Creates a payment from a quote and funds it; returns its id.
    pub(crate) fn pay_quote(&self, wallet: &str, quote: &Value) -> String {
        let made = self.query(
            "mutation($input: CreateOutgoingPaymentInput!) {
               createOutgoingPayment(input: $input) { payment { id state } } }",
            json!({ "input": { "walletAddressId": wallet, "quoteId": quote["id"] } }),
        );
        let payment = &made["createOutgoingPayment"]["payment"];
        assert_eq!(payment["state"], "FUNDING");
        let id = payment["id"].as_str().unwrap().to_owned();
        let funded = self.query(
            "mutation($input: DepositOutgoingPaymentLiquidityInput!) {
               depositOutgoingPaymentLiquidity(input: $input) { success message } }",
            json!({ "input": {
                "outgoingPaymentId": id,
                "idempotencyKey": Uuid::new_v4().to_string(),
            }}),
        );
        assert_eq!(funded["depositOutgoingPaymentLiquidity"]["success"], true, "{funded}");
        id
    }

    pub(crate) fn outgoing_payment(&self, id: &str) -> Value {
        let found = self.query(
            "query($id: String!) { outgoingPayment(id: $id) { state error stateAttempts liquidity
               debitAmount { value } receiveAmount { value } sentAmount { value } } }",
            json!({ "id": id }),
        );
        found["outgoingPayment"].clone()
    }

    /// Waits until a payment has ended, and returns it.
    pub(crate) fn ended_payment(&self, id: &str) -> Value {
        wait_for("the payment's end", || {
            let payment = self.outgoing_payment(id);
            let state = payment["state"].as_str().unwrap();
            (state != "SENDING" && state != "FUNDING").then_some(payment)
        })
    }
}
