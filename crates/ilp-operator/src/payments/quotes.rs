//! Quotes: what a payment would cost, and what would arrive.

use std::sync::Arc;

use ilp_connector::{
    conversion::{Conversion, Inconvertible, Spread},
    peer::Asset,
    token::Secret,
};
use ilp_net::{ReceiverUrl, WalletUrl};
use ilp_store::{FeeKind, FeeRecord, QuoteRecord, Rows, WalletAddressRecord};
use uuid::Uuid;

use crate::{
    assets::fees,
    node::operator::{Inner, Operator},
    payments::{
        PaymentChanges, Payments,
        checks::{amount_in, positive, receiver},
        error::{AmountError, PayeeError, PaymentError, QuoteError},
        incoming::payees::{Payee, SpspTarget},
        inputs::{AmountGiven, NewQuote},
        paying::{AssetName, Fraction, PayAmount, QuoteAsk, QuoteOffer, QuoteRefusal},
        views::QuoteView,
    },
    vocabulary::{
        check,
        error::OperatorError,
        field::Field,
        page::{PageArguments, views},
    },
    wallets::{checks::wallet_address_id, error::WalletError},
};

/// How long a quote stands: five minutes, as with Rafiki.
const LIFETIME_MS: u64 = 5 * 60 * 1_000;

/// How long a quote is kept: longer than its idempotency key, under which it is asked for again.
pub(crate) const KEPT_MS: u64 = 2 * 24 * 60 * 60 * 1_000;
/// How many old ones go when a new one comes, so that they go faster than they come.
const OLD_PER_NEW: usize = 10;

/// The parts of a quote before the receiver was asked.
struct Draft {
    wallet: WalletAddressRecord,
    asset: Arc<Asset>,
    fee: Option<FeeRecord>,
    /// The fee where the amount that leaves the wallet is fixed; it is taken off `amount` then.
    fee_taken_off: Option<u128>,
    receiver: String,
    amount: PayAmount,
    /// The receiver's asset, as the client believes.
    receive_asset: Option<AssetName>,
    /// Who the receiver is, if it is one of ours.
    payee: Option<Payee>,
}

impl PaymentChanges<'_> {
    /// Finds out what a payment would cost. The receiver may be far away and slow, so this stands
    /// in nobody's way.
    ///
    /// # Errors
    /// An unknown or inactive wallet address; a receiver that is none or takes nothing; an amount
    /// in another asset, of zero, more than is asked for, or both amounts; no rate.
    pub async fn create_quote(self, new: NewQuote) -> Result<QuoteView, OperatorError> {
        self.on.given(&new);
        let wallet_address = wallet_address_id(&new.wallet_address_id)?;
        receiver(Field::Receiver, &new.receiver)?;
        if new.debit_amount.is_some() && new.receive_amount.is_some() {
            return Err(AmountError::Both.of(Field::ReceiveAmount).into());
        }
        let _place =
            self.on.inner.wallets.quoting.try_acquire().map_err(|_| QuoteError::TooMany)?;
        let draft = self.on.read(move |inner| inner.draft(wallet_address, new)).await?;
        let offer = match &draft.payee {
            Some(payee) => self.on.inner.local_offer(&draft, payee)?,
            None => self.on.ask(&draft).await?,
        };
        let quote = self.on.inner.quote_view(self.on.inner.quote_record(draft, offer)?)?;
        let record = quote.record.clone();
        let before_ms = record.created_at_ms.saturating_sub(KEPT_MS);
        self.on.commit_at_any_time(&quote, move |tx| tx.insert_quote(&record)).await?;
        let purged = self.on.read(move |inner| {
            inner.writes.purge(|store| store.purge_quotes(before_ms, OLD_PER_NEW))
        });
        if let Err(error) = purged.await {
            // The quote is made; the next one, or the periodic removal, tries again.
            tracing::warn!(%error, "old quotes could not be removed");
        }
        Ok(quote)
    }
}

impl Payments<'_> {
    /// Returns the quote of this id, as long as it is kept.
    ///
    /// # Errors
    /// Not found.
    pub async fn quote(self, id: &str) -> Result<QuoteView, OperatorError> {
        let id = check::id(id).ok_or(QuoteError::NotFound)?;
        self.on
            .read(move |inner| {
                inner.quote_view(inner.store.quote(id)?.ok_or(QuoteError::NotFound)?)
            })
            .await
    }

    /// Returns a page of the quotes of a wallet address.
    ///
    /// # Errors
    /// Bad input.
    pub async fn quotes(
        self,
        wallet_address: Uuid,
        page: &PageArguments,
    ) -> Result<Rows<QuoteView>, OperatorError> {
        let page = page.check()?;
        self.on
            .read(move |inner| {
                let rows = inner.store.quotes_page(wallet_address, page)?;
                views(rows, |record| inner.quote_view(record))
            })
            .await
    }
}

