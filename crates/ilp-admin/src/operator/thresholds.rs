//! Below which liquidity an event is due. The records say it to clients, the books act on it: they
//! are told at every change, and once more at the start, in case a crash came in between.

use std::sync::Arc;

use ilp_connector::account::AccountId;
use ilp_store::{AssetRecord, PeerRecord};

use super::{Changing, Inner, OperatorError};

impl Changing {
    /// Makes the books watch a peer's liquidity as its record says.
    pub(super) async fn watch_peer(&self, record: &PeerRecord) -> Result<(), OperatorError> {
        self.watch(AccountId::peer(record.id), record.liquidity_threshold).await
    }

    /// Makes the books watch an asset's liquidity as its record says.
    pub(super) async fn watch_asset(&self, record: &AssetRecord) -> Result<(), OperatorError> {
        self.watch(AccountId::asset(record.id), record.liquidity_threshold).await
    }

    /// Makes the books watch an account no more, so that emptying it for good is no event.
    pub(super) async fn unwatch(&self, account: AccountId) -> Result<(), OperatorError> {
        self.watch(account, None).await
    }

    async fn watch(&self, account: AccountId, threshold: Option<u64>) -> Result<(), OperatorError> {
        let inner = Arc::clone(&self.inner);
        super::blocking(move || inner.watch(account, threshold)).await
    }
}

impl Inner {
    /// Writes to the store when the threshold is another one than before.
    pub(super) fn watch(
        &self,
        account: AccountId,
        threshold: Option<u64>,
    ) -> Result<(), OperatorError> {
        Ok(self.ledger().set_threshold(account, threshold)?)
    }
}
