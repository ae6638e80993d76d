use super::*;
use crate::testing::{asset, fresh, open, wallet_address};

#[test]
fn a_url_belongs_to_one_and_an_asset_in_use_stays() {
    let (dir, store) = fresh();
    let usd = asset("USD");
    store.change(|tx| tx.insert_asset(&usd)).unwrap();
    let alice = wallet_address(usd.id, "alice");
    store.change(|tx| tx.insert_wallet_address(&alice)).unwrap();
    let again = store.change(|tx| tx.insert_wallet_address(&alice));
    assert!(matches!(again, Err(TransactionError::Conflict(Conflict::Id))));
    let same_url = wallet_address(usd.id, "alice");
    let again = store.change(|tx| tx.insert_wallet_address(&same_url));
    assert!(matches!(again, Err(TransactionError::Conflict(Conflict::WalletAddress))));
    let unknown =
        store.change(|tx| tx.insert_wallet_address(&wallet_address(Uuid::now_v7(), "bob")));
    assert!(matches!(unknown, Err(TransactionError::UnknownAsset)));
    assert!(matches!(
        store.change(|tx| tx.delete_asset(usd.id)),
        Err(TransactionError::AssetInUse)
    ));
    drop(store);

    let store = open(dir.path());
    assert_eq!(store.wallet_address(alice.id).unwrap().as_ref(), Some(&alice));
    assert_eq!(store.wallet_address_by_url(&alice.url).unwrap(), Some(alice));
    assert_eq!(store.wallet_address_by_url("https://wallet.example/ali").unwrap(), None);
}

#[test]
fn an_update_changes_neither_id_nor_url_nor_asset() {
    let (dir, store) = fresh();
    let usd = asset("USD");
    store.change(|tx| tx.insert_asset(&usd)).unwrap();
    let alice = wallet_address(usd.id, "alice");
    store.change(|tx| tx.insert_wallet_address(&alice)).unwrap();
    let updated = store.change(|tx| {
        tx.update_wallet_address(alice.id, |record| {
            record.id = Uuid::nil();
            record.url = "https://wallet.example/mallory".to_owned();
            record.asset_id = Uuid::nil();
            record.deactivated_at_ms = Some(7);
        })
    });
    let expected = WalletAddressRecord { deactivated_at_ms: Some(7), version: 1, ..alice.clone() };
    assert_eq!(updated.unwrap(), expected);
    let unknown = store.change(|tx| tx.update_wallet_address(Uuid::now_v7(), |_| {}));
    assert!(matches!(unknown, Err(TransactionError::UnknownWalletAddress)));
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.wallet_address_by_url(&alice.url).unwrap(), Some(expected));
    assert_eq!(store.wallet_addresses_page(Page::newest(5)).unwrap().rows.len(), 1);
}
