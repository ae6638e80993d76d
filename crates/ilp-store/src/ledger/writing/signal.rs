//! How the keeper of the books is woken.

use std::time::Instant;

use parking_lot::{Condvar, Mutex};

/// The requests to the keeper.
#[derive(Default)]
pub(crate) struct Signal {
    asked: Mutex<Requests>,
    changed: Condvar,
}

#[derive(Default)]
struct Requests {
    checkpoint: bool,
    events: bool,
    ended: bool,
}

impl Signal {
    /// Asks for the events that are due, and for a checkpoint as well.
    pub(crate) fn wake(&self, checkpoint: bool) {
        let mut asked = self.asked.lock();
        asked.events = true;
        asked.checkpoint |= checkpoint;
        self.changed.notify_all();
    }

    pub(crate) fn end(&self) {
        self.asked.lock().ended = true;
        self.changed.notify_all();
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.asked.lock().ended
    }

    /// Waits until something is asked for, or it is time for a checkpoint, or for `event`s that
    /// had to wait. Says whether a checkpoint is due, which events that keep coming can't put off.
    /// `None` at the end.
    pub(crate) fn next(&self, checkpoint: Instant, event: Option<Instant>) -> Option<bool> {
        let until = event.map_or(checkpoint, |event| event.min(checkpoint));
        let mut asked = self.asked.lock();
        loop {
            if asked.ended {
                return None;
            }
            let now = Instant::now();
            if asked.checkpoint || asked.events || now >= until {
                asked.events = false;
                return Some(std::mem::take(&mut asked.checkpoint) || now >= checkpoint);
            }
            self.changed.wait_until(&mut asked, until);
        }
    }
}
