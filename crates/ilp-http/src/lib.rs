//! ILP over HTTP, both ways: the [`server`] takes Prepares from peers, the [`client`] sends them to the next hop.
//!
//! Beside them is what comes before a payment: [`payment_pointer`], which reads whom it goes to, and
//! [`spsp`], which asks and answers how; and [`web`], the client of every request that carries no
//! packet.
//!
//! This crate moves bytes and answers HTTP. It knows no peer, no route, no balance and no store:
//! who a token belongs to and what a packet means is asked of the [`server::PacketHandler`], and where
//! a packet goes next is told by a [`client::NextHop`]. It never reads a packet beyond its length.

mod body;
pub mod client;
pub mod endpoint;
mod packet_buffer;
pub mod payment_pointer;
pub mod port;
pub mod reach;
pub mod server;
pub mod spsp;
pub mod tls;
pub mod web;

pub use client::{Client, ClientOptions, NextHop, NoReply, SendError};
pub use endpoint::{Endpoint, EndpointError};
pub use payment_pointer::{ReceiverError, ReceiverUrl};
pub use server::{Limits, NotAPrepare, PacketHandler, Server, ServerStats, Worker};
