//! Wakers in the order of the transfers that they wait for.

use std::{collections::BTreeMap, task::Waker};

use parking_lot::{MappedMutexGuard, Mutex, MutexGuard};

/// Wakers of those who wait for transfers to be durable.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<State>);

#[derive(Default)]
struct State {
    waiters: Waiters,
    /// Once nobody wakes those who wait here any more.
    closed: bool,
}

/// The wakers themselves.
#[derive(Default)]
pub(crate) struct Waiters {
    /// By sequence, then ticket: two may wait for one transfer, where an operator has sent it
    /// twice. At most one per permit and per operator's call, so it doesn't grow without bound.
    wakers: BTreeMap<(u64, u64), Waker>,
    last_ticket: u64,
}

impl Waiters {
    /// Keeps the waker of the one with this ticket, or of a new one, and returns its ticket.
    pub(crate) fn put(&mut self, sequence: u64, ticket: Option<u64>, waker: &Waker) -> u64 {
        let ticket = ticket.unwrap_or_else(|| {
            self.last_ticket += 1;
            self.last_ticket
        });
        // The task may have changed since the last poll; the last waker is the one that counts.
        self.wakers
            .entry((sequence, ticket))
            .and_modify(|known| known.clone_from(waker))
            .or_insert_with(|| waker.clone());
        ticket
    }
}

impl Waiting {
    /// The wakers, unless nobody wakes them any more.
    pub(crate) fn lock(&self) -> Option<MappedMutexGuard<'_, Waiters>> {
        let state = self.0.lock();
        (!state.closed).then(|| MutexGuard::map(state, |state| &mut state.waiters))
    }

    pub(crate) fn remove(&self, sequence: u64, ticket: u64) {
        // Dropped outside the lock: the last waker of a task drops the task.
        let _waker = self.0.lock().waiters.wakers.remove(&(sequence, ticket));
    }

    /// Whether somebody waits for a transfer up to `sequence`.
    pub(crate) fn waits_up_to(&self, sequence: u64) -> bool {
        let state = self.0.lock();
        let first = state.waiters.wakers.first_key_value();
        first.is_some_and(|((wanted, _), _)| *wanted <= sequence)
    }

    /// Wakes all who wait for a transfer up to `sequence`.
    pub(crate) fn wake_up_to(&self, sequence: u64) {
        let due = {
            let wakers = &mut self.0.lock().waiters.wakers;
            let later = sequence
                .checked_add(1)
                .map_or_else(BTreeMap::new, |next| wakers.split_off(&(next, 0)));
            std::mem::replace(wakers, later)
        };
        // Waking runs code of the runtime, which may poll at once and want the lock.
        due.into_values().for_each(Waker::wake);
    }

    /// Sends everybody elsewhere: who is woken finds nobody here, and waits among the strays.
    pub(crate) fn close(&self) {
        self.0.lock().closed = true;
        self.wake_up_to(u64::MAX);
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().waiters.wakers.is_empty()
    }
}
