//! The keeper of the log and the index: a background thread that writes checkpoints and snapshots
//! and removes old segments.

mod checkpoint;
pub(crate) mod keeper;
mod retention;
