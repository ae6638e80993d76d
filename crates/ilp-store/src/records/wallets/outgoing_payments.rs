//! Quotes and the outgoing payments made from them: one payment from each quote at most.

use uuid::Uuid;

use super::{
    indexed::Indexed,
    wallet_records::{OutgoingPaymentRecord, OutgoingPaymentState, QuoteRecord},
};
use crate::{
    error::{Conflict, StoreError, TransactionError},
    records::{
        forms::event_record::EventRecord,
        forms::{
            keys::Kind,
            page::{Page, Rows},
        },
        outbox::add_event,
    },
    store::{
        Store,
        reading::{Reader, Reading, id_from},
        transaction::Transaction,
    },
};

impl Indexed for QuoteRecord {
    const KIND: Kind = Kind::Quote;

    fn index_keys(&self) -> Vec<Vec<u8>> {
        vec![Kind::QuoteByWallet.link(self.wallet_address_id, self.id)]
    }
}

impl Indexed for OutgoingPaymentRecord {
    const KIND: Kind = Kind::OutgoingPayment;

    fn index_keys(&self) -> Vec<Vec<u8>> {
        let mut keys = vec![
            Kind::OutgoingPaymentByWallet.link(self.quote.wallet_address_id, self.id),
            Kind::OutgoingPaymentByQuote.key(self.quote.id.as_bytes()),
            Kind::Payment.key(self.id.as_bytes()),
        ];
        if matches!(self.state, OutgoingPaymentState::Funding | OutgoingPaymentState::Sending) {
            keys.push(Kind::OutgoingPaymentUnfinished.key(self.id.as_bytes()));
        }
        keys
    }
}

impl Reader {
    /// The quote of this id, as long as it is kept.
    ///
    /// # Errors
    /// When the store or the record can't be read.
    pub fn quote(&self, id: Uuid) -> Result<Option<QuoteRecord>, StoreError> {
        self.read(Kind::Quote, id)
    }

    /// One page of the quotes of a wallet address.
    ///
    /// # Errors
    /// When the store or a record can't be read.
    pub fn quotes_page(
        &self,
        wallet_address: Uuid,
        page: Page,
    ) -> Result<Rows<QuoteRecord>, StoreError> {
        self.indexed_page(&Kind::QuoteByWallet.of(wallet_address), page, |_| true)
    }

    /// The outgoing payment of this id.
    ///
    /// # Errors
    /// When the store or the record can't be read.
    pub fn outgoing_payment(&self, id: Uuid) -> Result<Option<OutgoingPaymentRecord>, StoreError> {
        self.read(Kind::OutgoingPayment, id)
    }

    /// One page of the outgoing payments that are wanted, of one wallet address or of all.
    ///
    /// # Errors
    /// When the store or a record can't be read.
    pub fn outgoing_payments_page(
        &self,
        wallet_address: Option<Uuid>,
        page: Page,
        is_wanted: impl Fn(&OutgoingPaymentRecord) -> bool,
    ) -> Result<Rows<OutgoingPaymentRecord>, StoreError> {
        match wallet_address {
            Some(id) => self.indexed_page(&Kind::OutgoingPaymentByWallet.of(id), page, is_wanted),
            None => self.page_where(Kind::OutgoingPayment, page, is_wanted),
        }
    }

    /// Ids of the outgoing payments that wait for their money or are being sent, oldest first.
    pub fn unfinished_outgoing_payments(
        &self,
    ) -> impl Iterator<Item = Result<Uuid, StoreError>> + Send + use<> {
        self.scan_prefix(&[Kind::OutgoingPaymentUnfinished.byte()]).map(|entry| {
            let (key, value) = entry?;
            id_from(&key, &value)
        })
    }
}

impl Store {
    /// Removes up to `limit` of the oldest quotes that were made before a time (milliseconds since
    /// 1970), and says how many. A payment has its quote whole.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub fn purge_quotes(
        &self,
        made_before_ms: u64,
        limit: usize,
    ) -> Result<usize, TransactionError> {
        let mut outlived = Vec::new();
        for quote in self.scan::<QuoteRecord>(Kind::Quote).take(limit) {
            let quote = quote?;
            if quote.created_at_ms >= made_before_ms {
                break;
            }
            outlived.push(quote);
        }
        if outlived.is_empty() {
            return Ok(0);
        }
        self.change(|tx| {
            // A quote never changes, so what was read is what is there.
            outlived.iter().for_each(|quote| tx.remove_record(quote));
            Ok(outlived.len())
        })
    }
}

impl Transaction<'_> {
    /// Changes an outgoing payment and adds the event that `edit` makes, in one change; returns the
    /// payment as it is then, and whether anything was changed. On the disk when it returns; costs
    /// no write when nothing was changed. `edit` may not call the store, whose write lock is held.
    ///
    /// # Errors
    /// [`TransactionError::UnknownPayment`], or when it is too large or can't be written.
    pub fn update_outgoing_payment(
        &mut self,
        id: Uuid,
        edit: impl FnOnce(&mut OutgoingPaymentRecord) -> Option<EventRecord>,
    ) -> Result<(OutgoingPaymentRecord, bool), TransactionError> {
        self.edit_with_event(id, TransactionError::UnknownPayment, edit)
    }

    /// Adds a quote.
    ///
    /// # Errors
    /// [`TransactionError::UnknownWalletAddress`], [`Conflict::Id`], or when it is too large or can't be
    /// written.
    pub fn insert_quote(&mut self, record: &QuoteRecord) -> Result<(), TransactionError> {
        if !self.has(&Kind::WalletAddress.key(record.wallet_address_id.as_bytes()))? {
            return Err(TransactionError::UnknownWalletAddress);
        }
        if self.has(&Kind::Quote.key(record.id.as_bytes()))? {
            return Err(Conflict::Id.into());
        }
        self.add(record)
    }

    /// Adds an outgoing payment and the event that tells of it, in one change. On the disk when it
    /// returns.
    ///
    /// # Errors
    /// [`Conflict::Quote`] when there is a payment from its quote, [`Conflict::Id`], or when it is
    /// too large or can't be written.
    pub fn insert_outgoing_payment(
        &mut self,
        record: &OutgoingPaymentRecord,
        event: &EventRecord,
    ) -> Result<(), TransactionError> {
        if self.has(&Kind::OutgoingPaymentByQuote.key(record.quote.id.as_bytes()))? {
            return Err(Conflict::Quote.into());
        }
        if self.has(&Kind::OutgoingPayment.key(record.id.as_bytes()))? {
            return Err(Conflict::Id.into());
        }
        add_event(self, event)?;
        self.add(record)
    }
}

#[cfg(test)]
mod tests;
