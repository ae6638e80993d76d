//! Writes the kept journal out for other programs, one line for each movement.

use std::{fmt::Write as _, io, path::Path};

use ilp_connector::{
    account::{AccountId, AccountKind},
    ledger::TransferKind,
};

use uuid::Uuid;

use crate::{
    directory::lock,
    error::StoreError,
    journal::{
        JournalError, LogEntry, check_chain,
        posted::{Posted, Step},
        scan_until,
    },
    ledger::DurableLedger,
    log::log_files::LogFiles,
    store::check_exists,
};

/// The form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// A line of column names, then a line for each movement (RFC 4180).
    Csv,
    /// An array of objects with the same names.
    Json,
}

/// Whose movements an export has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportAccount {
    /// Those of a peer, an asset, or whatever else of this id has an account. Ids are UUIDs, so at
    /// most one of them does.
    Of(Uuid),
    /// Those of the settlement account of the asset of this id.
    SettlementOf(Uuid),
}

impl ExportAccount {
    fn is(self, account: AccountId) -> bool {
        match self {
            Self::Of(owner) => account.owner == owner && account.kind != AccountKind::Settlement,
            Self::SettlementOf(asset) => account == AccountId::settlement(asset),
        }
    }
}

const COLUMNS: [&str; 12] = [
    "sequence",
    "time_ms",
    "id",
    "kind",
    "step",
    "debit_kind",
    "debit_id",
    "credit_kind",
    "credit_id",
    "amount",
    "leg",
    "expires_at_ms",
];

/// Exports the journal of a stopped node, whose store is in `dir`. As [`DurableLedger::export`].
///
/// # Errors
/// When there is no store, or it is in use, is damaged, or `to` can't be written.
pub fn export(
    dir: &Path,
    to: &mut dyn io::Write,
    format: ExportFormat,
    account: Option<ExportAccount>,
) -> Result<u64, StoreError> {
    check_exists(dir)?;
    let _lock = lock(dir)?;
    run(dir, u64::MAX, &mut Export { to, format, account, lines: 0 })
}

impl DurableLedger {
    /// Writes every kept movement, or those of one account, in the journal's order, and returns how
    /// many. Takes as much memory as one segment, however long the journal is. Call it on a thread
    /// of its own.
    ///
    /// # Errors
    /// When the journal is damaged or can't be read, or `to` can't be written.
    pub fn export(
        &self,
        to: &mut dyn io::Write,
        format: ExportFormat,
        account: Option<ExportAccount>,
    ) -> Result<u64, StoreError> {
        // No segment is removed meanwhile.
        let _turn = self.store.inner.turn.lock();
        let sequence = self.books.lock().state.sequence;
        run(self.store.path(), sequence, &mut Export { to, format, account, lines: 0 })
    }
}

fn run(dir: &Path, last_sequence: u64, export: &mut Export<'_>) -> Result<u64, StoreError> {
    export.begin().map_err(StoreError::write)?;
    let log = LogFiles::look(dir)?;
    if let Some((place, journal)) = log.oldest_place()?.zip(log.journal) {
        check_chain(&log.directory, &log.segments, place.segment, journal)?;
        scan_until(&log.directory, journal, place, last_sequence, |scanned| {
            let whole = scanned.page.entries(|_, entry, _| match entry {
                LogEntry::Transfer(posted, _) => {
                    export.movements(posted).map_err(StoreError::write)
                }
                LogEntry::Record(_) => Ok(()),
            })?;
            if whole {
                return Ok(());
            }
            let sequence = scanned.page.first_sequence;
            let detail = "its page can't be understood".to_owned();
            Err(JournalError::CheckpointWrong { sequence, detail }.into())
        })?;
    }
    export.end().map_err(StoreError::write)?;
    Ok(export.lines)
}

struct Export<'a> {
    to: &'a mut dyn io::Write,
    format: ExportFormat,
    account: Option<ExportAccount>,
    lines: u64,
}

impl Export<'_> {
    fn begin(&mut self) -> io::Result<()> {
        match self.format {
            ExportFormat::Csv => write!(self.to, "{}\r\n", COLUMNS.join(",")),
            ExportFormat::Json => write!(self.to, "["),
        }
    }

    fn end(&mut self) -> io::Result<()> {
        match self.format {
            ExportFormat::Csv => self.to.flush(),
            ExportFormat::Json => self.to.write_all(b"\n]\n").and_then(|()| self.to.flush()),
        }
    }

    fn movements(&mut self, posted: &Posted) -> io::Result<()> {
        // The close of an account moves nothing.
        if posted.step == Step::Close {
            return Ok(());
        }
        for (leg, entry) in posted.entries().enumerate() {
            if self
                .account
                .is_some_and(|account| !account.is(entry.debit) && !account.is(entry.credit))
            {
                continue;
            }
            // Nothing in here needs quotes in either form: names of our own, ids and numbers.
            let values = [
                posted.sequence.to_string(),
                posted.created_at_ms.unwrap_or(0).to_string(),
                posted.id.to_string(),
                kind_name(posted.kind).to_owned(),
                step_name(posted.step).to_owned(),
                account_name(entry.debit.kind).to_owned(),
                entry.debit.owner.to_string(),
                account_name(entry.credit.kind).to_owned(),
                entry.credit.owner.to_string(),
                entry.amount.to_string(),
                (leg + 1).to_string(),
                posted.expires_at_ms.map_or_else(String::new, |time| time.to_string()),
            ];
            self.line(&values)?;
            self.lines += 1;
        }
        Ok(())
    }

    fn line(&mut self, values: &[String]) -> io::Result<()> {
        if self.format == ExportFormat::Csv {
            return write!(self.to, "{}\r\n", values.join(","));
        }
        let mut object = String::new();
        for (name, value) in COLUMNS.iter().zip(values) {
            if value.is_empty() {
                continue;
            }
            let comma = if object.is_empty() { "" } else { "," };
            // Amounts and times are text, since many readers of JSON round numbers above 2^53.
            write!(object, "{comma}\"{name}\":\"{value}\"").map_err(io::Error::other)?;
        }
        let comma = if self.lines == 0 { "" } else { "," };
        write!(self.to, "{comma}\n{{{object}}}")
    }
}

fn kind_name(kind: TransferKind) -> &'static str {
    match kind {
        TransferKind::Packet => "packet",
        TransferKind::Deposit => "deposit",
        TransferKind::Withdrawal => "withdrawal",
    }
}

fn step_name(step: Step) -> &'static str {
    match step {
        Step::Move => "move",
        Step::Begin => "begin",
        Step::Post => "post",
        Step::Void => "void",
        Step::Expire => "expire",
        Step::Close => "close",
    }
}

fn account_name(kind: AccountKind) -> &'static str {
    match kind {
        AccountKind::PeerLiquidity => "peer",
        AccountKind::AssetLiquidity => "asset",
        AccountKind::Settlement => "settlement",
        AccountKind::WalletAddress => "wallet_address",
        AccountKind::IncomingPayment => "incoming_payment",
        AccountKind::OutgoingPayment => "outgoing_payment",
        AccountKind::ClosedIncomingPayments => "closed_incoming_payments",
        AccountKind::ClosedOutgoingPayments => "closed_outgoing_payments",
    }
}
