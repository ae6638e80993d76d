//! Payments being sent: those to other nodes are handed to the part that sends packets, those to a
//! wallet address of this node are made in the books.
//!
//! The amount that a payment has sent is what its account was debited, which the books know to the
//! last unit after any crash. The amount that arrived is written down now and then; later amounts
//! are counted at the worst rate, which no packet went below. Packets that were under way when the
//! node was killed aren't in this node's books, though the receiver may have their money. The most
//! that this can be is written down before the first packet leaves, and reported with the payment's
//! end.

pub(crate) mod so_far;

mod notes;

use std::{sync::Arc, time::Duration};

use ilp_connector::{
    LocalAccount,
    account::{AccountId, AccountKind},
    ledger::{HoldError, Ledger, Leg, Transfer, TransferKind},
};
use ilp_store::{OutgoingPaymentRecord, OutgoingPaymentState, QuoteRecord};
use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    node::operator::{Inner, Operator},
    payments::{
        Payments,
        error::PaymentError,
        incoming::recipients::Declined,
        paying::{AssetName, Ended, Fraction, Paying, PaymentReports, Progress, SendOrder},
        sending::so_far::delivered_at_least,
        views::OutgoingPaymentView,
    },
    vocabulary::{boxed_future::BoxFuture, check, error::OperatorError},
};

/// The shortest pause between two notes of a payment's progress.
const NOTE_PAUSE: Duration = Duration::from_secs(1);

/// How long to wait when the books can't take a payment just now.
const PAUSE: Duration = Duration::from_millis(100);

/// A payment that is to be sent.
struct Order {
    record: OutgoingPaymentRecord,
    order: SendOrder,
    packets: Option<u64>,
    is_local: bool,
}

/// How a payment of this node came out.
enum Local {
    Ended(Ended, Progress),
    /// The books are full, and a later try may succeed.
    Later,
    /// The node ends; the next start goes on.
    Stopped,
}

impl Payments<'_> {
    /// From now on payments to other nodes go through `paying`, and those that the last end of the
    /// node interrupted go on.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn pay_through(self, paying: Arc<dyn Paying>) -> Result<(), OperatorError> {
        if self.on.inner.wallets.paying.set(paying).is_err() {
            return Ok(());
        }
        for record in self.on.read(Inner::payments_to_go_on).await? {
            if record.quote.local_recipient.is_none() {
                self.on.read(move |inner| inner.begin_again(record.id)).await?;
                self.on.start_payment(record.id).await?;
            }
        }
        Ok(())
    }

    /// Returns a payment as it is now, and its progress from now on while it is being sent.
    ///
    /// # Errors
    /// Not found.
    pub async fn watch(
        self,
        id: &str,
    ) -> Result<(OutgoingPaymentView, Option<watch::Receiver<Progress>>), OperatorError> {
        let uuid = check::id(id).ok_or(PaymentError::NotFound)?;
        // In this order: one that ends in between is seen ended, and not watched in vain.
        let progress = self.on.inner.wallets.watch(uuid);
        Ok((self.on.payments().outgoing(id).await?, progress))
    }
}

impl PaymentReports for Operator {
    fn begins(&self, id: Uuid, under_way_max: u64) -> BoxFuture<'_, Result<(), OperatorError>> {
        Box::pin(self.read(move |inner| inner.note_under_way(id, under_way_max)))
    }

    fn progress(&self, id: Uuid, progress: Progress) {
        if !self.inner.wallets.tell(id, progress, Some(NOTE_PAUSE)) {
            return;
        }
        let inner = Arc::clone(&self.inner);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = inner.note_progress(id, progress) {
                tracing::warn!(%error, payment = %id, "its progress could not be written down");
            }
        });
    }

    fn paused(&self, id: Uuid, progress: Progress) -> BoxFuture<'_, Result<(), OperatorError>> {
        Box::pin(self.read(move |inner| {
            inner.note_progress(id, progress)?;
            inner.note_under_way(id, 0)
        }))
    }

    fn ended(
        &self,
        id: Uuid,
        ended: Ended,
        progress: Progress,
    ) -> BoxFuture<'_, Result<(), OperatorError>> {
        self.inner.wallets.tell(id, progress, None);
        Box::pin(async move {
            let noted = self.read(move |inner| inner.note_end(id, ended, progress)).await;
            self.inner.wallets.end(id);
            noted
        })
    }
}