impl Operator {
    async fn ask(&self, draft: &Draft) -> Result<QuoteOffer, OperatorError> {
        let paying = self.inner.wallets.paying.get().ok_or(QuoteError::NotReady)?;
        let ask = QuoteAsk {
            receiver: draft.receiver.clone(),
            wallet_address_id: draft.wallet.id,
            source: Arc::clone(&draft.asset),
            amount: draft.amount,
        };
        let offer = paying.quote(ask).await.map_err(|refusal| draft.refused(refusal))?;
        if offer.receive_amount == 0 {
            return Err(draft.refused(QuoteRefusal::NonPositiveReceiveAmount { send_min: None }));
        }
        Ok(offer)
    }
}

impl Inner {
    fn draft(&self, wallet_address: Uuid, new: NewQuote) -> Result<Draft, OperatorError> {
        let store = &self.store;
        let wallet = store.wallet_address(wallet_address)?.ok_or(WalletError::Unknown)?;
        if !wallet.is_active() {
            return Err(WalletError::Inactive.into());
        }
        let asset = self.live_asset(wallet.asset_id)?;
        let fee = store.latest_fee(wallet.asset_id, FeeKind::Sending)?;
        let (amount, fee_taken_off) = match (&new.debit_amount, &new.receive_amount) {
            (Some(debit), _) => {
                let (debit, taken) =
                    minus_fee(fee.as_ref(), amount_in(Field::DebitAmount, debit, &asset)?)?;
                (PayAmount::Send(debit), Some(taken))
            }
            (None, Some(receive)) => {
                (PayAmount::Deliver(positive(Field::ReceiveAmount, receive)?), None)
            }
            (None, None) => (PayAmount::DeliverWhatIsAsked, None),
        };
        let receive_asset =
            new.receive_amount.map(|AmountGiven { asset_code, asset_scale, .. }| AssetName {
                code: asset_code,
                scale: asset_scale,
            });
        let receiver = ReceiverUrl::parse(&new.receiver)
            .map_err(|error| invalid_receiver(PayeeError::Malformed(error)))?;
        // A path that no wallet address of this node has may be that of another node's.
        let own = WalletUrl::of(&receiver).map(|url| self.target(&url));
        let payee = match own.unwrap_or(Ok(SpspTarget::Unknown))? {
            SpspTarget::Open(payee) => Some(payee),
            SpspTarget::Gone => {
                return Err(invalid_receiver(PayeeError::Over).into());
            }
            SpspTarget::Unknown => None,
        };
        let receiver = new.receiver;
        Ok(Draft { wallet, asset, fee, fee_taken_off, receiver, amount, receive_asset, payee })
    }

    /// Returns the offer for a payment to a payee of this node, which costs nothing beside the
    /// rate, where there is one.
    fn local_offer(&self, draft: &Draft, payee: &Payee) -> Result<QuoteOffer, OperatorError> {
        let room = payee.room();
        let conversion = self.conversion(&draft.asset, &payee.asset)?;
        let (debit_amount, receive_amount) = match draft.amount {
            PayAmount::Send(debit) => match conversion.convert(debit, u64::MAX) {
                Ok(receive) => (debit, receive),
                Err(Inconvertible::ToZero) => {
                    let send_min = debit_for(&conversion, 1);
                    return Err(draft.refused(QuoteRefusal::NonPositiveReceiveAmount { send_min }));
                }
                Err(Inconvertible::TooMuch { maximum }) => {
                    return Err(AmountError::Inconvertible(maximum).of(Field::DebitAmount).into());
                }
            },
            PayAmount::Deliver(receive) => (debit_of(&conversion, receive)?, receive),
            PayAmount::DeliverWhatIsAsked => {
                let receive = room.ok_or_else(|| AmountError::Missing.of(Field::ReceiveAmount))?;
                (debit_of(&conversion, receive)?, receive)
            }
        };
        if let Some(room) = room.filter(|room| *room < receive_amount) {
            return Err(AmountError::MoreThanAsked(room).of(Field::ReceiveAmount).into());
        }
        Ok(QuoteOffer {
            debit_amount,
            receive_amount,
            deliver_amount: None,
            receive_asset: AssetName { code: payee.asset.code.clone(), scale: payee.asset.scale },
            max_packet_amount: None,
            packet_count: 0,
            rate_min: Fraction { delivered: receive_amount.into(), sent: debit_amount.into() },
            receiver_expires_at_ms: payee.expires_at_ms,
            details: Secret::new(String::new()),
        })
    }

    fn conversion(&self, from: &Asset, to: &Asset) -> Result<Conversion, OperatorError> {
        if from.id == to.id {
            return Ok(Conversion::IDENTITY);
        }
        let now = (self.parts.clock)();
        let rate = self.parts.connector.rates().find(&from.code, &to.code, now);
        let rate =
            rate.map_err(|_| QuoteError::NoRate { from: from.code.clone(), to: to.code.clone() })?;
        Ok(Conversion::new(rate, from.scale, to.scale, Spread::NONE))
    }

