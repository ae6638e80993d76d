//! One account of the books: what came in, what went out, what is on hold.

use std::{fmt, ops::Deref};

#[cfg(not(all(test, shuttle)))]
use parking_lot::Mutex;
use uuid::Uuid;

#[cfg(all(test, shuttle))]
use crate::interleavings::Mutex;

/// The purpose of an account. The number is the account's first byte on disk, so it never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, strum::FromRepr)]
#[repr(u8)]
pub enum AccountKind {
    /// A peer's credit line with us: its packets take from it, packets to it add to it.
    PeerLiquidity = 1,
    /// The node's own stock of an asset, through which conversions between assets pass.
    AssetLiquidity = 2,
    /// The outside world, one account per asset: the source of deposits and the target of
    /// withdrawals.
    Settlement = 3,
    /// The amount that a wallet address was paid outside of any payment.
    WalletAddress = 4,
    /// The amount that an incoming payment has received.
    IncomingPayment = 5,
    /// The amount that an outgoing payment was funded with and has yet to send.
    OutgoingPayment = 6,
    /// The sums of all incoming payments of one asset whose accounts are closed.
    ClosedIncomingPayments = 7,
    /// The sums of all outgoing payments of one asset whose accounts are closed.
    ClosedOutgoingPayments = 8,
}

impl AccountKind {
    /// The kind whose number on disk is `byte`.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::from_repr(byte)
    }

    /// The kind's number on disk.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "the number of a variant, which has this type")]
    pub fn to_byte(self) -> u8 {
        self as u8
    }

    /// Returns the kind of the account that takes over the sums of an account of this kind when
    /// that account is closed; `None` for an account that lives as long as its owner.
    #[must_use]
    pub fn closes_into(self) -> Option<Self> {
        match self {
            Self::IncomingPayment => Some(Self::ClosedIncomingPayments),
            Self::OutgoingPayment => Some(Self::ClosedOutgoingPayments),
            Self::PeerLiquidity
            | Self::AssetLiquidity
            | Self::Settlement
            | Self::WalletAddress
            | Self::ClosedIncomingPayments
            | Self::ClosedOutgoingPayments => None,
        }
    }
}

/// Names an account: its kind, and the peer, asset, wallet address or payment that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId {
    /// The purpose of the account.
    pub kind: AccountKind,
    /// The id of the peer (for its liquidity), of the asset (for its liquidity, its settlement and
    /// the sums of its closed payments), or of the wallet address or payment.
    pub owner: Uuid,
}

impl AccountId {
    /// The liquidity account of a peer.
    #[must_use]
    pub fn peer(peer: Uuid) -> Self {
        Self { kind: AccountKind::PeerLiquidity, owner: peer }
    }

    /// The liquidity account of an asset.
    #[must_use]
    pub fn asset(asset: Uuid) -> Self {
        Self { kind: AccountKind::AssetLiquidity, owner: asset }
    }

    /// The settlement account of an asset.
    #[must_use]
    pub fn settlement(asset: Uuid) -> Self {
        Self { kind: AccountKind::Settlement, owner: asset }
    }

    /// The account of a wallet address.
    #[must_use]
    pub fn wallet_address(wallet_address: Uuid) -> Self {
        Self { kind: AccountKind::WalletAddress, owner: wallet_address }
    }

    /// The account of an incoming payment.
    #[must_use]
    pub fn incoming_payment(payment: Uuid) -> Self {
        Self { kind: AccountKind::IncomingPayment, owner: payment }
    }

    /// The account of an outgoing payment.
    #[must_use]
    pub fn outgoing_payment(payment: Uuid) -> Self {
        Self { kind: AccountKind::OutgoingPayment, owner: payment }
    }
}

/// The sums of an account so far, in the asset's smallest unit. Amounts are u64 and sums u128, so
/// that 2^64 transfers of 2^64 - 1 each still add up without a carry being lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// All that was ever credited.
    pub credits: u128,
    /// All that was ever debited.
    pub debits: u128,
    /// The sum on hold for packets under way and for withdrawals not yet posted.
    pub debits_pending: u128,
}

/// The part of an account's sums that this node holds and may spend by itself. On a node that shares its
/// books with no other it is all of them, and only [`Total`] may be told to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnPart(Balance);

