//! Readers of the books that change nothing: listings of transfers, verification, export and backup.

mod added;
pub(crate) mod backup;
pub(crate) mod export;
pub(crate) mod listing;
pub(crate) mod verify;
