use super::*;
use crate::{
    PaymentRecord,
    testing::{
        asset, event, fresh, incoming_payment, open, outgoing_payment, quote, wallet_address,
    },
};

#[test]
fn one_payment_is_made_from_a_quote_and_has_it_whole() {
    let (dir, store) = fresh();
    let usd = asset("USD");
    store.change(|tx| tx.insert_asset(&usd)).unwrap();
    let alice = wallet_address(usd.id, "alice");
    let offered = quote(&alice);
    assert!(matches!(
        store.change(|tx| tx.insert_quote(&offered)),
        Err(TransactionError::UnknownWalletAddress)
    ));
    store.change(|tx| tx.insert_wallet_address(&alice)).unwrap();
    store.change(|tx| tx.insert_quote(&offered)).unwrap();
    let payment = outgoing_payment(&offered);
    store.change(|tx| tx.insert_outgoing_payment(&payment, &event())).unwrap();
    let again =
        store.change(|tx| tx.insert_outgoing_payment(&outgoing_payment(&offered), &event()));
    assert!(matches!(again, Err(TransactionError::Conflict(Conflict::Quote))));
    assert_eq!(store.quote(offered.id).unwrap().as_ref(), Some(&offered));
    assert_eq!(store.purge_quotes(offered.created_at_ms, 10).unwrap(), 0);
    assert_eq!(store.purge_quotes(offered.created_at_ms + 1, 10).unwrap(), 1);
    drop(store);

    let store = open(dir.path());
    assert_eq!(store.quote(offered.id).unwrap(), None);
    assert_eq!(store.quotes_page(alice.id, Page::newest(5)).unwrap().rows, []);
    assert_eq!(store.outgoing_payment(payment.id).unwrap(), Some(payment));
    let again =
        store.change(|tx| tx.insert_outgoing_payment(&outgoing_payment(&offered), &event()));
    assert!(
        matches!(again, Err(TransactionError::Conflict(Conflict::Quote))),
        "also once it is gone"
    );
}

#[test]
fn those_that_have_not_ended_are_found_after_a_restart() {
    let (dir, store) = fresh();
    let usd = asset("USD");
    store.change(|tx| tx.insert_asset(&usd)).unwrap();
    let alice = wallet_address(usd.id, "alice");
    store.change(|tx| tx.insert_wallet_address(&alice)).unwrap();
    let payments = [(); 4].map(|()| outgoing_payment(&quote(&alice)));
    payments.iter().for_each(|payment| {
        store.change(|tx| tx.insert_outgoing_payment(payment, &event())).unwrap()
    });
    let states = [
        OutgoingPaymentState::Sending,
        OutgoingPaymentState::Completed,
        OutgoingPaymentState::Failed,
    ];
    for (payment, state) in payments.iter().zip(states) {
        let edit = |payment: &mut OutgoingPaymentRecord| {
            payment.state = state;
            Some(event())
        };
        assert!(store.change(|tx| tx.update_outgoing_payment(payment.id, edit)).unwrap().1);
    }
    let incoming = incoming_payment(&alice, 5);
    store.change(|tx| tx.insert_incoming_payment(&incoming, &event())).unwrap();
    drop(store);

    let store = open(dir.path());
    let unfinished: Vec<_> = store.unfinished_outgoing_payments().map(Result::unwrap).collect();
    assert_eq!(unfinished, [payments[0].id, payments[3].id]);
    let both = store.payments_page(Page::newest(2), |_| true).unwrap();
    let [PaymentRecord::Incoming(newest), PaymentRecord::Outgoing(next)] = &both.rows[..] else {
        panic!("{both:?}");
    };
    assert_eq!((newest.id, next.id, both.has_next), (incoming.id, payments[3].id, true));
    let failed = |payment: &OutgoingPaymentRecord| payment.state == OutgoingPaymentState::Failed;
    let failed = store.outgoing_payments_page(Some(alice.id), Page::newest(5), failed).unwrap();
    assert_eq!(failed.rows.len(), 1);
    assert_eq!(failed.rows[0].id, payments[2].id);
}

#[test]
fn a_quote_shows_no_secret() {
    let (_dir, store) = fresh();
    let usd = asset("USD");
    store.change(|tx| tx.insert_asset(&usd)).unwrap();
    let text = format!("{:?}", outgoing_payment(&quote(&wallet_address(usd.id, "alice"))));
    assert!(!text.contains("shared secret"), "{text}");
}
