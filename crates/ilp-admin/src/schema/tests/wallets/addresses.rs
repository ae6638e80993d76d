//! Wallet addresses, fees, and what the tests of payments share: a part that pays which only notes
//! what it is asked to do.

use std::sync::Weak;

use ilp_connector::{
    LocalAccount,
    account::AccountId,
    ledger::{Leg, Transfer, TransferKind},
    token::Secret,
};
use ilp_operator::{
    BoxFuture,
    paying::{
        AssetName, Fraction, PayAmount, Paying, PaymentReports, QuoteAsk, QuoteOffer, QuoteRefusal,
        SendOrder,
    },
};
use parking_lot::Mutex;
use uuid::Uuid;

use crate::schema::tests::*;

/// Offers two EUR cents for each unit, and sends nothing. The receiver's name says how it answers.
#[derive(Default)]
pub(crate) struct NotingPayer {
    pub(crate) orders: Mutex<Vec<SendOrder>>,
}

impl Paying for NotingPayer {
    fn quote(&self, ask: QuoteAsk) -> BoxFuture<'_, Result<QuoteOffer, QuoteRefusal>> {
        let name = ask.receiver.rsplit('/').next().unwrap_or_default().to_owned();
        let refusal = match name.as_str() {
            "nobody" => Some(QuoteRefusal::InvalidReceiver("nobody is there".into())),
            "greedy" => Some(QuoteRefusal::InvalidAmount("it is too much".into())),
            "dust" => Some(QuoteRefusal::NonPositiveReceiveAmount { send_min: Some(99) }),
            "exotic" => Some(QuoteRefusal::NoRate("USD to XAU".into())),
            "silent" => Some(QuoteRefusal::Unreachable("nobody answers".into())),
            _ => None,
        };
        let (debit_amount, receive_amount) = match ask.amount {
            PayAmount::Send(debit) => (debit, debit.saturating_mul(2)),
            PayAmount::Deliver(receive) => (receive.div_ceil(2), receive),
            PayAmount::DeliverWhatIsAsked => (50, 100),
        };
        let offer = QuoteOffer {
            debit_amount,
            receive_amount,
            deliver_amount: None,
            receive_asset: AssetName { code: "EUR".to_owned(), scale: 2 },
            max_packet_amount: Some(10),
            packet_count: debit_amount.div_ceil(10),
            rate_min: Fraction { delivered: 2, sent: 1 },
            receiver_expires_at_ms: None,
            details: Secret::new("keep me".to_owned()),
        };
        Box::pin(async move { refusal.map_or(Ok(offer), Err) })
    }

    fn send(&self, _reports: Arc<dyn PaymentReports>, order: SendOrder) {
        self.orders.lock().push(order);
    }
}

impl Node {
    /// Gives the node somebody who pays.
    pub(crate) async fn pay_through_notes(&self) -> Arc<NotingPayer> {
        let payer = Arc::new(NotingPayer::default());
        self.operator.payments().pay_through(Arc::clone(&payer) as Arc<dyn Paying>).await.unwrap();
        payer
    }

    /// A wallet address `https://wallet.example/NAME`.
    pub(crate) async fn wallet(&self, asset_id: &str, name: &str) -> String {
        let input =
            json!({"assetId": asset_id, "address": format!("https://wallet.example/{name}")});
        let done = self.done("createWalletAddress", input, "walletAddress { id }").await;
        text(&done["walletAddress"]["id"])
    }

    /// A mutation that succeeds.
    pub(crate) async fn done(&self, name: &str, input: Value, selection: &str) -> Value {
        let response = self.mutate(name, input, selection).await;
        assert_eq!(response.get("errors"), None, "{response}");
        response["data"][name].clone()
    }

    /// One row by its id.
    pub(crate) async fn row(&self, query: &str, id: &str, selection: &str) -> Value {
        let query = format!("query($id: String!) {{ {query}(id: $id) {{ {selection} }} }}");
        let data = self.data(&query, json!({ "id": id })).await;
        data.as_object().unwrap().values().next().unwrap().clone()
    }

    /// Has money come to an account from outside, as packets would bring it.
    pub(crate) async fn pay_in(&self, to: &LocalAccount, amount: u64) {
        let (debit, credit) = (Arc::clone(&to.asset.settlement), Arc::clone(&to.account));
        let (id, kind) = (Uuid::new_v4(), TransferKind::Deposit);
        let transfer = Transfer { id, kind, first: Leg { debit, credit, amount }, second: None };
        self.connector.ledger().transfer(transfer, 5).await.unwrap();
    }

