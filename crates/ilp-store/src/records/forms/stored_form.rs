//! The form of the records on disk: one JSON object each, with these field names. A field that the
//! program doesn't know is passed over, and one that is missing is `None` or empty where that makes
//! sense, so fields can be added within one schema version. Ids are hyphenated text, amounts are
//! JSON integers, digests are 64 hexadecimal digits.

use data_encoding::HEXLOWER_PERMISSIVE;
use ilp_connector::token::TokenDigest;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{
    event_record::{Delivery, DeliveryState, EventRecord},
    keys::{Kind, hexadecimal},
    peer_records::AssetRecord,
};
use crate::error::StoreError;

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
        let (Delivery::Due { at_ms }
        | Delivery::Delivered { at_ms }
        | Delivery::Dead { at_ms }
        | Delivery::Skipped { at_ms }) = self.delivery;
        EventForm {
            id: self.id,
            kind: self.kind.clone(),
            data: String::from_utf8_lossy(&self.data).into_owned(),
            created_at_ms: self.created_at_ms,
            attempts: self.attempts,
            delivery: (self.delivery.state().to_owned(), at_ms),
        }
    }

    fn from_form(form: EventForm) -> Result<Self, &'static str> {
        let (state, at_ms) = form.delivery;
        let state: DeliveryState =
            state.parse().map_err(|_| "the state of its delivery isn't known")?;
        let delivery = match state {
            DeliveryState::Due => Delivery::Due { at_ms },
            DeliveryState::Delivered => Delivery::Delivered { at_ms },
            DeliveryState::Dead => Delivery::Dead { at_ms },
            DeliveryState::Skipped => Delivery::Skipped { at_ms },
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
    let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?;
    Some(TokenDigest::from_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests;
