//! `jirani cluster`: several nodes with one set of books in PostgreSQL.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use ilp_store::LogFolder;
use ilp_store_postgres::{BookState, Cluster, ClusterError, DatabaseUrl};
use serde_json::json;
use tokio::runtime;

use super::{Failure, output::say};
use crate::{
    cli::ConfigArgs,
    cluster::{cluster, failure},
    config::Config,
    run::no_runtime,
};

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  jirani cluster status")]
pub(crate) enum ClusterCommand {
    /// Make the tables of a new cluster in an empty database
    #[command(after_help = "Examples:\n  jirani cluster init postgres://jirani@db1,db2/jirani\n  \
        jirani cluster init --from /var/lib/jirani    takes the books of a stopped node along")]
    Init {
        /// URL of the database; else cluster.url of the configuration, which keeps a password off the
        /// command line
        url: Option<String>,
        #[command(flatten)]
        config: ConfigArgs,
        /// The data folder of a stopped node, whose books become the cluster's
        #[arg(long, value_name = "DIR")]
        from: Option<PathBuf>,
    },
    /// Show which node has the books, and whether they are safe
    #[command(after_help = "Example:\n  jirani cluster status --json")]
    Status {
        #[command(flatten)]
        database: DatabaseArgs,
        /// Print JSON for programs in place of text for people
        #[arg(long)]
        json: bool,
    },
    /// Copy the books into a folder of their own, which belongs to no cluster
    ///
    /// Without --keep the cluster is closed first: no node takes its books any more, and a node goes on
    /// with the copy alone.
    #[command(after_help = "Examples:\n  jirani cluster export --keep /var/backups/books\n  \
        jirani cluster export /var/lib/jirani    ends the cluster")]
    Export {
        /// An empty folder
        dir: PathBuf,
        #[command(flatten)]
        database: DatabaseArgs,
        /// Leave the cluster as it is
        #[arg(long)]
        keep: bool,
    },
    /// Add up all of the books in the database, as jirani ledger verify does with a folder
    #[command(after_help = "Example:\n  jirani cluster verify")]
    Verify {
        #[command(flatten)]
        database: DatabaseArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DatabaseArgs {
    /// URL of the database; else cluster.url of the configuration, which keeps a password off the
    /// command line
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    #[command(flatten)]
    config: ConfigArgs,
}

impl DatabaseArgs {
    fn cluster(self) -> Result<Cluster, Failure> {
        cluster_at(self.url, &self.config)
    }
}

fn cluster_at(url: Option<String>, config: &ConfigArgs) -> Result<Cluster, Failure> {
    let config = config.load()?;
    let url = match url {
        Some(text) => DatabaseUrl::parse(&text).map_err(failure)?,
        None => config.cluster.url.clone().ok_or_else(|| {
            let why = "name the database: a URL, JIRANI_CLUSTER_URL or cluster.url";
            Failure::Usage(why.to_owned())
        })?,
    };
    cluster(url, &config)
}

impl ClusterCommand {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Init { url, config, from } => init(&cluster_at(url, &config)?, from.as_deref()),
            Self::Status { database, json } => status(&database.cluster()?, json),
            Self::Export { dir, database, keep } => export(&database.cluster()?, &dir, keep),
            Self::Verify { database } => verify(&database.cluster()?),
        }
    }
}

fn wait<T>(future: impl Future<Output = Result<T, ClusterError>>) -> Result<T, Failure> {
    let runtime =
        runtime::Builder::new_current_thread().enable_all().build().map_err(no_runtime)?;
    runtime.block_on(future).map_err(failure)
}

/// Makes a cluster in the database of a URL, with the configuration's defaults.
pub(super) fn init_at(url: &str) -> Result<(), Failure> {
    let config = Config::load(Some(Path::new("/dev/null")), &HashMap::new())?;
    let url = DatabaseUrl::parse(url).map_err(failure)?;
    wait(cluster(url, &config)?.init(None)).map(|_| ())
}

fn init(cluster: &Cluster, from: Option<&Path>) -> Result<(), Failure> {
    let folder = from.map(|dir| {
        if !dir.is_dir() {
            let why =
                format!("{} is no folder; name the data folder of a stopped node", dir.display());
            return Err(Failure::Refused(why));
        }
        LogFolder::open(dir).map_err(|error| Failure::Store(error.to_string()))
    });
    let folder = folder.transpose()?;
    let id = wait(cluster.init(folder.as_ref()))?;
    say(format_args!("made cluster {id}"))?;
    if let Some(dir) = from {
        say(format_args!(
            "its books are those of {}, which belongs to the cluster from here on",
            dir.display()
        ))?;
    }
    say("start the nodes with JIRANI_CLUSTER_URL, each with a data folder of its own")
}

fn status(cluster: &Cluster, json: bool) -> Result<(), Failure> {
    let state = wait(cluster.state())?;
    let BookState { epoch, holder, name, silent, last_number, is_synchronous, is_closed } = state;
    let silent_ms = u64::try_from(silent.as_millis()).unwrap_or(u64::MAX);
    if json {
        let shown = json!({
            "epoch": epoch,
            "holder": holder,
            "name": name,
            "silentMs": silent_ms,
            "lastPage": last_number,
            "synchronous": is_synchronous,
            "closed": is_closed,
        });
        return say(format_args!("{shown:#}"));
    }
    match (holder, name) {
        (Some(_), Some(name)) => say(format_args!(
            "{name} has the books (epoch {epoch}), last heard of {silent_ms} ms ago"
        ))?,
        _ => say(format_args!("no node has the books (epoch {epoch}): start one"))?,
    }
    say(format_args!("{last_number} pages in the database"))?;
    if is_closed {
        say("the cluster is closed: its books were exported")?;
    }
    if is_synchronous {
        say("a page counts once a synchronous standby has it")
    } else {
        say("PostgreSQL names no synchronous standby: a page is on one disk alone. Set \
             synchronous_standby_names; until then nothing is acknowledged, unless cluster.sync is accepted")
    }
}

fn export(cluster: &Cluster, dir: &Path, keep: bool) -> Result<(), Failure> {
    wait(cluster.export(dir, keep))?;
    let report = ilp_store::verify(dir).map_err(|error| Failure::Store(error.to_string()))?;
    if let Some(fault) = report.faults.first() {
        return Err(Failure::Store(format!("the copy isn't whole: {fault}")));
    }
    say(format_args!(
        "copied {} transfers to {}; the books add up",
        report.transfers,
        dir.display()
    ))
}

fn verify(cluster: &Cluster) -> Result<(), Failure> {
    let no_folder = |error: std::io::Error| {
        Failure::Refused(format!("a folder for the copy can't be made: {error}; set TMPDIR"))
    };
    let copy = tempfile::Builder::new().prefix("jirani-verify").tempdir().map_err(no_folder)?;
    wait(cluster.export(copy.path(), true))?;
    super::ledger::verify(copy.path(), false)
}
