//! Operations on outgoing payments, up to the moment from which they are sent.

use ilp_connector::{
    account::{AccountId, Total},
    peer::Asset,
};
use ilp_store::{
    EventRecord, OutgoingPaymentRecord, OutgoingPaymentState, PaymentRecord, Rows, shown,
};
use interledger_packet::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    books::error::LiquidityError,
    changes::{changing::Changing, writes::Duty},
    node::operator::Inner,
    payments::{
        PaymentChanges, Payments,
        checks::metadata,
        error::{PaymentError, QuoteError, REASON_CHARACTERS_MAX},
        events::{EventContent, of_outgoing},
        inputs::{NewOutgoingPayment, OutgoingPaymentFilter, PaymentFilter},
        views::names::outgoing_state_name,
        views::{OutgoingPaymentView, PaymentView},
    },
    vocabulary::{
        check,
        error::OperatorError,
        page::{PageArguments, views},
        seek::{Sought, begin, seek},
    },
    wallets::{checks::wallet_address_id, error::WalletError},
    webhook::event_kind::EventKind,
};

impl PaymentChanges<'_> {
    /// Makes a payment on the terms of a quote. It waits for its money then.
    ///
    /// # Errors
    /// An unknown or inactive wallet address; a quote that is unknown, another wallet address's,
    /// expired or used.
    pub async fn create_outgoing(
        self,
        new: NewOutgoingPayment,
    ) -> Result<OutgoingPaymentView, OperatorError> {
        self.on.given(&new);
        let wallet_address = wallet_address_id(&new.wallet_address_id)?;
        let quote = check::id(&new.quote_id).ok_or(QuoteError::Unknown)?;
        metadata(new.metadata.as_deref())?;
        self.on
            .change(move |changing| async move {
                changing.create_outgoing_payment(wallet_address, quote, new.metadata).await
            })
            .await
    }

    /// Gives a payment its money, all that is to leave the wallet, and has it sent.
    ///
    /// # Errors
    /// An unknown payment; one that doesn't wait for its money.
    pub async fn fund_outgoing(self, id: &str) -> Result<(), OperatorError> {
        self.on.given(&shown! { "outgoingPaymentId": id });
        let id = check::id(id).ok_or(PaymentError::Unknown)?;
        let operator = self.on.clone();
        self.on
            .change(move |changing| async move {
                let record = changing.fund(id).await?;
                if record.state == OutgoingPaymentState::Sending {
                    operator.start_payment(record.id).await?;
                }
                Ok(())
            })
            .await
    }

    /// Calls off a payment that waits for its money.
    ///
    /// # Errors
    /// An unknown payment; one that doesn't wait for its money.
    pub async fn cancel_outgoing(
        self,
        id: &str,
        reason: Option<String>,
    ) -> Result<OutgoingPaymentView, OperatorError> {
        self.on.given(&shown! { "id": id, "reason": reason });
        let id = check::id(id).ok_or(PaymentError::Unknown)?;
        if reason.as_ref().is_some_and(|reason| reason.chars().count() > REASON_CHARACTERS_MAX) {
            return Err(PaymentError::CancellationReasonTooLong.into());
        }
        self.on.change(move |changing| async move { changing.cancel(id, reason).await }).await
    }
}

