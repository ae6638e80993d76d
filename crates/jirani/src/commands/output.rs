//! What commands print.
//!
//! Whoever reads may have enough before the end, as `head` does: that is no failure, and what the
//! command does goes on. An output that can't be written is one, since what stood there, such as a
//! token, is nowhere else.

use std::{
    fmt::Display,
    io::{self, ErrorKind, Write},
};

use super::Failure;

/// Prints a line.
///
/// # Errors
/// When it can't be written, for any other reason than that nobody reads any more.
pub(crate) fn say(line: impl Display) -> Result<(), Failure> {
    written(writeln!(io::stdout().lock(), "{line}"))
}

/// How a write to the standard output went.
///
/// # Errors
/// When it failed for any other reason than that nobody reads any more.
pub(crate) fn written(outcome: io::Result<()>) -> Result<(), Failure> {
    match outcome {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::Refused(format!("the output can't be written: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Complains, if anybody hears it.
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
