//! The duties of every change: its record, its one answer, its events.

mod audit;
mod done_once;
mod events;
mod first_answer;
mod idempotency;
mod restart;
