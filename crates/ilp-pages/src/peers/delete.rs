//! Deletion of a peer, which asks for the peer's address to be typed.

use std::sync::Arc;

use axum::extract::{Path, State};
use ilp_operator::{PeerView, Recorded};
use maud::html;

use super::detail;
use crate::{
    Pages,
    answer::{Answer, see_other},
    fields::Fields,
    form::{Errors, Typed},
    visit::{Submitted, Visit},
};

pub(super) async fn delete(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    Submitted { visit, fields }: Submitted,
) -> Answer {
    let peer = pages.operator.peers().get(&id).await?;
    match deleting(&pages, &visit, &peer, &fields).await {
        Ok(_) => Ok(see_other("/peers?done=deleted")),
        Err(errors) => {
            detail::showing(&pages, &visit, &id, Typed { fields, errors }, &html! {}).await
        }
    }
}

async fn deleting(
    pages: &Pages,
    visit: &Visit,
    peer: &PeerView,
    fields: &Fields,
) -> Result<String, Errors> {
    let (id, address) = (peer.record.id.to_string(), peer.record.terms.address.as_str());
    if fields.get("confirm") != address {
        return Err(Errors::one("confirm", format!("type {address} to delete it")));
    }
    let work = |operator: Recorded| async move { operator.peers().delete(&id).await.map(|()| id) };
    Ok(pages.change(visit, "deletePeer", work).await?)
}
