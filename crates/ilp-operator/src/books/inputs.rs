//! The input of deposits and withdrawals, not yet checked.

/// Money that the operator says has come in from outside.
#[derive(Clone, Debug)]
pub struct Deposit {
    /// The peer or asset whose liquidity it adds to.
    pub owner_id: String,
    /// In the asset's smallest unit.
    pub amount: u64,
    /// The client's own id for it, under which it is booked at most once.
    pub transfer_id: String,
}

/// Money that the operator takes out.
#[derive(Clone, Debug)]
pub struct Withdrawal {
    /// The peer or asset whose liquidity it is taken from.
    pub owner_id: String,
    /// In the asset's smallest unit.
    pub amount: u64,
    /// The client's own id for it, under which it is booked at most once.
    pub transfer_id: String,
    /// How many seconds it waits to be posted before it comes back; zero takes it at once.
    pub timeout_s: u64,
}