    /// Sets what the node has of an asset itself.
    pub(crate) async fn stock(&self, asset: &str, amount: u64) {
        let input = json!({"assetId": asset, "amount": amount, "id": Uuid::new_v4(),
            "idempotencyKey": Uuid::new_v4()});
        self.done("depositAssetLiquidity", input, "success").await;
    }

    /// The events of the given kinds, oldest first, as their kind and their data.
    pub(crate) async fn told(&self, kinds: &[&str]) -> Vec<(String, Value)> {
        let query = "query($filter: WebhookEventFilter) { webhookEvents(first: 100,
            sortOrder: ASC, filter: $filter) { edges { node { id type data } } } }";
        let filter = json!({"type": {"in": kinds}});
        let data = self.data(query, json!({ "filter": filter })).await;
        let edges = data["webhookEvents"]["edges"].as_array().unwrap().clone();
        edges
            .into_iter()
            .map(|edge| (text(&edge["node"]["type"]), edge["node"]["data"].clone()))
            .collect()
    }

    /// Waits until a row is in a state.
    pub(crate) async fn until_state(&self, query: &str, id: &str, state: &str) -> Value {
        for _ in 0..500 {
            let row = self.row(query, id, "state").await;
            if row["state"] == state {
                return row;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("{query} {id} is {}, not {state}", self.row(query, id, "state error").await);
    }

    /// The payment's own account.
    pub(crate) fn available(&self, account: AccountId) -> u128 {
        self.connector.ledger().total(account).available()
    }
}

const WALLET: &str = "id address publicName status liquidity createdAt asset { id code scale }
    additionalProperties { key value visibleInOpenPayments }";

#[tokio::test]
async fn a_wallet_address_is_made_found_changed_and_listed() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let input = json!({"assetId": asset, "address": "https://Wallet.Example/Alice/",
        "publicName": "Alice", "additionalProperties": [
            {"key": " tax ", "value": "1", "visibleInOpenPayments": true},
            {"key": "", "value": "2", "visibleInOpenPayments": true}]});
    let done = node
        .done("createWalletAddress", input, &format!("walletAddress {{ {WALLET} }} code"))
        .await;
    assert_eq!(done["code"], "200");
    let alice = done["walletAddress"].clone();
    assert_eq!(alice["address"], "https://wallet.example/alice");
    assert_eq!((&alice["status"], &alice["liquidity"]), (&json!("ACTIVE"), &json!("0")));
    let property = json!([{"key": "tax", "value": "1", "visibleInOpenPayments": true}]);
    assert_eq!(alice["additionalProperties"], property);
    let id = text(&alice["id"]);
    assert_eq!(node.row("walletAddress", &id, WALLET).await, alice);
    for url in
        ["https://wallet.example/alice", "HTTPS://WALLET.EXAMPLE/ALICE", "$wallet.example/alice"]
    {
        let query = "query($url: String!) { walletAddressByUrl(url: $url) { id } }";
        let found = node.data(query, json!({ "url": url })).await;
        assert_eq!(found["walletAddressByUrl"]["id"], *id, "{url}");
        let nobody = node.data(query, json!({ "url": format!("{url}x") })).await;
        assert_eq!(nobody["walletAddressByUrl"], Value::Null);
    }
    let input = json!({"id": id, "status": "INACTIVE", "publicName": null});
    let done = node.done("updateWalletAddress", input, "walletAddress { status publicName }").await;
    let expected = json!({"status": "INACTIVE", "publicName": null});
    assert_eq!(done["walletAddress"], expected);
    let input = json!({"id": id, "status": "ACTIVE", "additionalProperties": []});
    let selection = "walletAddress { status additionalProperties { key } }";
    let done = node.done("updateWalletAddress", input, selection).await;
    assert_eq!(done["walletAddress"], json!({"status": "ACTIVE", "additionalProperties": []}));
    let bob = node.wallet(&asset, "bob").await;
    let page = "{ walletAddresses { edges { node { id tenant { publicName } } }
        pageInfo { hasNextPage } } }";
    let data = node.data(page, json!({})).await;
    let row = |id: &Value| json!({"node": {"id": id, "tenant": {"publicName": "jirani"}}});
    let listed = json!([row(&json!(bob)), row(&json!(id))]);
    assert_eq!(data["walletAddresses"]["edges"], listed);
    let node = node.restart().await;
    assert_eq!(node.data(page, json!({})).await, data);
}

