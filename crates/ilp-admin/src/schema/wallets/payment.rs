//! Payments of both directions in one list.

use async_graphql::{Enum, ID, InputObject, Interface, SimpleObject};
use ilp_operator::{
    PaymentFilter as Filter, PaymentView, incoming_state_name, outgoing_state_name,
};
use interledger_packet::Timestamp;

use crate::schema::{
    forms::{
        filter::FilterString,
        lists::Listed,
        page::Row,
        scalars::{JsonObject, UInt64},
    },
    node::tenant::Tenant,
    wallets::{incoming_payment::IncomingPayment, outgoing_payment::OutgoingPayment},
};

/// A payment of either direction.
#[derive(Interface)]
#[graphql(
    field(name = "id", ty = "&ID", desc = "The id, a UUID."),
    field(name = "wallet_address_id", ty = "&ID", desc = "Whose payment it is."),
    field(name = "metadata", ty = "&Option<JsonObject>", desc = "The client's own data."),
    field(
        name = "created_at",
        ty = "&String",
        desc = "When it was made, such as `2026-11-23T12:00:00.000Z`."
    ),
    field(
        name = "client",
        ty = "&Option<String>",
        desc = "Who had it made through Open Payments; always null, since the operator does."
    )
)]
#[expect(clippy::large_enum_variant, reason = "no value of it is ever made")]
#[expect(clippy::duplicated_attributes, reason = "two of the fields are ids")]
pub(crate) enum BasePayment {
    Payment(Payment),
    IncomingPayment(IncomingPayment),
    OutgoingPayment(OutgoingPayment),
}

/// The fields that payments of both directions have.
#[derive(SimpleObject)]
pub(crate) struct Payment {
    /// The payment's id, a UUID.
    pub(crate) id: ID,
    /// Its direction.
    #[graphql(name = "type")]
    kind: PaymentType,
    /// The payment's wallet address.
    wallet_address_id: ID,
    /// The Open Payments client that created the payment; always null, since the operator creates
    /// payments.
    client: Option<String>,
    /// The state, in the words of the payment's direction.
    state: String,
    /// The balance of the payment's account, in the asset's smallest unit.
    liquidity: Option<UInt64>,
    /// The client's own data about the payment.
    metadata: Option<JsonObject>,
    /// The time of creation, such as `2026-11-23T12:00:00.000Z`.
    pub(crate) created_at: String,
    /// The tenant of the payment. There is one.
    tenant: Option<Tenant>,
}

/// The direction of a payment.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum PaymentType {
    /// To a wallet address of this node.
    Incoming,
    /// From one.
    Outgoing,
}

impl From<PaymentView> for Payment {
    fn from(view: PaymentView) -> Self {
        let time = |ms: u64| Timestamp::from_unix_ms(ms).to_string();
        let metadata = |text: Option<String>| text.map(|text| JsonObject::read(text.as_bytes()));
        match view {
            PaymentView::Incoming(view) => Self {
                id: view.record.id.into(),
                kind: PaymentType::Incoming,
                wallet_address_id: view.record.wallet_address_id.into(),
                client: None,
                state: incoming_state_name(view.record.state).to_owned(),
                liquidity: Some(view.liquidity.into()),
                metadata: metadata(view.record.metadata),
                created_at: time(view.record.created_at_ms),
                tenant: Some(Tenant::default()),
            },
            PaymentView::Outgoing(view) => Self {
                id: view.record.id.into(),
                kind: PaymentType::Outgoing,
                wallet_address_id: view.record.quote.wallet_address_id.into(),
                client: None,
                state: outgoing_state_name(view.record.state).to_owned(),
                liquidity: Some(view.liquidity.into()),
                metadata: metadata(view.record.metadata),
                created_at: time(view.record.created_at_ms),
                tenant: Some(Tenant::default()),
            },
        }
    }
}

impl Listed for Payment {
    const CONNECTION: &str = "PaymentConnection";
    const EDGE: &str = "PaymentEdge";
}

impl Row for Payment {
    fn id(&self) -> &ID {
        &self.id
    }
}

/// The criteria by which a list is filtered.
#[derive(Default, InputObject)]
pub(crate) struct PaymentFilter {
    /// By direction: `INCOMING`, `OUTGOING`.
    #[graphql(name = "type")]
    kind: Option<FilterString>,
    /// By wallet address.
    wallet_address_id: Option<FilterString>,
}

impl PaymentFilter {
    pub(crate) fn read(given: Option<Self>) -> Filter {
        let Self { kind, wallet_address_id } = given.unwrap_or_default();
        Filter {
            kind: FilterString::read(kind),
            wallet_address_id: FilterString::read(wallet_address_id),
        }
    }
}
