//! The way of a transfer to the disk: the queue, the writer thread that empties it, and the tasks that
//! wait until their transfers are durable.

pub(crate) mod durable;
pub(crate) mod durable_books;
mod gather;
pub(crate) mod lane;
pub(crate) mod log_run;
pub(crate) mod queue;
pub(crate) mod signal;
mod waiting;
pub(crate) mod writer;
