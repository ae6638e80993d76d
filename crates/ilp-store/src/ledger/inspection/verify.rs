//! Whether the books add up: asked of the sums before anything is forwarded on them, and of every
//! transfer when an operator wants to know.

use std::{collections::HashMap, path::Path};

use ilp_connector::account::{AccountId, AccountKind};
use uuid::Uuid;

use super::added::Added;
use crate::{
    directory::lock,
    error::StoreError,
    index::{self, Index},
    journal::{JournalError, check_chain, scan_until},
    ledger::{
        DurableLedger,
        books::{
            rows,
            state::{Row, State},
        },
    },
    log::{log_files::LogFiles, mark::Mark},
    store::{Store, check_exists},
};

/// The outcome of adding everything up again.
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
            StoreError::Journal(_) | StoreError::Snapshot(_) | StoreError::Record { .. } => true,
            _ => return Err(found),
        };
        self.faults.push(found.to_string());
        Ok(())
    }
}

/// Adds up the books of a stopped node, whose store is in `dir`. The log is only read; the index is
/// opened as by a start.
///
/// # Errors
/// When there is no store, when it is in use, or can't be read. What is wrong with the books
/// themselves is in the report.
pub fn verify(dir: &Path) -> Result<Report, StoreError> {
    check_exists(dir)?;
    let _lock = lock(dir)?;
    let answered = Mark::open(dir).map_err(StoreError::read)?.answered().sequence;
    let log = LogFiles::look(dir)?;
    let directory = dir.join(index::DIRECTORY);
    // Without an index the next start makes one, so its absence is no fault.
    let index = directory.exists().then(|| Index::open(&directory)).transpose();
    let (index, fault) = match index {
        Ok(index) => (index, None),
        Err(fault) => (None, Some(fault)),
    };
    let mut report = add_up(&log, u64::MAX, index.as_ref(), |_, _| {})?;
    if let Some(fault) = fault {
        report.unchecked.push(format!("the index, which the next start makes anew: {fault}"));
    }
    let last = report.last_sequence;
    if answered > last {
        let fault = format!("entry {answered} was answered for, the log goes up to {last}");
        report.faults.push(fault);
        report.is_cut_short = true;
    }
    Ok(report)
}

impl DurableLedger {
    /// Adds up the books of a running ledger up to what is durable now, and compares with memory.
    /// Reads the whole log, so call it on a thread of its own.
    ///
    /// # Errors
    /// When the log can't be read. What is wrong with the books is in the report.
    pub fn verify(&self) -> Result<Report, StoreError> {
        // No segment is removed and no checkpoint is written meanwhile.
        let inner = &self.store.inner;
        let _turn = inner.turn.lock();
        let (sequence, rows) = {
            let kept = self.books.lock();
            (kept.state.sequence, kept.state.rows().copied().collect::<Vec<_>>())
        };
        let mut now = State::default();
        rows.into_iter().for_each(|row| now.load(row));
        let log = LogFiles::look(&inner.path)?;
        add_up(&log, sequence, Some(&inner.keyspace.index), |state, faults| {
            if state.sequence == sequence {
                compare(state, &now, "the books in memory", faults);
                self.compare_live(&now, faults);
            }
        })
    }

    /// The live accounts are ahead of the books, never behind.
    fn compare_live(&self, books: &State, faults: &mut Vec<String>) {
        for row in books.rows().filter(|row| row.credits + row.debits > 0) {
            let live = self.account(row.account).own_part();
            if live.credits < row.credits || live.debits < row.debits {
                faults.push(format!("{:?} is behind the log in memory: {live:?}", row.account));
            }
        }
    }
}