impl Payments<'_> {
    /// Returns the outgoing payment of this id.
    ///
    /// # Errors
    /// Not found.
    pub async fn outgoing(self, id: &str) -> Result<OutgoingPaymentView, OperatorError> {
        let id = check::id(id).ok_or(PaymentError::NotFound)?;
        self.on
            .read(move |inner| {
                let record = inner.store.outgoing_payment(id)?;
                inner.outgoing_payment_view(record.ok_or(PaymentError::NotFound)?)
            })
            .await
    }

    /// Returns a page of the outgoing payments that the filter lets through. Those of one wallet
    /// address are found without the others.
    ///
    /// # Errors
    /// Bad input.
    pub async fn list_outgoing(
        self,
        page: &PageArguments,
        filter: OutgoingPaymentFilter,
    ) -> Result<Rows<OutgoingPaymentView>, OperatorError> {
        let page = page.check()?;
        self.on
            .read(move |inner| {
                let of_one = filter.wallet_address_id.single().and_then(check::id);
                let is_wanted = |record: &OutgoingPaymentRecord| {
                    let wallet_address = record.quote.wallet_address_id.to_string();
                    filter.wallet_address_id.lets_through(&wallet_address)
                        && filter.state.lets_through(outgoing_state_name(record.state))
                        && filter.receiver.lets_through(&record.quote.receiver)
                };
                let rows = inner.store.outgoing_payments_page(of_one, page, is_wanted)?;
                views(rows, |record| inner.outgoing_payment_view(record))
            })
            .await
    }

    /// Returns a page of the payments of both directions that the filter lets through.
    ///
    /// # Errors
    /// Bad input.
    pub async fn list(
        self,
        page: &PageArguments,
        filter: PaymentFilter,
    ) -> Result<Rows<PaymentView>, OperatorError> {
        let page = page.check()?;
        self.on
            .read(move |inner| {
                let is_wanted = |record: &PaymentRecord| {
                    let (kind, wallet_address) = match record {
                        PaymentRecord::Incoming(record) => ("INCOMING", record.wallet_address_id),
                        PaymentRecord::Outgoing(record) => {
                            ("OUTGOING", record.quote.wallet_address_id)
                        }
                    };
                    filter.kind.lets_through(kind)
                        && filter.wallet_address_id.lets_through(&wallet_address.to_string())
                };
                views(inner.store.payments_page(page, is_wanted)?, |record| {
                    inner.payment_view(record)
                })
            })
            .await
    }
}

impl Changing {
    async fn create_outgoing_payment(
        &self,
        wallet_address: Uuid,
        quote: Uuid,
        metadata: Option<String>,
    ) -> Result<OutgoingPaymentView, OperatorError> {
        let (wallet, quote) = self
            .store(move |store| Ok((store.wallet_address(wallet_address)?, store.quote(quote)?)))
            .await?;
        let wallet = wallet.ok_or(WalletError::Unknown)?;
        if !wallet.is_active() {
            return Err(WalletError::Inactive.into());
        }
        let (quote, now) = (quote.ok_or(QuoteError::Unknown)?, self.now());
        if quote.wallet_address_id != wallet_address {
            return Err(QuoteError::OtherWalletAddress.into());
        }
        if quote.expires_at_ms <= now.unix_ms() {
            return Err(QuoteError::Expired.into());
        }
        let asset = self.inner.live_asset(quote.asset_id)?;
        let record = OutgoingPaymentRecord {
            id: self.new_id(),
            quote,
            state: OutgoingPaymentState::Funding,
            error: None,
            state_attempts: 0,
            metadata,
            funding_id: self.new_id(),
            withdrawal_id: None,
            sent: 0,
            delivered: 0,
            packets: Some(0),
            under_way_max: 0,
            in_doubt: 0,
            created_at_ms: now.unix_ms(),
        };
        let nothing = Total::default();
        let told = EventContent {
            id: record.funding_id,
            now_ms: now.unix_ms(),
            asset: &asset,
            total: nothing,
        };
        let event = of_outgoing(EventKind::OutgoingPaymentCreated, &record, 0, &told);
        let made = self.inner.outgoing_payment_view(record.clone())?;
        self.commit(&made, move |tx| tx.insert_outgoing_payment(&record, &event)).await?;
        Ok(made)
    }

    async fn fund(&self, id: Uuid) -> Result<OutgoingPaymentRecord, OperatorError> {
        let record = self.store(move |store| store.outgoing_payment(id)).await?;
        let record = record.ok_or(PaymentError::Unknown)?;
        if record.state != OutgoingPaymentState::Funding {
            return Err(PaymentError::WrongState(record.state).into());
        }
        let asset = self.inner.live_asset(record.quote.asset_id)?;
        let account = self.inner.ledger().account(AccountId::outgoing_payment(id));
        let amount = record.quote.debit_amount;
        // Once it is booked the next start does the rest.
        let step = self.deposit_step(record.funding_id, &asset, account, amount);
        match self.take_step(&(), step).await {
            // It was booked before the last end of the node, and only the record lagged behind.
            Err(OperatorError::Liquidity(LiquidityError::Exists)) => {}
            deposited => deposited?,
        }
        let now = self.now();
        self.read(move |inner| inner.payment_has_its_money(id, now)).await
    }

