//! Quotes and outgoing payments, to others and to somebody of the same node.

use ilp_connector::{
    account::AccountId,
    ledger::{Ledger, Leg, Transfer, TransferKind},
};
use ilp_operator::paying::{Ended, Progress, SendOrder};
use ilp_store::Companions;
use uuid::Uuid;

use crate::schema::tests::*;

pub(crate) const QUOTE: &str = "id walletAddressId receiver debitAmount { value assetCode }
    receiveAmount { value assetCode assetScale } feeAmount { value } packetCount maxPacketAmount
    estimatedExchangeRate expiresAt tenantId";

const PAYMENT: &str = "id state error stateAttempts liquidity receiver metadata
    debitAmount { value } receiveAmount { value } sentAmount { value } deliveredAmount { value }
    quote { id } withdrawalId walletAddressId";

pub(crate) fn usd(value: u64) -> Value {
    json!({"value": value, "assetCode": "USD", "assetScale": 9})
}

impl Node {
    pub(crate) async fn quote(&self, wallet: &str, receiver: &str, more: Value) -> Value {
        let mut input = json!({"walletAddressId": wallet, "receiver": receiver});
        for (name, value) in more.as_object().unwrap() {
            input[name] = value.clone();
        }
        self.done("createQuote", input, &format!("quote {{ {QUOTE} }}")).await["quote"].clone()
    }

    /// A payment from a quote, not yet funded.
    pub(crate) async fn payment(&self, quote: &Value) -> String {
        let input = json!({"walletAddressId": quote["walletAddressId"], "quoteId": quote["id"],
            "metadata": {"for": "tests"}});
        text(&self.done("createOutgoingPayment", input, "payment { id }").await["payment"]["id"])
    }

    pub(crate) async fn fund(&self, id: &str) -> Value {
        let input = json!({"outgoingPaymentId": id, "idempotencyKey": Uuid::new_v4()});
        self.done("depositOutgoingPaymentLiquidity", input, "code message").await
    }

    /// Takes from a payment's account as a fulfilled packet does.
    pub(crate) async fn send_packet(&self, order: &SendOrder, amount: u64) {
        let first = Leg {
            debit: Arc::clone(&order.payer.account),
            credit: Arc::clone(&order.payer.asset.liquidity),
            amount,
        };
        let (id, kind) = (Uuid::new_v4(), TransferKind::Packet);
        let transfer = Transfer { id, kind, first, second: None };
        let ledger = self.connector.ledger();
        let hold = ledger.hold(transfer).await.unwrap();
        ledger.post(hold).await.unwrap();
    }

    pub(crate) async fn withdraw_left(&self, id: &str) -> Value {
        let input = json!({"outgoingPaymentId": id, "idempotencyKey": Uuid::new_v4(),
            "timeoutSeconds": 0});
        self.done("createOutgoingPaymentWithdrawal", input, "code message").await
    }
}

