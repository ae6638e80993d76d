//! The first failure of a write, after which nothing more is written.

use std::{fmt::Display, sync::OnceLock};

use parking_lot::Mutex;

use crate::error::StoreError;

/// Called with the reason of a failure, by the thread that meets it and under any lock: it may only
/// pass the word on.
pub(crate) type Hook = Box<dyn FnOnce(&str) + Send>;

/// Whether a write has failed, and why. After a failed sync the kernel may drop the pages and call
/// the next sync a success, so a second try would prove nothing.
#[derive(Default)]
pub(crate) struct FailStop {
    reason: OnceLock<String>,
    /// Called by the first failure.
    hook: Mutex<Option<Hook>>,
}

impl FailStop {
    /// Checks that nothing has failed so far.
    ///
    /// # Errors
    /// With the reason of the first failure.
    pub(crate) fn usable(&self) -> Result<(), StoreError> {
        self.failure().map_or(Ok(()), |reason| Err(StoreError::write(reason)))
    }

    /// Returns the reason of the first failure, if there was one. One atomic load.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.reason.get().map(String::as_str)
    }

    /// Notes a failure; the first one counts.
    pub(crate) fn fail(&self, cause: &dyn Display) -> StoreError {
        let error = StoreError::write(self.reason.get_or_init(|| cause.to_string()));
        self.run_hook();
        error
    }

    /// Sets what the first failure calls, or removes it. A failure that came before calls it here.
    pub(crate) fn set_hook(&self, hook: Option<Hook>) {
        // The one before is dropped without the lock: what it owns may end in a call to here.
        let before = std::mem::replace(&mut *self.hook.lock(), hook);
        drop(before);
        self.run_hook();
    }

    /// Runs the hook if something has failed. A failure between a `set_hook` and this call finds
    /// the hook itself; the thread that takes it out runs it.
    fn run_hook(&self) {
        let Some(reason) = self.failure() else { return };
        let hook = self.hook.lock().take();
        if let Some(hook) = hook {
            hook(reason);
        }
    }
}

/// Returns the message of a panic.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned()
}
