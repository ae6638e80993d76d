//! Incoming payments: what money and time make of them.

use ilp_connector::{
    account::AccountId,
    ledger::{Leg, Transfer, TransferKind},
};
use ilp_operator::{Declined, SpspTarget};
use ilp_store::Companions;
use uuid::Uuid;

use crate::schema::tests::*;

const PAYMENT: &str = "id url state walletAddressId incomingAmount { value assetCode assetScale }
    receivedAmount { value assetCode assetScale } liquidity metadata expiresAt createdAt client
    senderWalletAddress withdrawalId";

impl Node {
    async fn expect(&self, wallet: &str, amount: Option<u64>, more: Value) -> String {
        let mut input = json!({ "walletAddressId": wallet });
        if let Some(value) = amount {
            input["incomingAmount"] = json!({"value": value, "assetCode": "USD", "assetScale": 9});
        }
        for (name, value) in more.as_object().unwrap() {
            input[name] = value.clone();
        }
        text(&self.done("createIncomingPayment", input, "payment { id }").await["payment"]["id"])
    }

    /// Brings money to an incoming payment as a packet would.
    async fn receive(&self, id: &str, amount: u64) -> Result<(), Declined> {
        let recipient =
            self.operator.payments().recipient(id.parse().unwrap()).await.unwrap().unwrap();
        let reserved = recipient.reserve(amount, 0, clock().unix_ms())?;
        self.pay_in(&recipient.local, amount).await;
        reserved.keep();
        self.operator.payments().incoming_credited(&recipient);
        Ok(())
    }

    async fn withdraw_received(&self, id: &str, timeout_s: u64) -> Value {
        let input = json!({"incomingPaymentId": id, "idempotencyKey": Uuid::new_v4(),
            "timeoutSeconds": timeout_s});
        self.done("createIncomingPaymentWithdrawal", input, "code message").await
    }

    async fn end_withdrawal(&self, mutation: &str, id: &str) {
        let input = json!({"withdrawalId": id, "idempotencyKey": Uuid::new_v4()});
        self.done(mutation, input, "success").await;
    }
}

#[tokio::test]
async fn an_incoming_payment_has_a_url_and_thirty_days() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let wallet = node.wallet(&asset, "alice").await;
    let more = json!({"metadata": {"order": [1, "x"]}, "isCardPayment": true,
        "senderWalletAddress": "https://other.example/bob"});
    let id = node.expect(&wallet, Some(100), more).await;
    let other = node.expect(&wallet, None, json!({})).await;
    let row = node.row("incomingPayment", &id, PAYMENT).await;
    let amount = |value: &str| json!({"value": value, "assetCode": "USD", "assetScale": 9});
    let url = format!("https://wallet.example/alice/incoming-payments/{id}");
    let expected = json!({
        "id": id, "url": url, "state": "PENDING", "walletAddressId": wallet,
        "incomingAmount": amount("100"), "receivedAmount": amount("0"), "liquidity": "0",
        "metadata": {"order": [1, "x"]}, "expiresAt": row["expiresAt"],
        "createdAt": row["createdAt"], "client": null,
        "senderWalletAddress": "https://other.example/bob", "withdrawalId": null
    });
    assert_eq!(row, expected);
    let created = node.told(&["incoming_payment.created"]).await;
    let data = json!({
        "id": id, "walletAddressId": wallet, "client": null, "createdAt": row["createdAt"],
        "expiresAt": row["expiresAt"], "incomingAmount": amount("100"),
        "receivedAmount": amount("0"), "completed": false, "metadata": {"order": [1, "x"]}
    });
    assert_eq!(created[0], ("incoming_payment.created".to_owned(), data));
    assert_eq!(created.len(), 2);
    let lists = "query($id: String!, $only: FilterString) { walletAddress(id: $id) {
        incomingPayments(filter: {initiatedBy: $only}) { edges { node { id } } } }
        incomingPayments { edges { node { id } } } }";
    let data = node.data(lists, json!({"id": wallet, "only": {"in": ["CARD"]}})).await;
    assert_eq!(data["walletAddress"]["incomingPayments"]["edges"], json!([{"node": {"id": id}}]));
    let both = json!([{"node": {"id": other}}, {"node": {"id": id}}]);
    assert_eq!(data["incomingPayments"]["edges"], both);
}

