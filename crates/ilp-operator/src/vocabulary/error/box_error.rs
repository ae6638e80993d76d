//! Causes whose type this crate can't name, such as those of the network.

use std::error::Error;

/// An error from the part of the daemon that an operation asks through a trait.
pub type BoxError = Box<dyn Error + Send + Sync>;
