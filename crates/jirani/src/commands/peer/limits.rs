//! The limits of a peer, as options of `jirani peer add` and `jirani peer update`.

use clap::Args;
use ilp_admin_client::{
    Patch, UInt64,
    peer::{Peer, PeerLimits},
};

use crate::commands::{
    Failure,
    edit::Edit,
    lookup::{shown_amount, shown_money},
};

#[derive(Debug, Default, Args)]
pub(super) struct LimitArgs {
    /// Send an event when liquidity falls to this amount, such as 500; none for no event
    #[arg(long, value_name = "AMOUNT")]
    pub(super) liquidity_threshold: Option<Edit>,
    #[command(flatten)]
    peer_limits: PeerLimitArgs,
    /// Whether the peer takes packets that no other route leads on; true if no value is given
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
        default_missing_value = "true")]
    pub(super) default_route: Option<bool>,
}

impl LimitArgs {
    /// Reads the limits, amounts of them in an asset of `scale`.
    pub(super) fn read(&self, scale: u8) -> Result<PeerLimits, Failure> {
        self.peer_limits.read(scale)
    }
}

/// Each limit has its help, its option's name, the kind of its value, which is a module below, and the
/// name that `jirani peer show` gives it. A limit that is missing here does not compile.
macro_rules! limits {
    ($($(#[$help:meta])* $limit:ident: $kind:ident $label:literal,)*) => {
        #[derive(Debug, Default, Args)]
        struct PeerLimitArgs {
            $($(#[$help])* #[arg(long, value_name = $kind::NAME)] $limit: Option<Edit>,)*
        }

        impl PeerLimitArgs {
            fn read(&self, scale: u8) -> Result<PeerLimits, Failure> {
                Ok(PeerLimits { $($limit: $kind::read(self.$limit.as_ref(), scale)?,)* })
            }
        }

        /// Returns the limits as people read them, each with its name.
        pub(super) fn shown(peer: &Peer) -> Vec<(&'static str, String)> {
            vec![$(($label, $kind::shown(peer.$limit, peer)),)*]
        }
    };
}

limits! {
    /// Packets that the peer may send within a minute; none for the node's default
    packets_per_minute_max: count "packets a minute",
    /// How much the peer may send within a second, such as 1000; none for no limit
    amount_per_second_max: amount "amount a second",
    /// Packets of the peer that may be under way at once; none for the node's default
    packets_in_flight_max: count "packets in flight",
    /// How much of what the peer sends may be under way at once, such as 1000; none for the node's
    /// default
    amount_in_flight_max: amount "amount in flight",
    /// How much of the node's stock of another asset the peer's packets may hold, from 0 to 100
    /// percent; none for the node's default
    asset_share_in_flight_percent_max: percent "share of stock",
}

type Read<T> = Result<Option<Patch<T>>, Failure>;

mod count {
    use super::*;

    pub(super) const NAME: &str = "COUNT";

    pub(super) fn read(edit: Option<&Edit>, _scale: u8) -> Read<UInt64> {
        Ok(Edit::count(edit)?.map(|patch| match patch {
            Patch::Clear => Patch::Clear,
            Patch::Set(count) => Patch::Set(UInt64(count)),
        }))
    }

    pub(super) fn shown(count: Option<UInt64>, _peer: &Peer) -> String {
        shown_amount(count, 0)
    }
}

mod amount {
    use super::*;

    pub(super) const NAME: &str = "AMOUNT";

    pub(super) fn read(edit: Option<&Edit>, scale: u8) -> Read<UInt64> {
        Edit::amount(edit, scale)
    }

    pub(super) fn shown(amount: Option<UInt64>, peer: &Peer) -> String {
        shown_money(amount, &peer.asset)
    }
}

mod percent {
    use super::*;

    pub(super) const NAME: &str = "PERCENT";

    pub(super) fn read(edit: Option<&Edit>, _scale: u8) -> Read<u8> {
        Edit::count(edit)
    }

    pub(super) fn shown(percent: Option<u8>, _peer: &Peer) -> String {
        percent.map_or_else(|| "-".to_owned(), |percent| format!("{percent}%"))
    }
}
