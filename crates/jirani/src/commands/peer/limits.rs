//! The limits of a peer, as options of `jirani peer add` and `jirani peer update`.

use clap::Args;
use ilp_admin_client::{Patch, UInt64};

use crate::commands::{Failure, edit::Edit};

#[derive(Debug, Default, Args)]
pub(super) struct LimitArgs {
    /// Send an event when liquidity falls to this amount, such as 500; none for no event
    #[arg(long, value_name = "AMOUNT")]
    liquidity_threshold: Option<Edit>,
    /// Most packets from the peer per minute; none for the node's default
    #[arg(long, value_name = "COUNT")]
    packets_per_minute_max: Option<Edit>,
    /// Largest amount from the peer per second, such as 1000; none for no limit
    #[arg(long, value_name = "AMOUNT")]
    amount_per_second_max: Option<Edit>,
    /// Most packets from the peer in flight at once; none for the node's default
    #[arg(long, value_name = "COUNT")]
    packets_in_flight_max: Option<Edit>,
    /// Largest amount from the peer in flight at once, such as 1000; none for the node's default
    #[arg(long, value_name = "AMOUNT")]
    amount_in_flight_max: Option<Edit>,
    /// Largest share of the node's stock of another asset that the peer's packets may hold, from 0
    /// to 100 percent; none for the node's default
    #[arg(long, value_name = "PERCENT")]
    asset_share_in_flight_percent_max: Option<Edit>,
    /// Whether the peer is the next hop for packets that no other route matches; true if no value
    /// is given
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
        default_missing_value = "true")]
    pub(super) default_route: Option<bool>,
}

/// The limits as the API's input has them.
pub(super) struct Limits {
    pub(super) liquidity_threshold: Option<Patch<UInt64>>,
    pub(super) packets_per_minute_max: Option<Patch<UInt64>>,
    pub(super) amount_per_second_max: Option<Patch<UInt64>>,
    pub(super) packets_in_flight_max: Option<Patch<UInt64>>,
    pub(super) amount_in_flight_max: Option<Patch<UInt64>>,
    pub(super) asset_share_in_flight_percent_max: Option<Patch<u8>>,
}

impl LimitArgs {
    /// Reads the limits, amounts of them in an asset of `scale`.
    pub(super) fn read(&self, scale: u8) -> Result<Limits, Failure> {
        let amount = |edit: &Option<Edit>| Edit::amount(edit.as_ref(), scale);
        let count =
            |edit: &Option<Edit>| Ok::<_, Failure>(Edit::count(edit.as_ref())?.map(counted));
        Ok(Limits {
            liquidity_threshold: amount(&self.liquidity_threshold)?,
            packets_per_minute_max: count(&self.packets_per_minute_max)?,
            amount_per_second_max: amount(&self.amount_per_second_max)?,
            packets_in_flight_max: count(&self.packets_in_flight_max)?,
            amount_in_flight_max: amount(&self.amount_in_flight_max)?,
            asset_share_in_flight_percent_max: Edit::count(
                self.asset_share_in_flight_percent_max.as_ref(),
            )?,
        })
    }
}

fn counted(patch: Patch<u64>) -> Patch<UInt64> {
    match patch {
        Patch::Clear => Patch::Clear,
        Patch::Set(count) => Patch::Set(UInt64(count)),
    }
}
