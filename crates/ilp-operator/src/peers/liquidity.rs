//! The liquidity of a peer, from memory alone.

use uuid::Uuid;

use crate::peers::Peers;

/// The liquidity of a peer, in the asset's smallest unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiquidityView {
    /// The amount that the peer may still send.
    pub available: u128,
    /// The amount that is set aside.
    pub on_hold: u128,
}

impl Peers<'_> {
    /// Returns the liquidity of a live peer; `None` once the peer is deleted.
    #[must_use]
    pub fn liquidity(self, id: Uuid) -> Option<LiquidityView> {
        let account = self.on.inner.parts.connector.peer(id)?.liquidity.id();
        let total = self.on.inner.ledger().total(account);
        let available = total.available();
        Some(LiquidityView { available, on_hold: total.total().saturating_sub(available) })
    }
}
