//! The command line: what there is, and how a command ends.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};

use crate::{
    commands::{self, Failure},
    config::Config,
    run,
};

/// An Interledger connector in one process.
#[derive(Debug, Parser)]
#[command(
    name = "jirani",
    version,
    after_help = "Example:\n  jirani init && jirani     writes ./jirani.toml and runs the node"
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Debug, Args)]
struct RunArgs {
    /// Configuration file; else ./jirani.toml, else /etc/jirani/jirani.toml, else the defaults
    #[arg(long, value_name = "FILE", env = "JIRANI_CONFIG")]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the node until it is told to stop (the default)
    #[command(after_help = "Example:\n  jirani run --config /etc/jirani/jirani.toml")]
    Run(RunArgs),
    /// Write a commented configuration with fresh secrets; never overwrites
    #[command(after_help = "Example:\n  jirani init ./alice")]
    Init {
        /// Folder for jirani.toml
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
    /// What the node counts in
    #[command(subcommand)]
    Asset(commands::asset::AssetCommand),
    /// The nodes this one exchanges packets with
    #[command(subcommand)]
    Peer(commands::peer::PeerCommand),
    /// Money that comes in from outside and goes out again
    #[command(subcommand)]
    Liquidity(commands::liquidity::LiquidityCommand),
    /// The books of a node that is stopped
    #[command(subcommand)]
    Ledger(commands::ledger::LedgerCommand),
    /// Copy the store while the node runs
    #[command(after_help = "Example:\n  jirani backup /var/backups/jirani/monday")]
    Backup(commands::backup::BackupArgs),
    /// Ask whether there is a path to an address, how long it takes, and who answered
    #[command(after_help = "Example:\n  jirani ping g.othergreatwallet")]
    Ping(commands::ping::PingArgs),
}

/// Reads the command line and does what it says.
pub(crate) fn run() -> Result<(), Failure> {
    // clap itself prints help, version and usage errors, and ends with 0 or 2.
    let cli = Cli::parse();
    match cli.command {
        None => run_node(cli.run.config.as_deref()),
        Some(Command::Run(args)) => run_node(args.config.or(cli.run.config).as_deref()),
        Some(Command::Init { dir }) => commands::init::init(&dir),
        Some(Command::Asset(command)) => command.run(),
        Some(Command::Peer(command)) => command.run(),
        Some(Command::Liquidity(command)) => command.run(),
        Some(Command::Ledger(command)) => command.run(),
        Some(Command::Backup(args)) => args.run(),
        Some(Command::Ping(args)) => args.run(),
    }
}

fn run_node(config: Option<&Path>) -> Result<(), Failure> {
    run::run(load_config(config)?)
}

/// The configuration that a node would run with here.
pub(crate) fn load_config(path: Option<&Path>) -> Result<Config, Failure> {
    // Variables that are no text can't be ours.
    let environment: HashMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    Ok(Config::load(path, &environment)?)
}

impl Failure {
    /// Prints what went wrong and why, and gives the exit code that says which kind it was.
    #[expect(clippy::print_stderr, reason = "this is how a command tells what went wrong")]
    pub(crate) fn report(&self) -> ExitCode {
        let mut message = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            message.push_str(&format!(": {error}"));
            cause = error.source();
        }
        eprintln!("jirani: {message}");
        ExitCode::from(self.exit_code())
    }
}