    async fn cancel(
        &self,
        id: Uuid,
        reason: Option<String>,
    ) -> Result<OutgoingPaymentView, OperatorError> {
        let now = self.now();
        self.read(move |inner| {
            let mut refused = None;
            let (record, _) = inner.edit_outgoing_payment(id, now, |record, asset, event_id| {
                if record.state != OutgoingPaymentState::Funding {
                    refused = Some(PaymentError::WrongState(record.state));
                    return None;
                }
                record.state = OutgoingPaymentState::Cancelled;
                if let Some(reason) = reason {
                    record.metadata = Some(with_reason(record.metadata.as_deref(), reason));
                }
                let (now_ms, total) = (now.unix_ms(), Total::default());
                let told = EventContent { id: event_id, now_ms, asset, total };
                Some(of_outgoing(EventKind::OutgoingPaymentCancelled, record, 0, &told))
            })?;
            match refused {
                Some(refusal) => Err(refusal.into()),
                None => inner.outgoing_payment_view(record),
            }
        })
        .await
    }
}

impl Inner {
    /// Notes that a payment's money is in the books: it is sent from now on, or has failed where its
    /// quote no longer stands, and what it was given waits to be withdrawn.
    pub(crate) fn payment_has_its_money(
        &self,
        id: Uuid,
        now: Timestamp,
    ) -> Result<OutgoingPaymentRecord, OperatorError> {
        let total = self.ledger().total(AccountId::outgoing_payment(id));
        let (record, _) = self.edit_outgoing_payment(id, now, |record, asset, event_id| {
            if record.state != OutgoingPaymentState::Funding {
                return None;
            }
            let told = EventContent { id: event_id, now_ms: now.unix_ms(), asset, total };
            if record.quote.expires_at_ms <= now.unix_ms() {
                record.state = OutgoingPaymentState::Failed;
                record.error = Some("QuoteExpired".to_owned());
                record.withdrawal_id = Some(event_id);
                return Some(of_outgoing(EventKind::OutgoingPaymentFailed, record, 0, &told));
            }
            record.state = OutgoingPaymentState::Sending;
            Some(of_outgoing(EventKind::OutgoingPaymentSending, record, 0, &told))
        })?;
        Ok(record)
    }

    /// Changes an outgoing payment and adds the event that `edit` makes under the id that it is
    /// given, in one change. Waits for the disk.
    pub(crate) fn edit_outgoing_payment(
        &self,
        id: Uuid,
        now: Timestamp,
        edit: impl FnOnce(&mut OutgoingPaymentRecord, &Asset, Uuid) -> Option<EventRecord>,
    ) -> Result<(OutgoingPaymentRecord, bool), OperatorError> {
        let known = self.store.outgoing_payment(id)?.ok_or(PaymentError::Unknown)?;
        let asset = self.live_asset(known.quote.asset_id)?;
        let event_id = self.new_id_at(now);
        let edit = |record: &mut OutgoingPaymentRecord| edit(record, &asset, event_id);
        self.writes.as_node(Duty::Payments, |tx| tx.update_outgoing_payment(id, edit))
    }
}

/// Metadata with the reason of a cancellation, where Rafiki puts it too.
fn with_reason(metadata: Option<&str>, reason: String) -> String {
    let parsed = metadata.and_then(|text| serde_json::from_str::<Value>(text).ok());
    let mut metadata = parsed.filter(Value::is_object).unwrap_or_else(|| json!({}));
    metadata["cancellationReason"] = json!(reason);
    metadata.to_string()
}

impl Payments<'_> {
    /// Returns the first `first` wanted payments of both directions, newest first, after where an
    /// earlier search stopped.
    ///
    /// # Errors
    /// Bad input.
    pub async fn search(
        self,
        first: usize,
        after: Option<String>,
        is_wanted: impl Fn(&PaymentRecord) -> bool + Send + 'static,
    ) -> Result<Sought<PaymentView>, OperatorError> {
        let page = begin(after)?;
        self.on
            .read(move |inner| {
                let list = |page| inner.store.payments_page(page, |_| true);
                let id = |payment: &PaymentRecord| match payment {
                    PaymentRecord::Incoming(payment) => payment.id,
                    PaymentRecord::Outgoing(payment) => payment.id,
                };
                let Sought { rows, next } = seek(first, page, list, id, is_wanted)?;
                let views = rows.into_iter().map(|record| inner.payment_view(record));
                Ok(Sought { rows: views.collect::<Result<_, _>>()?, next })
            })
            .await
    }
}
