//! The command line: the commands, and their exit codes.

#[cfg(test)]
mod fields;

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::{
    commands::{self, Failure, output::complain},
    config::{Config, environment},
    made_once::AddressChange,
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

/// The options of `jirani run`.
#[derive(Debug, Args)]
struct RunArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Confirm that the books in the data folder continue under another ILP address than before;
    /// asked for once
    #[arg(long)]
    new_ilp_address: bool,
}

impl RunArgs {
    fn run(&self) -> Result<(), Failure> {
        let config = self.config.load()?;
        // A node that asks a parent for its address takes any address that the parent gives.
        let is_confirmed = self.new_ilp_address || config.ildcp.parent_peer.is_some();
        let change = if is_confirmed { AddressChange::Confirmed } else { AddressChange::Refused };
        run::run(config, change)
    }
}

/// The option that names the configuration file.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ConfigArgs {
    /// Configuration file; else JIRANI_CONFIG, else ./jirani.toml, else /etc/jirani/jirani.toml,
    /// else the defaults
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl ConfigArgs {
    /// Returns whether the option names a file.
    pub(crate) fn is_named(&self) -> bool {
        self.config.is_some()
    }

    /// Loads the configuration that a node would run with here.
    pub(crate) fn load(&self) -> Result<Config, Failure> {
        let path = self.config.clone().or_else(|| Some(variable("JIRANI_CONFIG")?.into()));
        Ok(Config::load(path.as_deref(), &environment(std::env::vars_os())?)?)
    }
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
        jirani demo --once     ends after the payment\n  jirani demo --cluster  kills a node, and the database")]
    Demo(commands::demo::DemoArgs),
    /// The assets that the node keeps accounts in
    #[command(subcommand)]
    Asset(commands::asset::AssetCommand),
    /// The nodes that this one exchanges packets with
    #[command(subcommand)]
    Peer(commands::peer::PeerCommand),
    /// The nodes that asked to become peers and wait for approval
    #[command(subcommand)]
    Peering(commands::peering::PeeringCommand),
    /// Deposits and withdrawals of a peer's liquidity, and of the node's own stock
    #[command(subcommand)]
    Liquidity(commands::liquidity::LiquidityCommand),
    /// Check that the node of this configuration is healthy; ends with 0 if it is
    #[command(after_help = "Example:\n  jirani health --config /etc/jirani/jirani.toml")]
    Health(commands::health::HealthArgs),
    /// The books of a stopped node
    #[command(subcommand)]
    Ledger(commands::ledger::LedgerCommand),
    /// Copy the store while the node runs
    #[command(after_help = "Example:\n  jirani backup /var/backups/jirani/monday")]
    Backup(commands::backup::BackupArgs),
    /// Several nodes with one set of books in PostgreSQL
    #[command(subcommand)]
    Cluster(commands::cluster::ClusterCommand),
    /// The exchange rates at which packets are converted
    #[command(subcommand)]
    Rate(commands::rate::RateCommand),
    /// The operator's charges on payments
    #[command(subcommand)]
    Fee(commands::fee::FeeCommand),
    /// The addresses at which people are paid
    #[command(subcommand)]
    Wallet(commands::wallet::WalletCommand),
    /// Make a payment: quotes it, asks for confirmation, and shows its progress and result
    #[command(after_help = "Examples:\n  jirani pay '$wallet.example.com/bob' \
        --from '$wallet.mine.com/alice' --send 12.50\n  \
        jirani pay https://wallet.example.com/bob --from '$wallet.mine.com/alice' \
        --deliver 10 --yes --json\n\n\
        Without --send and --deliver, what the receiver asks for is paid.")]
    Pay(commands::pay::PayArgs),
    /// The events that are sent to the operator's own systems
    #[command(subcommand)]
    Events(commands::events::EventsCommand),
    /// Send your own query to the admin API, signed where the node has a secret
    #[command(
        after_help = "Examples:\n  jirani graphql query.graphql --variables '{\"id\": \"...\"}'\n  \
        echo '{ whoami { id } }' | jirani graphql"
    )]
    Graphql(commands::graphql::GraphqlArgs),
    /// Write the script that completes commands and options in a shell
    #[command(after_help = "Examples:\n  jirani completions bash > \
        ~/.local/share/bash-completion/completions/jirani\n  \
        jirani completions zsh > ~/.zfunc/_jirani\n  \
        jirani completions fish > ~/.config/fish/completions/jirani.fish")]
    Completions { shell: commands::completions::CompletedShell },
    /// Test whether packets reach an address, in what time, and which node answers
    #[command(after_help = "Examples:\n  jirani ping g.othergreatwallet\n  \
        jirani ping g.othergreatwallet --asset EUR")]
    Ping(commands::ping::PingArgs),
}

/// Reads the command line and runs the command.
pub(crate) fn run() -> Result<(), Failure> {
    // clap itself prints help, version and usage errors, and exits with 0 or 2.
    let matches = Cli::command().get_matches();
    warn_of_secrets(&matches);
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    // In front of another command the option would be ignored, and that command would ask another
    // node.
    if cli.run.config.is_named() && !matches!(cli.command, None | Some(Command::Run(_))) {
        let why = "--config stands behind the command, as in: jirani peer list --config FILE";
        return Err(Failure::Usage(why.to_owned()));
    }
    match cli.command {
        None => cli.run.run(),
        Some(Command::Run(args)) => RunArgs {
            config: ConfigArgs { config: args.config.config.or(cli.run.config.config) },
            new_ilp_address: args.new_ilp_address || cli.run.new_ilp_address,
        }
        .run(),
        Some(Command::Health(args)) => args.run(),
        Some(Command::Init { dir }) => commands::init::init(&dir),
        Some(Command::Demo(args)) => args.run(),
        Some(Command::Asset(command)) => command.run(),
        Some(Command::Peer(command)) => command.run(),
        Some(Command::Peering(command)) => command.run(),
        Some(Command::Liquidity(command)) => command.run(),
        Some(Command::Ledger(command)) => command.run(),
        Some(Command::Cluster(command)) => command.run(),
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

/// Options whose value is a secret, by their names in clap, each with its safe alternative.
const SECRETS: &[(&str, &str)] = &[
    ("secret", "--secret-file or JIRANI_ADMIN_SECRET"),
    ("token", "--token-file"),
    ("incoming_token", "--incoming-token-file"),
    ("incoming_tokens", "--incoming-token-file"),
    ("outgoing_token", "--outgoing-token-file"),
];

/// Warns of secrets on the command line: other users of the machine can read them there, and shells
/// keep them.
fn warn_of_secrets(matches: &ArgMatches) {
    for (id, instead) in SECRETS {
        if matches.ids().any(|given| given == id) {
            let option = id.trim_end_matches('s').replace('_', "-");
            complain(format_args!(
                "warning: --{option} is on the command line, where other users of this machine can \
                 read it: use {instead}"
            ));
        }
    }
    if let Some((_, matches)) = matches.subcommand() {
        warn_of_secrets(matches);
    }
}

/// Returns the value of an environment variable that is set and not empty. Deployment files pass on
/// unset variables as empty ones.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

impl Failure {
    /// Prints the error with its causes, and returns the exit code for its kind.
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
