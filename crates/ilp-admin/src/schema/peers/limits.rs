//! The limits of a peer in the schema: as they are read, and as the two inputs give them.

use async_graphql::{InputObject, MaybeUndefined, SimpleObject};
use ilp_operator::{Edit, Field, InputError, PeerLimitsEdit};

use crate::schema::forms::scalars::{UInt8, UInt64};

/// A scalar that a limit is given as.
trait Given: Sized {
    type Number;

    /// Returns the number that is given as the input `field`.
    fn number(self, field: Field) -> Result<Self::Number, InputError>;
}

impl Given for UInt64 {
    type Number = u64;

    fn number(self, field: Field) -> Result<u64, InputError> {
        self.given(field)
    }
}

impl Given for UInt8 {
    type Number = u8;

    fn number(self, _field: Field) -> Result<u8, InputError> {
        Ok(self.0)
    }
}

/// Each limit has its name in the schema and three descriptions: of the field of a peer, of that of
/// the input that makes a peer, and of that of the input that changes one. A limit that is missing
/// here does not compile, since the types of the operations have a field for each.
macro_rules! peer_limits {
    ($($limit:ident: $scalar:ident = $field:ident $name:literal {
        $(#[$read:meta])* read $(#[$create:meta])* create $(#[$update:meta])* update
    })*) => {
        /// The limits of a peer.
        #[derive(SimpleObject)]
        pub(crate) struct PeerLimits {
            $($(#[$read])* #[graphql(name = $name)] $limit: Option<$scalar>,)*
        }

        impl From<ilp_connector::PeerLimits> for PeerLimits {
            fn from(limits: ilp_connector::PeerLimits) -> Self {
                let ilp_connector::PeerLimits { $($limit),* } = limits;
                Self { $($limit: $limit.map($scalar::from),)* }
            }
        }

        /// The limits of a peer to be made.
        #[derive(InputObject)]
        pub(crate) struct CreatePeerLimitsInput {
            $($(#[$create])* #[graphql(name = $name)] $limit: Option<$scalar>,)*
        }

        impl CreatePeerLimitsInput {
            pub(crate) fn read(self) -> Result<PeerLimitsEdit, InputError> {
                $(let $limit = self.$limit.map(|given| given.number(Field::$field));)*
                Ok(PeerLimitsEdit { $($limit: Edit::set_or_keep($limit.transpose()?),)* })
            }
        }

        /// The changes of a peer's limits.
        #[derive(InputObject)]
        pub(crate) struct UpdatePeerLimitsInput {
            $($(#[$update])* #[graphql(name = $name)] $limit: MaybeUndefined<$scalar>,)*
        }

        impl UpdatePeerLimitsInput {
            pub(crate) fn read(self) -> Result<PeerLimitsEdit, InputError> {
                Ok(PeerLimitsEdit { $($limit: edit(self.$limit, Field::$field)?,)* })
            }
        }
    };
}

peer_limits! {
    packets_per_minute_max: UInt64 = PacketsPerMinuteMax "packetsPerMinuteMax" {
        /// How many packets the peer may send within a minute; null for the node's default. Packets beyond
        /// it are refused with T05.
        read
        /// How many packets the peer may send within a minute; the node's default when left out.
        create
        /// How many packets the peer may send within a minute; null for the node's default.
        update
    }
    amount_per_second_max: UInt64 = AmountPerSecondMax "amountPerSecondMax" {
        /// How much the peer may send within a second, in the asset's smallest unit; null for no limit.
        /// Packets beyond it are refused with T05.
        read
        /// How much the peer may send within a second, in the asset's smallest unit; no limit when left
        /// out.
        create
        /// How much the peer may send within a second, in the asset's smallest unit; null for no limit.
        update
    }
    packets_in_flight_max: UInt64 = PacketsInFlightMax "packetsInFlightMax" {
        /// How many of the peer's packets may be under way at once; null for the node's own default.
        /// Packets beyond it are refused with T05.
        read
        /// How many of the peer's packets may be under way at once; the node's own default when left
        /// out, and never more than half of what the node takes from all peers.
        create
        /// How many of the peer's packets may be under way at once; null for the node's own default.
        update
    }
    amount_in_flight_max: UInt64 = AmountInFlightMax "amountInFlightMax" {
        /// How much of what the peer sends may be under way at once, in the asset's smallest unit; null
        /// for the node's own default. Packets beyond it are refused with T05, and one that carries more
        /// by itself with F08.
        read
        /// How much of what the peer sends may be under way at once, in the asset's smallest unit; the
        /// node's own default when left out.
        create
        /// How much of what the peer sends may be under way at once, in the asset's smallest unit; null
        /// for the node's own default.
        update
    }
    asset_share_in_flight_percent_max: UInt8 = AssetShareInFlightPercentMax "assetShareInFlightPercentMax" {
        /// How much of the node's stock of another asset the peer's packets may hold, in percent; null
        /// for the node's own default. Packets beyond it are refused with T04.
        read
        /// How much of the node's stock of another asset the peer's packets may hold, from 0 to 100
        /// percent; the node's own default when left out.
        create
        /// How much of the node's stock of another asset the peer's packets may hold, from 0 to 100
        /// percent; null for the node's own default.
        update
    }
}

fn edit<G: Given>(given: MaybeUndefined<G>, field: Field) -> Result<Edit<G::Number>, InputError> {
    Ok(match given {
        MaybeUndefined::Undefined => Edit::Keep,
        MaybeUndefined::Null => Edit::Clear,
        MaybeUndefined::Value(given) => Edit::Set(given.number(field)?),
    })
}
