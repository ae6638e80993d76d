//! The section of the peers: the nodes with which this one exchanges packets.

mod create;
mod delete;
mod detail;
mod edit;
mod limits;
mod list;
mod passing;
mod ping;
mod sheet;
mod terms;
mod tokens;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};

pub(crate) use self::{detail::live, list::live as live_list};
use crate::Pages;

pub(crate) fn routes() -> Router<Arc<Pages>> {
    Router::new()
        .route("/peers", get(list::show))
        .route("/peers/new", get(create::ask).post(create::create))
        .route("/peers/check", post(create::check))
        .route("/peers/{id}", get(detail::show))
        .route("/peers/{id}/edit", get(edit::ask).post(edit::edit))
        .route("/peers/{id}/sheet", get(sheet::show))
        .route("/peers/{id}/liquidity", post(detail::liquidity))
        .route("/peers/{id}/tokens", post(tokens::add))
        .route("/peers/{id}/tokens/revoke", post(tokens::revoke))
        .route("/peers/{id}/ping", post(ping::ping))
        .route("/peers/{id}/delete", post(delete::delete))
}
