//! Outgoing payments in the schema.

use async_graphql::{Enum, ID, InputObject, SimpleObject};
use ilp_operator::{
    NewOutgoingPayment, OutgoingPaymentFilter as Filter, OutgoingPaymentView, QuoteView,
};
use ilp_store::OutgoingPaymentState as State;
use interledger_packet::Timestamp;

use super::{
    amount::Amount,
    filter::FilterString,
    node::int,
    page::Row,
    quote::Quote,
    response::{MutationResponse, Status},
    scalars::{JsonObject, UInt64},
    tenant::Tenant,
};

/// Money that a wallet address sends.
#[derive(SimpleObject)]
pub(crate) struct OutgoingPayment {
    /// The payment's id, a UUID.
    pub(super) id: ID,
    /// The wallet address that pays.
    pub(super) wallet_address_id: ID,
    /// Who had it made through Open Payments; always null, since it is made by the operator.
    pub(super) client: Option<String>,
    /// What it was funded with and has neither sent nor given back, in the asset's smallest unit.
    liquidity: Option<UInt64>,
    /// How far it has come.
    state: OutgoingPaymentState,
    /// Why it failed; null unless it did.
    error: Option<String>,
    /// How often sending it was begun again, as after a restart of the node.
    state_attempts: i32,
    /// What leaves the wallet, the fee included.
    debit_amount: Amount,
    /// What is to arrive.
    receive_amount: Amount,
    /// The receiver, as it was given.
    receiver: String,
    /// The client's own data.
    pub(super) metadata: Option<JsonObject>,
    /// The quote that it was made from.
    quote: Option<Quote>,
    /// What was sent so far, without the fee.
    sent_amount: Amount,
    /// What has arrived, as the receiver says. Where a crash came in between, what arrived in the
    /// last second before it is counted at the quote's worst rate.
    delivered_amount: Amount,
    /// The most that may have arrived beside that, in the wallet's asset: packets that were under way
    /// when the node was killed, whose end this node doesn't know. Null where there are none.
    amount_in_doubt: Option<Amount>,
    /// How many packets were fulfilled, over all attempts. Zero for a receiver of this node, who is
    /// paid without packets. Null where it isn't known: for payments from before it was counted.
    packet_count: Option<UInt64>,
    /// When it was made, such as `2026-11-23T12:00:00.000Z`.
    pub(super) created_at: String,
    /// Whose payment it is. There is one tenant.
    tenant: Option<Tenant>,
    /// The grant that it was made under; always null, since it is made by the operator.
    grant_id: Option<String>,
    /// Under which id what is left is withdrawn, posted or voided; null until it has ended. At first
    /// it is that of the event which told of the end.
    withdrawal_id: Option<ID>,
}

/// How far an outgoing payment has come.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum OutgoingPaymentState {
    /// It waits for its money, which `depositOutgoingPaymentLiquidity` gives it.
    Funding,
    /// It has its money and is being sent.
    Sending,
    /// It was sent. The fee and what else is left can be withdrawn.
    Completed,
    /// It was given up. What was not sent can be withdrawn.
    Failed,
    /// It was called off before it had its money.
    Cancelled,
}

impl From<State> for OutgoingPaymentState {
    fn from(state: State) -> Self {
        match state {
            State::Funding => Self::Funding,
            State::Sending => Self::Sending,
            State::Completed => Self::Completed,
            State::Failed => Self::Failed,
            State::Cancelled => Self::Cancelled,
        }
    }
}

impl From<OutgoingPaymentView> for OutgoingPayment {
    fn from(view: OutgoingPaymentView) -> Self {
        let OutgoingPaymentView { record, asset, sent, liquidity } = view;
        let quote = record.quote;
        let in_source = |value: u64| Amount::new(value, &asset.code, asset.scale);
        let in_target =
            |value: u64| Amount::new(value, &quote.receive_asset_code, quote.receive_asset_scale);
        Self {
            id: record.id.into(),
            wallet_address_id: quote.wallet_address_id.into(),
            client: None,
            liquidity: Some(liquidity.into()),
            state: record.state.into(),
            error: record.error,
            state_attempts: int(record.state_attempts),
            debit_amount: in_source(quote.debit_amount),
            receive_amount: in_target(quote.receive_amount),
            receiver: quote.receiver.clone(),
            metadata: record.metadata.map(|text| JsonObject::read(text.as_bytes())),
            sent_amount: in_source(sent),
            delivered_amount: in_target(record.delivered),
            amount_in_doubt: (record.in_doubt > 0).then(|| in_source(record.in_doubt)),
            packet_count: record.packets.map(UInt64::from),
            created_at: Timestamp::from_unix_ms(record.created_at_ms).to_string(),
            tenant: Some(Tenant::default()),
            grant_id: None,
            withdrawal_id: record.withdrawal_id.map(ID::from),
            quote: Some(QuoteView { record: quote, asset }.into()),
        }
    }
}

impl Row for OutgoingPayment {
    fn id(&self) -> &ID {
        &self.id
    }
}

/// Which outgoing payments a list has.
#[derive(Default, InputObject)]
pub(crate) struct OutgoingPaymentFilter {
    /// By the receiver, as it was given.
    receiver: Option<FilterString>,
    /// By the wallet address that pays.
    wallet_address_id: Option<FilterString>,
    /// By state, such as `SENDING`.
    state: Option<FilterString>,
}

impl OutgoingPaymentFilter {
    pub(crate) fn read(given: Option<Self>) -> Filter {
        let Self { receiver, wallet_address_id, state } = given.unwrap_or_default();
        Filter {
            receiver: FilterString::read(receiver),
            wallet_address_id: FilterString::read(wallet_address_id),
            state: FilterString::read(state),
        }
    }
}

/// An outgoing payment to be made.
#[derive(InputObject)]
pub(crate) struct CreateOutgoingPaymentInput {
    /// The wallet address that pays.
    wallet_address_id: String,
    /// The quote that says how much, and whom.
    quote_id: String,
    /// The client's own data, which events carry.
    metadata: Option<JsonObject>,
    /// Names this request, so that it may be sent again without being done again.
    pub(crate) idempotency_key: Option<String>,
}

impl CreateOutgoingPaymentInput {
    pub(crate) fn read(self) -> NewOutgoingPayment {
        NewOutgoingPayment {
            wallet_address_id: self.wallet_address_id,
            quote_id: self.quote_id,
            metadata: self.metadata.map(|metadata| metadata.text()),
        }
    }
}

/// Names a payment that is to be called off before it has its money.
#[derive(InputObject)]
pub(crate) struct CancelOutgoingPaymentInput {
    /// The payment's id.
    pub(crate) id: ID,
    /// Why, which its metadata tell as `cancellationReason`.
    pub(crate) reason: Option<String>,
}

/// What became of making or calling off an outgoing payment.
#[derive(SimpleObject)]
pub(crate) struct OutgoingPaymentResponse {
    /// The payment; null when the mutation was refused.
    payment: Option<OutgoingPayment>,
    #[graphql(flatten)]
    status: Status,
}

impl MutationResponse for OutgoingPaymentResponse {
    type Done = OutgoingPaymentView;

    fn new(done: Option<OutgoingPaymentView>, status: Status) -> Self {
        Self { payment: done.map(OutgoingPayment::from), status }
    }
}
