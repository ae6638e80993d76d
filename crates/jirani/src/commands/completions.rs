//! `jirani completions`: what a shell needs to complete commands and options.

use std::io;

use clap::{Command, ValueEnum};
use clap_complete::Shell;

/// The shells that are spoken to.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum CompletedShell {
    /// Into a file that bash reads at start
    Bash,
    /// Into a file _jirani in a folder of $fpath
    Zsh,
    /// Into ~/.config/fish/completions/jirani.fish
    Fish,
}

/// Writes the script for a shell to the standard output.
pub(crate) fn print(shell: CompletedShell, mut command: Command) {
    let shell = match shell {
        CompletedShell::Bash => Shell::Bash,
        CompletedShell::Zsh => Shell::Zsh,
        CompletedShell::Fish => Shell::Fish,
    };
    let name = command.get_name().to_owned();
    clap_complete::generate(shell, &mut command, name, &mut io::stdout());
}
