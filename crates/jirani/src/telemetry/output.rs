//! The output of the log's lines: a standard error that can't be written neither ends, fails nor
//! delays anything.
//!
//! Its reader may have gone, its disk may be full, and a reader that only stopped reading would
//! block each thread that logs. So a line that can't be written is lost and counted.

use std::{
    fmt,
    io::{self, Write},
    os::fd::AsFd,
};

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// The bytes that a pipe takes without blocking whenever it is writable (POSIX asks for 512, Linux
/// has 4,096).
const CHUNK_BYTES: usize = 512;

/// The time that a line waits for a slow reader, once: later lines don't wait until a line has been
/// written.
const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
const NONE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// A writer of lines to `W`, which drops lines that can't be written and never fails.
pub(super) struct Output<W> {
    state: Mutex<State<W>>,
}

struct State<W> {
    to: W,
    /// The number of lines lost since the start.
    lost: u64,
    /// Whether the reader took nothing at the last line.
    is_stuck: bool,
    /// Whether the last write left a part of a line.
    is_cut: bool,
}

impl<W: Write + AsFd> Output<W> {
    /// Makes an output to `to`.
    pub(super) fn new(to: W) -> Self {
        let state = State { to, lost: 0, is_stuck: false, is_cut: false };
        Self { state: Mutex::new(state) }
    }

    /// Returns how many lines could not be written since the start.
    pub(super) fn lost(&self) -> u64 {
        self.state.lock().lost
    }
}

/// Each call of [`Write::write`] is one line, which is how the log's formatter writes.
impl<W: Write + AsFd> Write for &Output<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.state.lock().write(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write + AsFd> State<W> {
    fn write(&mut self, line: &[u8]) {
        // A line that was cut off ends here, so that this line is whole.
        let is_separate = !self.is_cut || self.put(b"\n");
        if is_separate && self.put(line) {
            return;
        }
        self.lost += 1;
    }

    fn put(&mut self, bytes: &[u8]) -> bool {
        for chunk in bytes.chunks(CHUNK_BYTES) {
            if !self.has_room() || self.to.write_all(chunk).is_err() {
                return false;
            }
            self.is_cut = !chunk.ends_with(b"\n");
        }
        true
    }

    /// Returns whether a write would not block. If polling fails, the write is tried and shows the
    /// failure.
    fn has_room(&mut self) -> bool {
        let patience = if self.is_stuck { NONE } else { PATIENCE };
        let ready = poll(&mut [PollFd::new(&self.to, PollFlags::OUT)], Some(&patience));
        self.is_stuck = matches!(ready, Ok(0));
        !self.is_stuck
    }
}

impl<W> fmt::Debug for Output<W> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Output").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        io::{BufRead, BufReader, pipe},
    };

    use super::*;

    #[test]
    fn a_reader_who_has_gone_and_a_full_disk_fail_no_line() {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let gone = Output::new(writer);
        (&gone).write_all(b"a line\n").unwrap();
        let full = Output::new(File::options().write(true).open("/dev/full").unwrap());
        for _ in 0..3 {
            (&full).write_all(b"a line\n").unwrap();
        }
        assert_eq!((gone.lost(), full.lost()), (1, 3));
    }

    #[test]
    fn a_reader_who_pauses_blocks_nobody_and_gets_whole_lines_afterwards() {
        let (reader, writer) = pipe().unwrap();
        let output = Output::new(writer);
        // The line is longer than any pipe holds, so a blocking write would wait forever for a
        // reader.
        let line = format!("{}\n", "x".repeat(999));
        let written = (0..2_000).find(|_| {
            (&output).write_all(line.as_bytes()).unwrap();
            output.lost() > 3
        });
        assert!(written.is_some(), "a pipe of 2 MB");
        let (lost, written) = (output.lost(), written.unwrap_or_default() as u64 + 1);
        let mut lines = BufReader::new(reader).lines();
        for _ in 0..written - lost {
            assert_eq!(lines.next().unwrap().unwrap().len(), 999);
        }
        (&output).write_all(b"heard again\n").unwrap();
        drop(output);
        let rest: Vec<_> = lines.map(Result::unwrap).collect();
        // The part that was cut off is a line of its own.
        assert!(rest.len() <= 2 && rest.last().unwrap() == "heard again", "{rest:?}");
    }
}
