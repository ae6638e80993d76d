//! A terminal with a person at it, for commands that ask.

use std::{
    fs::File,
    io::{Read, Write},
    process::{Child, Command},
    sync::Arc,
    thread::{self, JoinHandle},
};

use parking_lot::Mutex;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::wait_for;

/// A command on a terminal of its own. Killed when dropped.
pub(crate) struct Terminal {
    process: Child,
    keyboard: File,
    screen: Arc<Mutex<String>>,
    reading: Option<JoinHandle<()>>,
    /// The length of the screen's text that was read before.
    seen: usize,
}

impl Terminal {
    pub(crate) fn start(command: &mut Command) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let pty = openpt(flags).unwrap();
        grantpt(&pty).unwrap();
        unlockpt(&pty).unwrap();
        let path = ptsname(&pty, Vec::new()).unwrap().into_string().unwrap();
        let side = || File::options().read(true).write(true).open(&path).unwrap();
        let process = command.stdin(side()).stdout(side()).stderr(side()).spawn().unwrap();
        // A command keeps its files until it is dropped or gets others, and a terminal ends only
        // when no process has it open.
        command.stdin(File::open("/dev/null").unwrap());
        command.stdout(File::open("/dev/null").unwrap());
        command.stderr(File::open("/dev/null").unwrap());
        let keyboard = File::from(pty);
        let (mut output, screen) = (keyboard.try_clone().unwrap(), Arc::<Mutex<String>>::default());
        let shown = Arc::clone(&screen);
        let reading = thread::spawn(move || {
            let mut some = [0; 1024];
            // An error says that the command has ended.
            while let Ok(length @ 1..) = output.read(&mut some) {
                shown.lock().push_str(&String::from_utf8_lossy(&some[..length]));
            }
        });
        Self { process, keyboard, screen, reading: Some(reading), seen: 0 }
    }

    /// Waits for a question with these words, and types an answer.
    pub(crate) fn answer(&mut self, question: &str, answer: &str) {
        let seen = self.seen;
        self.seen += wait_for(question, || {
            let screen = self.screen.lock();
            let at = screen[seen..].find(question)?;
            // A question ends with a colon and a blank.
            screen[seen + at..].ends_with(": ").then_some(screen.len() - seen)
        });
        writeln!(self.keyboard, "{answer}").unwrap();
    }

    /// Waits for the end, and returns all that was shown, and the exit code.
    pub(crate) fn end(mut self) -> (String, Option<i32>) {
        let status = wait_for("the command's end", || self.process.try_wait().unwrap());
        self.reading.take().unwrap().join().unwrap();
        (self.screen.lock().replace("\r\n", "\n"), status.code())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
