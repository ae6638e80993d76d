//! `jirani completions`: scripts that complete commands and options.

use std::io::{self, Write};

use clap::{Command, ValueEnum};
use clap_complete::Shell;

use super::{Failure, output::written};

/// The supported shells.
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
///
/// # Errors
/// The output can't be written.
pub(crate) fn print(shell: CompletedShell, mut command: Command) -> Result<(), Failure> {
    let shell = match shell {
        CompletedShell::Bash => Shell::Bash,
        CompletedShell::Zsh => Shell::Zsh,
        CompletedShell::Fish => Shell::Fish,
    };
    let name = command.get_name().to_owned();
    // clap panics where an output can't be written, so the script is made in memory.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    let mut out = io::stdout().lock();
    written(out.write_all(&script).and_then(|()| out.flush()))
}
