//! Operations on assets.

pub(crate) mod error;
pub(crate) mod fees;
pub(crate) mod inputs;
pub(crate) mod rates;
pub(crate) mod thresholds;
pub(crate) mod view;

use std::sync::Arc;

use ilp_connector::{account::AccountId, peer::Asset};
use ilp_store::{AssetRecord, Rows, Transaction, shown};
use uuid::Uuid;

use crate::{
    assets::{
        error::AssetError,
        inputs::{AssetEdit, NewAsset},
        view::AssetView,
    },
    changes::{changing::Changing, error::Versioned, recorded::Recorded},
    node::operator::{Inner, Operator},
    vocabulary::{check, error::OperatorError, page::PageArguments},
};

/// A handle that reads assets and the fees of payments in them.
#[derive(Clone, Copy, Debug)]
pub struct Assets<'a> {
    pub(crate) on: &'a Operator,
}

/// A handle that changes assets and the fees of payments in them.
#[derive(Clone, Copy, Debug)]
pub struct AssetChanges<'a> {
    pub(crate) on: &'a Recorded,
}

impl Operator {
    /// Returns the handle that reads assets.
    #[must_use]
    pub fn assets(&self) -> Assets<'_> {
        Assets { on: self }
    }
}

impl Recorded {
    /// Returns the handle that changes assets.
    #[must_use]
    pub fn assets(&self) -> AssetChanges<'_> {
        AssetChanges { on: self }
    }
}

impl AssetChanges<'_> {
    /// Makes an asset.
    ///
    /// # Errors
    /// Bad input, or a duplicate of code and scale.
    pub async fn create(self, new: NewAsset) -> Result<AssetView, OperatorError> {
        self.on.given(&new);
        check::asset_code(&new.code).map_err(AssetError::Code)?;
        self.on.change(|changing| async move { changing.create_asset(new).await }).await
    }

    /// Changes an asset.
    ///
    /// # Errors
    /// Not found; a conflict when the edit is based on another version than the stored one.
    pub async fn update(self, edit: AssetEdit) -> Result<AssetView, OperatorError> {
        self.on.given(&edit);
        let id = asset_id(&edit.id)?;
        self.on.change(move |changing| async move { changing.update_asset(id, edit).await }).await
    }

    /// Deletes an unused asset, and returns its last state.
    ///
    /// # Errors
    /// Not found; forbidden while peers use it or it holds liquidity.
    pub async fn delete(self, id: &str) -> Result<AssetView, OperatorError> {
        self.on.given(&shown! { "id": id });
        let id = asset_id(id)?;
        self.on.change(move |changing| async move { changing.delete_asset(id).await }).await
    }
}

impl Assets<'_> {
    /// Returns the asset of this id.
    ///
    /// # Errors
    /// Not found.
    pub async fn get(self, id: &str) -> Result<AssetView, OperatorError> {
        let id = asset_id(id)?;
        self.on
            .read(move |inner| {
                let record = inner.store.asset(id)?.ok_or(AssetError::NotFound)?;
                Ok(inner.asset_view(record))
            })
            .await
    }

    /// Returns the asset of this code and scale, if there is one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn by_code_and_scale(
        self,
        code: String,
        scale: u8,
    ) -> Result<Option<AssetView>, OperatorError> {
        self.on
            .read(move |inner| {
                let record = inner.store.asset_by_code(&code, scale)?;
                Ok(record.map(|record| inner.asset_view(record)))
            })
            .await
    }

    /// Returns a page of the assets.
    ///
    /// # Errors
    /// Bad input.
    pub async fn list(self, page: &PageArguments) -> Result<Rows<AssetView>, OperatorError> {
        let page = page.check()?;
        self.on
            .read(move |inner| {
                let Rows { rows, has_previous, has_next } = inner.store.assets_page(page)?;
                let rows = rows.into_iter().map(|record| inner.asset_view(record)).collect();
                Ok(Rows { rows, has_previous, has_next })
            })
            .await
    }
}

impl Changing {
    async fn create_asset(&self, new: NewAsset) -> Result<AssetView, OperatorError> {
        let record = AssetRecord {
            id: self.new_id(),
            code: new.code,
            scale: new.scale,
            withdrawal_threshold: new.withdrawal_threshold,
            liquidity_threshold: new.liquidity_threshold,
            created_at_ms: self.now().unix_ms(),
            version: 0,
        };
        let made = self.inner.asset_view(record.clone());
        self.commit(&made, move |tx| tx.insert_asset(&record)).await?;
        Ok(made)
    }

    async fn update_asset(&self, id: Uuid, edit: AssetEdit) -> Result<AssetView, OperatorError> {
        let mut record = self.asset_record(id).await?;
        check::version(edit.version, record.version, Versioned::Asset)?;
        record.version += 1;
        edit.withdrawal_threshold.apply(&mut record.withdrawal_threshold);
        edit.liquidity_threshold.apply(&mut record.liquidity_threshold);
        let edited = self.inner.asset_view(record.clone());
        let update = move |tx: &mut Transaction<'_>| tx.update_asset(id, |stored| *stored = record);
        self.commit(&edited, update).await?;
        Ok(edited)
    }

    /// The books say whether it holds money, pending withdrawals included, and no deposit can come
    /// between: changes are made one at a time, and packets reach an asset's account only where peers
    /// use it.
    async fn delete_asset(&self, id: Uuid) -> Result<AssetView, OperatorError> {
        self.inner.asset(id).ok_or(AssetError::NotFound)?;
        let liquidity = self.inner.ledger().total(AccountId::asset(id)).total();
        if liquidity > 0 {
            return Err(AssetError::HasLiquidity(liquidity).into());
        }
        let deleted = self.inner.asset_view(self.asset_record(id).await?);
        self.commit(&deleted, move |tx| tx.delete_asset(id)).await?;
        Ok(deleted)
    }

    async fn asset_record(&self, id: Uuid) -> Result<AssetRecord, OperatorError> {
        Ok(self.store(move |store| store.asset(id)).await?.ok_or(AssetError::NotFound)?)
    }
}

impl Inner {
    /// Returns the live asset of this id.
    pub(crate) fn asset(&self, id: Uuid) -> Option<Arc<Asset>> {
        self.assets.read().get(&id).cloned()
    }

    /// Makes a stored asset live.
    pub(crate) fn know_asset(&self, record: &AssetRecord) {
        let asset = Asset {
            id: record.id,
            code: record.code.clone(),
            scale: record.scale,
            liquidity: self.ledger().account(AccountId::asset(record.id)),
            settlement: self.ledger().account(AccountId::settlement(record.id)),
        };
        self.assets.write().insert(record.id, Arc::new(asset));
    }
}

fn asset_id(text: &str) -> Result<Uuid, AssetError> {
    check::id(text).ok_or(AssetError::NotFound)
}
