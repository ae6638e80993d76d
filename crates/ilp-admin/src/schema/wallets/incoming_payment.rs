//! Incoming payments in the schema.

use async_graphql::{Enum, ID, InputObject, SimpleObject};
use ilp_operator::{IncomingPaymentView, NewIncomingPayment, OperatorError};
use ilp_store::{IncomingPaymentState as State, TextFilter};
use interledger_packet::Timestamp;

use crate::schema::{
    forms::{
        amount::{Amount, AmountInput},
        filter::FilterString,
        lists::Listed,
        page::Row,
        response::{MutationResponse, Status},
        scalars::{JsonObject, UInt64},
    },
    node::tenant::Tenant,
};

/// Money that a wallet address expects.
#[derive(SimpleObject)]
pub(crate) struct IncomingPayment {
    /// The payment's id, a UUID.
    pub(crate) id: ID,
    /// The URL at which the payment is paid.
    url: String,
    /// The wallet address that expects it.
    pub(crate) wallet_address_id: ID,
    /// The Open Payments client that created the payment; always null, since the operator creates
    /// payments.
    pub(crate) client: Option<String>,
    /// The part of the received amount that was not withdrawn, in the asset's smallest unit.
    liquidity: Option<UInt64>,
    /// The state of the payment.
    state: IncomingPaymentState,
    /// The time from which the payment takes nothing more.
    expires_at: String,
    /// The amount that is requested; null for any amount.
    incoming_amount: Option<Amount>,
    /// The amount received in all.
    received_amount: Amount,
    /// The client's own data about the payment.
    pub(crate) metadata: Option<JsonObject>,
    /// The time of creation, such as `2026-11-23T12:00:00.000Z`.
    pub(crate) created_at: String,
    /// The tenant of the payment. There is one.
    tenant: Option<Tenant>,
    /// The wallet address that is expected to pay.
    sender_wallet_address: Option<String>,
    /// Always null, since incoming payments can't be cancelled.
    cancellation_reason: Option<String>,
    /// Always null, since incoming payments can't be cancelled.
    cancelled_at: Option<String>,
    /// The id under which the received amount is withdrawn, posted or voided; null until the
    /// payment has ended with a balance. Its first value is the id of the event about the end.
    withdrawal_id: Option<ID>,
}

/// The state of an incoming payment.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum IncomingPaymentState {
    /// Nothing was received.
    Pending,
    /// Something was received.
    Processing,
    /// All that was asked for was received. It takes nothing more.
    Completed,
    /// Its time was over before that. It takes nothing more.
    Expired,
}

impl From<State> for IncomingPaymentState {
    fn from(state: State) -> Self {
        match state {
            State::Pending => Self::Pending,
            State::Processing => Self::Processing,
            State::Completed => Self::Completed,
            State::Expired => Self::Expired,
        }
    }
}

impl From<IncomingPaymentView> for IncomingPayment {
    fn from(view: IncomingPaymentView) -> Self {
        let IncomingPaymentView { record, asset, received, liquidity } = view;
        let time = |ms: u64| Timestamp::from_unix_ms(ms).to_string();
        Self {
            id: record.id.into(),
            url: record.url,
            wallet_address_id: record.wallet_address_id.into(),
            client: None,
            liquidity: Some(liquidity.into()),
            state: record.state.into(),
            expires_at: time(record.expires_at_ms),
            incoming_amount: record
                .incoming_amount
                .map(|value| Amount::new(value, &asset.code, asset.scale)),
            received_amount: Amount::new(received, &asset.code, asset.scale),
            metadata: record.metadata.map(|text| JsonObject::read(text.as_bytes())),
            created_at: time(record.created_at_ms),
            tenant: Some(Tenant::default()),
            sender_wallet_address: record.sender_wallet_address,
            cancellation_reason: None,
            cancelled_at: None,
            withdrawal_id: record.withdrawal_id.map(ID::from),
        }
    }
}

impl Listed for IncomingPayment {
    const CONNECTION: &str = "IncomingPaymentConnection";
    const EDGE: &str = "IncomingPaymentEdge";
}

impl Row for IncomingPayment {
    fn id(&self) -> &ID {
        &self.id
    }
}

/// The criteria by which a list is filtered.
#[derive(Default, InputObject)]
pub(crate) struct IncomingPaymentFilter {
    /// By who had them made: `ADMIN`, or `CARD` for a payment by card.
    initiated_by: Option<FilterString>,
}

impl IncomingPaymentFilter {
    pub(crate) fn read(given: Option<Self>) -> TextFilter {
        FilterString::read(given.unwrap_or_default().initiated_by)
    }
}

/// An incoming payment to be made.
#[derive(InputObject)]
pub(crate) struct CreateIncomingPaymentInput {
    /// The wallet address that expects it.
    wallet_address_id: String,
    /// Until when, such as `2026-11-23T12:00:00Z`; at most, and when left out, 30 days from now.
    expires_at: Option<String>,
    /// The client's own data, which events carry.
    metadata: Option<JsonObject>,
    /// The amount that is requested, in the wallet address's asset; left out for any amount.
    incoming_amount: Option<AmountInput>,
    /// The idempotency key: a request that is repeated with it is done once.
    pub(crate) idempotency_key: Option<String>,
    /// Whether it is for a payment by card.
    is_card_payment: Option<bool>,
    /// The wallet address that is expected to pay.
    sender_wallet_address: Option<String>,
}

impl CreateIncomingPaymentInput {
    pub(crate) fn read(self) -> Result<NewIncomingPayment, OperatorError> {
        Ok(NewIncomingPayment {
            wallet_address_id: self.wallet_address_id,
            incoming_amount: AmountInput::read(self.incoming_amount)?,
            expires_at: self.expires_at,
            metadata: self.metadata.map(|metadata| metadata.text()),
            is_card_payment: self.is_card_payment.unwrap_or(false),
            sender_wallet_address: self.sender_wallet_address,
        })
    }
}

/// The result of making an incoming payment.
#[derive(SimpleObject)]
pub(crate) struct IncomingPaymentResponse {
    /// The payment; null when the mutation was refused.
    payment: Option<IncomingPayment>,
    #[graphql(flatten)]
    status: Status,
}

impl MutationResponse for IncomingPaymentResponse {
    type Done = IncomingPaymentView;

    fn new(done: Option<IncomingPaymentView>, status: Status) -> Self {
        Self { payment: done.map(IncomingPayment::from), status }
    }
}
