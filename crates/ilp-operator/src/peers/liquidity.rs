//! What a peer may still send, from memory alone.

use uuid::Uuid;

use crate::peers::Peers;

/// What a peer has, in the asset's smallest unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiquidityView {
    /// What it may still send.
    pub available: u128,
    /// What is set aside.
    pub on_hold: u128,
}

impl Peers<'_> {
    /// What a live peer has; `None` once it is deleted.
    #[must_use]
    pub fn liquidity(self, id: Uuid) -> Option<LiquidityView> {
        let account = self.on.inner.parts.connector.peer(id)?.liquidity.id();
        let total = self.on.inner.ledger().total(account);
        let available = total.available();
        Some(LiquidityView { available, on_hold: total.total().saturating_sub(available) })
    }
}
