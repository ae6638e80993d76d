//! What a peer may still send, from memory alone.

use uuid::Uuid;

use super::{Operator, OperatorError, check, error::unknown_peer};

/// What a peer has, in the asset's smallest unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiquidityView {
    /// What it may still send.
    pub available: u128,
    /// What is set aside.
    pub on_hold: u128,
}

impl Operator {
    /// The id of a peer that is live.
    ///
    /// # Errors
    /// Not found.
    pub(crate) fn live_peer_id(&self, id: &str) -> Result<Uuid, OperatorError> {
        let id = check::id(id).ok_or_else(unknown_peer)?;
        self.inner.parts.connector.peer(id).map(|_| id).ok_or_else(unknown_peer)
    }

    /// What a live peer has; `None` once it is deleted.
    #[must_use]
    pub fn peer_liquidity(&self, id: Uuid) -> Option<LiquidityView> {
        let balance = self.inner.parts.connector.peer(id)?.liquidity.balance();
        let available = balance.available();
        Some(LiquidityView { available, on_hold: balance.total().saturating_sub(available) })
    }
}
