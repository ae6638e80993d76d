//! `jirani ledger`: the books of a node that is stopped, read from its folder.

use std::{
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand, ValueEnum};
use ilp_connector::account::AccountId;
use ilp_store::{ExportFormat, Report, Store, StoreError};
use serde_json::json;
use uuid::Uuid;

use super::Failure;
use crate::cli::load_config;

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  jirani ledger verify --data-dir /var/lib/jirani")]
pub(crate) enum LedgerCommand {
    /// Add the journal up again and compare every balance with it
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
        /// In which form
        #[arg(long, value_enum, default_value_t = Format::Csv)]
        format: Format,
        /// Only transfers of the peer or asset with this id, or of an asset's ID:settlement
        #[arg(long, value_name = "ID")]
        account: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    /// The node's folder; else data_dir of the configuration
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Configuration file; else ./jirani.toml, else /etc/jirani/jirani.toml, else the defaults
    #[arg(long, value_name = "FILE", env = "JIRANI_CONFIG")]
    config: Option<PathBuf>,
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
            None => Ok(load_config(self.config.as_deref())?.data_dir),
        }
    }
}

#[expect(clippy::print_stdout, reason = "a command's output")]
fn verify(dir: &Path, json: bool) -> Result<(), Failure> {
    let report = ilp_store::verify(dir).map_err(failure)?;
    let Report { transfers, accounts, first_sequence, last_sequence, faults } = &report;
    if json {
        let report = json!({
            "transfers": transfers,
            "accounts": accounts,
            "firstSequence": first_sequence,
            "lastSequence": last_sequence,
            "faults": faults,
        });
        println!("{report:#}");
    } else {
        println!(
            "read {transfers} transfers ({first_sequence} to {last_sequence}) on {accounts} accounts"
        );
        for fault in faults {
            println!("fault: {fault}");
        }
    }
    if faults.is_empty() {
        if !json {
            println!("the books add up");
        }
        return Ok(());
    }
    Err(Failure::Refused(format!(
        "the books have {} faults: don't run the node on them; restore a backup and keep this folder \
         for study",
        faults.len()
    )))
}

fn export(dir: &Path, format: Format, account: Option<&str>) -> Result<(), Failure> {
    let account = account.map(|name| account_named(dir, name)).transpose()?;
    let format = match format {
        Format::Csv => ExportFormat::Csv,
        Format::Json => ExportFormat::Json,
    };
    let mut out = BufWriter::new(io::stdout().lock());
    ilp_store::export(dir, &mut out, format, account).map_err(failure)?;
    out.flush().map_err(|error| Failure::Refused(format!("the output can't be written: {error}")))
}

/// The account that an id means. A peer's and an asset's are named by their owners' ids, and the
/// store knows which of the two an id is.
fn account_named(dir: &Path, name: &str) -> Result<AccountId, Failure> {
    let unknown = || {
        Failure::Refused(format!(
            "{name} names no account: the id of a peer or asset is expected, or ID:settlement"
        ))
    };
    let (id, is_settlement) = match name.strip_suffix(":settlement") {
        Some(asset) => (asset, true),
        None => (name, false),
    };
    let id: Uuid = id.parse().map_err(|_| unknown())?;
    if is_settlement {
        return Ok(AccountId::settlement(id));
    }
    let store = Store::open_existing(dir).map_err(failure)?;
    let is_asset = store.asset(id).map_err(failure)?.is_some()
        || store.deleted_asset(id).map_err(failure)?.is_some();
    Ok(if is_asset { AccountId::asset(id) } else { AccountId::peer(id) })
}

/// A store in use says who uses it, and here is what to do then.
fn failure(error: StoreError) -> Failure {
    match error {
        StoreError::InUse { .. } => Failure::Store(format!(
            "{error}. The books of a running node are read from a copy: jirani backup DIR, then \
             this command with --data-dir DIR"
        )),
        error => Failure::Store(error.to_string()),
    }
}
