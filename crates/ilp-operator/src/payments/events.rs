//! The events of payments, in the form that Rafiki's clients know.

use ilp_connector::{account::Total, peer::Asset};
use ilp_store::{
    EventRecord, IncomingPaymentRecord, IncomingPaymentState, OutgoingPaymentRecord, QuoteRecord,
};
use interledger_packet::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{payments::views::names::outgoing_state_name, webhook::event_kind::EventKind};

/// The content of an event beside its kind.
pub(crate) struct EventContent<'a> {
    /// The event's id.
    pub(crate) id: Uuid,
    /// Milliseconds since 1970.
    pub(crate) now_ms: u64,
    /// The asset of the payment's account.
    pub(crate) asset: &'a Asset,
    /// How that account stands.
    pub(crate) total: Total,
}

/// Makes an event of an incoming payment.
pub(crate) fn of_incoming(
    kind: EventKind,
    payment: &IncomingPaymentRecord,
    told: &EventContent<'_>,
) -> EventRecord {
    let EventContent { asset, total, .. } = told;
    let amount = |value: u128| amount(value, &asset.code, asset.scale);
    let mut data = json!({
        "id": payment.id,
        "walletAddressId": payment.wallet_address_id,
        "client": Value::Null,
        "createdAt": time(payment.created_at_ms),
        "expiresAt": time(payment.expires_at_ms),
        "receivedAmount": amount(total.credits),
        "completed": payment.state == IncomingPaymentState::Completed,
    });
    if let Some(asked) = payment.incoming_amount {
        data["incomingAmount"] = amount(asked.into());
    }
    event(kind, data, payment.metadata.as_deref(), told)
}

/// Makes an event of an outgoing payment whose packets took `sent`.
pub(crate) fn of_outgoing(
    kind: EventKind,
    payment: &OutgoingPaymentRecord,
    sent: u64,
    told: &EventContent<'_>,
) -> EventRecord {
    let EventContent { asset, total, .. } = told;
    let quote: &QuoteRecord = &payment.quote;
    let in_source = |value: u64| amount(value.into(), &asset.code, asset.scale);
    let mut data = json!({
        "id": payment.id,
        "walletAddressId": quote.wallet_address_id,
        "client": Value::Null,
        "state": outgoing_state_name(payment.state),
        "receiver": quote.receiver,
        "debitAmount": in_source(quote.debit_amount),
        "receiveAmount": amount(
            quote.receive_amount.into(),
            &quote.receive_asset_code,
            quote.receive_asset_scale,
        ),
        "sentAmount": in_source(sent),
        "stateAttempts": payment.state_attempts,
        "createdAt": time(payment.created_at_ms),
        "balance": total.available().to_string(),
    });
    if let Some(error) = &payment.error {
        data["error"] = json!(error);
    }
    if payment.in_doubt > 0 {
        data["amountInDoubt"] = in_source(payment.in_doubt);
    }
    event(kind, data, payment.metadata.as_deref(), told)
}

fn event(
    kind: EventKind,
    mut data: Value,
    metadata: Option<&str>,
    told: &EventContent<'_>,
) -> EventRecord {
    // It was an object when it came in.
    if let Some(metadata) = metadata.and_then(|text| serde_json::from_str::<Value>(text).ok()) {
        data["metadata"] = metadata;
    }
    EventRecord::new(told.id, kind.name(), data.to_string().into_bytes(), told.now_ms)
}

fn amount(value: u128, code: &str, scale: u8) -> Value {
    json!({ "value": value.to_string(), "assetCode": code, "assetScale": scale })
}

fn time(unix_ms: u64) -> String {
    Timestamp::from_unix_ms(unix_ms).to_string()
}
