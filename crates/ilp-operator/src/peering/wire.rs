//! What goes over the wire, as Rafiki's nodes write and read it.

use std::borrow::Cow;

use ilp_connector::token::Secret;
use serde_json::{Map, Value, json};

use crate::{
    peering::{PeeringAnswer, PeeringOffer},
    vocabulary::error::{ErrorKind, OperatorError},
};

/// The words by which Rafiki's nodes know why they were refused.
pub(crate) const UNKNOWN_ASSET: &str = "UnknownAsset";
pub(crate) const INVALID_CONFIGURATION: &str = "InvalidPeerIlpConfiguration";
const INVALID_REQUEST: &str = "InvalidPeeringRequest";

/// A request that is refused.
#[derive(Debug)]
pub struct Refusal {
    /// The HTTP status that tells it.
    pub status: u16,
    /// The word by which Rafiki's nodes know the reason.
    pub kind: &'static str,
    /// The reason, for people.
    pub message: Cow<'static, str>,
}

impl Refusal {
    /// The refusal of a request that can't be read.
    #[must_use]
    pub fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self { status: 400, kind: INVALID_REQUEST, message: message.into() }
    }

    /// The refusal of a body that is longer than `bytes_max`.
    #[must_use]
    pub fn too_long(bytes_max: usize) -> Self {
        let message = format!("the body is longer than {bytes_max} bytes").into();
        Self { status: 413, kind: INVALID_REQUEST, message }
    }

    /// The refusal of a node that asks too often.
    #[must_use]
    pub fn too_many() -> Self {
        let message = "too many requests: try again in a minute".into();
        Self { status: 429, kind: INVALID_REQUEST, message }
    }

    /// The refusal after a fault of this node.
    #[must_use]
    pub fn internal() -> Self {
        Self { status: 500, kind: INVALID_REQUEST, message: "the node failed".into() }
    }

    /// Returns the body that tells the refusal.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let Self { status, kind, message } = self;
        json!({ "error": { "code": status, "message": message, "type": kind } })
    }
}

impl From<&OperatorError> for Refusal {
    fn from(error: &OperatorError) -> Self {
        let message = error.message();
        let is_about_ilp = ["invalid ILP address", "invalid HTTP endpoint"]
            .iter()
            .any(|start| message.starts_with(start));
        let (status, kind) = match error.kind() {
            ErrorKind::NotFound => (404, UNKNOWN_ASSET),
            ErrorKind::BadInput if is_about_ilp => (400, INVALID_CONFIGURATION),
            ErrorKind::BadInput | ErrorKind::Inactive => (400, INVALID_REQUEST),
            ErrorKind::Forbidden => (403, INVALID_REQUEST),
            ErrorKind::Duplicate | ErrorKind::Conflict => (409, INVALID_REQUEST),
            ErrorKind::Unavailable => (503, INVALID_REQUEST),
            ErrorKind::Internal => return Self::internal(),
        };
        Self { status, kind, message: message.to_owned().into() }
    }
}

/// Reads what another node offers. Members that aren't known are passed over.
///
/// # Errors
/// A [`Refusal`] of a body that isn't an offer.
pub fn read_offer(body: &[u8]) -> Result<PeeringOffer, Refusal> {
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| Refusal::bad_request(format!("the body is no JSON: {error}")))?;
    let Value::Object(body) = body else {
        return Err(Refusal::bad_request("the body is no JSON object"));
    };
    let asset = body.get("asset").and_then(Value::as_object).ok_or_else(|| missing("asset"))?;
    let scale = asset.get("scale").and_then(Value::as_u64);
    let scale = scale.and_then(|scale| u8::try_from(scale).ok());
    Ok(PeeringOffer {
        static_ilp_address: text(&body, "staticIlpAddress")?,
        connector_url: text(&body, "ilpConnectorUrl")?,
        asset_code: text(asset, "code")?,
        asset_scale: scale.ok_or_else(|| missing("asset.scale"))?,
        token: Secret::new(text(&body, "httpToken")?),
        max_packet_amount: amount(body.get("maxPacketAmount"))?,
        name: optional_text(&body, "name")?,
        proof: None,
        caller: None,
    })
}

/// What the other node is told when it is, or will be, a peer.
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

/// What we write when it is us who asks.
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

fn text(body: &Map<String, Value>, name: &str) -> Result<String, Refusal> {
    body.get(name).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| missing(name))
}

fn optional_text(body: &Map<String, Value>, name: &str) -> Result<Option<String>, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(missing(name)),
    }
}

/// An amount as a number or, as is safer above 2^53, as decimal digits. Rafiki writes null where it
/// has none.
fn amount(value: Option<&Value>) -> Result<Option<u64>, Refusal> {
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
    read.map(Some).ok_or_else(|| missing("maxPacketAmount"))
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

fn missing(name: &str) -> Refusal {
    Refusal::bad_request(format!("{name} is missing or of another type than expected"))
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
            assert!(refusal.message.starts_with(name), "{refusal:?}");
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
