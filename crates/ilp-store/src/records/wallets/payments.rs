//! Incoming and outgoing payments in one list.

use std::ops::Bound::{Excluded, Included};

use uuid::Uuid;

use super::wallet_records::{IncomingPaymentRecord, OutgoingPaymentRecord};
use crate::{
    error::{StoreError, TransactionError},
    records::forms::{
        keys::Kind,
        page::{Page, Rows},
    },
    store::{
        reading::{Reader, Reading, id_from},
        transaction::Transaction,
    },
};

/// A payment of either direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentRecord {
    /// To a wallet address of this node.
    Incoming(IncomingPaymentRecord),
    /// From one.
    Outgoing(Box<OutgoingPaymentRecord>),
}

impl PaymentRecord {
    /// Returns the payment's id.
    #[must_use]
    pub fn id(&self) -> Uuid {
        match self {
            Self::Incoming(payment) => payment.id,
            Self::Outgoing(payment) => payment.id,
        }
    }
}

impl Reader {
    /// Returns at most `limit` payments, oldest first, that were made before a time (milliseconds
    /// since 1970): those after the payment of an id, or the first ones.
    ///
    /// # Errors
    /// When the store or a record can't be read.
    pub fn payments_after(
        &self,
        after: Option<Uuid>,
        made_before_ms: u64,
        limit: usize,
    ) -> Result<Vec<PaymentRecord>, StoreError> {
        let mut start = Kind::Payment.key(after.as_ref().map_or(&[], |id| &id.as_bytes()[..]));
        if after.is_some() {
            // This is the smallest key after that of the payment.
            start.push(0);
        }
        let end = vec![Kind::Payment.byte() + 1];
        let mut payments = Vec::new();
        for entry in self.range(Included(start), Excluded(end)).take(limit) {
            let (key, value) = entry?;
            let id = id_from(&key, &value)?;
            let payment = payment(self, id)?;
            let Some(payment) = payment else { continue };
            let made_at_ms = match &payment {
                PaymentRecord::Incoming(payment) => payment.created_at_ms,
                PaymentRecord::Outgoing(payment) => payment.created_at_ms,
            };
            if made_at_ms >= made_before_ms {
                break;
            }
            payments.push(payment);
        }
        Ok(payments)
    }

    /// Returns one page of the payments that are wanted.
    ///
    /// # Errors
    /// When the store or a record can't be read.
    pub fn payments_page(
        &self,
        page: Page,
        is_wanted: impl Fn(&PaymentRecord) -> bool,
    ) -> Result<Rows<PaymentRecord>, StoreError> {
        self.page_in(&[Kind::Payment.byte()], page, |key, bytes| {
            let id = id_from(key, bytes)?;
            Ok(payment(self, id)?.filter(&is_wanted))
        })
    }
}

impl Transaction<'_> {
    /// Removes those of the payments, of either direction, that exist, and returns how many it
    /// removed. The caller ensures that the payments have ended and
    /// that their accounts are closed.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub fn remove_payments(&mut self, ids: &[Uuid]) -> Result<usize, TransactionError> {
        let mut removed = 0;
        for id in ids {
            match payment(self, *id)? {
                Some(PaymentRecord::Incoming(payment)) => self.remove_record(&payment),
                Some(PaymentRecord::Outgoing(payment)) => self.remove_record(&*payment),
                None => continue,
            }
            removed += 1;
        }
        Ok(removed)
    }
}

fn payment(reading: &impl Reading, id: Uuid) -> Result<Option<PaymentRecord>, StoreError> {
    Ok(match reading.read(Kind::IncomingPayment, id)? {
        Some(payment) => Some(PaymentRecord::Incoming(payment)),
        None => reading.read(Kind::OutgoingPayment, id)?.map(Box::new).map(PaymentRecord::Outgoing),
    })
}
