//! ILP over HTTP, both ways: the [`server`] takes Prepares from peers, the [`client`] sends them to the next hop.
//!
//! This crate moves bytes and answers HTTP. It knows no peer, no route, no balance and no store:
//! who a token belongs to and what a packet means is asked of the [`server::PacketHandler`], and where
//! a packet goes next is told by a [`client::NextHop`]. It never reads a packet beyond its length.

mod body;
pub mod client;
pub mod endpoint;
pub mod server;
pub mod tls;

pub use client::{Client, ClientOptions, NextHop, NoReply, SendError};
pub use endpoint::{Endpoint, EndpointError};
pub use server::{Limits, NotAPrepare, PacketHandler, Server, ServerStats, Worker};
