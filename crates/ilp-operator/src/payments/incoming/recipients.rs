//! The recipients that packets may pay: wallet addresses and incoming payments.
//!
//! Each is read from the store when its first packet comes and kept in memory, bounded, since a
//! packet must not wait for the disk. What an incoming payment may still take is set aside while a
//! packet is on its way into the books, so that packets at once don't bring more than it asks for.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    },
};

use ilp_connector::{LocalAccount, account::AccountKind};
use parking_lot::RwLock;
use uuid::Uuid;

/// How many are kept in memory. Each takes some 200 bytes.
const KEPT_MAX: usize = 65_536;

/// The excess that an incoming payment accepts over the amount it asks for, in its asset's smallest
/// unit, from a payer that states no minimum: one unit is what rounding costs.
const ROUNDING_SLACK: u64 = 1;

/// A wallet address or incoming payment that packets may pay.
pub struct Recipient {
    /// The id of the wallet address or incoming payment, which is also the tag in its credentials.
    pub id: Uuid,
    /// Where the money goes, and what it is in.
    pub local: LocalAccount,
    /// `None` for one that takes whatever comes.
    asked: Option<AmountAsked>,
    /// From when on it takes nothing more, in milliseconds since 1970.
    expires_at_ms: Option<u64>,
    closed: AtomicBool,
    stage: AtomicU8,
}

struct AmountAsked {
    amount: u64,
    /// The amount that may still arrive, less what is reserved, with the slack for rounding.
    room: AtomicU64,
}

/// Why a packet is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declined {
    /// Nothing more is taken, ever.
    Closed,
    /// The packet brings more than is still asked for.
    TooMuch {
        /// The amount that is still asked for, in the asset's smallest unit.
        room: u64,
    },
}

/// Room for one packet. Dropping it gives the room back.
#[must_use = "room that is dropped is given back"]
#[derive(Debug)]
pub struct Reserved {
    recipient: Arc<Recipient>,
    /// The amount taken from the room, which a last packet may exceed.
    amount: u64,
}

/// The change of an incoming payment's record that received money calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Nothing new.
    Nothing,
    /// The first money has come.
    Processing,
    /// All that was asked for is there.
    Completed,
}

const PENDING: u8 = 0;
const PROCESSING: u8 = 1;
const COMPLETED: u8 = 2;

impl Recipient {
    /// One that takes what is left of `asked`, or whatever comes, until it expires.
    pub(crate) fn new(
        id: Uuid,
        local: LocalAccount,
        asked: Option<u64>,
        expires_at_ms: Option<u64>,
    ) -> Self {
        let received = local.account.own_part().credits;
        let asked = asked.map(|amount| {
            let most = u128::from(amount.saturating_add(ROUNDING_SLACK));
            let room = u64::try_from(most.saturating_sub(received)).unwrap_or(u64::MAX);
            AmountAsked { amount, room: AtomicU64::new(room) }
        });
        Self {
            id,
            local,
            asked,
            expires_at_ms,
            closed: AtomicBool::new(false),
            stage: AtomicU8::new(PENDING),
        }
    }

    /// Returns all that was ever received, in the asset's smallest unit.
    #[must_use]
    pub fn received(&self) -> u128 {
        self.local.account.own_part().credits
    }

    /// All that it asks for, in the asset's smallest unit; `None` where it takes whatever comes.
    #[must_use]
    pub fn asked(&self) -> Option<u64> {
        self.asked.as_ref().map(|asked| asked.amount)
    }

    /// Returns whether nothing more is taken at `now_ms` (milliseconds since 1970).
    #[must_use]
    pub fn is_closed(&self, now_ms: u64) -> bool {
        // Relaxed: nothing is read on the strength of it, and a packet that races with the close is
        // one that came before.
        self.closed.load(Ordering::Relaxed)
            || self.expires_at_ms.is_some_and(|at_ms| at_ms <= now_ms)
            || self.asked.as_ref().is_some_and(|asked| self.received() >= u128::from(asked.amount))
    }

