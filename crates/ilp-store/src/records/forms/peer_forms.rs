//! The form of peers on disk, as [`stored_form`](super::stored_form) describes it.

use ilp_connector::{PeerLimits, conversion::Spread, for_each_peer_limit, token::Secret};
use interledger_packet::AddressPrefix;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    peer_records::{DeletedPeerRecord, IncomingToken, InitialDeposit, PeerRecord, PeerTerms},
    stored_form::{Stored, digest_from_text, digest_to_text},
};

/// The stored form of a peer. Absent fields take no room: sled rewrites whole leaves of these.
#[derive(Serialize, Deserialize)]
pub(crate) struct PeerForm {
    id: Uuid,
    asset_id: Uuid,
    static_ilp_address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_packet_amount: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    liquidity_threshold: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    routes: Vec<String>,
    endpoint: String,
    outgoing_token: String,
    #[serde(default)]
    incoming_tokens: Vec<String>,
    /// Beside the digests and in their order. A list of its own, so that records from before tokens
    /// had a time are read, and so that a jirani from that time reads these.
    #[serde(default)]
    incoming_tokens_created_at_ms: Vec<u64>,
    #[serde(flatten)]
    limits: LimitsForm,
    #[serde(default)]
    is_default_route: bool,
    #[serde(default)]
    spread_basis_points: u16,
    created_at_ms: u64,
    #[serde(default)]
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    initial_deposit: Option<DepositForm>,
}

#[derive(Serialize, Deserialize)]
struct DepositForm {
    transfer_id: Uuid,
    amount: u64,
}

impl Stored for PeerRecord {
    type Form = PeerForm;

    fn id(&self) -> Uuid {
        self.id
    }

    fn to_form(&self) -> PeerForm {
        let terms = &self.terms;
        let tokens = &terms.incoming_tokens;
        PeerForm {
            id: self.id,
            asset_id: self.asset_id,
            static_ilp_address: terms.address.to_string(),
            name: terms.name.clone(),
            max_packet_amount: terms.max_packet_amount,
            liquidity_threshold: terms.liquidity_threshold,
            routes: terms.routes.iter().map(AddressPrefix::to_string).collect(),
            endpoint: terms.endpoint.clone(),
            outgoing_token: terms.outgoing_token.reveal().to_owned(),
            incoming_tokens: tokens.iter().map(|token| digest_to_text(&token.digest)).collect(),
            incoming_tokens_created_at_ms: tokens.iter().map(|token| token.created_at_ms).collect(),
            limits: terms.limits.into(),
            is_default_route: terms.is_default_route,
            spread_basis_points: terms.spread.basis_points(),
            created_at_ms: self.created_at_ms,
            version: self.version,
            initial_deposit: self
                .initial_deposit
                .map(|owed| DepositForm { transfer_id: owed.transfer_id, amount: owed.amount }),
        }
    }

    fn from_form(form: PeerForm) -> Result<Self, &'static str> {
        // A token whose time isn't known has been there as long as the peer, for all one can tell.
        let times = form.incoming_tokens_created_at_ms.into_iter();
        let times = times.chain(std::iter::repeat(form.created_at_ms));
        let incoming_tokens =
            form.incoming_tokens.iter().zip(times).map(|(text, created_at_ms)| {
                Some(IncomingToken { digest: digest_from_text(text)?, created_at_ms })
            });
        let incoming_tokens: Option<Vec<_>> = incoming_tokens.collect();
        let routes: Result<Vec<_>, _> =
            form.routes.into_iter().map(AddressPrefix::try_from).collect();
        let terms = PeerTerms {
            address: form
                .static_ilp_address
                .try_into()
                .map_err(|_| "its ILP address is invalid")?,
            name: form.name,
            max_packet_amount: form.max_packet_amount,
            liquidity_threshold: form.liquidity_threshold,
            routes: routes.map_err(|_| "one of its routes is invalid")?,
            endpoint: form.endpoint,
            outgoing_token: Secret::new(form.outgoing_token),
            incoming_tokens: incoming_tokens.ok_or("a token's digest isn't 64 hex digits")?,
            limits: form.limits.try_into()?,
            is_default_route: form.is_default_route,
            spread: Spread::new(form.spread_basis_points)
                .ok_or("its spread is more than 10000 basis points")?,
        };
        Ok(Self {
            id: form.id,
            asset_id: form.asset_id,
            terms,
            created_at_ms: form.created_at_ms,
            version: form.version,
            initial_deposit: form
                .initial_deposit
                .map(|owed| InitialDeposit { transfer_id: owed.transfer_id, amount: owed.amount }),
        })
    }
}

macro_rules! define_limits_form {
    (() $($(#[$doc:meta])* $limit:ident: $type:ty as $given:ty = $name:literal,)*) => {
        /// The limits among the fields of a peer.
        #[derive(Serialize, Deserialize)]
        struct LimitsForm {
            $(
                #[serde(skip_serializing_if = "Option::is_none")]
                $limit: Option<$given>,
            )*
        }

        impl From<PeerLimits> for LimitsForm {
            fn from(limits: PeerLimits) -> Self {
                Self { $($limit: limits.$limit.map(<$given>::from),)* }
            }
        }

        impl TryFrom<LimitsForm> for PeerLimits {
            type Error = &'static str;

            fn try_from(form: LimitsForm) -> Result<Self, &'static str> {
                $(
                    let $limit = form.$limit.map(<$type>::try_from).transpose();
                    let $limit = $limit.map_err(|_| concat!("its ", $name, " is out of range"))?;
                )*
                Ok(Self { $($limit),* })
            }
        }
    };
}

for_each_peer_limit!(define_limits_form!());

#[derive(Serialize, Deserialize)]
pub(crate) struct DeletedPeerForm {
    id: Uuid,
    asset_id: Uuid,
    static_ilp_address: String,
    name: Option<String>,
    created_at_ms: u64,
    deleted_at_ms: u64,
}

impl Stored for DeletedPeerRecord {
    type Form = DeletedPeerForm;

    fn id(&self) -> Uuid {
        self.id
    }

    fn to_form(&self) -> DeletedPeerForm {
        DeletedPeerForm {
            id: self.id,
            asset_id: self.asset_id,
            static_ilp_address: self.static_ilp_address.clone(),
            name: self.name.clone(),
            created_at_ms: self.created_at_ms,
            deleted_at_ms: self.deleted_at_ms,
        }
    }

    fn from_form(form: DeletedPeerForm) -> Result<Self, &'static str> {
        Ok(Self {
            id: form.id,
            asset_id: form.asset_id,
            static_ilp_address: form.static_ilp_address,
            name: form.name,
            created_at_ms: form.created_at_ms,
            deleted_at_ms: form.deleted_at_ms,
        })
    }
}
