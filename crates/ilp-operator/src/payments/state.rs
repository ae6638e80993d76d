//! The operator's state of wallets in memory: payees, payments that run, and the part that pays.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore, watch};
use uuid::Uuid;

use crate::payments::{
    ended::accounts::EndedPayments,
    incoming::recipients::Recipients,
    paying::{Paying, Progress},
};

/// How many quotes may be asked for at once: each may wait for a receiver far away.
const QUOTES_AT_ONCE_MAX: usize = 64;

/// The state of wallets in memory.
pub(crate) struct Wallets {
    pub(crate) recipients: Recipients,
    /// Set once, when the part that pays is there.
    pub(crate) paying: OnceLock<Arc<dyn Paying>>,
    running: Mutex<HashMap<Uuid, Running>>,
    /// Wakes the task that waits for the next incoming payment to expire: there is a new one.
    pub(crate) incoming_payment_made: Notify,
    pub(crate) quoting: Semaphore,
    pub(crate) ended: EndedPayments,
}

/// A payment that is being sent.
struct Running {
    /// Of several numbers at once only the last is kept, so a slow reader costs nothing.
    progress: watch::Sender<Progress>,
    /// How many packets were fulfilled before it was handed over; `None` where that isn't known.
    packets_before: Option<u64>,
    /// The time at which the payment's progress was last written to the store.
    noted_at: Option<Instant>,
}

impl Default for Wallets {
    fn default() -> Self {
        Self {
            recipients: Recipients::default(),
            paying: OnceLock::new(),
            running: Mutex::default(),
            incoming_payment_made: Notify::new(),
            quoting: Semaphore::new(QUOTES_AT_ONCE_MAX),
            ended: EndedPayments::default(),
        }
    }
}

impl Wallets {
    /// Notes that a payment is being sent. False when it was already.
    pub(crate) fn begin(&self, id: Uuid) -> bool {
        let mut running = self.running.lock();
        if running.contains_key(&id) {
            return false;
        }
        let progress = watch::Sender::new(Progress::default());
        running.insert(id, Running { progress, packets_before: None, noted_at: None });
        true
    }

    /// Notes how far a payment had come when it is handed over.
    pub(crate) fn go_on(&self, id: Uuid, so_far: Progress, packets_before: Option<u64>) {
        if let Some(payment) = self.running.lock().get_mut(&id) {
            payment.packets_before = packets_before;
            let packets = packets_before.unwrap_or(0);
            payment.progress.send_replace(Progress { packets, ..so_far });
        }
    }

    /// Sends the progress to the watchers, with the packets of all attempts. Returns true when the
    /// store should get it too, since its last note is at least `pause` old; without a pause it
    /// never should.
    pub(crate) fn tell(&self, id: Uuid, progress: Progress, pause: Option<Duration>) -> bool {
        let mut running = self.running.lock();
        let Some(payment) = running.get_mut(&id) else { return false };
        let packets = payment.packets_before.unwrap_or(0).saturating_add(progress.packets);
        payment.progress.send_replace(Progress { packets, ..progress });
        let is_over = |pause| payment.noted_at.is_none_or(|noted_at| noted_at.elapsed() >= pause);
        let is_due = pause.is_some_and(is_over);
        if is_due {
            payment.noted_at = Some(Instant::now());
        }
        is_due
    }

    /// Follows a payment that is being sent. The sender is gone once it has ended.
    pub(crate) fn watch(&self, id: Uuid) -> Option<watch::Receiver<Progress>> {
        self.running.lock().get(&id).map(|payment| payment.progress.subscribe())
    }

    /// Returns how far a payment that is being sent has come, and how many packets that took over
    /// all attempts, where it is known.
    pub(crate) fn progress(&self, id: Uuid) -> Option<(Progress, Option<u64>)> {
        let running = self.running.lock();
        let payment = running.get(&id)?;
        let progress = *payment.progress.borrow();
        Some((progress, payment.packets_before.map(|_| progress.packets)))
    }

    /// Returns how many packets a payment has taken over all attempts, when it has taken so many
    /// since it was handed over; `None` where that isn't known.
    pub(crate) fn packets(&self, id: Uuid, since: u64) -> Option<u64> {
        Some(self.running.lock().get(&id)?.packets_before?.saturating_add(since))
    }

    /// Notes that a payment has ended.
    pub(crate) fn end(&self, id: Uuid) {
        self.running.lock().remove(&id);
    }
}