#[tokio::test]
async fn a_payment_to_another_node_is_quoted_funded_sent_and_ended() {
    let node = Node::start().await;
    let payer = node.pay_through_notes().await;
    let asset = node.create_asset("USD").await;
    let wallet = node.wallet(&asset, "alice").await;
    let fee = json!({"fixed": 3, "basisPoints": 100});
    let input = json!({"assetId": asset, "type": "SENDING", "fee": fee});
    node.done("setFee", input, "success").await;
    let quote = node.quote(&wallet, "$far.example/bob", json!({"debitAmount": usd(1_000)})).await;
    let expected = json!({
        "id": quote["id"], "walletAddressId": wallet, "receiver": "$far.example/bob",
        "debitAmount": {"value": "1000", "assetCode": "USD"},
        "receiveAmount": {"value": "1974", "assetCode": "EUR", "assetScale": 2},
        "feeAmount": {"value": "13"}, "packetCount": "99", "maxPacketAmount": "10",
        "estimatedExchangeRate": 2.0, "expiresAt": quote["expiresAt"],
        "tenantId": "438fa74a-fa7d-4317-9ced-dde32ece1787"
    });
    assert_eq!(quote, expected);
    assert_eq!(node.row("quote", &text(&quote["id"]), QUOTE).await, quote);

    let id = node.payment(&quote).await;
    assert_eq!(node.row("outgoingPayment", &id, "state").await["state"], "FUNDING");
    let done = json!({"code": "200", "message": "Added outgoing payment liquidity"});
    assert_eq!(node.fund(&id).await, done);
    let order = payer.orders.lock()[0].clone();
    assert_eq!((order.debit_max, order.receive_amount, order.is_fixed_send), (987, 1_974, true));
    assert_eq!((order.sent, order.delivered, order.details.reveal()), (0, 0, "keep me"));
    assert_eq!(order.payer.account.own_part().available(), 1_000);

    node.send_packet(&order, 600).await;
    let progress = Progress { sent: 600, delivered: 1_250, packets: 60 };
    node.operator.progress(order.payment_id, progress);
    let row = node.row("outgoingPayment", &id, PAYMENT).await;
    assert_eq!((&row["sentAmount"]["value"], &row["state"]), (&json!("600"), &json!("SENDING")));
    assert_eq!(node.withdraw_left(&id).await["message"], "Unknown outgoing payment");
    let ended = Ended::Failed { reason: "the path broke".to_owned() };
    node.operator.ended(order.payment_id, ended, progress).await.unwrap();
    let row = node.row("outgoingPayment", &id, PAYMENT).await;
    let expected = json!({
        "id": id, "state": "FAILED", "error": "the path broke", "stateAttempts": 0,
        "liquidity": "400", "receiver": "$far.example/bob", "metadata": {"for": "tests"},
        "debitAmount": {"value": "1000"}, "receiveAmount": {"value": "1974"},
        "sentAmount": {"value": "600"}, "deliveredAmount": {"value": "1250"},
        "quote": {"id": quote["id"]}, "withdrawalId": row["withdrawalId"],
        "walletAddressId": wallet
    });
    assert_eq!(row, expected);
    assert_eq!(node.withdraw_left(&id).await["code"], "200");
    let row = node.row("outgoingPayment", &id, "liquidity sentAmount { value }").await;
    assert_eq!(row, json!({"liquidity": "0", "sentAmount": {"value": "600"}}));

    let told = node.told(&[]).await;
    let kinds: Vec<_> = told.iter().map(|(kind, _)| kind.as_str()).collect();
    let expected =
        ["outgoing_payment.created", "outgoing_payment.sending", "outgoing_payment.failed"];
    assert_eq!(kinds, expected);
    let data = &told[2].1;
    let amount = |value: &str| json!({"value": value, "assetCode": "USD", "assetScale": 9});
    let expected = json!({
        "id": id, "walletAddressId": wallet, "client": null, "state": "FAILED",
        "receiver": "$far.example/bob", "debitAmount": amount("1000"), "sentAmount": amount("600"), "stateAttempts": 0,
        "receiveAmount": {"value": "1974", "assetCode": "EUR", "assetScale": 2},
        "createdAt": data["createdAt"], "balance": "400", "error": "the path broke",
        "metadata": {"for": "tests"}
    });
    assert_eq!(*data, expected);
    assert_eq!((&told[0].1["balance"], &told[1].1["balance"]), (&json!("0"), &json!("1000")));
}