    /// Reserves room for a packet of `amount` that arrived at `now_ms` (milliseconds since 1970),
    /// of which the payer demands that `minimum` arrives.
    ///
    /// A payer that counts in a coarser unit can't hit an amount exactly: one cent more may be
    /// worth 91 units here. Its last packet demands no more than what is still asked for, and
    /// brings less than one of the payer's units beyond that. So a packet whose minimum fits is
    /// taken, and no other one after it.
    ///
    /// # Errors
    /// [`Declined`] says whether a smaller packet would be taken.
    pub fn reserve(
        self: &Arc<Self>,
        amount: u64,
        minimum: u64,
        now_ms: u64,
    ) -> Result<Reserved, Declined> {
        if self.is_closed(now_ms) {
            return Err(Declined::Closed);
        }
        let mut reserved = amount;
        if let Some(asked) = &self.asked {
            let fits = |room: u64| {
                let is_last = minimum > 0 && minimum <= room.saturating_sub(ROUNDING_SLACK);
                (amount <= room || is_last).then(|| room.saturating_sub(amount))
            };
            // Relaxed will do: the number guards no other memory.
            let room = asked
                .room
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits)
                .map_err(|room| Declined::TooMuch { room })?;
            reserved = amount.min(room);
        }
        Ok(Reserved { recipient: Arc::clone(self), amount: reserved })
    }

    /// Returns whether the recipient is a wallet address, as opposed to an incoming payment.
    pub(crate) fn is_wallet_address(&self) -> bool {
        self.local.account.id().kind == AccountKind::WalletAddress
    }

    /// Returns the change of the record that the money so far calls for, once for each stage since
    /// this was read from the record.
    pub(crate) fn take_due(&self) -> Due {
        let Some(received) = Some(self.received()).filter(|received| *received > 0) else {
            return Due::Nothing;
        };
        let all = self.asked.as_ref().is_some_and(|asked| received >= u128::from(asked.amount));
        let stage = if all { COMPLETED } else { PROCESSING };
        // Relaxed: whoever acts on it reads the books and the store, which order themselves.
        if self.stage.fetch_max(stage, Ordering::Relaxed) >= stage {
            return Due::Nothing;
        }
        if all { Due::Completed } else { Due::Processing }
    }
}

impl Reserved {
    /// The money is in the books: the room is used for good.
    pub fn keep(mut self) {
        self.amount = 0;
    }

