//! The admin API: GraphQL over the operations of [`ilp_operator`], and the HTTP surface on which it
//! is served.
//!
//! The schema's names are those of Rafiki's admin API. [`router`] reads requests and their
//! credentials; [`auto_peering_router`] is the port at which other nodes ask to become peers. No
//! packet ever comes through here.
//!
//! This is the only crate that names GraphQL.

mod accept;
mod auth;
mod auto_peering;
mod http;
mod metrics;
mod schema;

pub use auto_peering::auto_peering_router;
pub use http::{Sockets, router};
pub use metrics::{MetricsFormat, metrics_route};
pub use schema::sdl;
