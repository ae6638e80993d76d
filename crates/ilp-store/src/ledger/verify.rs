//! Whether the books add up: asked of the sums before anything is forwarded on them, and of every
//! transfer when an operator wants to know.

use std::{collections::HashMap, path::Path};

use ilp_connector::account::{AccountId, AccountKind};
use uuid::Uuid;

use super::{
    DurableLedger,
    checkpoint::{self, Which},
    start::{Found, replay},
    state::{Row, State},
};
use crate::{
    error::StoreError,
    journal::{DIRECTORY, JournalError, Place, scan_until},
    store::Store,
};

/// What came out of adding everything up again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many entries were read.
    pub transfers: u64,
    /// How many accounts there are.
    pub accounts: u64,
    /// The first entry that is kept. What came before it is in the totals that were carried over.
    pub first_sequence: u64,
    /// The last entry.
    pub last_sequence: u64,
    /// The faults, in words. Empty when the books add up as far as they were checked.
    pub faults: Vec<String>,
    /// The checks that could not be made, with the reasons. Empty when everything was checked.
    pub unchecked: Vec<String>,
    /// Whether one of the faults is that part of the journal, or of the balances beside it, can't
    /// be read: it is missing or damaged, and what it holds is not in the sums.
    pub is_cut_short: bool,
}

impl Report {
    /// Adds what was found, unless it is that nothing can be looked at.
    fn note(&mut self, found: StoreError) -> Result<(), StoreError> {
        self.is_cut_short |= match &found {
            // What could be read, and contradicts itself.
            StoreError::Books { .. }
            | StoreError::Journal(JournalError::CheckpointWrong { .. }) => false,
            StoreError::Journal(_) | StoreError::Record { .. } => true,
            _ => return Err(found),
        };
        self.faults.push(found.to_string());
        Ok(())
    }
}

/// Adds up the books of a stopped node, whose store is in `dir`. The journal is only read. The
/// store is opened as by a start, which takes its lock, lets sled cut off what a crash tore at the
/// end of its log, and may write anew the files that a store has; copy the directory first to keep
/// every byte of a damaged one.
///
/// # Errors
/// When there is no store, when it is in use, or can't be read. What is wrong with the books
/// themselves is in the report.
pub fn verify(dir: &Path) -> Result<Report, StoreError> {
    let store = Store::open_existing(dir)?;
    let checkpoint = match checkpoint::meta(&store, Which::Checkpoint)? {
        Some(meta) => Some((
            meta.place.next_sequence - 1,
            checkpoint::load(&store, Which::Checkpoint, Some(&meta))?,
        )),
        None => None,
    };
    let answered = store.inner.durability.answered().sequence;
    let mut report = add_up(&store, u64::MAX, |state, faults| {
        if let Some((sequence, then)) = &checkpoint
            && state.sequence == *sequence
        {
            compare(state, then, "the checkpoint", faults);
        }
    })?;
    let last = report.last_sequence;
    if let Some((sequence, _)) = checkpoint.filter(|(sequence, _)| *sequence > last) {
        let fault = format!("the checkpoint goes up to transfer {sequence}, the journal to {last}");
        report.faults.push(fault);
        report.is_cut_short = true;
    }
    if answered > last {
        let fault = format!("transfer {answered} was answered for, the journal goes up to {last}");
        report.faults.push(fault);
        report.is_cut_short = true;
    }
    Ok(report)
}

impl DurableLedger {
    /// Adds up the books of a running ledger up to what is durable now, and compares with memory.
    /// Reads the whole journal, so call it on a thread of its own.
    ///
    /// # Errors
    /// When the journal can't be read. What is wrong with the books is in the report.
    pub fn verify(&self) -> Result<Report, StoreError> {
        // No segment is removed meanwhile.
        let _turn = self.keeper.turn.lock();
        let (sequence, rows) = {
            let kept = self.books.lock();
            (kept.state.sequence, kept.state.rows().copied().collect::<Vec<_>>())
        };
        let mut now = State::default();
        rows.into_iter().for_each(|row| now.load(row));
        add_up(&self.store, sequence, |state, faults| {
            if state.sequence == sequence {
                compare(state, &now, "the books in memory", faults);
                self.compare_live(&now, faults);
            }
        })
    }

    /// The live accounts are ahead of the books, never behind.
    fn compare_live(&self, books: &State, faults: &mut Vec<String>) {
        for row in books.rows().filter(|row| row.credits + row.debits > 0) {
            let live = self.account(row.account).balance();
            if live.credits < row.credits || live.debits < row.debits {
                faults.push(format!("{:?} is behind the journal in memory: {live:?}", row.account));
            }
        }
    }
}

/// Adds up the kept journal from the carried totals on. `look` sees the books after each page, and
/// once before the first.
fn add_up(
    store: &Store,
    last_sequence: u64,
    mut look: impl FnMut(&State, &mut Vec<String>),
) -> Result<Report, StoreError> {
    let directory = store.path().join(DIRECTORY);
    let mut report = Report::default();
    let found = match Found::look(store, &directory) {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(report),
        Err(error) => {
            report.note(error)?;
            return Ok(report);
        }
    };
    let mut state = match checkpoint::load(store, Which::Base, found.base.as_ref()) {
        Ok(state) => state,
        Err(error) => {
            report.note(error)?;
            return Ok(report);
        }
    };
    let place: Place = found.base_place();
    (report.first_sequence, report.last_sequence) = (place.next_sequence, place.next_sequence - 1);
    look(&state, &mut report.faults);
    let scanned = scan_until(&directory, found.journal, place, last_sequence, |scanned| {
        replay(&mut state, &scanned)?;
        report.transfers += u64::from(scanned.page.count);
        report.last_sequence = scanned.page.last_sequence();
        look(&state, &mut report.faults);
        Ok(())
    });
    if let Err(error) = scanned {
        report.note(error)?;
    }
    match check_sums(store, &state) {
        Ok(unknown) => report.unchecked.extend(unknown.unchecked()),
        Err(error) => report.note(error)?,
    }
    report.accounts = state.rows().count() as u64;
    Ok(report)
}

