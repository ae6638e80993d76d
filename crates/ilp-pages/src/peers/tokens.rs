//! Tokens that a peer shows us: the next one is added, then the old one is revoked.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use ilp_admin::operator::TokenName;
use ilp_connector::token::Secret;
use maud::html;
use serde_json::json;

use super::detail;
use crate::{
    Pages,
    answer::{failed, see_other},
    form::{Errors, Typed},
    visit::Submitted,
};

pub(super) async fn add(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    Submitted { visit, fields }: Submitted,
) -> Response {
    let given = fields.given("new_token").map(|token| Secret::new(token.to_owned()));
    let (operator, detail) = (pages.operator.clone(), json!({ "peerId": id }));
    let peer = id.clone();
    let work = async move { operator.add_peer_token(&peer, given).await };
    let added = pages
        .change(&visit, "addPeerToken", &detail, work, |added| {
            Some(added.peer.record.id.to_string())
        })
        .await;
    match added {
        Ok(added) => {
            let Some(made) = added.made else {
                return see_other(&format!("/peers/{id}?done=token"));
            };
            let notice = html! {
                div.notice.good role="status" {
                    p { strong { "A new token." } " Give it to the other operator now: it is kept as a digest, and nobody can show it again." }
                    pre #fresh-token { (made.reveal()) }
                    button.plain type="button" data-copy="fresh-token" hidden { "Copy" }
                }
            };
            detail::showing(&pages, &visit, &id, None, &notice).await
        }
        Err(error) => {
            let words =
                [("invalid incoming token", "new_token"), ("duplicate incoming", "new_token")];
            let errors = Errors::of(&error, &words);
            let typed = Typed { fields, errors };
            detail::showing(&pages, &visit, &id, Some(typed), &html! {}).await
        }
    }
}

pub(super) async fn revoke(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    Submitted { visit, fields }: Submitted,
) -> Response {
    let token_id = fields.get("token_id").to_owned();
    let (operator, peer) = (pages.operator.clone(), id.clone());
    let detail = json!({ "peerId": id, "tokenId": token_id });
    let work = async move { operator.revoke_peer_token(&peer, TokenName::Id(token_id)).await };
    let revoked = pages
        .change(&visit, "revokePeerToken", &detail, work, |peer| Some(peer.record.id.to_string()))
        .await;
    match revoked {
        Ok(_) => see_other(&format!("/peers/{id}?done=revoked")),
        Err(error) => failed(&error),
    }
}
