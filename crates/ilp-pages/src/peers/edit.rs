//! Changing what was agreed with a peer, and its limits.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use ilp_admin::operator::PeerView;
use maud::html;
use serde_json::json;

use super::terms::{self, Terms};
use crate::{
    Pages,
    answer::{failed, see_other, status},
    form::{Errors, Label, Typed},
    layout::{Section, form_token, show_as},
    visit::{Submitted, Visit},
};

pub(super) async fn ask(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    visit: Visit,
) -> Response {
    match pages.operator.peer(&id).await {
        Ok(peer) => {
            let typed = Typed::fresh(terms::fields_of(&peer));
            asking(StatusCode::OK, &visit, &peer, &typed)
        }
        Err(error) => failed(&error),
    }
}

pub(super) async fn edit(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    Submitted { visit, fields }: Submitted,
) -> Response {
    let peer = match pages.operator.peer(&id).await {
        Ok(peer) => peer,
        Err(error) => return failed(&error),
    };
    let mut errors = Errors::default();
    let terms = Terms::read(&pages.operator, &fields, peer.asset.record.scale, &mut errors);
    if !errors.is_empty() {
        return asking(StatusCode::BAD_REQUEST, &visit, &peer, &Typed { fields, errors });
    }
    let edit = terms.edit(&peer);
    let detail = json!({ "id": id, "staticIlpAddress": edit.static_ilp_address });
    let operator = pages.operator.clone();
    let work = async move { operator.update_peer(edit).await };
    let made = pages
        .change(&visit, "updatePeer", &detail, work, |made| Some(made.record.id.to_string()))
        .await;
    match made {
        Ok(_) => see_other(&format!("/peers/{id}?done=changed")),
        Err(error) => {
            let errors = Errors::of(&error, &terms::WORDS);
            asking(status(error.kind()), &visit, &peer, &Typed { fields, errors })
        }
    }
}

fn asking(status: StatusCode, visit: &Visit, peer: &PeerView, typed: &Typed) -> Response {
    let id = peer.record.id;
    let asset = &peer.asset.record;
    let body = html! {
        div.head {
            h1 { "Edit " (peer.record.static_ilp_address) }
            p { "Amounts are in " (asset.code) ". What is left empty is cleared, except for the token." }
        }
        (typed.summary())
        form.card method="post" action={ "/peers/" (id) "/edit" } {
            (form_token(visit))
            (terms::agreed(typed))
            (typed.token(Label { name: "outgoing_token", label: "New token that you show it", hint: "Empty: the one that you show now stays." }))
            (terms::limits(typed))
            div.actions {
                button type="submit" { "Save" }
                a href={ "/peers/" (id) } { "Cancel" }
            }
        }
    };
    show_as(status, visit, Section::Peers, "Edit peer", &body)
}
