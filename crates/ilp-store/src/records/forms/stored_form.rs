//! The form of the records on disk: one JSON object each, with these field names. A field that the
//! program doesn't know is passed over, and one that is missing is `None` or empty where that makes
//! sense, so fields can be added within one schema version. Ids are hyphenated text, amounts are
//! JSON integers, digests are 64 hexadecimal digits.

use ilp_connector::{
    conversion::Spread,
    token::{Secret, TokenDigest},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{
    keys::{Kind, hexadecimal},
    peer_records::{AssetRecord, DeletedPeerRecord, IncomingToken, InitialDeposit, PeerRecord},
};
use crate::{
    error::StoreError,
    records::outbox::{Delivery, EventRecord},
};

/// A record that has a form on disk.
pub(crate) trait Stored: Sized {
    /// The form on disk.
    type Form: Serialize + DeserializeOwned;

    /// Returns the record's id, which is its key.
    fn id(&self) -> Uuid;

    /// Returns the record in its form on disk.
    fn to_form(&self) -> Self::Form;

    /// The record back from its form, or what is wrong with it.
    fn from_form(form: Self::Form) -> Result<Self, &'static str>;

    /// Returns the bytes to store.
    fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(&self.to_form()).expect("structs of texts and integers become JSON")
    }

    /// Returns the record from the bytes stored under `key`.
    fn decode(kind: Kind, key: &[u8], bytes: &[u8]) -> Result<Self, StoreError> {
        let broken = |detail: String| StoreError::Record {
            tree: kind.name(),
            key: hexadecimal(key.get(1..).unwrap_or_default()),
            detail,
        };
        let form = serde_json::from_slice(bytes).map_err(|cause| broken(position_of(&cause)))?;
        let record = Self::from_form(form).map_err(|what| broken(what.to_owned()))?;
        if kind.key(record.id().as_bytes()) != key {
            return Err(broken("its id isn't that of its key".to_owned()));
        }
        Ok(record)
    }
}

/// Where the JSON is wrong. The error's own text may quote the value, which may be a secret.
pub(crate) fn position_of(cause: &serde_json::Error) -> String {
    format!("{:?} error at line {} column {}", cause.classify(), cause.line(), cause.column())
}

#[derive(Serialize, Deserialize)]
pub(crate) struct AssetForm {
    id: Uuid,
    code: String,
    scale: u8,
    withdrawal_threshold: Option<u64>,
    liquidity_threshold: Option<u64>,
    created_at_ms: u64,
    #[serde(default)]
    version: u64,
}

impl Stored for AssetRecord {
    type Form = AssetForm;

    fn id(&self) -> Uuid {
        self.id
    }

    fn to_form(&self) -> AssetForm {
        AssetForm {
            id: self.id,
            code: self.code.clone(),
            scale: self.scale,
            withdrawal_threshold: self.withdrawal_threshold,
            liquidity_threshold: self.liquidity_threshold,
            created_at_ms: self.created_at_ms,
            version: self.version,
        }
    }

    fn from_form(form: AssetForm) -> Result<Self, &'static str> {
        Ok(Self {
            id: form.id,
            code: form.code,
            scale: form.scale,
            withdrawal_threshold: form.withdrawal_threshold,
            liquidity_threshold: form.liquidity_threshold,
            created_at_ms: form.created_at_ms,
            version: form.version,
        })
    }
}

