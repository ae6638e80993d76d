//! ILP over HTTP, both ways: the [`server`] takes Prepares from peers, the [`client`] sends them to the next hop.
//!
//! The crate also has the requests that come before a payment: [`spsp`] asks for a receiver's
//! details and answers such queries. [`web`] is the client of every request that carries no packet.
//!
//! This crate moves bytes and answers HTTP. It knows no peer, no route, no balance and no store: a
//! [`server::PacketHandler`] says whose token it is and what a packet means, and a
//! [`client::NextHop`] says where a packet goes next. The crate never reads a packet beyond its
//! length.

mod body;
pub mod client;
mod packet_buffer;
pub mod port;
pub mod server;
pub mod spsp;
pub mod tls;
pub mod web;

pub use client::{Client, ClientOptions, EndpointError, NextHop, NoReply, SendError};
pub use server::{Limits, NotAPrepare, PacketHandler, Server, ServerStats, Worker};
