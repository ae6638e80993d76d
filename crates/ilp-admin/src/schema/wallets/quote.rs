//! Quotes in the schema.

use async_graphql::{ComplexObject, Context, ID, InputObject, SimpleObject};
use ilp_operator::{NewQuote, OperatorError, QuoteView};
use interledger_packet::Timestamp;

use crate::schema::{
    forms::context::operator,
    forms::{
        amount::{Amount, AmountInput},
        lists::Listed,
        page::Row,
        response::{MutationResponse, Status},
        scalars::UInt64,
    },
};

/// The cost of a payment, and the amount that would arrive.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct Quote {
    /// The quote's id, a UUID.
    pub(crate) id: ID,
    /// The wallet address that would pay.
    wallet_address_id: ID,
    /// The receiver, as it was given.
    receiver: String,
    /// The amount that leaves the wallet, the fee included.
    debit_amount: Amount,
    /// The amount that arrives.
    receive_amount: Amount,
    /// The time of the quote, such as `2026-11-23T12:00:00.000Z`.
    pub(crate) created_at: String,
    /// The time from which no payment can be made from the quote.
    expires_at: String,
    /// The amount that arrives for one unit that is sent, both in the smallest unit, as a rounded
    /// floating point number; the amounts are exact.
    estimated_exchange_rate: Option<f64>,
    /// The operator's fee, as part of `debitAmount`.
    fee_amount: Amount,
    /// The least number of packets; 0 for a receiver of this node, who is paid in the books.
    packet_count: UInt64,
    /// The most that one packet may carry on the way, in the sender's unit; null for no limit.
    max_packet_amount: Option<UInt64>,
}

#[ComplexObject]
impl Quote {
    /// The tenant that it is for. There is one, which `whoami` names.
    async fn tenant_id(&self, context: &Context<'_>) -> ID {
        operator(context).tenant_id().into()
    }
}

impl From<QuoteView> for Quote {
    #[expect(
        clippy::cast_precision_loss,
        clippy::float_arithmetic,
        reason = "the rate is an estimate for display, and no amount is computed from it"
    )]
    fn from(QuoteView { record, asset }: QuoteView) -> Self {
        let time = |ms: u64| Timestamp::from_unix_ms(ms).to_string();
        let in_source = |value: u64| Amount::new(value, &asset.code, asset.scale);
        let rate = record.receive_amount as f64 / record.debit_minus_fees as f64;
        Self {
            id: record.id.into(),
            wallet_address_id: record.wallet_address_id.into(),
            receiver: record.receiver,
            debit_amount: in_source(record.debit_amount),
            receive_amount: Amount::new(
                record.receive_amount,
                &record.receive_asset_code,
                record.receive_asset_scale,
            ),
            created_at: time(record.created_at_ms),
            expires_at: time(record.expires_at_ms),
            estimated_exchange_rate: Some(rate).filter(|rate| rate.is_finite()),
            fee_amount: in_source(record.debit_amount.saturating_sub(record.debit_minus_fees)),
            packet_count: record.packet_count.into(),
            max_packet_amount: record.max_packet_amount.map(UInt64::from),
        }
    }
}

impl Listed for Quote {
    const CONNECTION: &str = "QuoteConnection";
    const EDGE: &str = "QuoteEdge";
}

impl Row for Quote {
    fn id(&self) -> &ID {
        &self.id
    }
}

/// A payment that somebody wants to know the price of: what leaves the wallet is fixed, or what
/// arrives, or, with neither, what the receiver asks for.
#[derive(InputObject)]
pub(crate) struct CreateQuoteInput {
    /// The wallet address that would pay.
    wallet_address_id: String,
    /// The amount to leave the wallet, the fee included, in its asset.
    debit_amount: Option<AmountInput>,
    /// The amount to arrive, in the receiver's asset.
    receive_amount: Option<AmountInput>,
    /// The receiver: a wallet address or incoming payment by its URL, or a payment pointer such as
    /// `$wallet.example/alice`.
    receiver: String,
    /// The idempotency key: a request that is repeated with it is done once.
    pub(crate) idempotency_key: Option<String>,
}

impl CreateQuoteInput {
    pub(crate) fn read(self) -> Result<NewQuote, OperatorError> {
        Ok(NewQuote {
            wallet_address_id: self.wallet_address_id,
            receiver: self.receiver,
            debit_amount: AmountInput::read(self.debit_amount)?,
            receive_amount: AmountInput::read(self.receive_amount)?,
        })
    }
}

/// The result of asking for a quote.
#[derive(SimpleObject)]
pub(crate) struct QuoteResponse {
    /// The quote; null when the mutation was refused.
    quote: Option<Quote>,
    #[graphql(flatten)]
    status: Status,
}

impl MutationResponse for QuoteResponse {
    type Done = QuoteView;

    fn new(done: Option<QuoteView>, status: Status) -> Self {
        Self { quote: done.map(Quote::from), status }
    }
}
