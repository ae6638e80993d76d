//! Tests of which asset an account belongs to, as far as the sums by asset depend on it.

use super::*;
use crate::testing::{asset, event, incoming_payment, outgoing_payment, quote, wallet_address};

fn pay(ledger: &DurableLedger, debit: AccountId, credit: AccountId, amount: u64) {
    let (debit, credit) = (ledger.account(debit), ledger.account(credit));
    let first = Leg { debit, credit, amount };
    let id = Uuid::now_v7();
    let transfer = Transfer { id, kind: TransferKind::Packet, first, second: None };
    let held = block_on(ledger.hold(transfer)).unwrap();
    block_on(ledger.post(held)).unwrap();
}

fn deposited(ledger: &DurableLedger, asset: Uuid, to: AccountId, amount: u64) {
    let (debit, credit) = (ledger.account(AccountId::settlement(asset)), ledger.account(to));
    let first = Leg { debit, credit, amount };
    let id = Uuid::now_v7();
    let transfer = Transfer { id, kind: TransferKind::Deposit, first, second: None };
    block_on(ledger.transfer(transfer, 1)).unwrap();
}

#[test]
fn an_account_of_every_kind_is_in_the_sums_of_its_asset() {
    let (dir, store) = fresh();
    let (usd, eur) = (asset("USD"), asset("EUR"));
    let wallets = [wallet_address(usd.id, "alice"), wallet_address(eur.id, "bob")];
    let incoming = incoming_payment(&wallets[1], 1_900_000_000_000);
    let quote = quote(&wallets[0]);
    let outgoing = outgoing_payment(&quote);
    let peer = crate::testing::peer(usd.id, "g.carol", &[]);
    let gone = crate::testing::peer(usd.id, "g.gone", &[]);
    for asset in [&usd, &eur] {
        store.change(|tx| tx.insert_asset(asset)).unwrap();
    }
    for wallet in &wallets {
        store.change(|tx| tx.insert_wallet_address(wallet)).unwrap();
    }
    store.change(|tx| tx.insert_incoming_payment(&incoming, &event())).unwrap();
    store.change(|tx| tx.insert_quote(&quote)).unwrap();
    store.change(|tx| tx.insert_outgoing_payment(&outgoing, &event())).unwrap();
    store.change(|tx| tx.insert_peer(&peer)).unwrap();
    store.change(|tx| tx.insert_peer(&gone)).unwrap();
    let ledger = DurableLedger::open(&store, options(10)).unwrap();
    let in_usd = [
        AccountId::asset(usd.id),
        AccountId::peer(peer.id),
        AccountId::peer(gone.id),
        AccountId::wallet_address(wallets[0].id),
        AccountId::outgoing_payment(outgoing.id),
    ];
    let in_eur = [
        AccountId::wallet_address(wallets[1].id),
        AccountId::incoming_payment(incoming.id),
        AccountId::asset(eur.id),
    ];
    for account in in_usd {
        deposited(&ledger, usd.id, account, 10);
    }
    for account in in_eur {
        deposited(&ledger, eur.id, account, 10);
    }
    store.change(|tx| tx.delete_peer(gone.id, 1)).unwrap();
    let report = ledger.verify().unwrap();
    assert_eq!((report.faults, report.unchecked), (vec![], vec![]));
    ledger.close().unwrap();
    drop((ledger, store));
    let report = verify(dir.path()).unwrap();
    assert_eq!((report.faults, report.unchecked, report.accounts), (vec![], vec![], 10));

    // Dollars turn into euros without a rate: the books of each asset are wrong, and the total is
    // right.
    let store = open(dir.path());
    let ledger = DurableLedger::open(&store, options(10)).unwrap();
    pay(&ledger, in_usd[4], in_eur[1], 3);
    let report = ledger.verify().unwrap();
    assert_eq!(report.faults.len(), 1, "{report:?}");
    assert!(report.faults[0].contains("the accounts of asset"), "{report:?}");
    assert_eq!(report.unchecked, Vec::<String>::new());
}

#[test]
fn a_check_that_an_unknown_owner_prevents_is_told_of() {
    let (dir, store) = fresh();
    let ledger = DurableLedger::open(&store, options(10)).unwrap();
    deposited(&ledger, ASSET.owner, AccountId::wallet_address(Uuid::from_u128(7)), 10);
    deposited(&ledger, ASSET.owner, AccountId::peer(Uuid::from_u128(8)), 10);
    // An account without transfers is left out, though it was asked for.
    let _ = ledger.account(AccountId::incoming_payment(Uuid::from_u128(9)));
    let report = ledger.verify().unwrap();
    assert_eq!(report.faults, Vec::<String>::new());
    assert!(report.unchecked[0].contains("the owners of 2 accounts"), "{report:?}");
    ledger.close().unwrap();
    drop((ledger, store));
    assert_eq!(verify(dir.path()).unwrap().unchecked.len(), 1);
}
