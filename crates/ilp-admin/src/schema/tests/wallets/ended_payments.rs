//! Payments that have ended: their records stay, and their accounts are closed.

use std::time::Duration;

use ilp_connector::account::AccountId;
use ilp_operator::paying::{Ended, Progress};
use uuid::Uuid;

use crate::schema::tests::*;

const OUTGOING: &str = "id state error liquidity sentAmount { value } deliveredAmount { value }
    withdrawalId createdAt";
const INCOMING: &str = "id state liquidity receivedAmount { value } incomingAmount { value }
    expiresAt createdAt";
const TRANSFERS: &str = "query($id: String!) { accountingTransfers(id: $id) {
    debits { id amount transferType state debitAccountId creditAccountId }
    credits { id amount transferType state debitAccountId creditAccountId } } }";

struct Wallets {
    asset: String,
    alice: String,
    bob: String,
}

async fn wallets(node: &Node) -> Wallets {
    let asset = node.create_asset("USD").await;
    let (alice, bob) = (node.wallet(&asset, "alice").await, node.wallet(&asset, "bob").await);
    Wallets { asset, alice, bob }
}

impl Node {
    async fn invoice(&self, wallet: &str, amount: u64) -> String {
        let amount = json!({"value": amount, "assetCode": "USD", "assetScale": 9});
        let input = json!({"walletAddressId": wallet, "incomingAmount": amount});
        text(&self.done("createIncomingPayment", input, "payment { id }").await["payment"]["id"])
    }

    /// A payment to an invoice of this node, both of them ended and emptied.
    async fn paid_invoice(&self, of: &Wallets) -> (String, String) {
        let invoice = self.invoice(&of.bob, 40).await;
        let url = self.row("incomingPayment", &invoice, "url").await["url"].clone();
        let quote = self.quote(&of.alice, &text(&url), json!({})).await;
        let payment = self.payment(&quote).await;
        self.fund(&payment).await;
        self.until_state("outgoingPayment", &payment, "COMPLETED").await;
        self.until_state("incomingPayment", &invoice, "COMPLETED").await;
        let input = json!({"incomingPaymentId": invoice, "idempotencyKey": Uuid::new_v4(),
            "timeoutSeconds": 0});
        self.done("createIncomingPaymentWithdrawal", input, "code").await;
        (payment, invoice)
    }

