//! Wallet addresses: unique by URL.

use std::ops::Bound::{Excluded, Included};

use uuid::Uuid;

use super::{indexed::Indexed, wallet_records::WalletAddressRecord};
use crate::{
    error::{Conflict, StoreError, TransactionError},
    records::forms::{
        keys::Kind,
        page::{Page, Rows},
    },
    store::{
        reading::{Reader, Reading},
        transaction::Transaction,
    },
};

impl Indexed for WalletAddressRecord {
    const KIND: Kind = Kind::WalletAddress;

    fn index_keys(&self) -> Vec<Vec<u8>> {
        vec![by_url(&self.url), Kind::WalletAddressByAsset.link(self.asset_id, self.id)]
    }
}

impl Reader {
    /// Returns the wallet address of this id.
    ///
    /// # Errors
    /// When the store or the record can't be read.
    pub fn wallet_address(&self, id: Uuid) -> Result<Option<WalletAddressRecord>, StoreError> {
        self.read(Kind::WalletAddress, id)
    }

    /// Returns the wallet address of this URL, which must be normalised.
    ///
    /// # Errors
    /// When the store or the record can't be read.
    pub fn wallet_address_by_url(
        &self,
        url: &str,
    ) -> Result<Option<WalletAddressRecord>, StoreError> {
        match self.follow(&by_url(url))? {
            Some(id) => self.wallet_address(id),
            None => Ok(None),
        }
    }

    /// Returns one page of the wallet addresses.
    ///
    /// # Errors
    /// When the store or a record can't be read.
    pub fn wallet_addresses_page(
        &self,
        page: Page,
    ) -> Result<Rows<WalletAddressRecord>, StoreError> {
        self.page(Kind::WalletAddress, page)
    }
}

impl Transaction<'_> {
    /// Changes a wallet address and returns the new record, which is on the disk by then. `edit`
    /// may not call the store, whose write lock is held; id, URL and asset stay as they were, and
    /// the version rises by one.
    ///
    /// # Errors
    /// [`TransactionError::UnknownWalletAddress`], or when it is too large or can't be written.
    pub fn update_wallet_address(
        &mut self,
        id: Uuid,
        edit: impl FnOnce(&mut WalletAddressRecord),
    ) -> Result<WalletAddressRecord, TransactionError> {
        let unknown = TransactionError::UnknownWalletAddress;
        let edited = self.edit_with_event(id, unknown, |record: &mut WalletAddressRecord| {
            let before = record.clone();
            edit(record);
            (record.id, record.asset_id, record.url) = (before.id, before.asset_id, before.url);
            record.version = before.version + 1;
            None
        });
        edited.map(|(record, _)| record)
    }

    /// Adds a wallet address.
    ///
    /// # Errors
    /// [`TransactionError::UnknownAsset`], [`Conflict::WalletAddress`], [`Conflict::Id`], or when it is too
    /// large or can't be written.
    pub fn insert_wallet_address(
        &mut self,
        record: &WalletAddressRecord,
    ) -> Result<(), TransactionError> {
        if !self.has(&Kind::Asset.key(record.asset_id.as_bytes()))? {
            return Err(TransactionError::UnknownAsset);
        }
        if self.has(&Kind::WalletAddress.key(record.id.as_bytes()))? {
            return Err(Conflict::Id.into());
        }
        if self.has(&by_url(&record.url))? {
            return Err(Conflict::WalletAddress.into());
        }
        self.add(record)
    }
}

/// Returns whether a wallet address uses the asset.
pub(crate) fn asset_has_wallet_addresses(
    tx: &Transaction<'_>,
    asset: Uuid,
) -> Result<bool, StoreError> {
    let low = Kind::WalletAddressByAsset.of(asset);
    let high = [&low[..], &[u8::MAX; 17]].concat();
    tx.any(Included(low), Excluded(high))
}

fn by_url(url: &str) -> Vec<u8> {
    Kind::WalletAddressByUrl.key(url.as_bytes())
}

#[cfg(test)]
mod tests;
