//! Fees: the latest of each asset and kind counts, and the others are kept, since quotes name them.

use uuid::Uuid;

use super::{
    indexed::Indexed,
    wallet_records::{FeeKind, FeeRecord},
};
use crate::{
    error::{Conflict, StoreError, TransactionError},
    records::forms::{
        keys::Kind,
        page::{Page, Rows},
    },
    store::{
        reading::{Reader, Reading, id_from},
        transaction::Transaction,
    },
};

impl Indexed for FeeRecord {
    const KIND: Kind = Kind::Fee;

    fn index_keys(&self) -> Vec<Vec<u8>> {
        let mut by_kind = by_kind(self.asset_id, self.kind);
        by_kind.extend_from_slice(self.id.as_bytes());
        vec![Kind::FeeByAsset.link(self.asset_id, self.id), by_kind]
    }
}

impl Reader {
    /// The fee of this id.
    ///
    /// # Errors
    /// When the store or the record can't be read.
    pub fn fee(&self, id: Uuid) -> Result<Option<FeeRecord>, StoreError> {
        self.read(Kind::Fee, id)
    }

    /// The fee that counts, if there is one.
    ///
    /// # Errors
    /// When the store or the record can't be read.
    pub fn latest_fee(&self, asset: Uuid, kind: FeeKind) -> Result<Option<FeeRecord>, StoreError> {
        let last = self.scan_prefix(&by_kind(asset, kind)).next_back();
        let Some(entry) = last else { return Ok(None) };
        let (key, value) = entry?;
        self.fee(id_from(&key, &value)?)
    }

    /// One page of the fees of an asset that ever counted.
    ///
    /// # Errors
    /// When the store or a record can't be read.
    pub fn fees_page(&self, asset: Uuid, page: Page) -> Result<Rows<FeeRecord>, StoreError> {
        self.indexed_page(&Kind::FeeByAsset.of(asset), page, |_| true)
    }
}

impl Transaction<'_> {
    /// Adds a fee, which counts from now on.
    ///
    /// # Errors
    /// [`TransactionError::UnknownAsset`], [`Conflict::Id`], or when it can't be written.
    pub fn insert_fee(&mut self, record: &FeeRecord) -> Result<(), TransactionError> {
        if !self.has(&Kind::Asset.key(record.asset_id.as_bytes()))? {
            return Err(TransactionError::UnknownAsset);
        }
        if self.has(&Kind::Fee.key(record.id.as_bytes()))? {
            return Err(Conflict::Id.into());
        }
        self.add(record)
    }
}

fn by_kind(asset: Uuid, kind: FeeKind) -> Vec<u8> {
    let mut key = Kind::FeeByPurpose.of(asset);
    key.push(match kind {
        FeeKind::Sending => 1,
        FeeKind::Receiving => 2,
    });
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{asset, fresh, open};

    fn fee(asset_id: Uuid, kind: FeeKind, fixed: u64) -> FeeRecord {
        let id = Uuid::now_v7();
        FeeRecord { id, asset_id, kind, fixed, basis_points: 10_000, created_at_ms: 5 }
    }

    #[test]
    fn the_latest_of_each_kind_counts_and_all_are_kept() {
        let (dir, store) = fresh();
        let (usd, eur) = (asset("USD"), asset("EUR"));
        store.change(|tx| tx.insert_asset(&usd)).unwrap();
        store.change(|tx| tx.insert_asset(&eur)).unwrap();
        assert_eq!(store.latest_fee(usd.id, FeeKind::Sending).unwrap(), None);
        let mut fees = Vec::new();
        for (kind, fixed) in [
            (FeeKind::Sending, 1),
            (FeeKind::Receiving, 2),
            (FeeKind::Sending, 3),
            (FeeKind::Receiving, u64::MAX),
        ] {
            fees.push(fee(usd.id, kind, fixed));
            store.change(|tx| tx.insert_fee(fees.last().unwrap())).unwrap();
        }
        assert!(matches!(
            store.change(|tx| tx.insert_fee(&fees[0])),
            Err(TransactionError::Conflict(Conflict::Id))
        ));
        let unknown = fee(Uuid::now_v7(), FeeKind::Sending, 1);
        assert!(matches!(
            store.change(|tx| tx.insert_fee(&unknown)),
            Err(TransactionError::UnknownAsset)
        ));
        drop(store);

        let store = open(dir.path());
        let latest = |kind| store.latest_fee(usd.id, kind).unwrap();
        assert_eq!(latest(FeeKind::Sending).as_ref(), Some(&fees[2]));
        assert_eq!(latest(FeeKind::Receiving).as_ref(), Some(&fees[3]));
        assert_eq!(store.latest_fee(eur.id, FeeKind::Sending).unwrap(), None);
        let page = store.fees_page(usd.id, Page::newest(3)).unwrap();
        assert_eq!(page.rows, [&fees[3], &fees[2], &fees[1]].map(Clone::clone));
        assert!(page.has_next && !page.has_previous);
        assert_eq!(store.fees_page(eur.id, Page::newest(3)).unwrap().rows, []);
    }
}