    /// Waits until the accounts have been closed, and a checkpoint has that.
    async fn until_closed(&self, accounts: &[AccountId]) {
        let ledger = self.connector.ledger();
        for _ in 0..500 {
            ledger.checkpoint().unwrap();
            if accounts.iter().all(|account| ledger.is_account_over(*account)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{accounts:?} are still open");
    }

    /// Every field of a payment to an invoice.
    async fn told_of(&self, (payment, invoice): &(String, String)) -> Vec<Value> {
        vec![
            self.row("outgoingPayment", payment, OUTGOING).await,
            self.row("incomingPayment", invoice, INCOMING).await,
            self.data(TRANSFERS, json!({ "id": payment })).await,
            self.data(TRANSFERS, json!({ "id": invoice })).await,
        ]
    }
}

fn accounts((payment, invoice): &(String, String)) -> [AccountId; 2] {
    [
        AccountId::outgoing_payment(payment.parse().unwrap()),
        AccountId::incoming_payment(invoice.parse().unwrap()),
    ]
}

async fn end(worker: tokio::task::JoinHandle<()>) {
    worker.abort();
    // It lets go of the store now, and the node may be started anew.
    assert!(worker.await.is_err());
}

fn closing(node: &Node) -> tokio::task::JoinHandle<()> {
    let operator = node.operator.clone();
    tokio::spawn(async move { operator.payments().close_ended().await })
}

#[tokio::test]
async fn ended_payments_have_no_account_and_are_told_of_as_before() {
    let node = Node::start().await;
    let wallets = wallets(&node).await;
    let both = node.paid_invoice(&wallets).await;
    let before = node.told_of(&both).await;
    assert_eq!(
        before[2]["accountingTransfers"]["debits"].as_array().unwrap().len(),
        1,
        "{before:?}"
    );
    assert_eq!(
        before[3]["accountingTransfers"]["debits"].as_array().unwrap().len(),
        1,
        "{before:?}"
    );
    let worker = closing(&node);
    node.until_closed(&accounts(&both)).await;
    assert_eq!(node.told_of(&both).await, before);
    // And from now on as soon as they end.
    let next = node.paid_invoice(&wallets).await;
    node.until_closed(&accounts(&next)).await;
    end(worker).await;

    let node = node.restart().await;
    assert_eq!(node.told_of(&both).await, before);
    let ledger = node.connector.ledger();
    let payments = |(id, _): &(AccountId, _)| {
        [AccountId::incoming_payment(id.owner), AccountId::outgoing_payment(id.owner)].contains(id)
    };
    assert_eq!(ledger.totals().iter().filter(|row| payments(row)).count(), 0);
    let report = ledger.verify().unwrap();
    assert_eq!((report.faults, report.unchecked), (vec![], vec![]));
    // The sums of the asset's books are what they were.
    let asset: Uuid = wallets.asset.parse().unwrap();
    let settlement = ledger.total(AccountId::settlement(asset));
    assert_eq!((settlement.debits, settlement.credits), (80, 80));
    let again = json!({"incomingPaymentId": both.1, "idempotencyKey": Uuid::new_v4(),
        "timeoutSeconds": 0});
    let again = node.mutate("createIncomingPaymentWithdrawal", again, "code message").await;
    let refused = &again["data"]["createIncomingPaymentWithdrawal"];
    assert_eq!(refused["message"], "Transfer already exists", "{again}");
}

#[tokio::test]
async fn payments_that_go_on_or_have_money_left_keep_their_accounts() {
    let node = Node::start().await;
    let payer = node.pay_through_notes().await;
    let wallets = wallets(&node).await;
    let worker = closing(&node);
    let more = json!({"debitAmount": {"value": 100, "assetCode": "USD", "assetScale": 9}});
    let quote = node.quote(&wallets.alice, "$far.example/bob", more).await;
    let payment = node.payment(&quote).await;
    node.fund(&payment).await;
    let order = payer.orders.lock()[0].clone();
    node.send_packet(&order, 100).await;
    let account = AccountId::outgoing_payment(order.payment_id);
    // Empty, and not ended.
    node.operator.payments().close_accounts_of(&[account]).await;
    assert!(!order.payer.account.is_closed());
    let progress = Progress { sent: 100, delivered: 200, packets: 1 };
    node.operator.ended(order.payment_id, Ended::Completed, progress).await.unwrap();
    node.until_closed(&[account]).await;

    let quote = node
        .quote(
            &wallets.alice,
            "$far.example/bob",
            json!({"debitAmount":
        {"value": 50, "assetCode": "USD", "assetScale": 9}}),
        )
        .await;
    let failed = node.payment(&quote).await;
    node.fund(&failed).await;
    let order = payer.orders.lock()[1].clone();
    let ended = Ended::Failed { reason: "no way".to_owned() };
    node.operator.ended(order.payment_id, ended, Progress::default()).await.unwrap();
    let account = AccountId::outgoing_payment(order.payment_id);
    node.operator.payments().close_accounts_of(&[account]).await;
    assert_eq!(node.available(account), 50);
    assert_eq!(node.withdraw_left(&failed).await["code"], "200");
    node.until_closed(&[account]).await;
    assert_eq!(node.row("outgoingPayment", &failed, "liquidity").await["liquidity"], "0");
    end(worker).await;
}

#[tokio::test]
async fn old_payments_are_removed_where_the_operator_wants_that_and_no_money_is_left() {
    let node = Node::start().await;
    let wallets = wallets(&node).await;
    let worker = closing(&node);
    let both = node.paid_invoice(&wallets).await;
    node.until_closed(&accounts(&both)).await;
    // One that has money left, and one that is open.
    let unpaid = node.invoice(&wallets.bob, 7).await;
    let quote = node
        .quote(
            &wallets.alice,
            "https://wallet.example/bob",
            json!({"debitAmount":
        {"value": 50, "assetCode": "USD", "assetScale": 9}}),
        )
        .await;
    let waiting = node.payment(&quote).await;
    let ids = async || {
        let list = "{ payments(first: 50) { edges { node { id } } } }";
        let data = node.data(list, json!({})).await;
        let edges = data["payments"]["edges"].as_array().unwrap().clone();
        edges.iter().map(|edge| text(&edge["node"]["id"])).collect::<Vec<_>>()
    };
    put_forward(3_000);
    node.operator.payments().remove_old(None).await.unwrap();
    let day = Duration::from_secs(24 * 60 * 60);
    node.operator.payments().remove_old(Some(day)).await.unwrap();
    assert_eq!(ids().await.len(), 4);
    node.operator.payments().remove_old(Some(Duration::from_secs(1))).await.unwrap();
    let left = ids().await;
    // The invoice's time is over in thirty days, and it is kept from then on.
    assert_eq!(left, [waiting.clone(), unpaid.clone(), both.1.clone()]);
    assert_eq!(node.row("outgoingPayment", &waiting, "state").await["state"], "FUNDING");
    let gone = "query($id: String!) { outgoingPayment(id: $id) { id } }";
    let gone = node.run(gone, json!({ "id": both.0 })).await;
    assert_eq!(gone["errors"][0]["extensions"]["code"], "NOT_FOUND", "{gone}");
    // The journal has what it moved, under the names of those whom it paid.
    let data = node.data(TRANSFERS, json!({ "id": both.1 })).await;
    assert_eq!(data["accountingTransfers"]["credits"][0]["amount"], "40");
    end(worker).await;
    let node = node.restart().await;
    let report = node.connector.ledger().verify().unwrap();
    assert_eq!((report.faults, report.unchecked), (vec![], vec![]));
}