/// Adds up the kept log from its beginning, or from the oldest snapshot on. `look` sees the books
/// after each page, and once before the first.
fn add_up(
    log: &LogFiles,
    last_sequence: u64,
    index: Option<&Index>,
    mut look: impl FnMut(&State, &mut Vec<String>),
) -> Result<Report, StoreError> {
    let mut report = Report::default();
    let position = index.and_then(Index::position);
    if log.segments.is_empty() && log.snapshots.is_empty() && position.is_none() {
        return Ok(report);
    }
    let mut added = match Added::from_base(log) {
        Ok(added) => added,
        Err(error) => {
            report.note(error)?;
            return Ok(report);
        }
    };
    let place = added.place;
    (report.first_sequence, report.last_sequence) = (place.next_sequence, place.next_sequence - 1);
    if let Err(error) = added.read_history(log) {
        report.note(error)?;
    }
    let indexed = position.as_ref().map_or(0, |position| position.place.next_sequence - 1);
    let index_books = index.map(rows::load).transpose();
    let index_books = index_books.or_else(|error| report.note(error).map(|()| None))?;
    let mut looked = |state: &State, report: &mut Report| {
        if let Some(then) = index_books.as_ref().filter(|_| state.sequence == indexed) {
            compare(state, then, "the index", &mut report.faults);
        }
        look(state, &mut report.faults);
    };
    looked(&added.state, &mut report);
    let journal = added.journal;
    let scanned =
        check_chain(&log.directory, &log.segments, place.segment, journal).and_then(|()| {
            scan_until(&log.directory, journal, place, last_sequence, |scanned| {
                report.transfers += added.page(&scanned, indexed)?;
                report.last_sequence = scanned.page.last_sequence();
                looked(&added.state, &mut report);
                Ok(())
            })
        });
    if let Err(error) = scanned {
        report.note(error)?;
    }
    let last = report.last_sequence;
    if indexed > last {
        let fault = format!("the index goes up to entry {indexed}, the log to {last}");
        report.faults.push(fault);
        report.is_cut_short = true;
    } else if let Some(index) =
        index.filter(|_| position.is_some() && indexed >= place.next_sequence - 1)
    {
        let records = added.check_records(index);
        records.map(|faults| report.faults.extend(faults)).or_else(|error| report.note(error))?;
    }
    match sum_up(&added.state, |account| Ok(added.owners.asset_of(account))) {
        Ok(unknown) => report.unchecked.extend(unknown.unchecked()),
        Err(error) => report.note(error)?,
    }
    report.accounts = u64::try_from(added.state.rows().count()).unwrap_or(u64::MAX);
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

/// The sums of all credits and debits of some accounts.
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

/// Checks the sums of a store's books when it is opened; see [`sum_up`].
///
/// # Errors
/// As [`sum_up`].
pub(crate) fn check_sums(store: &Store, state: &State) -> Result<Unknown, StoreError> {
    let peers = store.assets_of_peers()?;
    sum_up(state, |AccountId { kind, owner }| {
        if let Some(asset) = peers.get(&owner) {
            return Ok(Some(*asset));
        }
        Ok(match kind {
            AccountKind::AssetLiquidity
            | AccountKind::Settlement
            | AccountKind::ClosedIncomingPayments
            | AccountKind::ClosedOutgoingPayments => Some(owner),
            AccountKind::PeerLiquidity => store.deleted_peer(owner)?.map(|it| it.asset_id),
            AccountKind::WalletAddress => store.wallet_address(owner)?.map(|it| it.asset_id),
            AccountKind::IncomingPayment => store.incoming_payment(owner)?.map(|it| it.asset_id),
            AccountKind::OutgoingPayment => {
                store.outgoing_payment(owner)?.map(|it| it.quote.asset_id)
            }
        })
    })
}

/// Checks that no account but settlement is below zero, and that credits equal debits: over all
/// accounts, and for each asset, since both sides of a movement are of one asset. Returns the
/// accounts that prevent the check by asset, whose assets `asset_of` doesn't know.
///
/// # Errors
/// [`StoreError::Books`] names the sum that is wrong.
fn sum_up(
    state: &State,
    asset_of: impl Fn(AccountId) -> Result<Option<Uuid>, StoreError>,
) -> Result<Unknown, StoreError> {
    let too_large = || wrong("the sums are beyond 128 bits".to_owned());
    let mut total = Sums::default();
    let mut by_asset: HashMap<Uuid, Sums> = HashMap::new();
    let mut unknown = Unknown::default();
    for row in state.rows() {
        if row.is_below_zero() {
            return Err(wrong(format!("{row:?}")));
        }
        total = total.plus(row).ok_or_else(too_large)?;
        if let Some(asset) = asset_of(row.account)? {
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

fn balanced(what: &str, sums: Sums) -> Result<(), StoreError> {
    if sums.credits == sums.debits {
        return Ok(());
    }
    Err(wrong(format!("{what} have credits of {} and debits of {}", sums.credits, sums.debits)))
}

fn wrong(detail: String) -> StoreError {
    StoreError::Books { detail }
}
