//! The admin API: what an operator can do with a node, and the HTTP surface on which it is done.
//!
//! Two layers. [`operator`] is what can be done and knows neither GraphQL nor HTTP. Above it lies
//! the GraphQL schema, whose names are those of Rafiki's admin API, and [`router`] with the
//! authentication. Beside them, [`Webhooks`] tells the operator's own systems what happened. No
//! packet ever comes through here.
//!
//! This is the only crate that names GraphQL.

mod accept;
mod auth;
mod auto_peering;
mod canonical_json;
mod http;
mod metrics;
pub mod operator;
mod schema;
mod webhook;

pub use auth::{Auth, SignInRefused, SignatureRules, Visitor, sign};
pub use auto_peering::auto_peering_router;
pub use http::{ClientAddress, OnRecognized, Sockets, recognized, router};
pub use metrics::{MetricsFormat, metrics_route};
pub use schema::sdl;
pub use webhook::{Backoff, WebhookRequest, WebhookRules, WebhookTransport, Webhooks};
