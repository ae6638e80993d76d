//! The command line: what there is, and how a command ends.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::{
    commands::{self, Failure, output::complain},
    config::{Config, environment},
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
    /// Three nodes on this machine, and a payment across two currencies between them
    #[command(after_help = "Examples:\n  jirani demo            runs on for a look around\n  \
        jirani demo --once     ends after the payment")]
    Demo(commands::demo::DemoArgs),
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
    /// At what rate packets change from one asset to another
    #[command(subcommand)]
    Rate(commands::rate::RateCommand),
    /// What the node keeps of payments
    #[command(subcommand)]
    Fee(commands::fee::FeeCommand),
    /// The addresses that people are paid at
    #[command(subcommand)]
    Wallet(commands::wallet::WalletCommand),
    /// Pay somebody: tells what it costs, asks, and shows the payment to its exact end
    #[command(after_help = "Examples:\n  jirani pay '$wallet.example.com/bob' \
        --from '$wallet.mine.com/alice' --send 12.50\n  \
        jirani pay https://wallet.example.com/bob --from '$wallet.mine.com/alice' \
        --deliver 10 --yes --json\n\n\
        Without --send and --deliver, what the receiver asks for is paid.")]
    Pay(commands::pay::PayArgs),
    /// What the operator's own systems are told
    #[command(subcommand)]
    Events(commands::events::EventsCommand),
    /// Send a query of your own to the admin API, signed where the node has a secret
    #[command(
        after_help = "Examples:\n  jirani graphql query.graphql --variables '{\"id\": \"...\"}'\n  \
        echo '{ whoami { id } }' | jirani graphql"
    )]
    Graphql(commands::graphql::GraphqlArgs),
    /// Write the script by which a shell completes commands and options
    #[command(after_help = "Examples:\n  jirani completions bash > \
        ~/.local/share/bash-completion/completions/jirani\n  \
        jirani completions zsh > ~/.zfunc/_jirani\n  \
        jirani completions fish > ~/.config/fish/completions/jirani.fish")]
    Completions { shell: commands::completions::CompletedShell },
    /// Ask whether there is a path to an address, how long it takes, and who answered
    #[command(after_help = "Examples:\n  jirani ping g.othergreatwallet\n  \
        jirani ping g.othergreatwallet --asset EUR")]
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
        Some(Command::Demo(args)) => args.run(),
        Some(Command::Asset(command)) => command.run(),
        Some(Command::Peer(command)) => command.run(),
        Some(Command::Liquidity(command)) => command.run(),
        Some(Command::Ledger(command)) => command.run(),
        Some(Command::Rate(command)) => command.run(),
        Some(Command::Fee(command)) => command.run(),
        Some(Command::Wallet(command)) => command.run(),
        Some(Command::Events(command)) => command.run(),
        Some(Command::Pay(args)) => args.run(),
        Some(Command::Graphql(args)) => args.run(),
        Some(Command::Completions { shell }) => commands::completions::print(shell, Cli::command()),
        Some(Command::Backup(args)) => args.run(),
        Some(Command::Ping(args)) => args.run(),
    }
}

fn run_node(config: Option<&Path>) -> Result<(), Failure> {
    run::run(load_config(config)?)
}

/// The configuration that a node would run with here.
pub(crate) fn load_config(path: Option<&Path>) -> Result<Config, Failure> {
    Ok(Config::load(path, &environment(std::env::vars_os())?)?)
}

impl Failure {
    /// Prints what went wrong and why, and gives the exit code that says which kind it was.
    pub(crate) fn report(&self) -> ExitCode {
        let mut message = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            message.push_str(&format!(": {error}"));
            cause = error.source();
        }
        complain(message);
        ExitCode::from(self.exit_code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        fn check(command: &clap::Command) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Example"), "{}", command.get_name());
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }

    #[test]
    fn usage_is_checked_before_anything_is_asked() {
        for (line, is_right) in [
            ("asset update USD --liquidity-threshold none", true),
            ("asset update USD", false),
            ("fee set USD --percent 1.5", true),
            ("fee set USD --fixed 0.10 --type receiving", true),
            ("fee set USD", false),
            ("rate set USD EUR 0.92", true),
            ("rate set USD EUR", false),
            ("wallet add $a.example/bob --asset USD --name Bob", true),
            ("wallet add $a.example/bob", false),
            ("peer update g.bob --route g.x --route g.y --name none", true),
            ("peer add", true),
            ("pay $a.example/bob --from $b.example/alice --send 12.50 --yes", true),
            ("pay $a.example/bob --from $b.example/alice", true),
            ("pay $a.example/bob --from x --send 1 --deliver 1", false),
            ("pay $a.example/bob --from x --send 1 --receiver-asset EUR:2", false),
            ("pay $a.example/bob --send 1", false),
            ("events list --limit 101", false),
            ("completions tcsh", false),
        ] {
            let words = std::iter::once("jirani").chain(line.split(' '));
            assert_eq!(Cli::try_parse_from(words).is_ok(), is_right, "{line}");
        }
    }
}
