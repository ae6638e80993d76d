use super::*;
use crate::{
    IncomingPaymentState,
    records::forms::page::Order,
    testing::{asset, event, fresh, incoming_payment, open, wallet_address},
};

#[test]
fn payments_are_listed_by_wallet_address_page_by_page() {
    let (dir, store) = fresh();
    let usd = asset("USD");
    store.change(|tx| tx.insert_asset(&usd)).unwrap();
    let wallets = ["alice", "bob"].map(|name| wallet_address(usd.id, name));
    wallets.iter().for_each(|wallet| store.change(|tx| tx.insert_wallet_address(wallet)).unwrap());
    let mut of_alice = Vec::new();
    for number in 0..10 {
        let payment = incoming_payment(&wallets[number % 2], 1_000);
        store.change(|tx| tx.insert_incoming_payment(&payment, &event())).unwrap();
        if number % 2 == 0 {
            of_alice.insert(0, payment);
        }
    }
    let unknown = incoming_payment(&wallet_address(usd.id, "carol"), 1_000);
    let unknown = store.change(|tx| tx.insert_incoming_payment(&unknown, &event()));
    assert!(matches!(unknown, Err(TransactionError::UnknownWalletAddress)));
    drop(store);

    let store = open(dir.path());
    let alice = Some(wallets[0].id);
    let page = |page| store.incoming_payments_page(alice, page, |_| true).unwrap();
    let first = page(Page::newest(2));
    assert_eq!(first.rows, of_alice[..2]);
    assert!(first.has_next && !first.has_previous);
    let rest = page(Page { after: Some(first.rows[1].id), ..Page::newest(10) });
    assert_eq!(rest.rows, of_alice[2..]);
    assert!(!rest.has_next && rest.has_previous);
    let oldest = page(Page { order: Order::OldestFirst, ..Page::newest(1) });
    assert_eq!(oldest.rows, of_alice[4..]);
    let last = page(Page { from_end: true, before: Some(of_alice[4].id), ..Page::newest(2) });
    assert_eq!(last.rows, of_alice[2..4]);
    let some = |payment: &IncomingPaymentRecord| payment.id == of_alice[3].id;
    let some = store.incoming_payments_page(alice, Page::newest(5), some).unwrap();
    assert_eq!(some.rows, of_alice[3..4]);
    assert_eq!(
        store.incoming_payments_page(None, Page::newest(50), |_| true).unwrap().rows.len(),
        10
    );
    assert_eq!(store.payments_page(Page::newest(50), |_| true).unwrap().rows.len(), 10);
}

#[test]
fn the_open_ones_come_in_the_order_of_their_expiry() {
    let (dir, store) = fresh();
    let usd = asset("USD");
    store.change(|tx| tx.insert_asset(&usd)).unwrap();
    let alice = wallet_address(usd.id, "alice");
    store.change(|tx| tx.insert_wallet_address(&alice)).unwrap();
    let payments = [3_000, 1_000, 2_000].map(|at_ms| incoming_payment(&alice, at_ms));
    payments.iter().for_each(|payment| {
        store.change(|tx| tx.insert_incoming_payment(payment, &event())).unwrap()
    });
    let complete = |payment: &mut IncomingPaymentRecord| {
        payment.state = IncomingPaymentState::Completed;
        Some(event())
    };
    let (done, changed) =
        store.change(|tx| tx.update_incoming_payment(payments[1].id, complete)).unwrap();
    assert!(changed && !done.is_open());
    let shorten = |payment: &mut IncomingPaymentRecord| {
        payment.expires_at_ms = 500;
        None
    };
    assert!(store.change(|tx| tx.update_incoming_payment(payments[0].id, shorten)).unwrap().1);
    assert!(!store.change(|tx| tx.update_incoming_payment(payments[0].id, shorten)).unwrap().1);
    let unknown = store.change(|tx| tx.update_incoming_payment(Uuid::now_v7(), shorten));
    assert!(matches!(unknown, Err(TransactionError::UnknownPayment)));
    drop(store);
    let store = open(dir.path());
    let open: Vec<_> = store.open_incoming_payments().map(Result::unwrap).collect();
    assert_eq!(open, [(500, payments[0].id), (2_000, payments[2].id)]);
    // One for each payment and one for its completion.
    let events = store.events_page(Page::newest(10), &crate::EventFilter::default()).unwrap();
    assert_eq!(events.rows.len(), 4);
}
