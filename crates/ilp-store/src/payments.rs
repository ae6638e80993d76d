//! Incoming and outgoing payments in one list.

use crate::{
    change::id_from,
    error::StoreError,
    keys::Kind,
    page::{Page, Rows},
    store::Store,
    wallet_records::{IncomingPaymentRecord, OutgoingPaymentRecord},
};

/// A payment of either direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentRecord {
    /// To a wallet address of this node.
    Incoming(IncomingPaymentRecord),
    /// From one.
    Outgoing(Box<OutgoingPaymentRecord>),
}

impl Store {
    /// One page of the payments that are wanted.
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
            let payment = match self.incoming_payment(id)? {
                Some(payment) => Some(PaymentRecord::Incoming(payment)),
                None => self.outgoing_payment(id)?.map(Box::new).map(PaymentRecord::Outgoing),
            };
            Ok(payment.filter(&is_wanted))
        })
    }
}