/// The sums of an account over all nodes that share the books.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total(Balance);

impl Total {
    /// Returns the total of an account of which this node has the only part.
    #[must_use]
    pub fn of_only_part(OwnPart(balance): OwnPart) -> Self {
        Self(balance)
    }
}

impl Deref for OwnPart {
    type Target = Balance;

    fn deref(&self) -> &Balance {
        &self.0
    }
}

impl Deref for Total {
    type Target = Balance;

    fn deref(&self) -> &Balance {
        &self.0
    }
}

impl Balance {
    /// Returns the amount that may still be taken: credits less debits less holds. It is zero for a
    /// settlement account, whose debits are the deposits and so lead its credits.
    #[must_use]
    pub fn available(&self) -> u128 {
        self.credits.saturating_sub(self.debits).saturating_sub(self.debits_pending)
    }

    /// Returns the amount that the account owns, holds included: credits less debits.
    #[must_use]
    pub fn total(&self) -> u128 {
        self.credits.saturating_sub(self.debits)
    }
}

/// The account has less available than was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{available} available, {wanted} wanted")]
pub struct Insufficient {
    /// The account that is short.
    pub account: AccountId,
    /// The amount that the account had available, in its asset's smallest unit.
    pub available: u128,
    /// The amount that was asked for, in the same unit.
    pub wanted: u64,
}

/// The account would own more than [`OWNED_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{room} more may be credited, {wanted} is to be")]
pub struct Overfull {
    /// The account that has no room.
    pub account: AccountId,
    /// The greatest amount that may still be credited, in its asset's smallest unit.
    pub room: u64,
    /// The amount that was to be credited, in the same unit.
    pub wanted: u64,
}

/// The most that an account may own: the greatest amount of 64 bits, which is what clients read.
/// Settlement owns nothing, so it takes any sum.
pub const OWNED_MAX: u64 = u64::MAX;

/// A live account. Peers and assets keep it by `Arc`, so a packet finds it without a look-up.
pub struct Account {
    id: AccountId,
    /// A lock of one byte, held for a few additions and never across a call or an await. The numbers
    /// change together under two invariants, which atomics on each could not keep.
    numbers: Mutex<Numbers>,
}

/// The balance of an account and its pending credits.
#[derive(Default)]
struct Numbers {
    balance: Balance,
    /// The sum that the holds of packets and transfers under way would credit, or [`CLOSED`].
    credits_pending: u128,
}

/// The value of [`Numbers::credits_pending`] that marks a closed account. It leaves room for no
/// credit, so packets need no separate check for closed accounts.
const CLOSED: u128 = u128::MAX;

impl Numbers {
    /// Returns the greatest amount that may still be credited if every pending credit is posted.
    fn room(&self) -> u64 {
        let owned = self.balance.total().saturating_add(self.credits_pending);
        u64::try_from(u128::from(OWNED_MAX).saturating_sub(owned)).unwrap_or(OWNED_MAX)
    }

    /// Removes a pending credit that was posted or voided.
    fn came(&mut self, amount: u64) {
        assert!(self.credits_pending >= u128::from(amount), "more came than was expected");
        self.credits_pending -= u128::from(amount);
    }
}

impl Account {
    /// An account as the books have it; nothing is on hold after a start.
    ///
    /// # Panics
    /// When the debits of an account other than settlement exceed its credits: such books are
    /// wrong, and no packet may flow on them.
    #[must_use]
    pub fn new(id: AccountId, balance: Balance) -> Self {
        assert!(
            id.kind == AccountKind::Settlement || balance.debits <= balance.credits,
            "account {id:?} starts below zero: {balance:?}"
        );
        Self { id, numbers: Mutex::new(Numbers { balance, credits_pending: 0 }) }
    }

    /// An account that nothing has happened on.
    #[must_use]
    pub fn empty(id: AccountId) -> Self {
        Self::new(id, Balance::default())
    }

    /// Makes a closed account, which shows its balance and takes no further credit.
    #[must_use]
    pub fn closed(id: AccountId, balance: Balance) -> Self {
        Self { id, numbers: Mutex::new(Numbers { balance, credits_pending: CLOSED }) }
    }