impl Operator {
    /// Completes the steps of wallets that the last end of the node cut short. Comes with the load.
    pub(crate) async fn resume_wallets(&self) -> Result<(), OperatorError> {
        self.read(|inner| {
            let now_ms = (inner.parts.clock)().unix_ms();
            for open in inner.store.open_incoming_payments() {
                let (_, id) = open?;
                if inner.ledger().total(AccountId::incoming_payment(id)).credits > 0 {
                    inner.change_incoming_payment(id, now_ms)?;
                }
            }
            Ok(())
        })
        .await?;
        for record in self.read(Inner::payments_to_go_on).await? {
            if record.quote.local_recipient.is_some() {
                self.start_payment(record.id).await?;
            }
        }
        Ok(())
    }

    /// Sends a payment that has its money, unless it is being sent already.
    pub(crate) async fn start_payment(&self, id: Uuid) -> Result<(), OperatorError> {
        let wallets = &self.inner.wallets;
        if !wallets.begin(id) {
            return Ok(());
        }
        // Read after that: one whose end was noted before it could be begun again is not sent again.
        let order = self.read(move |inner| inner.order_of(id)).await;
        let order = match order {
            Ok(Some(order)) => order,
            other => {
                wallets.end(id);
                return other.map(drop);
            }
        };
        let (sent, delivered) = (order.order.sent, order.order.delivered);
        wallets.go_on(id, Progress { sent, delivered, packets: 0 }, order.packets);
        // What the payment does from here on is no part of the request that funded it.
        let operator = self.clone();
        if !order.is_local && order.order.is_done() {
            let progress = Progress { sent, delivered, packets: 0 };
            return operator.ended(id, Ended::Completed, progress).await;
        }
        match (order.is_local, wallets.paying.get()) {
            (true, _) => {
                tokio::spawn(async move { operator.pay_locally(order.record).await });
            }
            (false, Some(paying)) => paying.send(Arc::new(operator), order.order),
            // It is handed over with the others once there is somebody to hand it to. Who came while
            // this one was begun has not seen it.
            (false, None) => {
                wallets.end(id);
                if wallets.paying.get().is_some() {
                    return Box::pin(self.start_payment(id)).await;
                }
            }
        }
        Ok(())
    }

    /// Pays a recipient of this node, exactly what the quote says, in one transfer.
    async fn pay_locally(&self, record: OutgoingPaymentRecord) {
        let id = record.id;
        loop {
            match self.try_pay_locally(&record).await {
                Ok(Local::Ended(ended, progress)) => {
                    if let Err(error) = self.ended(id, ended, progress).await {
                        tracing::error!(%error, payment = %id, "its end is noted at the next start");
                    }
                    return;
                }
                Ok(Local::Later) => tokio::time::sleep(PAUSE).await,
                Ok(Local::Stopped) => return,
                Err(error) => {
                    tracing::error!(%error, payment = %id, "it goes on at the next start");
                    return;
                }
            }
        }
    }

    async fn try_pay_locally(
        &self,
        record: &OutgoingPaymentRecord,
    ) -> Result<Local, OperatorError> {
        let QuoteRecord { debit_minus_fees: sent, receive_amount: delivered, .. } = record.quote;
        let paid = Progress { sent, delivered, packets: 0 };
        let payer = self.inner.payer(record)?;
        // Nothing else debits the account while it is being sent, so this is the payment itself,
        // booked before a crash.
        if payer.account.own_part().debits > 0 {
            return Ok(Local::Ended(Ended::Completed, paid));
        }
        let failed = |reason: &str| {
            let ended = Ended::Failed { reason: reason.to_owned() };
            Ok(Local::Ended(ended, Progress::default()))
        };
        let recipient = record.quote.local_recipient.unwrap_or_default();
        let Some(recipient) = self.payments().recipient(recipient).await? else {
            return failed("the receiver is gone");
        };
        let now_ms = (self.inner.parts.clock)().unix_ms();
        let reserved = match recipient.reserve(delivered, delivered, now_ms) {
            Ok(reserved) => reserved,
            Err(Declined::Closed) => return failed("the receiver takes nothing more"),
            Err(Declined::TooMuch { .. }) => return failed("the receiver asks for less by now"),
        };
        let transfer = local_transfer(record, &payer, &recipient.local);
        let ledger = self.inner.ledger();
        let hold = match ledger.hold(transfer).await {
            Ok(hold) => hold,
            Err(HoldError::Full) => return Ok(Local::Later),
            Err(HoldError::Stopped) => return Ok(Local::Stopped),
            Err(HoldError::Overfull(_)) => {
                return failed("the receiver's account, or the node's stock, can take no more");
            }
            Err(HoldError::Insufficient(short)) => {
                let is_stock = short.account.kind == AccountKind::AssetLiquidity;
                return failed(if is_stock {
                    "Insufficient transfer liquidity available"
                } else {
                    "Insufficient transfer balance"
                });
            }
        };
        if ledger.post(hold).await.is_err() {
            return Ok(Local::Stopped);
        }
        reserved.keep();
        self.payments().incoming_credited(&recipient);
        Ok(Local::Ended(Ended::Completed, paid))
    }
}

