//! Requests and answers of the admin API, checked against its `schema.graphql` while this crate is
//! built: a field that the schema doesn't have, or has in another type, does not compile, and neither
//! does an input that leaves out one of the schema's fields.
//!
//! A request is a value that implements [`Request`], such as [`asset::CreateAssetInput`]. The crate
//! sends nothing: the caller sends [`Request::body`] and reads what comes back with [`read`].

#![allow(
    missing_debug_implementations,
    missing_docs,
    unreachable_pub,
    reason = "types and fields are those of schema.graphql, which describes them; the rest is derived"
)]

mod api_error;
mod operation;
mod scalars;

pub mod asset;
pub mod liquidity;
pub mod node;
pub mod payment;
pub mod peer;
pub mod peering;
pub mod rate;
pub mod wallet;

pub use api_error::{ApiError, Code, Extensions, Reason};
pub use cynic::GraphQlError;
pub use operation::{Page, PageInfo, ReadError, Request, read};
pub use scalars::{Id, JsonObject, Patch, UInt64};

#[cynic::schema("admin")]
#[allow(clippy::all, reason = "generated from schema.graphql")]
mod schema {}
