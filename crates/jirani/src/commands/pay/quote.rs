//! The quote of a payment: requested from the node, and shown before the confirmation.

use ilp_admin_client::{
    Id,
    asset::Unit,
    payment::{self, Amount, AmountInput, CreateQuoteInput},
    wallet::WalletAddress,
};
use ilp_net::ReceiverUrl;
use uuid::Uuid;

use crate::commands::{
    Failure,
    admin_client::{AdminArgs, plain},
    lookup::amount_in,
    table::described,
    wallet::shown_value,
};

/// A quote from the node.
#[derive(Debug)]
pub(crate) struct Quote(payment::Quote);

/// The code and scale in which amounts are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Denomination {
    pub(super) code: String,
    pub(super) scale: u8,
}

impl From<&Unit> for Denomination {
    fn from(asset: &Unit) -> Self {
        Self { code: asset.code.clone(), scale: asset.scale }
    }
}

/// The amount that a payment is quoted for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum QuotedAmount {
    /// The amount that leaves the wallet address.
    Sent(AmountInput),
    /// The amount that arrives.
    Delivered(AmountInput),
    /// The amount that the receiver requests.
    AsRequested,
}

pub(crate) fn send(amount: &str, asset: &Denomination) -> Result<QuotedAmount, Failure> {
    money(amount, asset).map(QuotedAmount::Sent)
}

pub(super) fn deliver(amount: &str, asset: &Denomination) -> Result<QuotedAmount, Failure> {
    money(amount, asset).map(QuotedAmount::Delivered)
}

fn money(amount: &str, asset: &Denomination) -> Result<AmountInput, Failure> {
    let value = amount_in(amount, asset.scale)?;
    Ok(AmountInput { value, asset_code: asset.code.clone(), asset_scale: asset.scale })
}

impl Quote {
    /// Requests a quote from the node.
    pub(crate) fn ask(
        admin: &AdminArgs,
        wallet: &WalletAddress,
        receiver: &ReceiverUrl,
        amount: QuotedAmount,
    ) -> Result<Self, Failure> {
        let (debit_amount, receive_amount) = match amount {
            QuotedAmount::Sent(amount) => (Some(amount), None),
            QuotedAmount::Delivered(amount) => (None, Some(amount)),
            QuotedAmount::AsRequested => (None, None),
        };
        let quote = admin.ask(CreateQuoteInput {
            wallet_address_id: wallet.id.clone(),
            receiver: receiver.to_string(),
            debit_amount,
            receive_amount,
            idempotency_key: Some(Uuid::new_v4().to_string()),
        })?;
        Ok(Self(quote))
    }

    pub(super) fn id(&self) -> &Id {
        &self.0.id
    }

    /// Returns the lines that describe the quote.
    pub(crate) fn lines(&self) -> Vec<String> {
        let quote = &self.0;
        described([
            ("to", plain(&quote.receiver)),
            ("costs at most", shown_value(&quote.debit_amount)),
            ("of it fee", shown_value(&quote.fee_amount)),
            ("arrives at least", shown_value(&quote.receive_amount)),
            ("packets", self.packets()),
            ("stands until", plain(&quote.expires_at)),
        ])
    }

    fn packets(&self) -> String {
        let count = self.0.packet_count;
        if count.0 == 0 {
            return "none: the receiver is of the same node".to_owned();
        }
        match self.0.max_packet_amount {
            None => format!("{count} or more"),
            Some(value) => {
                let largest = Amount { value, ..self.0.debit_amount.clone() };
                format!("{count} or more, of at most {}", shown_value(&largest))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ilp_admin_client::UInt64;

    use super::*;

    #[test]
    fn amounts_are_in_the_asset_that_they_are_said_in() {
        let usd = Denomination { code: "USD".to_owned(), scale: 2 };
        let expected =
            AmountInput { value: UInt64(1_250), asset_code: "USD".to_owned(), asset_scale: 2 };
        assert_eq!(send("12.5", &usd).unwrap(), QuotedAmount::Sent(expected.clone()));
        assert_eq!(deliver("12.50", &usd).unwrap(), QuotedAmount::Delivered(expected));
        assert!(send("0.001", &usd).unwrap_err().to_string().contains("decimal places"));
    }

    #[test]
    fn a_quote_is_said_in_standard_units() {
        let amount = |value: u64, code: &str| Amount {
            value: UInt64(value),
            asset_code: code.to_owned(),
            asset_scale: 2,
        };
        let quote = Quote(payment::Quote {
            id: Id::new("7"),
            receiver: "https://a.example/bob".to_owned(),
            created_at: "2026-11-24T07:00:00.000Z".to_owned(),
            expires_at: "2026-11-24T08:00:00.000Z".to_owned(),
            debit_amount: amount(10_000, "USD"),
            receive_amount: amount(9_200, "EUR"),
            fee_amount: amount(0, "USD"),
            packet_count: UInt64(200),
            max_packet_amount: Some(UInt64(50)),
        });
        let lines = quote.lines().join("\n");
        assert!(lines.contains("costs at most     100.00 USD"), "{lines}");
        assert!(lines.contains("arrives at least  92.00 EUR"), "{lines}");
        assert!(lines.contains("200 or more, of at most 0.50 USD"), "{lines}");
    }
}
