//! An asset with its liquidity at the time of the answer.

use std::sync::Arc;

use ilp_connector::{account::AccountId, peer::Asset};
use ilp_store::{AssetRecord, Snapshot};

use crate::{
    assets::Assets,
    changes::{outcome::Outcome, subject::known_by},
    node::operator::{Inner, Operator},
};

/// An asset as it is now.
#[derive(Clone, Debug)]
pub struct AssetView {
    /// The stored record.
    pub record: AssetRecord,
    /// The node's own stock of it that is not on hold, in its smallest unit.
    pub liquidity: u128,
}

impl Inner {
    pub(crate) fn asset_view(&self, record: AssetRecord) -> AssetView {
        let total = self.ledger().total(AccountId::asset(record.id));
        AssetView { record, liquidity: total.available() }
    }
}

impl Assets<'_> {
    /// Returns the assets, in no order.
    #[must_use]
    pub fn live(self) -> Vec<Arc<Asset>> {
        self.on.inner.assets.read().values().cloned().collect()
    }
}

known_by!(AssetView => record.id;);

impl Outcome for AssetView {
    fn keep(&self) -> Snapshot {
        Snapshot::new()
            .with_record("asset", &self.record)
            .with_number("asset_liquidity", self.liquidity)
    }

    fn recall(kept: &Snapshot, _operator: &Operator) -> Option<Self> {
        Some(Self { record: kept.record("asset")?, liquidity: kept.number("asset_liquidity")? })
    }
}
