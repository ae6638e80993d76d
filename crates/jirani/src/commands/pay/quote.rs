//! What a payment would cost, asked of the node and said to people.

use ilp_net::ReceiverUrl;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::commands::{
    Failure,
    admin_client::{AdminArgs, plain},
    lookup::{amount_in, scale_of},
    table::described,
    wallet::shown_value,
};

/// A quote as the node gave it.
#[derive(Debug)]
pub(crate) struct Quote(Value);

const QUOTE: &str = "id receiver createdAt expiresAt packetCount maxPacketAmount \
    debitAmount { value assetCode assetScale } receiveAmount { value assetCode assetScale } \
    feeAmount { value assetCode assetScale }";

/// The member of a quote's input that says what leaves the wallet.
pub(crate) fn send(amount: &str, asset: &Value) -> Result<Value, Failure> {
    Ok(json!({ "debitAmount": money(amount, asset)? }))
}

/// The member of a quote's input that says what arrives.
pub(super) fn deliver(amount: &str, asset: &Value) -> Result<Value, Failure> {
    Ok(json!({ "receiveAmount": money(amount, asset)? }))
}

fn money(amount: &str, asset: &Value) -> Result<Value, Failure> {
    let value = amount_in(amount, scale_of(asset))?;
    Ok(json!({ "value": value, "assetCode": asset["code"], "assetScale": asset["scale"] }))
}

impl Quote {
    /// Asks what it would cost. `amount` is what [`send`] or [`deliver`] made, or empty for what the
    /// receiver asks for.
    pub(crate) fn ask(
        admin: &AdminArgs,
        wallet: &Value,
        receiver: &ReceiverUrl,
        amount: Value,
    ) -> Result<Self, Failure> {
        let mut input = amount;
        input["walletAddressId"] = wallet["id"].clone();
        input["receiver"] = receiver.to_string().into();
        input["idempotencyKey"] = Uuid::new_v4().to_string().into();
        let selection = format!("quote {{ {QUOTE} }}");
        Ok(Self(admin.mutate("createQuote", &selection, &input)?["quote"].take()))
    }

    pub(super) fn id(&self) -> &Value {
        &self.0["id"]
    }

    /// What somebody wants to know before paying.
    pub(crate) fn lines(&self) -> Vec<String> {
        let quote = &self.0;
        described([
            ("to", plain(&quote["receiver"])),
            ("costs at most", shown_value(&quote["debitAmount"])),
            ("of it fee", shown_value(&quote["feeAmount"])),
            ("arrives at least", shown_value(&quote["receiveAmount"])),
            ("packets", self.packets()),
            ("stands until", plain(&quote["expiresAt"])),
        ])
    }

    fn packets(&self) -> String {
        let count = plain(&self.0["packetCount"]);
        if count == "0" {
            return "none: the receiver is of the same node".to_owned();
        }
        let debit = &self.0["debitAmount"];
        let mut largest = debit.clone();
        largest["value"] = self.0["maxPacketAmount"].clone();
        match self.0["maxPacketAmount"].is_null() {
            true => format!("{count} or more"),
            false => format!("{count} or more, of at most {}", shown_value(&largest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_in_the_asset_that_they_are_said_in() {
        let usd = json!({ "id": "7", "code": "USD", "scale": 2 });
        let expected = json!({ "value": "1250", "assetCode": "USD", "assetScale": 2 });
        assert_eq!(send("12.5", &usd).unwrap(), json!({ "debitAmount": expected }));
        assert_eq!(deliver("12.50", &usd).unwrap(), json!({ "receiveAmount": expected }));
        assert!(send("0.001", &usd).unwrap_err().to_string().contains("decimal places"));
    }

    #[test]
    fn a_quote_is_said_in_standard_units() {
        let amount =
            |value: &str, code: &str| json!({ "value": value, "assetCode": code, "assetScale": 2 });
        let quote = Quote(json!({
            "id": "7", "receiver": "https://a.example/bob", "expiresAt": "2026-11-24T08:00:00.000Z",
            "debitAmount": amount("10000", "USD"), "receiveAmount": amount("9200", "EUR"),
            "feeAmount": amount("0", "USD"), "packetCount": "200", "maxPacketAmount": "50",
        }));
        let lines = quote.lines().join("\n");
        assert!(lines.contains("costs at most     100.00 USD"), "{lines}");
        assert!(lines.contains("arrives at least  92.00 EUR"), "{lines}");
        assert!(lines.contains("200 or more, of at most 0.50 USD"), "{lines}");
    }
}
