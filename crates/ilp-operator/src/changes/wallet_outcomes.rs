//! What is kept of the outcomes of operations on wallets; see `outcome`.

use ilp_connector::token::Secret;
use ilp_store::{FeeRecord, QuoteRecord, Snapshot};

use crate::{
    assets::view::AssetView,
    changes::outcome::Outcome,
    node::operator::Operator,
    payments::views::{IncomingPaymentView, OutgoingPaymentView, QuoteView},
    wallets::views::{WalletAddressView, WithdrawnFromWalletAddress},
};

impl Outcome for WalletAddressView {
    fn keep(&self) -> Snapshot {
        self.asset
            .keep()
            .with_record("wallet_address", &self.record)
            .with_number("liquidity", self.liquidity)
    }

    fn recall(kept: &Snapshot, operator: &Operator) -> Option<Self> {
        Some(Self {
            record: kept.record("wallet_address")?,
            asset: AssetView::recall(kept, operator)?,
            liquidity: kept.number("liquidity")?,
        })
    }
}

impl Outcome for IncomingPaymentView {
    fn keep(&self) -> Snapshot {
        Snapshot::new()
            .with_record("payment", &self.record)
            .with_number("received", self.received)
            .with_number("liquidity", self.liquidity)
    }

    fn recall(kept: &Snapshot, operator: &Operator) -> Option<Self> {
        let record: ilp_store::IncomingPaymentRecord = kept.record("payment")?;
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
        let record: ilp_store::OutgoingPaymentRecord = kept.record("payment")?;
        let asset = operator.inner.asset(record.quote.asset_id)?;
        let (sent, liquidity) = (kept.number("sent")?, kept.number("liquidity")?);
        Some(Self { record, asset, sent, liquidity })
    }
}

impl Outcome for FeeRecord {
    fn keep(&self) -> Snapshot {
        Snapshot::new().with_record("fee", self)
    }

    fn recall(kept: &Snapshot, _operator: &Operator) -> Option<Self> {
        kept.record("fee")
    }
}

impl Outcome for WithdrawnFromWalletAddress {
    fn keep(&self) -> Snapshot {
        self.wallet_address
            .keep()
            .with_number("transfer_id", self.transfer_id.as_u128())
            .with_number("amount", self.amount)
    }

    fn recall(kept: &Snapshot, operator: &Operator) -> Option<Self> {
        Some(Self {
            transfer_id: uuid::Uuid::from_u128(kept.number("transfer_id")?),
            amount: kept.number("amount")?,
            wallet_address: WalletAddressView::recall(kept, operator)?,
        })
    }
}

/// A quote as far as clients see it: what the part that pays noted is a secret.
fn without_details(quote: &QuoteRecord) -> QuoteRecord {
    QuoteRecord { details: Secret::new(String::new()), ..quote.clone() }
}
