//! `jirani ledger`: the books of a stopped node, read from its data folder.

use std::{
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand, ValueEnum};
use ilp_store::{ExportAccount, ExportFormat, Report, Store, StoreError};
use serde_json::json;
use uuid::Uuid;

use super::{
    Failure,
    output::{say, written},
};
use crate::cli::ConfigArgs;

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  jirani ledger verify --data-dir /var/lib/jirani")]
pub(crate) enum LedgerCommand {
    /// Replay the journal and compare every balance with the stored one
    ///
    /// Ends with 0 when the books add up, with 1 when all of them were read and they don't, or a
    /// check could not be made, and with 74 when the store or part of the journal can't be read: a
    /// file is missing, damaged or in use.
    #[command(after_help = "Example:\n  jirani ledger verify --data-dir /var/lib/jirani")]
    Verify {
        #[command(flatten)]
        store: StoreArgs,
        /// Print JSON for programs in place of text for people
        #[arg(long)]
        json: bool,
    },
    /// Write every transfer to the standard output
    #[command(after_help = "Example:\n  jirani ledger export --format csv > transfers.csv")]
    Export {
        #[command(flatten)]
        store: StoreArgs,
        /// The format of the output
        #[arg(long, value_enum, default_value_t = Format::Csv)]
        format: Format,
        /// Only transfers of the peer, asset or other owner with this id, or of an asset's
        /// ID:settlement; an unknown id is refused
        #[arg(long, value_name = "ID")]
        account: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    /// The node's data folder; else data_dir of the configuration
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    Csv,
    Json,
}

impl LedgerCommand {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Verify { store, json } => verify(&store.dir()?, json),
            Self::Export { store, format, account } => {
                export(&store.dir()?, format, account.as_deref())
            }
        }
    }
}

impl StoreArgs {
    fn dir(self) -> Result<PathBuf, Failure> {
        match self.data_dir {
            Some(dir) => Ok(dir),
            None => Ok(self.config.load()?.node.data_dir),
        }
    }
}

/// Adds up the books of a folder, and says what was found.
pub(super) fn verify(dir: &Path, json: bool) -> Result<(), Failure> {
    let report = ilp_store::verify(dir).map_err(failure)?;
    let Report {
        transfers,
        accounts,
        first_sequence,
        last_sequence,
        faults,
        unchecked,
        is_cut_short,
    } = &report;
    if json {
        let report = json!({
            "transfers": transfers,
            "accounts": accounts,
            "firstSequence": first_sequence,
            "lastSequence": last_sequence,
            "faults": faults,
            "unchecked": unchecked,
            "cutShort": is_cut_short,
        });
        say(format_args!("{report:#}"))?;
    } else {
        say(format_args!(
            "read {transfers} transfers (entries {first_sequence} to {last_sequence} of the log) on {accounts} accounts"
        ))?;
        for fault in faults {
            say(format_args!("fault: {fault}"))?;
        }
        for check in unchecked {
            say(format_args!("not checked: {check}"))?;
        }
        if faults.is_empty() && unchecked.is_empty() {
            say("the books add up")?;
        }
    }
    ending(&report)
}

/// Returns the command's result: refused for books that were read and are wrong or could not be
/// checked, and a failure of the store where they can't be read in full.
fn ending(report: &Report) -> Result<(), Failure> {
    let found = match report.faults.len() {
        0 if report.unchecked.is_empty() => return Ok(()),
        0 => {
            return Err(Failure::Refused(
                "no fault was found, and not everything could be checked: compare with a backup"
                    .to_owned(),
            ));
        }
        1 => "a fault".to_owned(),
        many => format!("{many} faults"),
    };
    let advice = "don't run the node on them; restore a backup and keep this folder for study";
    Err(if report.is_cut_short {
        Failure::Store(format!("the books have {found}, and part of them can't be read: {advice}"))
    } else {
        Failure::Refused(format!("the books have {found}: {advice}"))
    })
}

fn export(dir: &Path, format: Format, account: Option<&str>) -> Result<(), Failure> {
    let account = account.map(|name| account_named(dir, name)).transpose()?;
    let format = match format {
        Format::Csv => ExportFormat::Csv,
        Format::Json => ExportFormat::Json,
    };
    let mut out = BufWriter::new(Watched { to: io::stdout().lock(), failed: None });
    let exported = ilp_store::export(dir, &mut out, format, account);
    let flushed = out.flush();
    // The store reports a failed write of the output as its own error.
    match out.get_mut().failed.take() {
        Some(kind) => written(Err(kind.into())),
        None => exported.map_err(failure).and_then(|_| written(flushed)),
    }
}

/// A writer that keeps its first error.
struct Watched<W> {
    to: W,
    failed: Option<io::ErrorKind>,
}

impl<W: Write> Write for Watched<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write(bytes).inspect_err(|error| self.failed = Some(error.kind()))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush().inspect_err(|error| self.failed = Some(error.kind()))
    }
}

/// Returns the account of this name, which the store or the journal must have.
fn account_named(dir: &Path, name: &str) -> Result<ExportAccount, Failure> {
    let unknown = || {
        Failure::Refused(format!(
            "{name} names no account of this node: the id of a peer or asset is expected, or \
             ID:settlement for an asset's; jirani peer list and jirani asset list show them"
        ))
    };
    let (id, is_settlement) = match name.strip_suffix(":settlement") {
        Some(asset) => (asset, true),
        None => (name, false),
    };
    let id: Uuid = id.parse().map_err(|_| unknown())?;
    let account =
        if is_settlement { ExportAccount::SettlementOf(id) } else { ExportAccount::Of(id) };
    if has_owner(dir, id, is_settlement).map_err(failure)? {
        return Ok(account);
    }
    // The journal has movements of owners whose records the store no longer has.
    let moved = ilp_store::export(dir, &mut io::sink(), ExportFormat::Csv, Some(account));
    if moved.map_err(failure)? > 0 { Ok(account) } else { Err(unknown()) }
}

/// Returns whether a peer or an asset of this id exists or existed.
fn has_owner(dir: &Path, id: Uuid, is_settlement: bool) -> Result<bool, StoreError> {
    let store = Store::open_existing(dir)?;
    Ok(store.asset(id)?.is_some()
        || store.deleted_asset(id)?.is_some()
        || !is_settlement && (store.peer(id)?.is_some() || store.deleted_peer(id)?.is_some()))
}

/// Returns the failure, with advice for a store that is in use.
fn failure(error: StoreError) -> Failure {
    match error {
        StoreError::InUse { .. } => Failure::Store(format!(
            "{error}. The books of a running node are read from a copy: jirani backup DIR, then \
             this command with --data-dir DIR"
        )),
        error => Failure::Store(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_and_what_cannot_be_read_end_differently() {
        let code_of = |faults: &[&str], unchecked: &[&str], is_cut_short| {
            let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
            let (faults, unchecked) = (own(faults), own(unchecked));
            let report = Report { faults, unchecked, is_cut_short, ..Report::default() };
            ending(&report).err().map(|failure| failure.exit_code())
        };
        let code = |faults, is_cut_short| code_of(faults, &[], is_cut_short);
        assert_eq!(code(&[], false), None);
        assert_eq!(code_of(&[], &["the sums by asset"], false), Some(1));
        assert_eq!(code_of(&["a segment is missing"], &["the sums by asset"], true), Some(74));
        assert_eq!(code(&["the sums differ"], false), Some(1));
        assert_eq!(code(&["a segment is missing", "the sums differ"], true), Some(74));
    }
}
