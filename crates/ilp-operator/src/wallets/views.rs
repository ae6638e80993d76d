//! A wallet address as operations answer it: the record, with the books at this moment.

use std::sync::Arc;

use ilp_connector::{account::AccountId, peer::Asset};
use ilp_store::{Snapshot, WalletAddressRecord};
use uuid::Uuid;

use crate::{
    assets::view::AssetView,
    changes::{outcome::Outcome, subject::known_by},
    node::operator::{Inner, Operator},
    vocabulary::error::{Inconsistency, OperatorError},
};

/// A wallet address as it is now.
#[derive(Clone, Debug)]
pub struct WalletAddressView {
    /// The stored record.
    pub record: WalletAddressRecord,
    /// The asset of the wallet address' balance.
    pub asset: AssetView,
    /// The amount that the wallet address was paid outside of any incoming payment and that has not
    /// been withdrawn, in the asset's smallest unit.
    pub liquidity: u128,
}

/// A withdrawal from a wallet address.
#[derive(Clone, Debug)]
pub struct WithdrawnFromWalletAddress {
    /// The client's id for it.
    pub transfer_id: Uuid,
    /// In the asset's smallest unit.
    pub amount: u64,
    /// From which.
    pub wallet_address: WalletAddressView,
}

impl Inner {
    pub(crate) fn wallet_address_view(
        &self,
        record: WalletAddressRecord,
    ) -> Result<WalletAddressView, OperatorError> {
        let asset = self.store.asset(record.asset_id)?;
        let asset = asset.ok_or(Inconsistency::AssetOfWalletAddress(record.asset_id))?;
        let liquidity = self.ledger().total(AccountId::wallet_address(record.id)).available();
        Ok(WalletAddressView { record, asset: self.asset_view(asset), liquidity })
    }

    /// An asset that a wallet address is in, which is there as long as that is.
    pub(crate) fn live_asset(&self, id: Uuid) -> Result<Arc<Asset>, OperatorError> {
        Ok(self.asset(id).ok_or(Inconsistency::AssetOfWalletAddress(id))?)
    }
}

known_by! {
    WalletAddressView => record.id;
    WithdrawnFromWalletAddress => wallet_address.record.id;
}

impl Outcome for WalletAddressView {
    fn keep(&self) -> Snapshot {
        self.asset
            .keep()
            .with_record("wallet_address", &self.record)
            .with_number("liquidity", self.liquidity)
    }

    fn recall(kept: &Snapshot, operator: &Operator) -> Option<Self> {
        Some(Self {
            record: kept.record("wallet_address")?,
            asset: AssetView::recall(kept, operator)?,
            liquidity: kept.number("liquidity")?,
        })
    }
}

impl Outcome for WithdrawnFromWalletAddress {
    fn keep(&self) -> Snapshot {
        self.wallet_address
            .keep()
            .with_number("transfer_id", self.transfer_id.as_u128())
            .with_number("amount", self.amount)
    }

    fn recall(kept: &Snapshot, operator: &Operator) -> Option<Self> {
        Some(Self {
            transfer_id: Uuid::from_u128(kept.number("transfer_id")?),
            amount: kept.number("amount")?,
            wallet_address: WalletAddressView::recall(kept, operator)?,
        })
    }
}
