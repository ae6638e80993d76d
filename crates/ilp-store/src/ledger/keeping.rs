//! What keeps the log short and the index up to date: a background thread that writes checkpoints and
//! snapshots and removes old segments.

mod checkpoint;
pub(crate) mod keeper;
mod retention;
