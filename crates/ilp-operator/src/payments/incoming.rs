//! Operations on incoming payments, and what their time and the money that comes make of them.

pub(crate) mod payees;
pub(crate) mod recipients;

use std::time::Duration;

use ilp_connector::account::{AccountId, Total};
use ilp_net::WalletAddressUrl;
use ilp_store::{
    EventRecord, IncomingPaymentRecord, IncomingPaymentState, Initiator, Rows, TextFilter,
};
use interledger_packet::Timestamp;
use uuid::Uuid;

use crate::{
    changes::changing::Changing,
    changes::writes::Duty,
    node::operator::{Inner, Operator},
    payments::{
        PaymentChanges, Payments,
        checks::{amount_in, expiry_ms, metadata, positive, receiver},
        error::PaymentError,
        events::{EventContent, of_incoming},
        inputs::NewIncomingPayment,
        views::IncomingPaymentView,
        views::names::initiator_name,
    },
    vocabulary::{
        check,
        error::OperatorError,
        field::Field,
        page::{PageArguments, views},
    },
    wallets::{checks::wallet_address_id, error::WalletError},
    webhook::event_kind::EventKind,
};

/// How long the next expiry is slept towards at most before the clock is looked at again: while a
/// machine is suspended, or its clock is set, a sleep and the clock drift apart.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// How long to wait when the store could not be read or written.
const PAUSE: Duration = Duration::from_secs(1);

/// How many payments are let go in one step.
const EXPIRED_PER_STEP: usize = 100;

impl PaymentChanges<'_> {
    /// Makes an incoming payment.
    ///
    /// # Errors
    /// An unknown or inactive wallet address, an amount in another asset or of zero, an expiry that
    /// is over or later than 30 days from now.
    pub async fn create_incoming(
        self,
        new: NewIncomingPayment,
    ) -> Result<IncomingPaymentView, OperatorError> {
        self.on.given(&new);
        let wallet_address = wallet_address_id(&new.wallet_address_id)?;
        metadata(new.metadata.as_deref())?;
        let amount = new.incoming_amount.as_ref();
        amount.map(|given| positive(Field::IncomingAmount, given)).transpose()?;
        let sender = new.sender_wallet_address.as_deref();
        sender.map(|sender| receiver(Field::SenderWalletAddress, sender)).transpose()?;
        self.on
            .change(move |changing| async move {
                changing.create_incoming_payment(wallet_address, new).await
            })
            .await
    }
}