#[tokio::test]
async fn money_completes_a_payment_and_is_withdrawn_under_the_events_id() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let wallet = node.wallet(&asset, "alice").await;
    let id = node.expect(&wallet, Some(100), json!({})).await;
    node.receive(&id, 40).await.unwrap();
    node.until_state("incomingPayment", &id, "PROCESSING").await;
    assert_eq!(node.withdraw_received(&id, 0).await["message"], "Unknown incoming payment");
    assert_eq!(node.receive(&id, 62).await, Err(Declined::TooMuch { room: 61 }));
    node.receive(&id, 20).await.unwrap();
    node.receive(&id, 41).await.unwrap();
    node.until_state("incomingPayment", &id, "COMPLETED").await;
    assert_eq!(node.receive(&id, 1).await, Err(Declined::Closed));
    let told = node.told(&[]).await;
    let kinds: Vec<_> = told.iter().map(|(kind, _)| kind.as_str()).collect();
    let expected =
        ["incoming_payment.created", "incoming_payment.processing", "incoming_payment.completed"];
    assert_eq!(kinds, expected);
    assert_eq!(told[1].1["receivedAmount"]["value"], "40");
    assert_eq!(told[2].1["receivedAmount"]["value"], "101");
    assert_eq!(told[2].1["completed"], true);

    let query = "{ webhookEvents(first: 1) { edges { node { id } } } }";
    let event = node.data(query, json!({})).await;
    let event = text(&event["webhookEvents"]["edges"][0]["node"]["id"]);
    assert_eq!(node.withdraw_received(&id, 60).await["code"], "200");
    assert_eq!(node.withdraw_received(&id, 60).await["message"], "Transfer already exists");
    node.end_withdrawal("voidLiquidityWithdrawal", &event).await;
    assert_eq!(node.withdraw_received(&id, 60).await["code"], "200");
    let row =
        node.row("incomingPayment", &id, "liquidity withdrawalId receivedAmount { value }").await;
    assert_eq!((&row["liquidity"], &row["receivedAmount"]["value"]), (&json!("0"), &json!("101")));
    let second = text(&row["withdrawalId"]);
    assert_ne!(second, event);
    node.end_withdrawal("postLiquidityWithdrawal", &second).await;
    assert_eq!(node.withdraw_received(&id, 0).await["message"], "Transfer already exists");
    let query = "query($id: String!) { accountingTransfers(id: $id) { debits { id state amount }
        credits { amount } } }";
    let books = node.data(query, json!({ "id": id })).await["accountingTransfers"].clone();
    let expected = json!([{"id": second, "state": "POSTED", "amount": "101"},
        {"id": event, "state": "VOIDED", "amount": "101"}]);
    assert_eq!(books["debits"], expected);
    assert_eq!(books["credits"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_payment_expires_by_the_clock_and_tells_only_of_money() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let wallet = node.wallet(&asset, "alice").await;
    let (empty, paid) = (
        node.expect(&wallet, Some(100), json!({})).await,
        node.expect(&wallet, None, json!({})).await,
    );
    let ledger = node.connector.ledger();
    let first = Leg {
        debit: ledger.account(AccountId::settlement(asset.parse().unwrap())),
        credit: ledger.account(AccountId::incoming_payment(paid.parse().unwrap())),
        amount: 7,
    };
    let (id, kind) = (Uuid::new_v4(), TransferKind::Deposit);
    ledger.transfer(Transfer { id, kind, first, second: None }, 5).await.unwrap();
    for id in [&empty, &paid] {
        let expire = |payment: &mut ilp_store::IncomingPaymentRecord| {
            payment.expires_at_ms = 1;
            None
        };
        node.operator
            .store()
            .transact(Companions::none(), |tx| {
                tx.update_incoming_payment(id.parse().unwrap(), expire)
            })
            .unwrap();
        let row = node.row("incomingPayment", id, "state").await;
        assert_eq!(row["state"], "EXPIRED", "the clock decides, not the timer");
        assert_eq!(node.receive(id, 1).await, Err(Declined::Closed));
    }
    assert_eq!(node.told(&["incoming_payment.expired"]).await, []);
    let timer = tokio::spawn({
        let operator = node.operator.clone();
        async move { operator.payments().expire_incoming().await }
    });
    for _ in 0..500 {
        if !node.told(&["incoming_payment.expired"]).await.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let told = node.told(&["incoming_payment.expired"]).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0].1["id"], &told[0].1["completed"]), (&json!(paid), &json!(false)));
    assert_eq!(node.withdraw_received(&empty, 0).await["message"], "Unknown incoming payment");
    assert_eq!(node.withdraw_received(&paid, 0).await["code"], "200");
    timer.abort();
}