impl Inner {
    /// Payments that are to be sent. Those among them whose money came in when the node ended are
    /// brought up to date.
    fn payments_to_go_on(&self) -> Result<Vec<OutgoingPaymentRecord>, OperatorError> {
        let mut to_go_on = Vec::new();
        for id in self.store.unfinished_outgoing_payments() {
            let id = id?;
            let Some(mut record) = self.store.outgoing_payment(id)? else { continue };
            let balance = self.ledger().total(AccountId::outgoing_payment(id));
            if record.state == OutgoingPaymentState::Funding && balance.credits > 0 {
                record = self.payment_has_its_money(id, (self.parts.clock)())?;
            }
            if record.state == OutgoingPaymentState::Sending {
                to_go_on.push(record);
            }
        }
        Ok(to_go_on)
    }

    /// Returns the order to send a payment; `None` for one that is not to be sent.
    fn order_of(&self, id: Uuid) -> Result<Option<Order>, OperatorError> {
        let record = self.store.outgoing_payment(id)?;
        let Some(record) = record.filter(|record| record.state == OutgoingPaymentState::Sending)
        else {
            return Ok(None);
        };
        let (order, is_local) = (self.send_order(&record)?, record.quote.local_recipient.is_some());
        let packets = if is_local { Some(0) } else { self.packets_so_far(&record, order.sent)? };
        Ok(Some(Order { record, order, packets, is_local }))
    }

    fn payer(&self, record: &OutgoingPaymentRecord) -> Result<LocalAccount, OperatorError> {
        let account = self.ledger().account(AccountId::outgoing_payment(record.id));
        Ok(LocalAccount { asset: self.live_asset(record.quote.asset_id)?, account })
    }

    fn send_order(&self, record: &OutgoingPaymentRecord) -> Result<SendOrder, OperatorError> {
        let payer = self.payer(record)?;
        let sent = u64::try_from(payer.account.own_part().debits).unwrap_or(u64::MAX);
        let quote = record.quote.clone();
        let delivered = delivered_at_least(record, sent);
        Ok(SendOrder {
            payment_id: record.id,
            wallet_address_id: quote.wallet_address_id,
            payer,
            receiver: quote.receiver,
            receive_asset: AssetName {
                code: quote.receive_asset_code,
                scale: quote.receive_asset_scale,
            },
            debit_max: quote.debit_minus_fees,
            receive_amount: quote.deliver_amount.unwrap_or(quote.receive_amount),
            is_fixed_send: quote.is_fixed_send,
            rate_min: Fraction { delivered: quote.rate_delivered, sent: quote.rate_sent },
            packet_count: quote.packet_count,
            sent,
            delivered,
            in_doubt: record.in_doubt,
            details: quote.details,
        })
    }
}

/// From the payment's account to the recipient's, through the two assets' stocks where there are two
/// assets. It is a packet that never leaves the node, and is booked as one.
fn local_transfer(
    record: &OutgoingPaymentRecord,
    payer: &LocalAccount,
    recipient: &LocalAccount,
) -> Transfer {
    let QuoteRecord { debit_minus_fees: debit, receive_amount: receive, .. } = record.quote;
    let from = Arc::clone(&payer.account);
    let to = Arc::clone(&recipient.account);
    let leg = |debit, credit, amount| Leg { debit, credit, amount };
    let (first, second) = if payer.asset.id == recipient.asset.id {
        (leg(from, to, debit), None)
    } else {
        let (paid_in, paid_out) = (&payer.asset.liquidity, &recipient.asset.liquidity);
        (leg(from, Arc::clone(paid_in), debit), Some(leg(Arc::clone(paid_out), to, receive)))
    };
    Transfer { id: record.id, kind: TransferKind::Packet, first, second }
}
