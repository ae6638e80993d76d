//! The inputs of operations on peers: texts and numbers as an operator typed them, not yet parsed.

use ilp_connector::{PeerLimits, for_each_peer_limit, token::Secret};

use crate::{peers::error::PeerError, vocabulary::edit::Edit};

/// A peer to be made.
#[derive(Clone, Debug, Default)]
pub struct NewPeer {
    /// The id of the asset that the peer's balance is kept in.
    pub asset_id: String,
    /// The terms that are agreed on. A new peer needs an address, an endpoint and a token.
    pub terms: PeerTermsEdit,
    /// The deposit that is made for the peer at once, in the asset's smallest unit; zero is no
    /// deposit.
    pub initial_liquidity: u64,
}

/// A change of a peer.
#[derive(Clone, Debug, Default)]
pub struct PeerEdit {
    /// The peer's id.
    pub id: String,
    /// The terms that hold from now on.
    pub terms: PeerTermsEdit,
    /// The version that the edit is based on; `None` edits whatever is stored.
    pub version: Option<u64>,
}

/// The terms of a peer as they are given. `None` and [`Edit::Keep`] leave a term as it is, which in a
/// new peer is empty. Amounts are in the asset's smallest unit.
#[derive(Clone, Debug, Default)]
pub struct PeerTermsEdit {
    /// The peer's own ILP address.
    pub static_ilp_address: Option<String>,
    /// For people.
    pub name: Edit<String>,
    /// Largest amount of one packet; empty is the node's default.
    pub max_packet_amount: Edit<u64>,
    /// An event is due when its liquidity falls to this.
    pub liquidity_threshold: Edit<u64>,
    /// The further prefixes that are reached through the peer, in place of the present ones.
    pub routes: Edit<Vec<String>>,
    /// Where it takes packets, and what we show there.
    pub outgoing: Option<(String, Secret)>,
    /// The tokens that the peer may show us, in place of the present ones; a new peer without any
    /// only receives.
    pub incoming_tokens: Option<Vec<Secret>>,
    /// The limits on what it may send.
    pub limits: PeerLimitsEdit,
    /// Whether the peer is the default route, for packets without a longer match.
    pub is_default_route: Option<bool>,
    /// The share that the node keeps of each amount the peer sends, in basis points; empty is
    /// nothing.
    pub spread_basis_points: Edit<i32>,
}

macro_rules! define_limits_edit {
    (() $($(#[$doc:meta])* $limit:ident: $type:ty as $given:ty = $name:literal,)*) => {
        /// The limits of a peer as they are given.
        #[derive(Clone, Debug, Default)]
        pub struct PeerLimitsEdit {
            $($(#[$doc])* pub $limit: Edit<$given>,)*
        }

        impl PeerLimitsEdit {
            /// Parses the limits and makes the edit.
            pub(crate) fn apply(self, limits: &mut PeerLimits) -> Result<(), PeerError> {
                $(limit(self.$limit, &mut limits.$limit)?;)*
                Ok(())
            }
        }

        ilp_store::show_fields! { PeerLimitsEdit { $($limit: $name,)* } }
    };
}

for_each_peer_limit!(define_limits_edit!());

fn limit<T, G>(given: Edit<G>, limit: &mut Option<T>) -> Result<(), PeerError>
where
    T: TryFrom<G>,
    PeerError: From<T::Error>,
{
    given.try_map(T::try_from)?.apply(limit);
    Ok(())
}