    /// For whom the room is.
    #[must_use]
    pub fn recipient(&self) -> &Arc<Recipient> {
        &self.recipient
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if let Some(asked) = &self.recipient.asked {
            asked.room.fetch_add(self.amount, Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Recipient")
            .field("id", &self.id)
            .field("account", &self.local.account)
            .field("asked", &self.asked())
            .finish_non_exhaustive()
    }
}

/// The recipients that were paid lately.
#[derive(Default)]
pub(crate) struct Recipients {
    /// Read for every packet that ends here and written when one comes for the first time. The lock
    /// is held for a look-up; a map without locks could not tell for sure, while it lets one go,
    /// that nobody has just taken hold of it, and two of one payment would each give its room out.
    kept: RwLock<HashMap<Uuid, Arc<Recipient>>>,
}

impl Recipients {
    /// Returns the recipient of this id, if it is kept here.
    pub(crate) fn get(&self, id: Uuid) -> Option<Arc<Recipient>> {
        self.kept.read().get(&id).cloned()
    }

    /// The one of this id, which `make` makes unless it came meanwhile. What it may still take is
    /// reckoned here, while nobody else can have set any of it aside.
    pub(crate) fn get_or_insert(
        &self,
        id: Uuid,
        make: impl FnOnce() -> Recipient,
    ) -> Arc<Recipient> {
        let mut kept = self.kept.write();
        if kept.len() >= KEPT_MAX && !kept.contains_key(&id) {
            // Nobody holds what has one owner, and nobody can take hold of it while this is locked.
            kept.retain(|_, recipient| Arc::strong_count(recipient) > 1);
        }
        Arc::clone(kept.entry(id).or_insert_with(|| Arc::new(make())))
    }

    /// Removes the recipient of this id, whose account is closed: a task that still holds the
    /// recipient finds no room there.
    pub(crate) fn forget(&self, id: Uuid) {
        self.kept.write().remove(&id);
    }

    /// Lets the one of this id take money, or nothing more.
    pub(crate) fn set_open(&self, id: Uuid, is_open: bool) {
        if let Some(recipient) = self.get(id) {
            recipient.closed.store(!is_open, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use ilp_connector::{
        account::{Account, AccountId, Balance},
        peer::Asset,
    };

    use super::*;

    fn recipient(received: u128, asked: Option<u64>, expires_at_ms: Option<u64>) -> Arc<Recipient> {
        let id = Uuid::now_v7();
        let account = |id| Arc::new(Account::empty(id));
        let asset = Asset {
            id,
            code: "USD".to_owned(),
            scale: 2,
            liquidity: account(AccountId::asset(id)),
            settlement: account(AccountId::settlement(id)),
        };
        let balance = Balance { credits: received, ..Balance::default() };
        let account = Arc::new(Account::new(AccountId::incoming_payment(id), balance));
        let local = LocalAccount { asset: Arc::new(asset), account };
        Arc::new(Recipient::new(id, local, asked, expires_at_ms))
    }

    #[test]
    fn packets_at_once_bring_no_more_than_is_asked_for_and_a_unit() {
        let asking = recipient(40, Some(100), None);
        let first = asking.reserve(50, 0, 0).unwrap();
        let refused = asking.reserve(12, 0, 0).unwrap_err();
        assert_eq!(refused, Declined::TooMuch { room: 11 });
        drop(asking.reserve(11, 0, 0).unwrap());
        drop(first);
        asking.reserve(61, 61, 0).unwrap().keep();
        assert_eq!(asking.reserve(1, 0, 0).unwrap_err(), Declined::TooMuch { room: 0 });
        let open = recipient(0, None, None);
        drop((open.reserve(u64::MAX, 0, 0).unwrap(), open.reserve(u64::MAX, 1, 0).unwrap()));
    }

    #[test]
    fn a_last_packet_may_bring_more_than_is_asked_for_and_only_one_of_them() {
        let asking = recipient(40, Some(100), None);
        // The packet demands more than what is left.
        let refused = asking.reserve(91, 61, 0).unwrap_err();
        assert_eq!(refused, Declined::TooMuch { room: 61 });
        let last = asking.reserve(91, 60, 0).unwrap();
        assert_eq!(asking.reserve(91, 1, 0).unwrap_err(), Declined::TooMuch { room: 0 });
        // The packet fails, and exactly the room from before is free again.
        drop(last);
        assert_eq!(asking.reserve(62, 0, 0).unwrap_err(), Declined::TooMuch { room: 61 });
        asking.reserve(91, 1, 0).unwrap().keep();
        assert_eq!(asking.reserve(1, 1, 0).unwrap_err(), Declined::TooMuch { room: 0 });
    }

    #[test]
    fn one_that_is_closed_expired_or_has_all_takes_nothing() {
        let closed = recipient(0, None, None);
        closed.closed.store(true, Ordering::Relaxed);
        let expired = recipient(0, Some(5), Some(1_000));
        drop(expired.reserve(1, 0, 999).unwrap());
        for (recipient, now_ms) in [(closed, 0), (expired, 1_000), (recipient(5, Some(5), None), 0)]
        {
            assert_eq!(recipient.reserve(1, 0, now_ms).unwrap_err(), Declined::Closed);
        }
    }

    #[test]
    fn each_stage_is_told_once() {
        let nothing = recipient(0, Some(5), None);
        assert_eq!(nothing.take_due(), Due::Nothing);
        let all = recipient(5, Some(5), None);
        assert_eq!((all.take_due(), all.take_due()), (Due::Completed, Due::Nothing));
        let some = recipient(4, Some(5), None);
        assert_eq!((some.take_due(), some.take_due()), (Due::Processing, Due::Nothing));
    }

    #[test]
    fn those_that_nobody_holds_make_room() {
        let recipients = Recipients::default();
        let held = recipient(0, None, None);
        let make = |id| Recipient::new(id, held.local.clone(), None, None);
        let first = recipients.get_or_insert(held.id, || make(held.id));
        for _ in 0..KEPT_MAX {
            let id = Uuid::new_v4();
            recipients.get_or_insert(id, || make(id));
        }
        assert!(recipients.kept.read().len() <= KEPT_MAX);
        assert!(Arc::ptr_eq(&recipients.get(held.id).unwrap(), &first));
    }
}
