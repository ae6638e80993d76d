//! The limits that a node sets a peer: one list, from which each layer derives its own form of them.

/// Passes the list of a peer's limits to the macro that is named, behind the tokens in parentheses.
///
/// A limit has a description, a name, a type, the type that it is given and stored as, and the
/// name of its field in the admin API. Parsing is the number type's `TryFrom`, whose error says which
/// values are possible. The order is that of the fields in [`PeerLimits`](crate::PeerLimits), in the
/// store and in the API.
///
/// Texts for people are not in the list, since each surface words them in its own way: the schema,
/// the operator's pages and the command line have a table of them each, and a limit that is missing
/// from a table does not compile.
#[macro_export]
macro_rules! for_each_peer_limit {
    ($then:ident!($($tokens:tt)*)) => {
        $then! {
            ($($tokens)*)
            /// The maximum number of packets that the peer may send within any minute.
            packets_per_minute_max: u64 as u64 = "packetsPerMinuteMax",
            /// The maximum amount that the peer may send within any second, in the asset's smallest
            /// unit, and so also with one packet.
            amount_per_second_max: u64 as u64 = "amountPerSecondMax",
            /// The maximum number of the peer's packets under way at once, zero-amount ones included.
            packets_in_flight_max: u64 as u64 = "packetsInFlightMax",
            /// The maximum amount of the peer's packets under way at once, in the asset's smallest
            /// unit, and so also of one packet.
            amount_in_flight_max: u64 as u64 = "amountInFlightMax",
            /// The share of the node's stock of another asset that the peer's packets may hold.
            asset_share_in_flight_percent_max: $crate::Percent as u8 = "assetShareInFlightPercentMax",
        }
    };
}

macro_rules! define {
    (() $($(#[$doc:meta])* $limit:ident: $type:ty as $given:ty = $name:literal,)*) => {
        /// The limits agreed on with one peer. `None` takes the node's default, and is no limit
        /// where the node has none.
        //
        // Packets read it as a part of the peer's terms, so its layout is fixed as theirs is.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[repr(C)]
        pub struct PeerLimits {
            $($(#[$doc])* pub $limit: Option<$type>,)*
        }
    };
}

for_each_peer_limit!(define!());

/// A share of a whole, from 0 to 100 percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(u8);

impl Percent {
    /// Returns the share of so many percent; `None` for more than the whole.
    #[must_use]
    pub const fn new(percent: u8) -> Option<Self> {
        if percent <= 100 { Some(Self(percent)) } else { None }
    }

    /// Returns the number of percent.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl From<Percent> for u8 {
    fn from(percent: Percent) -> Self {
        percent.get()
    }
}

/// A share of more than the whole, in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} given, 0 to 100 percent are possible")]
pub struct MoreThanWhole(pub u8);

impl TryFrom<u8> for Percent {
    type Error = MoreThanWhole;

    fn try_from(percent: u8) -> Result<Self, MoreThanWhole> {
        Self::new(percent).ok_or(MoreThanWhole(percent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_no_more_than_the_whole() {
        assert_eq!(Percent::new(100).map(Percent::get), Some(100));
        assert_eq!(Percent::try_from(101), Err(MoreThanWhole(101)));
    }
}
