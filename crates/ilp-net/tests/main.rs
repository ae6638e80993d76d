//! Tests of what a URL means, and of what no text may do.

mod answers;
mod hosts;
mod properties;
mod refusals;
mod uses;
