//! Tests of what a URL means, and of what no text may do.

mod hosts;
