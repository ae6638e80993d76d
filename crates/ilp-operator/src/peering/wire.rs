//! The JSON of peering requests and answers, as Rafiki's nodes write and read it.

use ilp_connector::token::Secret;
use serde_json::{Map, Value, json};

use crate::{
    peering::{PeeringAnswer, PeeringOffer},
    vocabulary::{
        error::OperatorError,
        reason::{ErrorKind, Reason},
    },
};

/// The words by which Rafiki's nodes know why they were refused.
pub(crate) const UNKNOWN_ASSET: &str = "UnknownAsset";
pub(crate) const INVALID_CONFIGURATION: &str = "InvalidPeerIlpConfiguration";
const INVALID_REQUEST: &str = "InvalidPeeringRequest";

/// The reason why a node that asks for a peering gets none.
#[derive(Debug, thiserror::Error)]
pub enum OfferError {
    /// The request is not JSON by its header.
    #[error("Content-Type: application/json is expected")]
    ContentType,
    /// The body takes too long to arrive.
    #[error("the body did not arrive in time")]
    TooSlow,
    /// The body is too long.
    #[error("the body is longer than {bytes_max} bytes")]
    TooLong {
        /// The longest body that is read.
        bytes_max: usize,
    },
    /// The node asks too often.
    #[error("too many requests: try again in a minute")]
    TooMany,
    /// The body is not JSON.
    #[error("the body is no JSON: {0}")]
    NotJson(serde_json::Error),
    /// The body is JSON and not an object.
    #[error("the body is no JSON object")]
    NotAnObject,
    /// A member of the body can't be used.
    #[error("{0} is missing or of another type than expected")]
    Member(&'static str),
    /// The operation refuses the offer.
    #[error(transparent)]
    Refused(OperatorError),
    /// This node failed.
    #[error("the node failed")]
    Failed,
}

impl OfferError {
    /// Returns the HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::ContentType
            | Self::TooSlow
            | Self::NotJson(_)
            | Self::NotAnObject
            | Self::Member(_) => 400,
            Self::TooLong { .. } => 413,
            Self::TooMany => 429,
            Self::Failed => 500,
            Self::Refused(error) => match error.kind() {
                ErrorKind::BadInput | ErrorKind::Inactive => 400,
                ErrorKind::Forbidden => 403,
                ErrorKind::NotFound => 404,
                ErrorKind::Duplicate | ErrorKind::Conflict => 409,
                ErrorKind::Internal => 500,
                ErrorKind::Unavailable => 503,
            },
        }
    }

    /// Returns the word by which Rafiki's nodes know the reason.
    fn kind(&self) -> &'static str {
        let Self::Refused(error) = self else { return INVALID_REQUEST };
        match error.reason() {
            Reason::UnknownAsset => UNKNOWN_ASSET,
            Reason::InvalidIlpAddress | Reason::InvalidHttpEndpoint => INVALID_CONFIGURATION,
            _ => INVALID_REQUEST,
        }
    }

    /// Returns the body of the answer.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let (status, message) = (self.status(), self.to_string());
        json!({ "error": { "code": status, "message": message, "type": self.kind() } })
    }
}

impl From<OperatorError> for OfferError {
    fn from(error: OperatorError) -> Self {
        match error.kind() {
            ErrorKind::Internal => Self::Failed,
            _ => Self::Refused(error),
        }
    }
}

/// Reads what another node offers. Members that aren't known are passed over.
///
/// # Errors
/// [`OfferError`] for a body that isn't an offer.
pub fn read_offer(body: &[u8]) -> Result<PeeringOffer, OfferError> {
    let body: Value = serde_json::from_slice(body).map_err(OfferError::NotJson)?;
    let Value::Object(body) = body else {
        return Err(OfferError::NotAnObject);
    };
    let asset = body.get("asset").and_then(Value::as_object).ok_or(OfferError::Member("asset"))?;
    let scale = asset.get("scale").and_then(Value::as_u64);
    let scale = scale.and_then(|scale| u8::try_from(scale).ok());
    Ok(PeeringOffer {
        static_ilp_address: text(&body, "staticIlpAddress")?,
        connector_url: text(&body, "ilpConnectorUrl")?,
        asset_code: text(asset, "code")?,
        asset_scale: scale.ok_or(OfferError::Member("asset.scale"))?,
        token: Secret::new(text(&body, "httpToken")?),
        max_packet_amount: amount(body.get("maxPacketAmount"))?,
        name: optional_text(&body, "name")?,
        proof: None,
        caller: None,
    })
}

/// Returns the answer to a node that is, or will be, a peer.
#[must_use]
pub fn answer(answer: &PeeringAnswer) -> Value {
    json!({
        "staticIlpAddress": answer.static_ilp_address,
        "ilpConnectorUrl": answer.connector_url,
        "httpToken": answer.token.reveal(),
        "name": answer.name,
        "tenantId": answer.tenant_id,
    })
}

