//! The form that changes a peer's terms and limits.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use ilp_operator::{PeerEdit, PeerView, Recorded};
use maud::html;

use super::terms;
use crate::{
    Pages,
    answer::{Answer, see_other},
    fields::Fields,
    form::{Errors, Label, Typed},
    layout::{Section, form_token, show_as},
    visit::{Submitted, Visit},
};

pub(super) async fn ask(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    visit: Visit,
) -> Answer {
    let peer = pages.operator.peers().get(&id).await?;
    Ok(asking(&visit, &peer, &Typed::fresh(terms::fields_of(&peer))))
}

pub(super) async fn edit(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    Submitted { visit, fields }: Submitted,
) -> Answer {
    let peer = pages.operator.peers().get(&id).await?;
    Ok(match editing(&pages, &visit, &peer, &fields).await {
        Ok(_) => see_other(&format!("/peers/{id}?done=changed")),
        Err(errors) => {
            // The peer is read again, so that the page compares the input with the present values.
            let peer = pages.operator.peers().get(&id).await?;
            let typed = Typed { fields, errors };
            asking(&visit, &peer, &typed.against(&terms::fields_of(&peer), &terms::labels()))
        }
    })
}

async fn editing(
    pages: &Pages,
    visit: &Visit,
    peer: &PeerView,
    fields: &Fields,
) -> Result<PeerView, Errors> {
    let mut errors = Errors::default();
    let mut terms = terms::read(&pages.operator, fields, peer.asset.record.scale, &mut errors);
    let version = errors.version(fields);
    errors.into_result()?;
    // The token is not shown, so an empty field is the one that the peer is shown now.
    let token = || peer.record.terms.outgoing_token.clone();
    terms.outgoing.get_or_insert_with(|| (fields.get("endpoint").to_owned(), token()));
    let edit = PeerEdit { id: peer.record.id.to_string(), terms, version };
    let work = |operator: Recorded| async move { operator.peers().update(edit).await };
    let edited = pages.change(visit, "updatePeer", work).await;
    edited.map_err(|error| Errors::of(&error, &terms::INPUTS))
}

fn asking(visit: &Visit, peer: &PeerView, typed: &Typed) -> Response {
    let id = peer.record.id;
    let asset = &peer.asset.record;
    let body = html! {
        div.head {
            h1 { "Edit " (peer.record.terms.address.as_str()) }
            p { "Amounts are in " (asset.code) ". What is left empty is cleared, except for the token." }
        }
        (typed.summary())
        form.card method="post" action={ "/peers/" (id) "/edit" } {
            (form_token(visit))
            (typed.version())
            (terms::agreed(typed))
            (typed.token(Label { name: "outgoing_token", label: "New token that you show it", hint: "Empty: the one that you show now stays." }))
            (terms::decided(typed))
            div.actions {
                button type="submit" { "Save" }
                a href={ "/peers/" (id) } { "Cancel" }
            }
        }
    };
    show_as(typed.status(), visit, Section::Peers, "Edit peer", &body)
}
