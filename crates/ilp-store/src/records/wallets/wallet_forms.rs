//! The form on disk of what wallets are made of; see `stored_form`. Rates are pairs of decimal
//! texts, since JSON numbers of 128 bits are read by few.

use ilp_connector::token::Secret;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::wallet_records::{
    AdditionalProperty, FeeKind, FeeRecord, IncomingPaymentRecord, IncomingPaymentState, Initiator,
    OutgoingPaymentRecord, OutgoingPaymentState, QuoteRecord, WalletAddressRecord,
};
use crate::records::forms::stored_form::Stored;

/// The form of a record whose fields are stored under their own names.
macro_rules! stored {
    ($record:ident as $form:ident { $($(#[$attribute:meta])* $field:ident: $type:ty,)* }) => {
        #[derive(Serialize, Deserialize)]
        pub(crate) struct $form { $($(#[$attribute])* $field: $type,)* }

        impl Stored for $record {
            type Form = $form;

            fn id(&self) -> Uuid {
                self.id
            }

            fn to_form(&self) -> $form {
                let record = self.clone();
                $form { $($field: record.$field.into(),)* }
            }

            fn from_form(form: $form) -> Result<Self, &'static str> {
                Ok(Self { $($field: form.$field.into(),)* })
            }
        }
    };
}

stored!(WalletAddressRecord as WalletAddressForm {
    id: Uuid,
    asset_id: Uuid,
    url: String,
    public_name: Option<String>,
    deactivated_at_ms: Option<u64>,
    #[serde(default)]
    additional_properties: Vec<AdditionalProperty>,
    created_at_ms: u64,
    #[serde(default)]
    version: u64,
});

stored!(IncomingPaymentRecord as IncomingPaymentForm {
    id: Uuid,
    wallet_address_id: Uuid,
    asset_id: Uuid,
    url: String,
    incoming_amount: Option<u64>,
    metadata: Option<String>,
    state: IncomingPaymentState,
    initiated_by: Initiator,
    sender_wallet_address: Option<String>,
    expires_at_ms: u64,
    created_at_ms: u64,
    withdrawal_id: Option<Uuid>,
});

stored!(QuoteRecord as QuoteForm {
    id: Uuid,
    wallet_address_id: Uuid,
    asset_id: Uuid,
    receiver: String,
    local_recipient: Option<Uuid>,
    is_fixed_send: bool,
    debit_amount: u64,
    debit_minus_fees: u64,
    receive_amount: u64,
    deliver_amount: Option<u64>,
    receive_asset_code: String,
    receive_asset_scale: u8,
    fee_id: Option<Uuid>,
    max_packet_amount: Option<u64>,
    packet_count: u64,
    rate_delivered: WideForm,
    rate_sent: WideForm,
    details: SecretForm,
    created_at_ms: u64,
    expires_at_ms: u64,
});

stored!(FeeRecord as FeeForm {
    id: Uuid,
    asset_id: Uuid,
    kind: FeeKind,
    fixed: u64,
    basis_points: u16,
    created_at_ms: u64,
});

#[derive(Serialize, Deserialize)]
pub(crate) struct OutgoingPaymentForm {
    id: Uuid,
    quote: QuoteForm,
    state: OutgoingPaymentState,
    error: Option<String>,
    state_attempts: u32,
    metadata: Option<String>,
    funding_id: Uuid,
    withdrawal_id: Option<Uuid>,
    sent: u64,
    delivered: u64,
    packets: Option<u64>,
    #[serde(default)]
    under_way_max: u64,
    #[serde(default)]
    in_doubt: u64,
    created_at_ms: u64,
}

impl Stored for OutgoingPaymentRecord {
    type Form = OutgoingPaymentForm;

    fn id(&self) -> Uuid {
        self.id
    }

    fn to_form(&self) -> OutgoingPaymentForm {
        OutgoingPaymentForm {
            id: self.id,
            quote: self.quote.to_form(),
            state: self.state,
            error: self.error.clone(),
            state_attempts: self.state_attempts,
            metadata: self.metadata.clone(),
            funding_id: self.funding_id,
            withdrawal_id: self.withdrawal_id,
            sent: self.sent,
            delivered: self.delivered,
            packets: self.packets,
            under_way_max: self.under_way_max,
            in_doubt: self.in_doubt,
            created_at_ms: self.created_at_ms,
        }
    }

    fn from_form(form: OutgoingPaymentForm) -> Result<Self, &'static str> {
        Ok(Self {
            id: form.id,
            quote: QuoteRecord::from_form(form.quote)?,
            state: form.state,
            error: form.error,
            state_attempts: form.state_attempts,
            metadata: form.metadata,
            funding_id: form.funding_id,
            withdrawal_id: form.withdrawal_id,
            sent: form.sent,
            delivered: form.delivered,
            packets: form.packets,
            under_way_max: form.under_way_max,
            in_doubt: form.in_doubt,
            created_at_ms: form.created_at_ms,
        })
    }
}

/// A number of 128 bits as its decimal digits.
#[derive(Clone, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
struct WideForm(u128);

impl From<WideForm> for String {
    fn from(number: WideForm) -> Self {
        number.0.to_string()
    }
}

impl TryFrom<String> for WideForm {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

impl From<u128> for WideForm {
    fn from(number: u128) -> Self {
        Self(number)
    }
}

impl From<WideForm> for u128 {
    fn from(number: WideForm) -> Self {
        number.0
    }
}

/// A secret in the clear, which it can only be where it has to be used again.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct SecretForm(String);

impl From<Secret> for SecretForm {
    fn from(secret: Secret) -> Self {
        Self(secret.reveal().to_owned())
    }
}

impl From<SecretForm> for Secret {
    fn from(form: SecretForm) -> Self {
        Self::new(form.0)
    }
}
