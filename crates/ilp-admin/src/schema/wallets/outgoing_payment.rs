//! Outgoing payments in the schema.

use async_graphql::{Enum, ID, InputObject, SimpleObject};
use ilp_operator::{
    NewOutgoingPayment, OutgoingPaymentFilter as Filter, OutgoingPaymentView, QuoteView,
};
use ilp_store::OutgoingPaymentState as State;
use interledger_packet::Timestamp;

use crate::schema::{
    forms::{
        amount::Amount,
        filter::FilterString,
        lists::Listed,
        page::Row,
        response::{MutationResponse, Status},
        scalars::{JsonObject, UInt64},
    },
    node::{node_info::int, tenant::Tenant},
    wallets::quote::Quote,
};

/// Money that a wallet address sends.
#[derive(SimpleObject)]
pub(crate) struct OutgoingPayment {
    /// The payment's id, a UUID.
    pub(crate) id: ID,
    /// The wallet address that pays.
    pub(crate) wallet_address_id: ID,
    /// The Open Payments client that created the payment; always null, since the operator creates
    /// payments.
    pub(crate) client: Option<String>,
    /// The part of its funds that was neither sent nor withdrawn, in the asset's smallest unit.
    liquidity: Option<UInt64>,
    /// The state of the payment.
    state: OutgoingPaymentState,
    /// The reason of the failure; null unless the payment failed.
    error: Option<String>,
    /// The number of times that sending was resumed, such as after a restart of the node.
    state_attempts: i32,
    /// The amount that leaves the wallet, the fee included.
    debit_amount: Amount,
    /// The amount to arrive.
    receive_amount: Amount,
    /// The receiver, as it was given.
    receiver: String,
    /// The client's own data about the payment.
    pub(crate) metadata: Option<JsonObject>,
    /// The quote that it was made from.
    quote: Option<Quote>,
    /// The amount sent so far, without the fee.
    sent_amount: Amount,
    /// The amount that has arrived, as the receiver states it. After a crash, the amounts of the
    /// last second before it are counted at the quote's worst rate.
    delivered_amount: Amount,
    /// The most that may have arrived beside that, in the wallet's asset: packets that were under
    /// way when the node was killed, whose outcome this node doesn't know. Null where there are
    /// none.
    amount_in_doubt: Option<Amount>,
    /// The number of fulfilled packets, over all attempts. Zero for a receiver of this node, who is
    /// paid without packets. Null for payments from before packets were counted.
    packet_count: Option<UInt64>,
    /// The time of creation, such as `2026-11-23T12:00:00.000Z`.
    pub(crate) created_at: String,
    /// The tenant of the payment. There is one.
    tenant: Option<Tenant>,
    /// The grant of the payment; always null, since the operator creates payments.
    grant_id: Option<String>,
    /// The id under which the remaining amount is withdrawn, posted or voided; null until the
    /// payment has ended. Its first value is the id of the event about the end.
    withdrawal_id: Option<ID>,
}

/// The state of an outgoing payment.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum OutgoingPaymentState {
    /// The payment waits for `depositOutgoingPaymentLiquidity`.
    Funding,
    /// The payment is funded and being sent.
    Sending,
    /// The payment was sent. The fee and the rest of its funds can be withdrawn.
    Completed,
    /// The payment was given up. The unsent part can be withdrawn.
    Failed,
    /// The payment was cancelled before it was funded.
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

impl Listed for OutgoingPayment {
    const CONNECTION: &str = "OutgoingPaymentConnection";
    const EDGE: &str = "OutgoingPaymentEdge";
}

impl Row for OutgoingPayment {
    fn id(&self) -> &ID {
        &self.id
    }
}

/// The criteria by which a list is filtered.
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
    /// The quote with the amounts and the receiver.
    quote_id: String,
    /// The client's own data, which events carry.
    metadata: Option<JsonObject>,
    /// The idempotency key: a request that is repeated with it is done once.
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

/// A payment to be cancelled before it is funded.
#[derive(InputObject)]
pub(crate) struct CancelOutgoingPaymentInput {
    /// The payment's id.
    pub(crate) id: ID,
    /// The reason, which the metadata then have as `cancellationReason`.
    pub(crate) reason: Option<String>,
}

/// The result of making or calling off an outgoing payment.
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