/// What is absent takes no room: sled rewrites whole leaves of these.
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
    #[serde(skip_serializing_if = "Option::is_none")]
    packets_per_minute_max: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount_per_second_max: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    packets_in_flight_max: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount_in_flight_max: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asset_share_in_flight_percent_max: Option<u8>,
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
        PeerForm {
            id: self.id,
            asset_id: self.asset_id,
            static_ilp_address: self.static_ilp_address.clone(),
            name: self.name.clone(),
            max_packet_amount: self.max_packet_amount,
            liquidity_threshold: self.liquidity_threshold,
            routes: self.routes.clone(),
            endpoint: self.endpoint.clone(),
            outgoing_token: self.outgoing_token.reveal().to_owned(),
            incoming_tokens: self
                .incoming_tokens
                .iter()
                .map(|token| digest_to_text(&token.digest))
                .collect(),
            incoming_tokens_created_at_ms: self
                .incoming_tokens
                .iter()
                .map(|token| token.created_at_ms)
                .collect(),
            packets_per_minute_max: self.packets_per_minute_max,
            amount_per_second_max: self.amount_per_second_max,
            packets_in_flight_max: self.packets_in_flight_max,
            amount_in_flight_max: self.amount_in_flight_max,
            asset_share_in_flight_percent_max: self.asset_share_in_flight_percent_max,
            is_default_route: self.is_default_route,
            spread_basis_points: self.spread.basis_points(),
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
        Ok(Self {
            id: form.id,
            asset_id: form.asset_id,
            static_ilp_address: form.static_ilp_address,
            name: form.name,
            max_packet_amount: form.max_packet_amount,
            liquidity_threshold: form.liquidity_threshold,
            routes: form.routes,
            endpoint: form.endpoint,
            outgoing_token: Secret::new(form.outgoing_token),
            incoming_tokens: incoming_tokens.ok_or("a token's digest isn't 64 hex digits")?,
            packets_per_minute_max: form.packets_per_minute_max,
            amount_per_second_max: form.amount_per_second_max,
            packets_in_flight_max: form.packets_in_flight_max,
            amount_in_flight_max: form.amount_in_flight_max,
            asset_share_in_flight_percent_max: form.asset_share_in_flight_percent_max,
            is_default_route: form.is_default_route,
            spread: Spread::new(form.spread_basis_points)
                .ok_or("its spread is more than 10000 basis points")?,
            created_at_ms: form.created_at_ms,
            version: form.version,
            initial_deposit: form
                .initial_deposit
                .map(|owed| InitialDeposit { transfer_id: owed.transfer_id, amount: owed.amount }),
        })
    }
}

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

#[derive(Serialize, Deserialize)]
pub(crate) struct EventForm {
    id: Uuid,
    kind: String,
    /// The JSON as text, since it is to be sent as it came.
    data: String,
    created_at_ms: u64,
    attempts: u32,
    /// `due`, `delivered`, `dead` or `skipped`, and the time of it or the time from which it is
    /// due.
    delivery: (String, u64),
}

impl Stored for EventRecord {
    type Form = EventForm;

    fn id(&self) -> Uuid {
        self.id
    }

    fn to_form(&self) -> EventForm {
        let (state, at_ms) = match self.delivery {
            Delivery::Due { at_ms } => ("due", at_ms),
            Delivery::Delivered { at_ms } => ("delivered", at_ms),
            Delivery::Dead { at_ms } => ("dead", at_ms),
            Delivery::Skipped { at_ms } => ("skipped", at_ms),
        };
        EventForm {
            id: self.id,
            kind: self.kind.clone(),
            data: String::from_utf8_lossy(&self.data).into_owned(),
            created_at_ms: self.created_at_ms,
            attempts: self.attempts,
            delivery: (state.to_owned(), at_ms),
        }
    }

    fn from_form(form: EventForm) -> Result<Self, &'static str> {
        let (state, at_ms) = form.delivery;
        let delivery = match state.as_str() {
            "due" => Delivery::Due { at_ms },
            "delivered" => Delivery::Delivered { at_ms },
            "dead" => Delivery::Dead { at_ms },
            "skipped" => Delivery::Skipped { at_ms },
            _ => return Err("the state of its delivery isn't known"),
        };
        Ok(Self {
            id: form.id,
            kind: form.kind,
            data: form.data.into_bytes(),
            created_at_ms: form.created_at_ms,
            attempts: form.attempts,
            delivery,
        })
    }
}

pub(crate) fn digest_to_text(digest: &TokenDigest) -> String {
    hexadecimal(digest.as_bytes())
}

pub(crate) fn digest_from_text(text: &str) -> Option<TokenDigest> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some(TokenDigest::from_bytes(bytes))
}

#[cfg(test)]
mod tests;
