//! The idempotency keys of the requests that run.

use std::collections::HashMap;

use parking_lot::Mutex;

/// A key that is taken.
pub(crate) struct Taken {
    pub(crate) digest: [u8; 32],
    /// Whether it stays so until the next start.
    pub(crate) is_open: bool,
}

/// The keys that are taken.
pub(crate) type Running = Mutex<HashMap<String, Taken>>;
