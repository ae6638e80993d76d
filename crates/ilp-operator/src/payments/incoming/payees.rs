//! Who can be paid here: as packets, SPSP queries and payments of this node ask.

use std::sync::Arc;

use ilp_connector::{LocalAccount, account::AccountId, peer::Asset};
use ilp_net::WalletUrl;
use ilp_store::{IncomingPaymentRecord, WalletAddressRecord};
use uuid::Uuid;

use crate::{
    node::operator::Inner,
    payments::{
        Payments,
        incoming::recipients::{Due, Recipient},
    },
    vocabulary::{check, error::OperatorError},
};

/// The target of a URL: the wallet address or the payment that is to be paid.
#[derive(Clone, Debug)]
pub enum SpspTarget {
    /// To nobody, or to a wallet address that takes no new payments.
    Unknown,
    /// To an incoming payment that takes nothing more.
    Gone,
    /// To somebody who can be paid.
    Open(Payee),
}

/// Somebody who can be paid.
#[derive(Clone, Debug)]
pub struct Payee {
    /// The id of the wallet address or incoming payment. It is the tag of credentials, by which
    /// [`Payments::recipient`] finds whom a packet is for.
    pub id: Uuid,
    /// The URL in the form in which it is stored.
    pub url: String,
    /// The name of the wallet address, for people.
    pub public_name: Option<String>,
    /// The asset of the payee's account.
    pub asset: Arc<Asset>,
    /// For an incoming payment that asks for an amount: how much, in the asset's smallest unit.
    pub asked: Option<u64>,
    /// The amount received so far, in the same unit.
    pub received: u128,
    /// For an incoming payment, from when on it takes nothing; milliseconds since 1970.
    pub expires_at_ms: Option<u64>,
}

impl Payee {
    /// Returns the amount that may still come; `None` without a limit.
    #[must_use]
    pub fn room(&self) -> Option<u64> {
        let room = u128::from(self.asked?).saturating_sub(self.received);
        Some(u64::try_from(room).unwrap_or(u64::MAX))
    }
}

impl Payments<'_> {
    /// Whom packets with this tag are for. In memory for all but the first packet in a while;
    /// `None` for a tag that names nobody.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn recipient(self, id: Uuid) -> Result<Option<Arc<Recipient>>, OperatorError> {
        if let Some(recipient) = self.on.inner.wallets.recipients.get(id) {
            return Ok(Some(recipient));
        }
        self.on.read(move |inner| inner.load_recipient(id)).await
    }

    /// To be called when money for a recipient is in the books, after its room was kept: states and
    /// events follow. Returns at once, and does nothing for most packets.
    pub fn incoming_credited(self, recipient: &Recipient) {
        if recipient.is_wallet_address() || recipient.take_due() == Due::Nothing {
            return;
        }
        let (inner, id) = (Arc::clone(&self.on.inner), recipient.id);
        // If the node ends before it is written down, the next start does it.
        tokio::task::spawn_blocking(move || {
            let now_ms = (inner.parts.clock)().unix_ms();
            if let Err(error) = inner.change_incoming_payment(id, now_ms) {
                tracing::error!(%error, payment = %id, "what it received is noted at the next start");
            }
        });
    }

    /// Returns the recipient at a URL.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn spsp_target(self, url: WalletUrl) -> Result<SpspTarget, OperatorError> {
        self.on.read(move |inner| inner.target(&url)).await
    }
}

impl Inner {
    /// Returns the recipient at a URL.
    pub(crate) fn target(&self, url: &WalletUrl) -> Result<SpspTarget, OperatorError> {
        if let Some(id) = url.incoming_payment_id().and_then(check::id) {
            let is_at_url = |stored: &str| {
                stored == url.as_str() || url.earlier_form().is_some_and(|form| form == stored)
            };
            let record = self.store.incoming_payment(id)?;
            let record = record.filter(|record| is_at_url(&record.url));
            return record.map_or(Ok(SpspTarget::Unknown), |record| self.incoming_target(record));
        }
        match self.wallet_address_at(url)? {
            Some(record) if record.is_active() => self.wallet_target(record),
            _ => Ok(SpspTarget::Unknown),
        }
    }

    fn wallet_target(&self, record: WalletAddressRecord) -> Result<SpspTarget, OperatorError> {
        Ok(SpspTarget::Open(Payee {
            id: record.id,
            asset: self.live_asset(record.asset_id)?,
            received: self.ledger().total(AccountId::wallet_address(record.id)).credits,
            url: record.url,
            public_name: record.public_name,
            asked: None,
            expires_at_ms: None,
        }))
    }

    fn incoming_target(&self, record: IncomingPaymentRecord) -> Result<SpspTarget, OperatorError> {
        let received = self.ledger().total(AccountId::incoming_payment(record.id)).credits;
        let has_all = record.incoming_amount.is_some_and(|asked| received >= u128::from(asked));
        let is_over = record.expires_at_ms <= (self.parts.clock)().unix_ms();
        if !record.is_open() || has_all || is_over {
            return Ok(SpspTarget::Gone);
        }
        let wallet = self.store.wallet_address(record.wallet_address_id)?;
        Ok(SpspTarget::Open(Payee {
            id: record.id,
            asset: self.live_asset(record.asset_id)?,
            received,
            url: record.url,
            public_name: wallet.and_then(|wallet| wallet.public_name),
            asked: record.incoming_amount,
            expires_at_ms: Some(record.expires_at_ms),
        }))
    }

    fn load_recipient(&self, id: Uuid) -> Result<Option<Arc<Recipient>>, OperatorError> {
        let Some(found) = self.find_recipient(id)? else { return Ok(None) };
        let FoundRecipient { account, asset_id, asked, expires_at_ms, .. } = found;
        let asset = self.live_asset(asset_id)?;
        let recipients = &self.wallets.recipients;
        let recipient = recipients.get_or_insert(id, || {
            let local = LocalAccount { asset, account: self.ledger().account(account) };
            Recipient::new(id, local, asked, expires_at_ms)
        });
        // Read again: whoever closed it since the first look found nothing here to close, and
        // whoever closes it from now on does.
        let is_open = self.find_recipient(id)?.is_some_and(|found| found.is_open);
        if !is_open {
            recipients.set_open(id, false);
        }
        Ok(Some(recipient))
    }

    fn find_recipient(&self, id: Uuid) -> Result<Option<FoundRecipient>, OperatorError> {
        let store = &self.store;
        if let Some(record) = store.incoming_payment(id)? {
            return Ok(Some(FoundRecipient {
                account: AccountId::incoming_payment(id),
                asset_id: record.asset_id,
                asked: record.incoming_amount,
                expires_at_ms: Some(record.expires_at_ms),
                is_open: record.is_open(),
            }));
        }
        Ok(store.wallet_address(id)?.map(|record| FoundRecipient {
            account: AccountId::wallet_address(id),
            asset_id: record.asset_id,
            asked: None,
            expires_at_ms: None,
            is_open: record.is_active(),
        }))
    }
}

struct FoundRecipient {
    account: AccountId,
    asset_id: Uuid,
    asked: Option<u64>,
    expires_at_ms: Option<u64>,
    is_open: bool,
}
