//! Peers, their tokens and routes, and peering with other nodes.

pub(crate) mod limits;
pub(crate) mod peer;
pub(crate) mod peer_input;
pub(crate) mod peering;
pub(crate) mod route;
pub(crate) mod token;