fn compare(added: &State, other: &State, what: &str, faults: &mut Vec<String>) {
    for row in added.rows() {
        let empty = Row::empty(row.account);
        let found = other.row(row.account).unwrap_or(&empty);
        let sums = |row: &Row| (row.credits, row.debits, row.pending);
        if sums(row) != sums(found) {
            faults.push(format!(
                "{:?} has credits, debits and pending debits of {:?} by the journal, and of {:?} \
                 by {what}",
                row.account,
                sums(row),
                sums(found)
            ));
        }
    }
    for row in other.rows().filter(|row| added.row(row.account).is_none()) {
        if row.credits + row.debits + row.pending > 0 {
            faults.push(format!("{:?} is in {what} and not in the journal", row.account));
        }
    }
}

/// What was ever credited and debited on some accounts.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Sums {
    credits: u128,
    debits: u128,
}

impl Sums {
    fn plus(self, row: &Row) -> Option<Self> {
        Some(Self {
            credits: self.credits.checked_add(row.credits)?,
            debits: self.debits.checked_add(row.debits)?,
        })
    }
}

/// Accounts whose asset the store doesn't know, so that the sums by asset could not be checked:
/// each of these accounts may be of any asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unknown {
    /// The number of such accounts.
    accounts: u64,
    /// One such account, as an example.
    such_as: Option<AccountId>,
}

impl Unknown {
    /// Returns which check was not made, and why; `None` where every check was made.
    pub(crate) fn unchecked(self) -> Option<String> {
        let such_as = self.such_as?;
        Some(format!(
            "the sums by asset: the store doesn't know the owners of {} accounts with transfers, such as \
             {such_as:?}",
            self.accounts
        ))
    }
}

/// Checks that no account but settlement is below zero, and that credits equal debits: over all
/// accounts, and for each asset, since both sides of a movement are of one asset. Returns the
/// accounts that prevent the check by asset.
///
/// # Errors
/// [`StoreError::Books`] names the sum that is wrong.
pub(crate) fn check_sums(store: &Store, state: &State) -> Result<Unknown, StoreError> {
    let too_large = || wrong("the sums are beyond 128 bits".to_owned());
    let mut total = Sums::default();
    let mut by_asset: HashMap<Uuid, Sums> = HashMap::new();
    let mut unknown = Unknown::default();
    let owners = Owners::read(store)?;
    for row in state.rows() {
        if row.is_below_zero() {
            return Err(wrong(format!("{row:?}")));
        }
        total = total.plus(row).ok_or_else(too_large)?;
        if let Some(asset) = owners.asset_of(row.account)? {
            let sums = by_asset.entry(asset).or_default();
            *sums = sums.plus(row).ok_or_else(too_large)?;
        } else if row.credits + row.debits > 0 {
            unknown.accounts += 1;
            unknown.such_as = Some(row.account);
        }
    }
    balanced("all accounts", total)?;
    if unknown.accounts == 0 {
        for (asset, sums) in by_asset {
            balanced(&format!("the accounts of asset {asset}"), sums)?;
        }
    }
    Ok(unknown)
}

/// The owners of accounts, as the store has them.
struct Owners<'a> {
    store: &'a Store,
    /// The asset ids of peers, by the id of the peer.
    peers: HashMap<Uuid, Uuid>,
    /// The asset ids of those wallet addresses and payments that were read at the start.
    others: HashMap<Uuid, Uuid>,
}

impl<'a> Owners<'a> {
    fn read(store: &'a Store) -> Result<Self, StoreError> {
        let others = std::mem::take(&mut *store.inner.owners_at_start.lock());
        Ok(Self { store, peers: store.assets_of_peers()?, others })
    }

    fn asset_of(&self, account: AccountId) -> Result<Option<Uuid>, StoreError> {
        let AccountId { kind, owner } = account;
        let read = || -> Result<Option<Uuid>, StoreError> {
            let store = self.store;
            Ok(match kind {
                AccountKind::AssetLiquidity
                | AccountKind::Settlement
                | AccountKind::ClosedIncomingPayments
                | AccountKind::ClosedOutgoingPayments => Some(owner),
                AccountKind::PeerLiquidity => store.deleted_peer(owner)?.map(|it| it.asset_id),
                AccountKind::WalletAddress => store.wallet_address(owner)?.map(|it| it.asset_id),
                AccountKind::IncomingPayment => {
                    store.incoming_payment(owner)?.map(|it| it.asset_id)
                }
                AccountKind::OutgoingPayment => {
                    store.outgoing_payment(owner)?.map(|it| it.quote.asset_id)
                }
            })
        };
        let known = self.peers.get(&owner).or_else(|| self.others.get(&owner));
        known.map_or_else(read, |asset| Ok(Some(*asset)))
    }
}

fn balanced(what: &str, sums: Sums) -> Result<(), StoreError> {
    if sums.credits == sums.debits {
        return Ok(());
    }
    Err(wrong(format!("{what} have credits of {} and debits of {}", sums.credits, sums.debits)))
}

fn wrong(detail: String) -> StoreError {
    StoreError::Books { detail }
}
