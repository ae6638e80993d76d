//! Peers, their tokens and routes.

mod packets;
mod peer_liquidity;
pub(crate) mod peering;
mod routes;
mod terms;
mod tokens;
