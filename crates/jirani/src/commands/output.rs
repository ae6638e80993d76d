//! Output of commands.
//!
//! A reader that closes the pipe early, as `head` does, causes no failure, and the command goes on.
//! Any other failed write is a failure, since the output, such as a new token, exists nowhere else.

use std::{
    fmt::Display,
    io::{self, ErrorKind, Write},
};

use super::Failure;

/// Prints a line.
///
/// # Errors
/// The line can't be written for another reason than a closed pipe.
pub(crate) fn say(line: impl Display) -> Result<(), Failure> {
    written(writeln!(io::stdout().lock(), "{line}"))
}

/// Returns the outcome of a write to the standard output.
///
/// # Errors
/// The write failed for another reason than a closed pipe.
pub(crate) fn written(outcome: io::Result<()>) -> Result<(), Failure> {
    match outcome {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::Refused(format!("the output can't be written: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Prints a message to the standard error, and ignores a failure to do so.
pub(crate) fn complain(message: impl Display) {
    let _ = writeln!(io::stderr().lock(), "jirani: {message}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_who_has_enough_is_no_failure_and_a_full_disk_is() {
        assert!(written(Err(ErrorKind::BrokenPipe.into())).is_ok());
        let full = written(Err(ErrorKind::StorageFull.into())).unwrap_err();
        assert!(full.to_string().contains("can't be written"), "{full}");
    }
}
