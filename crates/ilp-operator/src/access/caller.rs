//! Who asks for an operation, and how the caller is known.

use std::net::SocketAddr;

/// The way in which a caller is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum CallerKind {
    /// By the machine that the request comes from, where there is no secret.
    Loopback,
    /// By the secret, shown as a bearer token.
    Bearer,
    /// By a signature made with the secret.
    Signature,
    /// By the browser in which the secret was shown.
    Session,
    /// Another node, by nothing but what it says.
    Peer,
    /// Not at all.
    Nobody,
}

impl CallerKind {
    /// Returns whether the caller has proved that it knows the node's secret.
    #[must_use]
    pub fn has_shown_secret(self) -> bool {
        match self {
            Self::Bearer | Self::Signature | Self::Session => true,
            Self::Loopback | Self::Peer | Self::Nobody => false,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        self.into()
    }
}

/// Who does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// How it is known.
    pub kind: CallerKind,
    /// Where from, where that is known.
    pub address: Option<SocketAddr>,
}
