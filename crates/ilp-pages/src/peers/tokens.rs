//! The tokens that a peer may show to this node: the operator adds the next one, then revokes the
//! old one.

use std::{sync::Arc, time::Instant};

use axum::extract::{Path, State};
use ilp_connector::token::Secret;
use ilp_operator::{AddedToken, Field, Recorded, TokenName};
use maud::{Markup, html};

use super::detail;
use crate::{
    Pages,
    answer::{Answer, see_other},
    confirm::{self, Question},
    fields::Fields,
    form::{Errors, Typed},
    layout::Section,
    parts::{notice, plain},
    visit::{Submitted, Visit},
};

/// The notice on the page of a token that was shown before.
const GONE: &str = "The new token was shown once and can't be shown again. If it is lost, add another \
                    one below and revoke it.";

pub(super) async fn add(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    Submitted { visit, fields }: Submitted,
) -> Answer {
    match adding(&pages, &visit, &id, &fields).await {
        Ok(AddedToken { made: Some(made), .. }) => {
            let note = pages.notes.leave(&visit, &id, made, Instant::now());
            Ok(see_other(&format!("/peers/{id}?note={note}")))
        }
        Ok(_) => Ok(see_other(&format!("/peers/{id}?done=token"))),
        Err(errors) => {
            detail::showing(&pages, &visit, &id, Typed { fields, errors }, &html! {}).await
        }
    }
}

/// Shows the new token on the first request for its page, and later a notice that it was shown.
pub(super) fn fresh(pages: &Pages, visit: &Visit, id: &str) -> Option<Markup> {
    visit.query.given("note")?;
    let Some(token) = pages.notes.take(visit, id, Instant::now()) else {
        return Some(notice("warn", GONE));
    };
    Some(html! {
        div.notice.good role="status" {
            p { strong { "A new token." } " Give it to the other operator now: it is kept as a digest, and nobody can show it again." }
            pre #fresh-token { (token.reveal()) }
            button.plain type="button" data-copy="fresh-token" hidden { "Copy" }
        }
    })
}

async fn adding(
    pages: &Pages,
    visit: &Visit,
    id: &str,
    fields: &Fields,
) -> Result<AddedToken, Errors> {
    let given = fields.given("new_token").map(|token| Secret::new(token.to_owned()));
    let id = id.to_owned();
    let work = |operator: Recorded| async move { operator.peers().add_token(&id, given).await };
    let added = pages.change(visit, "addPeerToken", work).await;
    added.map_err(|error| Errors::of(&error, &[(Field::IncomingTokens, "new_token")]))
}

pub(super) async fn revoke(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    Submitted { visit, fields }: Submitted,
) -> Answer {
    let (peer, token_id) = (id.clone(), fields.get("token_id").to_owned());
    if !confirm::is_confirmed(&fields) {
        let title = format!("Revoke the token {}?", plain(&token_id));
        let question = Question {
            section: Section::Peers,
            title: &title,
            consequence: &html! { p { "Whoever shows it is turned away from then on, and it can't be brought back. Add the next one first, and have the other operator change over to it." } },
            fields: &html! {},
            action: &format!("/peers/{id}/tokens/revoke"),
            hidden: &[("token_id", &token_id)],
            button: ("Revoke", true),
            back: &format!("/peers/{id}"),
        };
        return Ok(confirm::ask(&visit, &question));
    }
    let work = |operator: Recorded| async move {
        operator.peers().revoke_token(&peer, TokenName::Id(token_id)).await
    };
    pages.change(&visit, "revokePeerToken", work).await?;
    Ok(see_other(&format!("/peers/{id}?done=revoked")))
}