    /// Closes the account and returns its balance, if the account is empty and no hold debits or
    /// credits it. A closed account takes no further credit. Returns `None` for an account that
    /// stays as it is, including one that is closed already.
    pub fn close(&self) -> Option<Balance> {
        let mut numbers = self.numbers.lock();
        let Balance { credits, debits, debits_pending } = numbers.balance;
        if credits != debits || debits_pending > 0 || numbers.credits_pending > 0 {
            return None;
        }
        numbers.credits_pending = CLOSED;
        Some(numbers.balance)
    }

    /// Returns whether the account is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.numbers.lock().credits_pending == CLOSED
    }

    /// Adds the sums of an account that was closed.
    pub fn take_over(&self, closed: Balance) {
        let balance = &mut self.numbers.lock().balance;
        balance.credits += closed.credits;
        balance.debits += closed.debits;
    }

    /// Returns the account's id.
    #[must_use]
    pub fn id(&self) -> AccountId {
        self.id
    }

    /// Returns this node's part of the account's sums, at this moment.
    #[must_use]
    pub fn own_part(&self) -> OwnPart {
        OwnPart(self.numbers.lock().balance)
    }

    /// Sets `amount` aside, if there is that much. Settlement is the outside world and has no
    /// bottom.
    ///
    /// # Errors
    /// [`Insufficient`] when less is available; nothing has changed then.
    pub(crate) fn reserve(&self, amount: u64) -> Result<(), Insufficient> {
        let balance = &mut self.numbers.lock().balance;
        let available = balance.available();
        if self.id.kind != AccountKind::Settlement && available < u128::from(amount) {
            return Err(Insufficient { account: self.id, available, wanted: amount });
        }
        balance.debits_pending += u128::from(amount);
        Ok(())
    }

    /// Gives back what [`Account::reserve`] set aside.
    pub(crate) fn release(&self, amount: u64) {
        let balance = &mut self.numbers.lock().balance;
        assert!(balance.debits_pending >= u128::from(amount), "released more than was on hold");
        balance.debits_pending -= u128::from(amount);
    }

    /// Takes for good what [`Account::reserve`] set aside.
    pub(crate) fn debit_reserved(&self, amount: u64) {
        let balance = &mut self.numbers.lock().balance;
        assert!(balance.debits_pending >= u128::from(amount), "posted more than was on hold");
        balance.debits_pending -= u128::from(amount);
        balance.debits += u128::from(amount);
        assert!(
            self.id.kind == AccountKind::Settlement || balance.debits <= balance.credits,
            "account below zero"
        );
    }

    /// Makes room for `amount`, if the account may own that much more.
    ///
    /// This takes the lock of the account that is paid once more for each hold. Without it, packets
    /// that are under way at once could each find room and together exceed it, and what a Fulfill
    /// has promised can't be refused any more.
    ///
    /// # Errors
    /// [`Overfull`] when the account would own too much; nothing has changed then.
    pub(crate) fn expect(&self, amount: u64) -> Result<(), Overfull> {
        if self.id.kind == AccountKind::Settlement {
            return Ok(());
        }
        let mut numbers = self.numbers.lock();
        let room = numbers.room();
        if room < amount {
            return Err(Overfull { account: self.id, room, wanted: amount });
        }
        numbers.credits_pending += u128::from(amount);
        Ok(())
    }

    /// Gives back the room that [`Account::expect`] made.
    pub(crate) fn expect_no_more(&self, amount: u64) {
        if self.id.kind != AccountKind::Settlement {
            self.numbers.lock().came(amount);
        }
    }

    /// Credits `amount` without a transfer.
    #[cfg(test)]
    pub(crate) fn credit(&self, amount: u64) {
        self.expect(amount).expect("the tests leave room");
        self.credit_expected(amount);
    }

    /// Credits `amount`, for which [`Account::expect`] made room.
    pub(crate) fn credit_expected(&self, amount: u64) {
        let mut numbers = self.numbers.lock();
        if self.id.kind != AccountKind::Settlement {
            numbers.came(amount);
        }
        numbers.balance.credits += u128::from(amount);
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Account")
            .field("id", &self.id)
            .field("balance", &self.own_part())
            .finish()
    }
}
