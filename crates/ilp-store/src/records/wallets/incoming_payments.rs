//! Incoming payments: listed by wallet address, and by when the open ones expire.

use uuid::Uuid;

use super::{indexed::Indexed, wallet_records::IncomingPaymentRecord};
use crate::{
    error::{Conflict, StoreError, TransactionError},
    journal::Fields,
    records::{
        forms::event_record::EventRecord,
        forms::{
            keys::Kind,
            page::{Page, Rows},
        },
        outbox::add_event,
    },
    store::{
        reading::{Reader, Reading, id_from},
        transaction::Transaction,
    },
};

impl Indexed for IncomingPaymentRecord {
    const KIND: Kind = Kind::IncomingPayment;

    fn index_keys(&self) -> Vec<Vec<u8>> {
        let mut keys = vec![
            Kind::IncomingPaymentByWallet.link(self.wallet_address_id, self.id),
            Kind::Payment.key(self.id.as_bytes()),
        ];
        if self.is_open() {
            keys.push(due_key(self.expires_at_ms, self.id));
        }
        keys
    }
}

impl Reader {
    /// The incoming payment of this id.
    ///
    /// # Errors
    /// When the store or the record can't be read.
    pub fn incoming_payment(&self, id: Uuid) -> Result<Option<IncomingPaymentRecord>, StoreError> {
        self.read(Kind::IncomingPayment, id)
    }

    /// One page of the incoming payments that are wanted, of one wallet address or of all.
    ///
    /// # Errors
    /// When the store or a record can't be read.
    pub fn incoming_payments_page(
        &self,
        wallet_address: Option<Uuid>,
        page: Page,
        is_wanted: impl Fn(&IncomingPaymentRecord) -> bool,
    ) -> Result<Rows<IncomingPaymentRecord>, StoreError> {
        match wallet_address {
            Some(id) => self.indexed_page(&Kind::IncomingPaymentByWallet.of(id), page, is_wanted),
            None => self.page_where(Kind::IncomingPayment, page, is_wanted),
        }
    }

    /// The incoming payments that take money, those that expire first before the others: when each
    /// expires, in milliseconds since 1970, and its id.
    pub fn open_incoming_payments(
        &self,
    ) -> impl Iterator<Item = Result<(u64, Uuid), StoreError>> + Send + use<> {
        self.scan_prefix(&[Kind::IncomingPaymentDue.byte()]).map(|entry| {
            let (key, value) = entry?;
            let expires_at_ms = Fields::new(key.get(1..).unwrap_or_default()).u64();
            Ok((expires_at_ms.unwrap_or(0), id_from(&key, &value)?))
        })
    }
}

impl Transaction<'_> {
    /// Changes an incoming payment and adds the event that `edit` makes, in one change; returns the
    /// payment as it is then, and whether anything was changed. On the disk when it returns; costs
    /// no write when nothing was changed. `edit` may not call the store, whose write lock is held.
    ///
    /// # Errors
    /// [`TransactionError::UnknownPayment`], or when it is too large or can't be written.
    pub fn update_incoming_payment(
        &mut self,
        id: Uuid,
        edit: impl FnOnce(&mut IncomingPaymentRecord) -> Option<EventRecord>,
    ) -> Result<(IncomingPaymentRecord, bool), TransactionError> {
        self.edit_with_event(id, TransactionError::UnknownPayment, edit)
    }

    /// Adds an incoming payment and the event that tells of it, in one change. On the disk when it
    /// returns.
    ///
    /// # Errors
    /// [`TransactionError::UnknownWalletAddress`], [`Conflict::Id`], or when it is too large or can't be
    /// written.
    pub fn insert_incoming_payment(
        &mut self,
        record: &IncomingPaymentRecord,
        event: &EventRecord,
    ) -> Result<(), TransactionError> {
        if !self.has(&Kind::WalletAddress.key(record.wallet_address_id.as_bytes()))? {
            return Err(TransactionError::UnknownWalletAddress);
        }
        if self.has(&Kind::IncomingPayment.key(record.id.as_bytes()))? {
            return Err(Conflict::Id.into());
        }
        add_event(self, event)?;
        self.add(record)
    }
}

fn due_key(expires_at_ms: u64, id: Uuid) -> Vec<u8> {
    let mut rest = expires_at_ms.to_be_bytes().to_vec();
    rest.extend_from_slice(id.as_bytes());
    Kind::IncomingPaymentDue.key(&rest)
}

#[cfg(test)]
mod tests;
