//! Operations on wallet addresses.

pub(crate) mod checks;
pub(crate) mod error;
pub(crate) mod inputs;
pub(crate) mod views;
pub(crate) mod withdrawals;

use ilp_net::{WalletAddressUrl, WalletUrl};
use ilp_store::{Rows, StoreError, WalletAddressRecord};
use uuid::Uuid;

use crate::{
    assets::error::AssetError,
    changes::{changing::Changing, error::Versioned, recorded::Recorded},
    node::operator::{Inner, Operator},
    vocabulary::{
        check,
        error::OperatorError,
        name,
        page::{PageArguments, views},
    },
    wallets::{
        checks::{properties, wallet_address_id},
        error::WalletError,
        inputs::{NewWalletAddress, WalletAddressEdit},
        views::WalletAddressView,
    },
};

/// A handle that reads wallet addresses.
#[derive(Clone, Copy, Debug)]
pub struct WalletAddresses<'a> {
    on: &'a Operator,
}

/// A handle that changes wallet addresses.
#[derive(Clone, Copy, Debug)]
pub struct WalletAddressChanges<'a> {
    on: &'a Recorded,
}

impl Operator {
    /// Returns the handle that reads wallet addresses.
    #[must_use]
    pub fn wallets(&self) -> WalletAddresses<'_> {
        WalletAddresses { on: self }
    }
}

impl Recorded {
    /// Returns the handle that changes wallet addresses.
    #[must_use]
    pub fn wallets(&self) -> WalletAddressChanges<'_> {
        WalletAddressChanges { on: self }
    }
}

impl WalletAddressChanges<'_> {
    /// Makes a wallet address.
    ///
    /// # Errors
    /// A URL that no wallet address may have or that another one has, an unknown asset, bad input.
    pub async fn create(self, new: NewWalletAddress) -> Result<WalletAddressView, OperatorError> {
        self.on.given(&new);
        let url = WalletAddressUrl::parse(&new.address).map_err(WalletError::Url)?;
        if let Some(name) = &new.public_name {
            name::check(name).map_err(WalletError::Name)?;
        }
        let additional_properties = properties(new.additional_properties)?;
        let asset_id = check::id(&new.asset_id).ok_or(AssetError::Unknown)?;
        let record = WalletAddressRecord {
            id: Uuid::nil(),
            asset_id,
            url: url.to_string(),
            public_name: new.public_name,
            deactivated_at_ms: None,
            additional_properties,
            created_at_ms: 0,
            version: 0,
        };
        self.on
            .change(|changing| async move { changing.create_wallet_address(url, record).await })
            .await
    }

    /// Changes a wallet address. One that is inactive takes no new payments and gives no quotes;
    /// incoming payments that it has take money until they expire.
    ///
    /// # Errors
    /// An unknown wallet address, bad input.
    pub async fn update(self, edit: WalletAddressEdit) -> Result<WalletAddressView, OperatorError> {
        self.on.given(&edit);
        let id = wallet_address_id(&edit.id)?;
        if let crate::vocabulary::edit::Edit::Set(name) = &edit.public_name {
            name::check(name).map_err(WalletError::Name)?;
        }
        let properties = edit.additional_properties.map(properties).transpose()?;
        self.on
            .change(move |changing| async move {
                let record = changing.store(move |store| store.wallet_address(id)).await?;
                let mut record = record.ok_or(WalletError::Unknown)?;
                check::version(edit.version, record.version, Versioned::WalletAddress)?;
                record.version += 1;
                edit.public_name.apply(&mut record.public_name);
                if let Some(is_active) = edit.is_active {
                    let since_ms = record.deactivated_at_ms.unwrap_or(changing.now().unix_ms());
                    record.deactivated_at_ms = (!is_active).then_some(since_ms);
                }
                if let Some(properties) = properties {
                    record.additional_properties = properties;
                }
                let edited = record.clone();
                let view = changing.read(move |inner| inner.wallet_address_view(edited)).await?;
                let update = move |stored: &mut WalletAddressRecord| *stored = record;
                changing.commit(&view, move |tx| tx.update_wallet_address(id, update)).await?;
                Ok(view)
            })
            .await
    }
}

impl WalletAddresses<'_> {
    /// Returns the wallet address of this id.
    ///
    /// # Errors
    /// Not found.
    pub async fn get(self, id: &str) -> Result<WalletAddressView, OperatorError> {
        let id = wallet_address_id(id)?;
        self.on
            .read(move |inner| {
                let record = inner.store.wallet_address(id)?;
                inner.wallet_address_view(record.ok_or(WalletError::Unknown)?)
            })
            .await
    }

    /// Returns the wallet address of this URL or payment pointer, if there is one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn by_url(self, url: &str) -> Result<Option<WalletAddressView>, OperatorError> {
        let Ok(url) = WalletUrl::parse(url) else { return Ok(None) };
        self.on
            .read(move |inner| {
                let record = inner.wallet_address_at(&url)?;
                record.map(|record| inner.wallet_address_view(record)).transpose()
            })
            .await
    }

    /// Returns a page of the wallet addresses.
    ///
    /// # Errors
    /// Bad input.
    pub async fn list(
        self,
        page: &PageArguments,
    ) -> Result<Rows<WalletAddressView>, OperatorError> {
        let page = page.check()?;
        self.on
            .read(move |inner| {
                let rows = inner.store.wallet_addresses_page(page)?;
                views(rows, |record| inner.wallet_address_view(record))
            })
            .await
    }
}

impl Inner {
    /// Returns the wallet address of a URL, also where an earlier version has stored it in another
    /// form.
    pub(crate) fn wallet_address_at(
        &self,
        url: &WalletUrl,
    ) -> Result<Option<WalletAddressRecord>, StoreError> {
        let store = &self.store;
        let found = store.wallet_address_by_url(url.as_str())?;
        match url.earlier_form().filter(|_| found.is_none()) {
            Some(earlier) => store.wallet_address_by_url(&earlier),
            None => Ok(found),
        }
    }
}

impl Changing {
    async fn create_wallet_address(
        &self,
        url: WalletAddressUrl,
        mut record: WalletAddressRecord,
    ) -> Result<WalletAddressView, OperatorError> {
        self.inner.asset(record.asset_id).ok_or(AssetError::Unknown)?;
        // The store refuses an equal URL in the same transaction; no new record has the earlier form.
        let there = self.read(move |inner| Ok(inner.wallet_address_at(url.as_wallet_url())?));
        if there.await?.is_some() {
            return Err(WalletError::Exists.into());
        }
        record.id = self.new_id();
        record.created_at_ms = self.now().unix_ms();
        let stored = record.clone();
        let made = self.read(move |inner| inner.wallet_address_view(record)).await?;
        self.commit(&made, move |tx| tx.insert_wallet_address(&stored)).await?;
        Ok(made)
    }
}