#[tokio::test]
async fn somebody_of_the_same_node_is_paid_in_the_books() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let (alice, bob) = (node.wallet(&asset, "alice").await, node.wallet(&asset, "bob").await);
    let fee = json!({"fixed": 5, "basisPoints": 0});
    let input = json!({"assetId": asset, "type": "SENDING", "fee": fee});
    node.done("setFee", input, "success").await;
    let more = json!({"receiveAmount": usd(300)});
    let quote = node.quote(&alice, "https://wallet.example/bob", more).await;
    assert_eq!(quote["debitAmount"]["value"], "305");
    let id = node.payment(&quote).await;
    node.fund(&id).await;
    node.until_state("outgoingPayment", &id, "COMPLETED").await;
    let row = node.row("outgoingPayment", &id, PAYMENT).await;
    assert_eq!((&row["sentAmount"]["value"], &row["liquidity"]), (&json!("300"), &json!("5")));
    assert_eq!(node.row("walletAddress", &bob, "liquidity").await["liquidity"], "300");
    assert_eq!(node.withdraw_left(&id).await["code"], "200");
    let query = "query($id: String!) { accountingTransfers(id: $id) { debits { id transferType
        amount creditAccountId } } }";
    let books = node.data(query, json!({ "id": id })).await["accountingTransfers"].clone();
    let paid = json!({"id": id, "transferType": "TRANSFER", "amount": "300",
        "creditAccountId": bob});
    assert_eq!(books["debits"][1], paid);

    // An incoming payment, with the amount that it asks for.
    let input = json!({"walletAddressId": bob, "incomingAmount": usd(40)});
    let incoming = node.done("createIncomingPayment", input, "payment { id url }").await;
    let url = text(&incoming["payment"]["url"]);
    let quote = node.quote(&alice, &url, json!({})).await;
    assert_eq!(
        (&quote["debitAmount"]["value"], &quote["receiveAmount"]["value"]),
        (&json!("45"), &json!("40"))
    );
    let (first, second) = (node.payment(&quote).await, node.quote(&alice, &url, json!({})).await);
    let second = node.payment(&second).await;
    node.fund(&first).await;
    node.until_state("outgoingPayment", &first, "COMPLETED").await;
    let incoming = text(&incoming["payment"]["id"]);
    node.until_state("incomingPayment", &incoming, "COMPLETED").await;
    node.fund(&second).await;
    node.until_state("outgoingPayment", &second, "FAILED").await;
    let row = node.row("outgoingPayment", &second, "error liquidity").await;
    assert_eq!(row, json!({"error": "the receiver takes nothing more", "liquidity": "45"}));

    let lists = "query($id: String!) { payments { edges { node { id type state liquidity } } }
        outgoingPayments(filter: {state: {in: [\"FAILED\"]}}) { edges { node { id } } }
        some: payments(filter: {type: {in: [\"INCOMING\"]}}) { edges { node { id } } }
        walletAddress(id: $id) { outgoingPayments { edges { node { id } } }
            quotes(first: 2) { edges { node { id } } pageInfo { hasNextPage } } } }";
    let data = node.data(lists, json!({ "id": alice })).await;
    let ids = |edges: &Value| -> Vec<String> {
        let edges = edges["edges"].as_array().unwrap();
        edges.iter().map(|edge| text(&edge["node"]["id"])).collect()
    };
    assert_eq!(ids(&data["payments"]), [&second, &first, &incoming, &id].map(Clone::clone));
    assert_eq!(ids(&data["outgoingPayments"]), [second.as_str()]);
    assert_eq!(ids(&data["some"]), [incoming]);
    assert_eq!(ids(&data["walletAddress"]["outgoingPayments"]), [second, first, id]);
    assert_eq!(data["walletAddress"]["quotes"]["pageInfo"]["hasNextPage"], true);
}

#[tokio::test]
async fn across_assets_the_node_pays_from_its_own_stock() {
    let node = Node::start().await;
    let (usd_id, eur) = (node.create_asset("USD").await, node.create_asset("EUR").await);
    let (alice, bob) = (node.wallet(&usd_id, "alice").await, node.wallet(&eur, "bob").await);
    let input = json!({"base": "USD", "quote": "EUR", "rate": "0.9"});
    node.done("setRate", input, "success").await;
    let receiver = "$wallet.example/bob";
    let quote = node.quote(&alice, receiver, json!({"debitAmount": usd(1_001)})).await;
    assert_eq!(quote["receiveAmount"]["value"], "900");
    let more = json!({"receiveAmount": {"value": 900, "assetCode": "EUR", "assetScale": 9}});
    let least = node.quote(&alice, receiver, more).await;
    assert_eq!(least["debitAmount"]["value"], "1000");

    let short = node.payment(&quote).await;
    node.fund(&short).await;
    node.until_state("outgoingPayment", &short, "FAILED").await;
    let row = node.row("outgoingPayment", &short, "error liquidity sentAmount { value }").await;
    let expected = json!({"error": "Insufficient transfer liquidity available",
        "liquidity": "1001", "sentAmount": {"value": "0"}});
    assert_eq!(row, expected);

    node.stock(&eur, 900).await;
    let id = node.payment(&least).await;
    node.fund(&id).await;
    node.until_state("outgoingPayment", &id, "COMPLETED").await;
    let account = |id: &str| id.parse::<Uuid>().unwrap();
    assert_eq!(node.available(AccountId::asset(account(&usd_id))), 1_000);
    assert_eq!(node.available(AccountId::asset(account(&eur))), 0);
    assert_eq!(node.available(AccountId::wallet_address(account(&bob))), 900);
    assert_eq!(node.available(AccountId::outgoing_payment(account(&id))), 0);
}

#[tokio::test]
async fn a_payment_that_waits_for_its_money_is_called_off() {
    let node = Node::start().await;
    node.pay_through_notes().await;
    let asset = node.create_asset("USD").await;
    let wallet = node.wallet(&asset, "alice").await;
    let amount = json!({"debitAmount": usd(10)});
    let quote = node.quote(&wallet, "https://far.example/bob", amount).await;
    let id = node.payment(&quote).await;
    let input = json!({"id": id, "reason": "changed my mind"});
    let cancelled =
        node.done("cancelOutgoingPayment", input.clone(), "payment { state metadata }").await;
    let expected = json!({"state": "CANCELLED",
        "metadata": {"for": "tests", "cancellationReason": "changed my mind"}});
    assert_eq!(cancelled["payment"], expected);
    let told = node.told(&["outgoing_payment.cancelled"]).await;
    assert_eq!((told.len(), &told[0].1["state"]), (1, &json!("CANCELLED")));
    let again = node.done("cancelOutgoingPayment", input, "code message").await;
    assert_eq!(again["code"], "409");
    assert_eq!(node.fund(&id).await["code"], "409");
    assert_eq!(node.available(AccountId::outgoing_payment(id.parse().unwrap())), 0);
}

/// The quote has expired, and the money waits to be withdrawn.
#[tokio::test]
async fn a_payment_whose_quote_expires_before_its_money_comes_fails() {
    let node = Node::start().await;
    let payer = node.pay_through_notes().await;
    let asset = node.create_asset("USD").await;
    let wallet = node.wallet(&asset, "alice").await;
    let amount = json!({"debitAmount": usd(10)});
    let quote = node.quote(&wallet, "https://far.example/bob", amount).await;
    let id = node.payment(&quote).await;
    let expire = |payment: &mut ilp_store::OutgoingPaymentRecord| {
        payment.quote.expires_at_ms = 1;
        None
    };
    node.operator
        .store()
        .transact(Companions::none(), |tx| tx.update_outgoing_payment(id.parse().unwrap(), expire))
        .unwrap();
    assert_eq!(node.fund(&id).await["code"], "200");
    let row = node.row("outgoingPayment", &id, "state error liquidity").await;
    assert_eq!(row, json!({"state": "FAILED", "error": "QuoteExpired", "liquidity": "10"}));
    assert_eq!(node.told(&["outgoing_payment.failed"]).await[0].1["balance"], "10");
    assert!(payer.orders.lock().is_empty());
    assert_eq!(node.withdraw_left(&id).await["code"], "200");
    assert_eq!(node.withdraw_left(&id).await["message"], "Transfer already exists");
}

#[tokio::test]
async fn of_concurrent_deposits_one_funds_the_payment() {
    let node = Arc::new(Node::start().await);
    let payer = node.pay_through_notes().await;
    let asset = node.create_asset("USD").await;
    let wallet = node.wallet(&asset, "alice").await;
    let amount = json!({"debitAmount": usd(10)});
    let quote = node.quote(&wallet, "https://far.example/bob", amount).await;
    let id = node.payment(&quote).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let (node, id) = (Arc::clone(&node), id.clone());
        tasks.spawn(async move { text(&node.fund(&id).await["code"]) });
    }
    let codes = tasks.join_all().await;
    assert_eq!(codes.iter().filter(|code| *code == "200").count(), 1, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| *code == "409").count(), 11, "{codes:?}");
    assert_eq!(payer.orders.lock().len(), 1);
    assert_eq!(node.available(AccountId::outgoing_payment(id.parse().unwrap())), 10);
}