/// Returns the body of this node's own request.
pub(crate) fn offer(offer: &PeeringOffer) -> Value {
    let mut body = json!({
        "staticIlpAddress": offer.static_ilp_address,
        "ilpConnectorUrl": offer.connector_url,
        "asset": { "code": offer.asset_code, "scale": offer.asset_scale },
        "httpToken": offer.token.reveal(),
    });
    if let Some(amount) = offer.max_packet_amount {
        // Rafiki reads a number. Above 2^53 it would read another one, so it gets none.
        body["maxPacketAmount"] = json!(amount.min(MAX_SAFE_INTEGER));
    }
    if let Some(name) = &offer.name {
        body["name"] = json!(name);
    }
    body
}

/// The largest integer that JavaScript has exactly.
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Reads the answer of another node; `None` when it isn't the answer to a peering request. A node
/// whose operator has to approve first answers 202.
pub(crate) fn read_answer(status: u16, body: &str) -> Option<PeeringAnswer> {
    let body: Value = serde_json::from_str(body).ok()?;
    let body = body.as_object()?;
    Some(PeeringAnswer {
        static_ilp_address: text(body, "staticIlpAddress").ok()?,
        connector_url: text(body, "ilpConnectorUrl").ok()?,
        token: Secret::new(text(body, "httpToken").ok()?),
        name: optional_text(body, "name").ok()?.unwrap_or_default(),
        tenant_id: String::new(),
        is_pending: status == 202,
    })
}

/// Reads the type and the message of a refusal.
pub(crate) fn read_refusal(body: &str) -> Option<(String, String)> {
    let body: Value = serde_json::from_str(body).ok()?;
    let error = body.get("error")?;
    let kind = error.get("type")?.as_str()?.to_owned();
    Some((kind, error.get("message").and_then(Value::as_str).unwrap_or_default().to_owned()))
}

fn text(body: &Map<String, Value>, name: &'static str) -> Result<String, OfferError> {
    body.get(name).and_then(Value::as_str).map(str::to_owned).ok_or(OfferError::Member(name))
}

fn optional_text(
    body: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<String>, OfferError> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(OfferError::Member(name)),
    }
}

/// An amount as a number or, as is safer above 2^53, as decimal digits. Rafiki writes null where it
/// has none.
fn amount(value: Option<&Value>) -> Result<Option<u64>, OfferError> {
    let digits = |text: &str| {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| is_plain)
    };
    let read = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => digits(text),
        Some(_) => None,
    };
    read.map(Some).ok_or(OfferError::Member("maxPacketAmount"))
}

impl PeeringOffer {
    /// For tests of what is written and read.
    #[cfg(test)]
    fn example() -> Self {
        Self {
            static_ilp_address: "test.a".to_owned(),
            connector_url: "https://a.example".to_owned(),
            asset_code: "USD".to_owned(),
            asset_scale: 2,
            token: Secret::new("hush".to_owned()),
            max_packet_amount: Some(10),
            name: Some("A".to_owned()),
            proof: None,
            caller: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_reads_as_it_was_written() {
        let offer = offer(&PeeringOffer::example());
        let read = read_offer(offer.to_string().as_bytes()).unwrap();
        assert_eq!(format!("{read:?}"), format!("{:?}", PeeringOffer::example()));
        assert_eq!(read.token.reveal(), "hush");
        let without = r#"{"staticIlpAddress":"g.a","ilpConnectorUrl":"u","httpToken":"t",
            "asset":{"code":"USD","scale":2},"maxPacketAmount":null}"#;
        assert_eq!(read_offer(without.as_bytes()).unwrap().max_packet_amount, None);
    }

    #[test]
    fn what_is_no_offer_is_told_what_is_missing() {
        let whole = offer(&PeeringOffer::example());
        for (name, wrong) in [
            ("staticIlpAddress", json!(1)),
            ("ilpConnectorUrl", Value::Null),
            ("httpToken", json!(["x"])),
            ("asset", json!("USD")),
            ("maxPacketAmount", json!(-1)),
            ("maxPacketAmount", json!(1.5)),
            ("maxPacketAmount", json!("1e3")),
            ("name", json!({})),
        ] {
            let mut body = whole.clone();
            body[name] = wrong;
            let refusal = read_offer(body.to_string().as_bytes()).unwrap_err();
            assert!(refusal.to_string().starts_with(name), "{refusal:?}");
            assert_eq!(refusal.to_json()["error"]["type"], "InvalidPeeringRequest");
        }
        let mut body = whole;
        body["asset"]["scale"] = json!(256);
        assert!(read_offer(body.to_string().as_bytes()).is_err());
        for body in ["", "[]", "1", "{"] {
            assert!(read_offer(body.as_bytes()).is_err(), "{body}");
        }
    }
}
