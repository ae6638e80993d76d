//! A future that can be kept in a trait object.

use std::{future::Future, pin::Pin};

/// A future that can be kept in a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