    fn quote_record(&self, draft: Draft, offer: QuoteOffer) -> Result<QuoteRecord, OperatorError> {
        if draft.receive_asset.as_ref().is_some_and(|named| *named != offer.receive_asset) {
            let fault = AmountError::OtherReceiveAsset(offer.receive_asset);
            return Err(fault.of(Field::ReceiveAmount).into());
        }
        let fee = draft
            .fee_taken_off
            .unwrap_or_else(|| fees::taken(draft.fee.as_ref(), offer.debit_amount));
        let debit_amount = u64::try_from(u128::from(offer.debit_amount) + fee)
            .map_err(|_| AmountError::WithFee.of(Field::ReceiveAmount))?;
        let now_ms = (self.parts.clock)().unix_ms();
        let expires_at_ms = now_ms + LIFETIME_MS;
        Ok(QuoteRecord {
            id: self.new_id(),
            wallet_address_id: draft.wallet.id,
            asset_id: draft.asset.id,
            receiver: draft.receiver,
            local_recipient: draft.payee.map(|payee| payee.id),
            is_fixed_send: draft.fee_taken_off.is_some(),
            debit_amount,
            debit_minus_fees: offer.debit_amount,
            receive_amount: offer.receive_amount,
            deliver_amount: offer.deliver_amount,
            receive_asset_code: offer.receive_asset.code,
            receive_asset_scale: offer.receive_asset.scale,
            fee_id: draft.fee.map(|fee| fee.id),
            max_packet_amount: offer.max_packet_amount,
            packet_count: offer.packet_count,
            rate_delivered: offer.rate_min.delivered,
            rate_sent: offer.rate_min.sent.max(1),
            details: offer.details,
            created_at_ms: now_ms,
            expires_at_ms: expires_at_ms.min(offer.receiver_expires_at_ms.unwrap_or(u64::MAX)),
        })
    }
}

impl Draft {
    /// Returns the refusal of the quote after the part that pays gave no offer.
    fn refused(&self, refusal: QuoteRefusal) -> OperatorError {
        match refusal {
            QuoteRefusal::InvalidReceiver(cause) => {
                invalid_receiver(PayeeError::NoReceiver(cause)).into()
            }
            QuoteRefusal::InvalidAmount(cause) => {
                AmountError::Unfit(cause).of(Field::ReceiveAmount).into()
            }
            QuoteRefusal::NonPositiveReceiveAmount { send_min } => {
                let fee = self.fee.as_ref();
                let send_min = send_min.and_then(|minimum| fees::with(fee, minimum));
                QuoteError::NothingArrives { send_min }.into()
            }
            QuoteRefusal::NoRate(cause) => QuoteError::NoRateOnPath(cause).into(),
            QuoteRefusal::Unreachable(cause) => QuoteError::Unreachable(cause).into(),
        }
    }
}

/// Returns the rest of `debit` without the fee, and the fee.
fn minus_fee(fee: Option<&FeeRecord>, debit: u64) -> Result<(u64, u128), QuoteError> {
    let nothing_arrives = || QuoteError::NothingArrives { send_min: fees::with(fee, 1) };
    fees::left_without(fee, debit).ok_or_else(nothing_arrives)
}

fn invalid_receiver(fault: PayeeError) -> PaymentError {
    PaymentError::Receiver { field: Field::Receiver, fault }
}

/// Returns the least amount that is worth `receive` or more.
fn debit_for(conversion: &Conversion, receive: u64) -> Option<u64> {
    let is_enough = |debit: u64| match conversion.convert(debit, u64::MAX) {
        Ok(worth) => worth >= receive,
        Err(Inconvertible::ToZero) => false,
        Err(Inconvertible::TooMuch { .. }) => true,
    };
    if !is_enough(u64::MAX) {
        return None;
    }
    // More is never worth less, so halving finds it in 64 steps.
    let (mut short, mut enough) = (0, u64::MAX);
    while enough - short > 1 {
        let middle = short + (enough - short) / 2;
        if is_enough(middle) {
            enough = middle;
        } else {
            short = middle;
        }
    }
    Some(enough)
}

fn debit_of(conversion: &Conversion, receive: u64) -> Result<u64, PaymentError> {
    debit_for(conversion, receive).ok_or_else(|| AmountError::Unpayable.of(Field::ReceiveAmount))
}

#[cfg(test)]
mod tests {
    use ilp_connector::rate::Rate;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_least_debit_is_enough_and_one_less_is_not(
            rate in "[1-9][0-9]{0,6}\\.[0-9]{1,6}",
            scales in (0..12u8, 0..12u8),
            receive in 1..u64::MAX,
        ) {
            let rate: Rate = rate.parse().unwrap();
            let conversion = Conversion::new(rate, scales.0, scales.1, Spread::NONE);
            let worth = |debit| match conversion.convert(debit, u64::MAX) {
                Ok(worth) => Some(worth),
                Err(Inconvertible::ToZero) => Some(0),
                Err(Inconvertible::TooMuch { .. }) => None,
            };
            match debit_for(&conversion, receive) {
                Some(debit) => {
                    prop_assert!(worth(debit).is_none_or(|worth| worth >= receive));
                    prop_assert!(worth(debit - 1).is_some_and(|worth| worth < receive));
                }
                None => prop_assert!(worth(u64::MAX).is_some_and(|worth| worth < receive)),
            }
        }
    }
}
