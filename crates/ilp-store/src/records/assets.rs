//! Assets: unique by code and scale, and there as long as a peer uses them. `rates` has the exchange
//! rates between them.

pub(crate) mod rates;

use std::ops::Bound::{Excluded, Included};

use uuid::Uuid;

use super::{
    forms::{
        keys::{self, Kind},
        page::{Page, Rows},
        peer_records::AssetRecord,
    },
    wallets::wallet_addresses::asset_has_wallet_addresses,
};
use crate::{
    error::{Conflict, StoreError, TransactionError},
    store::{
        reading::{Reader, Reading},
        transaction::Transaction,
    },
};

impl Reader {
    /// Returns the asset of this id.
    ///
    /// # Errors
    /// When the store or the record can't be read.
    pub fn asset(&self, id: Uuid) -> Result<Option<AssetRecord>, StoreError> {
        self.read(Kind::Asset, id)
    }

    /// Returns the asset of this code and scale.
    ///
    /// # Errors
    /// When the store or the record can't be read.
    pub fn asset_by_code(&self, code: &str, scale: u8) -> Result<Option<AssetRecord>, StoreError> {
        let Some(id) = self.follow(&keys::asset_by_code(code, scale))? else { return Ok(None) };
        // Index and row are read one after the other, and a change may come between.
        Ok(self.asset(id)?.filter(|asset| asset.code == code && asset.scale == scale))
    }

    /// Returns an asset as it was before it was deleted, so that its books stay readable.
    ///
    /// # Errors
    /// When the store or the record can't be read.
    pub fn deleted_asset(&self, id: Uuid) -> Result<Option<AssetRecord>, StoreError> {
        self.read(Kind::DeletedAsset, id)
    }

    /// Returns one page of the assets.
    ///
    /// # Errors
    /// When the store or a record can't be read.
    pub fn assets_page(&self, page: Page) -> Result<Rows<AssetRecord>, StoreError> {
        self.page(Kind::Asset, page)
    }

    /// Returns all assets, oldest first, each read when it is asked for.
    pub fn all_assets(
        &self,
    ) -> impl Iterator<Item = Result<AssetRecord, StoreError>> + Send + use<> {
        self.scan(Kind::Asset)
    }
}

impl Transaction<'_> {
    /// Adds an asset.
    ///
    /// # Errors
    /// [`Conflict::Asset`] or [`Conflict::Id`], or when it is too large or can't be written.
    pub fn insert_asset(&mut self, asset: &AssetRecord) -> Result<(), TransactionError> {
        let id = asset.id.as_bytes();
        if self.has(&Kind::Asset.key(id))? || self.has(&Kind::DeletedAsset.key(id))? {
            return Err(Conflict::Id.into());
        }
        let by_code = keys::asset_by_code(&asset.code, asset.scale);
        if self.has(&by_code)? {
            return Err(Conflict::Asset.into());
        }
        self.put(Kind::Asset, asset)?;
        self.index(by_code, asset.id);
        Ok(())
    }

    /// Changes an asset and returns the new record, which is on the disk by then. `edit` may not
    /// call the store, whose write lock is held; an id that it changes stays as it was, and the
    /// version rises by one.
    ///
    /// # Errors
    /// [`TransactionError::UnknownAsset`], [`Conflict::Asset`], or when it is too large or can't be written.
    pub fn update_asset(
        &mut self,
        id: Uuid,
        edit: impl FnOnce(&mut AssetRecord),
    ) -> Result<AssetRecord, TransactionError> {
        let before: AssetRecord =
            self.read(Kind::Asset, id)?.ok_or(TransactionError::UnknownAsset)?;
        let mut after = before.clone();
        edit(&mut after);
        (after.id, after.version) = (id, before.version + 1);
        let by_code = keys::asset_by_code(&after.code, after.scale);
        if self.follow(&by_code)?.is_some_and(|owner| owner != id) {
            return Err(Conflict::Asset.into());
        }
        self.remove(keys::asset_by_code(&before.code, before.scale));
        self.index(by_code, id);
        self.put(Kind::Asset, &after)?;
        Ok(after)
    }

    /// Removes an asset and returns what it was. Whether its accounts
    /// still hold money is the caller's to check.
    ///
    /// # Errors
    /// [`TransactionError::UnknownAsset`], [`TransactionError::AssetInUse`], or when the store can't be written.
    pub fn delete_asset(&mut self, id: Uuid) -> Result<AssetRecord, TransactionError> {
        let asset: AssetRecord =
            self.read(Kind::Asset, id)?.ok_or(TransactionError::UnknownAsset)?;
        if asset_has_peers(self, id)? || asset_has_wallet_addresses(self, id)? {
            return Err(TransactionError::AssetInUse);
        }
        self.remove(Kind::Asset.key(id.as_bytes()));
        self.remove(keys::asset_by_code(&asset.code, asset.scale));
        self.put(Kind::DeletedAsset, &asset)?;
        Ok(asset)
    }
}

fn asset_has_peers(tx: &Transaction<'_>, id: Uuid) -> Result<bool, StoreError> {
    let low = keys::peer_by_address(id, "");
    let mut high = low.clone();
    // Addresses are ASCII, so no address of this asset comes after this byte.
    high.push(u8::MAX);
    tx.any(Included(low), Excluded(high))
}
