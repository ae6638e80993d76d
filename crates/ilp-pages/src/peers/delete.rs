//! Deleting a peer, once its address has been typed.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use maud::html;
use serde_json::json;

use super::detail;
use crate::{
    Pages,
    answer::{failed, see_other},
    form::{Errors, Typed},
    visit::Submitted,
};

pub(super) async fn delete(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    Submitted { visit, fields }: Submitted,
) -> Response {
    let peer = match pages.operator.peer(&id).await {
        Ok(peer) => peer,
        Err(error) => return failed(&error),
    };
    let address = &peer.record.static_ilp_address;
    if fields.get("confirm") != address {
        let mut errors = Errors::default();
        errors.add("confirm", format!("type {address} to delete it"));
        let typed = Typed { fields, errors };
        return detail::showing(&pages, &visit, &id, Some(typed), &html! {}).await;
    }
    let (operator, detail) = (pages.operator.clone(), json!({ "id": id }));
    let work = async move { operator.delete_peer(&id).await.map(|()| id) };
    match pages.change(&visit, "deletePeer", &detail, work, |id| Some(id.clone())).await {
        Ok(_) => see_other("/peers"),
        Err(error) => failed(&error),
    }
}
