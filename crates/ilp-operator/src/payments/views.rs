//! Payments and quotes, with their accounts at the time of the answer.

pub(crate) mod names;

use std::sync::Arc;

use ilp_connector::{account::AccountId, peer::Asset, token::Secret};
use ilp_store::{
    IncomingPaymentRecord, IncomingPaymentState, OutgoingPaymentRecord, OutgoingPaymentState,
    PaymentRecord, QuoteRecord, Snapshot,
};

use crate::{
    changes::{outcome::Outcome, subject::known_by},
    node::operator::{Inner, Operator},
    vocabulary::error::OperatorError,
};

/// An incoming payment as it is now.
#[derive(Clone, Debug)]
pub struct IncomingPaymentView {
    /// The stored record, with the state that its time has brought.
    pub record: IncomingPaymentRecord,
    /// The asset of the payment.
    pub asset: Arc<Asset>,
    /// All that was ever received, in the asset's smallest unit.
    pub received: u128,
    /// The part of the received amount that has not been withdrawn.
    pub liquidity: u128,
}

/// A quote as it was made.
#[derive(Clone, Debug)]
pub struct QuoteView {
    /// The stored record.
    pub record: QuoteRecord,
    /// The asset of the wallet that would pay.
    pub asset: Arc<Asset>,
}

/// An outgoing payment as it is now.
#[derive(Clone, Debug)]
pub struct OutgoingPaymentView {
    /// The stored record.
    pub record: OutgoingPaymentRecord,
    /// The asset of the wallet that pays.
    pub asset: Arc<Asset>,
    /// The amount that packets took, in the asset's smallest unit.
    pub sent: u64,
    /// The amount that was deposited and neither sent nor given back, in the same unit.
    pub liquidity: u128,
}

/// A payment of either direction.
#[derive(Clone, Debug)]
pub enum PaymentView {
    /// To a wallet address of this node.
    Incoming(Box<IncomingPaymentView>),
    /// From one.
    Outgoing(Box<OutgoingPaymentView>),
}

impl Inner {
    pub(crate) fn incoming_payment_view(
        &self,
        mut record: IncomingPaymentRecord,
    ) -> Result<IncomingPaymentView, OperatorError> {
        let balance = self.ledger().total(AccountId::incoming_payment(record.id));
        // Its time is over when it is, even if nobody has written that down yet.
        let now_ms = (self.parts.clock)().unix_ms();
        if record.is_open() && record.expires_at_ms <= now_ms {
            record.state = IncomingPaymentState::Expired;
        }
        let asset = self.live_asset(record.asset_id)?;
        let (received, liquidity) = (balance.credits, balance.available());
        Ok(IncomingPaymentView { record, asset, received, liquidity })
    }

    pub(crate) fn quote_view(&self, record: QuoteRecord) -> Result<QuoteView, OperatorError> {
        Ok(QuoteView { asset: self.live_asset(record.asset_id)?, record })
    }

    pub(crate) fn outgoing_payment_view(
        &self,
        mut record: OutgoingPaymentRecord,
    ) -> Result<OutgoingPaymentView, OperatorError> {
        let balance = self.ledger().total(AccountId::outgoing_payment(record.id));
        let sent = match record.state {
            // Nothing but its packets takes from the account of a payment that is being sent.
            OutgoingPaymentState::Sending => u64::try_from(balance.debits).unwrap_or(u64::MAX),
            _ => record.sent,
        };
        // The record is a moment behind.
        if record.state == OutgoingPaymentState::Sending
            && let Some((progress, packets)) = self.wallets.progress(record.id)
        {
            record.delivered = record.delivered.max(progress.delivered);
            record.packets = packets;
        }
        let asset = self.live_asset(record.quote.asset_id)?;
        Ok(OutgoingPaymentView { record, asset, sent, liquidity: balance.available() })
    }

    pub(crate) fn payment_view(&self, record: PaymentRecord) -> Result<PaymentView, OperatorError> {
        Ok(match record {
            PaymentRecord::Incoming(record) => {
                PaymentView::Incoming(Box::new(self.incoming_payment_view(record)?))
            }
            PaymentRecord::Outgoing(record) => {
                PaymentView::Outgoing(Box::new(self.outgoing_payment_view(*record)?))
            }
        })
    }
}

known_by! {
    IncomingPaymentView => record.id;
    OutgoingPaymentView => record.id;
    QuoteView => record.id;
}

impl Outcome for IncomingPaymentView {
    fn keep(&self) -> Snapshot {
        Snapshot::new()
            .with_record("payment", &self.record)
            .with_number("received", self.received)
            .with_number("liquidity", self.liquidity)
    }

    fn recall(kept: &Snapshot, operator: &Operator) -> Option<Self> {
        let record: IncomingPaymentRecord = kept.record("payment")?;
        let asset = operator.inner.asset(record.asset_id)?;
        let (received, liquidity) = (kept.number("received")?, kept.number("liquidity")?);
        Some(Self { record, asset, received, liquidity })
    }
}

impl Outcome for QuoteView {
    fn keep(&self) -> Snapshot {
        Snapshot::new().with_record("quote", &without_details(&self.record))
    }

    fn recall(kept: &Snapshot, operator: &Operator) -> Option<Self> {
        let record: QuoteRecord = kept.record("quote")?;
        Some(Self { asset: operator.inner.asset(record.asset_id)?, record })
    }
}

impl Outcome for OutgoingPaymentView {
    fn keep(&self) -> Snapshot {
        let mut record = self.record.clone();
        record.quote = without_details(&record.quote);
        Snapshot::new()
            .with_record("payment", &record)
            .with_number("sent", self.sent)
            .with_number("liquidity", self.liquidity)
    }

    fn recall(kept: &Snapshot, operator: &Operator) -> Option<Self> {
        let record: OutgoingPaymentRecord = kept.record("payment")?;
        let asset = operator.inner.asset(record.quote.asset_id)?;
        let (sent, liquidity) = (kept.number("sent")?, kept.number("liquidity")?);
        Some(Self { record, asset, sent, liquidity })
    }
}

/// A quote as far as clients see it: what the part that pays noted is a secret.
fn without_details(quote: &QuoteRecord) -> QuoteRecord {
    QuoteRecord { details: Secret::new(String::new()), ..quote.clone() }
}