impl Payments<'_> {
    /// Returns the incoming payment of this id.
    ///
    /// # Errors
    /// Not found.
    pub async fn incoming(self, id: &str) -> Result<IncomingPaymentView, OperatorError> {
        let id = check::id(id).ok_or(PaymentError::NotFound)?;
        self.on
            .read(move |inner| {
                let record = inner.store.incoming_payment(id)?;
                inner.incoming_payment_view(record.ok_or(PaymentError::NotFound)?)
            })
            .await
    }

    /// Returns a page of the incoming payments, of one wallet address or of all: those whose
    /// initiator (`ADMIN` or `CARD`) the filter lets through.
    ///
    /// # Errors
    /// Bad input.
    pub async fn list_incoming(
        self,
        wallet_address: Option<Uuid>,
        page: &PageArguments,
        initiated_by: TextFilter,
    ) -> Result<Rows<IncomingPaymentView>, OperatorError> {
        let page = page.check()?;
        self.on
            .read(move |inner| {
                let is_wanted = |record: &IncomingPaymentRecord| {
                    initiated_by.lets_through(initiator_name(record.initiated_by))
                };
                let rows = inner.store.incoming_payments_page(wallet_address, page, is_wanted)?;
                views(rows, |record| inner.incoming_payment_view(record))
            })
            .await
    }

    /// Lets incoming payments go whose time is over. Never ends; it sleeps until the next one is
    /// due, and while none is open it sleeps until one is made.
    pub async fn expire_incoming(self) {
        loop {
            let made = self.on.inner.wallets.incoming_payment_made.notified();
            let next = self.on.read(|inner| {
                let next = inner.store.open_incoming_payments().next();
                Ok(next.transpose()?.map(|(at_ms, _)| at_ms))
            });
            let now_ms = (self.on.inner.parts.clock)().unix_ms();
            match next.await {
                Ok(None) => made.await,
                Ok(Some(at_ms)) if at_ms > now_ms => {
                    let wait = Duration::from_millis(at_ms - now_ms).min(SLEEP_MAX);
                    // A new one may be due earlier than the one that is waited for.
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = made => {}
                    }
                }
                Ok(Some(_)) => {
                    if let Err(error) = self.on.let_expired_go(now_ms).await {
                        tracing::warn!(%error, "incoming payments whose time is over stay open");
                        tokio::time::sleep(PAUSE).await;
                    }
                }
                // Its cause is in the log.
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}

impl Operator {
    async fn let_expired_go(&self, now_ms: u64) -> Result<(), OperatorError> {
        self.read(move |inner| {
            let due = inner.store.open_incoming_payments();
            for due in due.take(EXPIRED_PER_STEP) {
                let (at_ms, id) = due?;
                if at_ms > now_ms {
                    break;
                }
                inner.change_incoming_payment(id, now_ms)?;
            }
            Ok(())
        })
        .await
    }
}

impl Changing {
    async fn create_incoming_payment(
        &self,
        wallet_address: Uuid,
        new: NewIncomingPayment,
    ) -> Result<IncomingPaymentView, OperatorError> {
        let wallet = self.store(move |store| store.wallet_address(wallet_address)).await?;
        let wallet = wallet.ok_or(WalletError::Unknown)?;
        if !wallet.is_active() {
            return Err(WalletError::Inactive.into());
        }
        let asset = self.inner.live_asset(wallet.asset_id)?;
        let (id, now) = (self.new_id(), self.now());
        let record = IncomingPaymentRecord {
            id,
            wallet_address_id: wallet_address,
            asset_id: wallet.asset_id,
            url: WalletAddressUrl::incoming_payment(&wallet.url, id),
            incoming_amount: new
                .incoming_amount
                .map(|given| amount_in(Field::IncomingAmount, &given, &asset))
                .transpose()?,
            metadata: new.metadata,
            state: IncomingPaymentState::Pending,
            initiated_by: if new.is_card_payment { Initiator::Card } else { Initiator::Admin },
            sender_wallet_address: new.sender_wallet_address,
            expires_at_ms: expiry_ms(new.expires_at.as_deref(), now)?,
            created_at_ms: now.unix_ms(),
            withdrawal_id: None,
        };
        let event = self.inner.incoming_event(EventKind::IncomingPaymentCreated, &record, now)?;
        let made = self.inner.incoming_payment_view(record.clone())?;
        self.commit(&made, move |tx| tx.insert_incoming_payment(&record, &event)).await?;
        Ok(made)
    }
}

impl Inner {
    /// Writes down what the money that is there, and the time, have made of an incoming payment.
    /// Does nothing where that is written down already. Waits for the disk.
    pub(crate) fn change_incoming_payment(
        &self,
        id: Uuid,
        now_ms: u64,
    ) -> Result<(), OperatorError> {
        let Some(asset_id) = self.store.incoming_payment(id)?.map(|known| known.asset_id) else {
            return Ok(());
        };
        let asset = self.live_asset(asset_id)?;
        let total = self.ledger().total(AccountId::incoming_payment(id));
        let event_id = self.new_id();
        let move_on = |record: &mut IncomingPaymentRecord| {
            let kind = next_state(record, total, now_ms)?;
            if !record.is_open() && total.credits > 0 {
                record.withdrawal_id = Some(event_id);
            }
            let told = EventContent { id: event_id, now_ms, asset: &asset, total };
            kind.map(|kind| of_incoming(kind, record, &told))
        };
        self.writes.as_node(Duty::Payments, |tx| tx.update_incoming_payment(id, move_on))?;
        Ok(())
    }

    fn incoming_event(
        &self,
        kind: EventKind,
        record: &IncomingPaymentRecord,
        now: Timestamp,
    ) -> Result<EventRecord, OperatorError> {
        let asset = self.live_asset(record.asset_id)?;
        let total = Total::default();
        let told = EventContent { id: self.new_id(), now_ms: now.unix_ms(), asset: &asset, total };
        Ok(of_incoming(kind, record, &told))
    }
}

/// Moves an incoming payment on, if it is to be, and says what is told about that: nothing of one
/// that expires without having received anything, since nobody has anything to do about it.
fn next_state(
    record: &mut IncomingPaymentRecord,
    total: Total,
    now_ms: u64,
) -> Option<Option<EventKind>> {
    if !record.is_open() {
        return None;
    }
    let received = total.credits;
    if record.incoming_amount.is_some_and(|asked| received >= u128::from(asked)) {
        record.state = IncomingPaymentState::Completed;
        return Some(Some(EventKind::IncomingPaymentCompleted));
    }
    if record.expires_at_ms <= now_ms {
        record.state = IncomingPaymentState::Expired;
        return Some((received > 0).then_some(EventKind::IncomingPaymentExpired));
    }
    if received > 0 && record.state == IncomingPaymentState::Pending {
        record.state = IncomingPaymentState::Processing;
        return Some(Some(EventKind::IncomingPaymentProcessing));
    }
    None
}