#[tokio::test]
async fn a_restart_brings_states_up_to_date() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let wallet = node.wallet(&asset, "alice").await;
    let (full, part) = (
        node.expect(&wallet, Some(10), json!({})).await,
        node.expect(&wallet, Some(10), json!({})).await,
    );
    // In the books, and the node ends before anybody writes down what that means.
    for (id, amount) in [(&full, 10), (&part, 4)] {
        let recipient =
            node.operator.payments().recipient(id.parse().unwrap()).await.unwrap().unwrap();
        node.pay_in(&recipient.local, amount).await;
    }
    let node = node.restart().await;
    assert_eq!(node.row("incomingPayment", &full, "state").await["state"], "COMPLETED");
    assert_eq!(node.row("incomingPayment", &part, "state").await["state"], "PROCESSING");
    assert_eq!(node.receive(&part, 8).await, Err(Declined::TooMuch { room: 7 }));
    let node = node.restart().await;
    assert_eq!(node.told(&["incoming_payment.completed"]).await.len(), 1, "told once");
    assert_eq!(node.available(AccountId::incoming_payment(full.parse().unwrap())), 10);
}

#[tokio::test]
async fn urls_lead_to_whom_they_name() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let wallet = node.wallet(&asset, "alice").await;
    let id = node.expect(&wallet, Some(10), json!({})).await;
    let target =
        async |url: &str| node.operator.payments().spsp_target(url.parse().unwrap()).await.unwrap();
    let of_wallet = "https://wallet.example/alice";
    let of_payment = format!("{of_wallet}/incoming-payments/{id}");
    for url in [of_wallet, "$wallet.example/alice"] {
        let SpspTarget::Open(payee) = target(url).await else { panic!("{url}") };
        assert_eq!((payee.id.to_string(), payee.asked), (wallet.clone(), None));
    }
    let SpspTarget::Open(payee) = target(&of_payment).await else { panic!("{of_payment}") };
    assert_eq!((payee.id.to_string(), payee.asked, payee.received), (id.clone(), Some(10), 0));
    for url in [
        "https://wallet.example/bob".to_owned(),
        format!("https://wallet.example/bob/incoming-payments/{id}"),
        format!("{of_wallet}/incoming-payments/{}", Uuid::new_v4()),
    ] {
        assert!(matches!(target(&url).await, SpspTarget::Unknown), "{url}");
    }
    node.receive(&id, 10).await.unwrap();
    assert!(matches!(target(&of_payment).await, SpspTarget::Gone));
    node.done("updateWalletAddress", json!({"id": wallet, "status": "INACTIVE"}), "code").await;
    assert!(matches!(target(of_wallet).await, SpspTarget::Unknown));
    assert!(node.operator.payments().recipient(Uuid::new_v4()).await.unwrap().is_none());
}
