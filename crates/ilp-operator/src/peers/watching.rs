//! Watching peers: their links, and a sample of the packets that pass.

pub(crate) mod changed_links;
pub(crate) mod links;
pub(crate) mod lookers;
pub(crate) mod packets;
