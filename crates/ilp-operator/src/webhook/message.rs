//! The request that tells an event, and its signature.

use data_encoding::HEXLOWER;
use ilp_connector::token::Secret;
use ilp_store::EventRecord;
use ring::hmac;
use serde_json::{Value, json};

use super::WebhookRequest;
use crate::vocabulary::canonical_json::canonical;

/// The request for an event at the time `now_ms`.
///
/// The body is the very text that is signed, so that a receiver may check the bytes as they came
/// instead of writing the JSON anew.
pub(crate) fn request(
    event: &EventRecord,
    secret: Option<&Secret>,
    now_ms: u64,
) -> Result<WebhookRequest, serde_json::Error> {
    let data: Value = serde_json::from_slice(&event.data)?;
    let body = canonical(&json!({ "id": event.id, "type": event.kind, "data": data }));
    let signature = secret.map(|secret| signature(&body, secret, now_ms));
    Ok(WebhookRequest { body, signature })
}

fn signature(body: &str, secret: &Secret, now_ms: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.reveal().as_bytes());
    let tag = hmac::sign(&key, format!("{now_ms}.{body}").as_bytes());
    let hex = HEXLOWER.encode(tag.as_ref());
    format!("t={now_ms}, v1={hex}")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_signature_is_what_openssl_and_a_canonical_json_give() {
        let id: Uuid = "019926a0-3b5c-7def-8123-456789abcdef".parse().unwrap();
        let data = br#"{"liquidityThreshold":"100","id":"x","balance":"7"}"#.to_vec();
        let event = EventRecord::new(id, "peer.liquidity_low", data, 5);
        let unsigned = request(&event, None, 1_700_000_000_000).unwrap();
        assert_eq!(
            unsigned.body,
            "{\"data\":{\"balance\":\"7\",\"id\":\"x\",\"liquidityThreshold\":\"100\"},\
             \"id\":\"019926a0-3b5c-7def-8123-456789abcdef\",\"type\":\"peer.liquidity_low\"}"
        );
        assert_eq!(unsigned.signature, None);
        let secret = Secret::new("webhooksecret".to_owned());
        let signed = request(&event, Some(&secret), 1_700_000_000_000).unwrap();
        assert_eq!(signed.body, unsigned.body);
        assert_eq!(
            signed.signature.as_deref(),
            Some(
                "t=1700000000000, \
                 v1=4eee820379f69d1c06e2857f142719296c3bac9ae88a91882a92eab44a4fc371"
            )
        );
    }

    #[test]
    fn what_is_no_json_is_not_sent() {
        let event = EventRecord::new(Uuid::nil(), "x", b"{".to_vec(), 0);
        assert!(request(&event, None, 0).is_err());
    }
}
