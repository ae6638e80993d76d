//! The connection behind a request, as the server of a port describes it.

use std::{fmt, net::SocketAddr, sync::Arc};

/// The address at the other end of a connection. The server of a router adds it to each request.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(pub SocketAddr);

/// A callback for a connection on which the operator was recognized, so that the server of a router
/// can keep a place for it. The server adds it to each request.
#[derive(Clone)]
pub struct OnRecognized(pub Arc<dyn Fn() + Send + Sync>);

impl OnRecognized {
    /// Tells the server of the port that the operator is behind a request.
    pub fn call(&self) {
        (self.0)();
    }
}

impl fmt::Debug for OnRecognized {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OnRecognized(..)")
    }
}
