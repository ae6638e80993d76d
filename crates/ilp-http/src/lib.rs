//! ILP over HTTP, both ways: the [`server`] takes Prepares from peers, the [`client`] sends them to the next hop.
//!
//! The crate also has the requests that come before a payment: [`payment_pointer`] reads the
//! receiver's URL, and [`spsp`] asks for the receiver's details and answers such queries. [`web`]
//! is the client of every request that carries no packet.
//!
//! This crate moves bytes and answers HTTP. It knows no peer, no route, no balance and no store: a
//! [`server::PacketHandler`] says whose token it is and what a packet means, and a
//! [`client::NextHop`] says where a packet goes next. The crate never reads a packet beyond its
//! length.

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
