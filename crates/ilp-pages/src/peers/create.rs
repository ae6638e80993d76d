//! The form for a new peer. Its fields are those of the API's mutation `createPeer`.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use ilp_connector::token::Secret;
use ilp_operator::{
    AssetView, NewPeer, OperatorError, PageArguments, PeerField, PeerView, Recorded, random_token,
};
use ilp_store::Rows;
use maud::html;

use super::{sheet::Tokens, terms};
use crate::{
    Pages,
    answer::{Answer, see_other},
    fields::Fields,
    form::{Errors, Label, Typed},
    layout::{Section, form_token, show_as},
    visit::{Submitted, Visit},
};

/// The number of assets to choose from, the newest ones. Any other is named by its id.
const ASSETS_SHOWN: i32 = 100;

pub(super) async fn ask(State(pages): State<Arc<Pages>>, visit: Visit) -> Answer {
    let mut fields = Fields::default();
    fields.set("incoming_token", random_token()?.reveal());
    asking(&pages, &visit, &Typed::fresh(fields)).await
}

/// Returns the errors in what has been typed so far, for the script.
pub(super) async fn check(
    State(pages): State<Arc<Pages>>,
    Submitted { fields, .. }: Submitted,
) -> Response {
    let scale = match pages.operator.assets().get(asset(&fields)).await {
        Ok(asset) => asset.record.scale,
        Err(_) => 0,
    };
    let mut errors = Errors::default();
    read(&pages, &fields, scale, &mut errors);
    Json(errors.json()).into_response()
}

pub(super) async fn create(
    State(pages): State<Arc<Pages>>,
    Submitted { visit, fields }: Submitted,
) -> Answer {
    match creating(&pages, &visit, &fields).await {
        Ok(peer) => {
            let tokens = Tokens {
                incoming: tokens(&fields).next().unwrap_or_default().to_owned(),
                outgoing: fields.get("outgoing_token").to_owned(),
            };
            Ok(see_other(&tokens.leave(&pages, &visit, &peer)))
        }
        Err(errors) => asking(&pages, &visit, &Typed { fields, errors }).await,
    }
}

async fn creating(pages: &Pages, visit: &Visit, fields: &Fields) -> Result<PeerView, Errors> {
    let asset = pages.operator.assets().get(asset(fields)).await;
    let field = if fields.given("other_asset").is_some() { "other_asset" } else { "asset" };
    let asset = asset.map_err(|error| Errors::one(field, error.to_string()))?;
    let mut errors = Errors::default();
    let new = read(pages, fields, asset.record.scale, &mut errors);
    errors.into_result()?;
    let work = |operator: Recorded| async move { operator.peers().create(new).await };
    let made = pages.change(visit, "createPeer", work).await;
    made.map_err(|error| Errors::of(&error, &terms::INPUTS))
}

/// Reads the whole form.
fn read(pages: &Pages, fields: &Fields, scale: u8, errors: &mut Errors) -> NewPeer {
    let mut terms = terms::read(&pages.operator, fields, scale, errors);
    if fields.given("outgoing_token").is_none() {
        errors.add("outgoing_token", "the token that the other operator gave you is expected");
    }
    let incoming: Vec<_> = tokens(fields).map(|token| Secret::new(token.to_owned())).collect();
    if !incoming.is_empty() {
        let field = PeerField::IncomingTokens(&incoming);
        errors.check("incoming_token", pages.operator.peers().check_field(field));
    }
    terms.incoming_tokens = (!incoming.is_empty()).then_some(incoming);
    let initial_liquidity = errors.amount(fields, "initial_liquidity", scale).unwrap_or(0);
    NewPeer { asset_id: asset(fields).to_owned(), terms, initial_liquidity }
}

/// Returns the tokens that the peer may show, one a line.
fn tokens(fields: &Fields) -> impl Iterator<Item = &str> {
    fields.get("incoming_token").lines().map(str::trim).filter(|token| !token.is_empty())
}

/// Returns the id of the chosen asset, or the typed one where the asset is not among the choices.
fn asset(fields: &Fields) -> &str {
    fields.given("other_asset").unwrap_or_else(|| fields.get("asset"))
}

async fn asking(pages: &Pages, visit: &Visit, typed: &Typed) -> Answer {
    let assets = assets(pages).await?;
    let options: Vec<(String, String)> = assets
        .rows
        .iter()
        .map(|AssetView { record, .. }| {
            let words = format!("{}, {} decimal places", record.code, record.scale);
            (record.id.to_string(), words)
        })
        .collect();
    let body = html! {
        div.head {
            h1 { "New peer" }
            p { "Agree with the other operator on the asset, addresses, endpoints, tokens and the largest packet first. At the end you get a sheet with what they have to enter." }
        }
        (typed.summary())
        @if options.is_empty() {
            div.notice.warn { p { "A peer needs an asset. " a href="/assets/new" { "Create one first." } } }
        } @else {
            form.card method="post" action="/peers/new" data-check="/peers/check" {
                (form_token(visit))
                (terms::agreed(typed))
                (typed.choice(Label { name: "asset", label: "Asset", hint: "What the balance with it is counted in; amounts below are in it." }, &options))
                @if assets.has_next {
                    (typed.text(Label { name: "other_asset", label: "Or the id of another asset", hint: "Only the newest hundred are listed. The address of an asset's page ends with its id." }))
                }
                (typed.lines(Label { name: "incoming_token", label: "Tokens that it shows you", hint: "One was made for this form; tell it to the other operator. One a line if you want several. They are kept as digests only. Empty: it may send nothing." }))
                (typed.token(Label { name: "outgoing_token", label: "Token that you show it", hint: "The other operator gives it to you." }))
                (typed.number(Label { name: "initial_liquidity", label: "Liquidity to begin with", hint: "The credit that it may use up by sending, such as 10000. Empty: none yet." }))
                (terms::decided(typed))
                div.actions {
                    button type="submit" { "Create peer" }
                    a href="/peers" { "Cancel" }
                }
            }
        }
    };
    Ok(show_as(typed.status(), visit, Section::Peers, "New peer", &body))
}

async fn assets(pages: &Pages) -> Result<Rows<AssetView>, OperatorError> {
    let arguments = PageArguments { first: Some(ASSETS_SHOWN), ..PageArguments::default() };
    pages.operator.assets().list(&arguments).await
}
