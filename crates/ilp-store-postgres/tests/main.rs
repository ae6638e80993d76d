//! The log in PostgreSQL under faults: nodes, a primary and its synchronous standby on this machine.
//!
//! Each test counts what was acknowledged, and compares it with what another node finds.

// Panics are how tests report.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod faults;
mod model;
mod node;
#[path = "../../../tests/support/postgres.rs"]
mod postgres;
mod turns;