#[tokio::test]
async fn what_a_wallet_address_was_paid_is_withdrawn() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let wallet = node.wallet(&asset, "alice").await;
    let recipient =
        node.operator.payments().recipient(wallet.parse().unwrap()).await.unwrap().unwrap();
    let now_ms = clock().unix_ms();
    let reserved = recipient.reserve(70, 70, now_ms).unwrap();
    node.pay_in(&recipient.local, 70).await;
    reserved.keep();
    node.operator.payments().incoming_credited(&recipient);
    assert_eq!(node.row("walletAddress", &wallet, "liquidity").await["liquidity"], "70");
    let withdraw = async |id: Uuid, timeout_s: u64| {
        let input = json!({"walletAddressId": wallet, "id": id, "idempotencyKey": Uuid::new_v4(),
            "timeoutSeconds": timeout_s});
        let selection = "code message withdrawal { id amount walletAddress { liquidity } }";
        node.done("createWalletAddressWithdrawal", input, selection).await
    };
    let id = Uuid::new_v4();
    let expected = json!({"code": "200", "message": "Created wallet address withdrawal",
        "withdrawal": {"id": id, "amount": "70", "walletAddress": {"liquidity": "0"}}});
    assert_eq!(withdraw(id, 60).await, expected);
    assert_eq!(withdraw(Uuid::new_v4(), 0).await["message"], "Transfer amount is zero");
    let input = json!({"withdrawalId": id, "idempotencyKey": "v"});
    node.done("voidLiquidityWithdrawal", input, "success").await;
    assert_eq!(withdraw(id, 0).await["message"], "Transfer already exists");
    assert_eq!(withdraw(Uuid::new_v4(), 0).await["withdrawal"]["amount"], "70");
    // An inactive one takes nothing, from the next packet on.
    let input = json!({"id": wallet, "status": "INACTIVE"});
    node.done("updateWalletAddress", input, "success").await;
    assert!(recipient.reserve(1, 1, now_ms).is_err());
    let input = json!({"id": wallet, "status": "ACTIVE"});
    node.done("updateWalletAddress", input, "success").await;
    drop(recipient.reserve(1, 1, now_ms).unwrap());
}

#[tokio::test]
async fn the_latest_fee_of_an_asset_counts() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let set = async |kind: &str, fixed: u64, points: i64| {
        let fee = json!({"fixed": fixed, "basisPoints": points});
        let input = json!({"assetId": asset, "type": kind, "fee": fee});
        node.done("setFee", input, "fee { id type fixed basisPoints assetId } message").await
    };
    let none = json!({"sendingFee": null, "receivingFee": null, "fees": {"edges": []}});
    let selection =
        "sendingFee { id } receivingFee { id } fees(first: 2) { edges { node { id } } }";
    assert_eq!(node.row("asset", &asset, selection).await, none);
    set("SENDING", 1, 0).await;
    let receiving = set("RECEIVING", 5, 10_000).await;
    let sending = set("SENDING", 2, 100).await;
    assert_eq!(sending["message"], "Set fee");
    let expected = json!({"id": sending["fee"]["id"], "type": "SENDING", "fixed": "2",
        "basisPoints": 100, "assetId": asset});
    assert_eq!(sending["fee"], expected);
    let row = node.row("asset", &asset, selection).await;
    assert_eq!(row["sendingFee"]["id"], sending["fee"]["id"]);
    assert_eq!(row["receivingFee"]["id"], receiving["fee"]["id"]);
    let edges = row["fees"]["edges"].as_array().unwrap();
    let ids: Vec<_> = edges.iter().map(|edge| edge["node"]["id"].clone()).collect();
    assert_eq!(ids, [sending["fee"]["id"].clone(), receiving["fee"]["id"].clone()]);
}

#[tokio::test]
async fn a_key_gives_the_same_wallet_address_and_the_same_withdrawal_again() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let input = json!({"assetId": asset, "address": "https://wallet.example/a",
        "idempotencyKey": "k"});
    let first = node.done("createWalletAddress", input.clone(), "walletAddress { id }").await;
    let node = node.restart().await;
    assert_eq!(node.done("createWalletAddress", input, "walletAddress { id }").await, first);
    let id = text(&first["walletAddress"]["id"]);
    let recipient = node.operator.payments().recipient(id.parse().unwrap()).await.unwrap().unwrap();
    node.pay_in(&recipient.local, 70).await;
    let input = json!({"walletAddressId": id, "id": Uuid::new_v4(), "idempotencyKey": "w",
        "timeoutSeconds": 0});
    let selection = "withdrawal { id amount }";
    let first = node.done("createWalletAddressWithdrawal", input.clone(), selection).await;
    assert_eq!(first["withdrawal"]["amount"], "70");
    assert_eq!(node.done("createWalletAddressWithdrawal", input, selection).await, first);
}

/// The part that pays is let go with the node, though it is given the operator.
#[tokio::test]
async fn the_part_that_pays_keeps_no_node_alive() {
    let node = Node::start().await;
    let payer: Weak<NotingPayer> = Arc::downgrade(&node.pay_through_notes().await);
    drop(node.restart().await);
    assert!(payer.upgrade().is_none());
}
