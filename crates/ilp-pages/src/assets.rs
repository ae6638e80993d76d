//! The list of assets, and the form for a new one.

mod detail;

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use ilp_operator::{AssetView, Field, NewAsset, Recorded};
use maud::html;

pub(crate) use self::detail::live;
use crate::{
    Pages,
    answer::{Answer, see_other},
    fields::Fields,
    form::{Errors, Label, Typed},
    layout::{Section, form_token, show, show_as},
    paging::{asked, links},
    parts::{amount, liquidity_bar, notice},
    visit::{Submitted, Visit},
};

pub(crate) fn routes() -> Router<Arc<Pages>> {
    Router::new()
        .route("/assets", get(list))
        .route("/assets/new", get(ask).post(create))
        .route("/assets/{id}", get(detail::show))
        .route("/assets/{id}/terms", post(detail::edit))
        .route("/assets/{id}/liquidity", post(detail::liquidity))
        .route("/assets/{id}/delete", post(detail::delete))
}

async fn list(State(pages): State<Arc<Pages>>, visit: Visit) -> Answer {
    let rows = pages.operator.assets().list(&asked(&visit)).await?;
    let links = links(&visit, "/assets", &rows, |asset| asset.record.id.to_string());
    let body = html! {
        @if visit.query.get("done") == "deleted" { (notice("good", "Deleted.")) }
        div.head {
            h1 { "Assets" }
            a.button href="/assets/new" { "New asset" }
            p { "What peers' balances are counted in, and the node's own stock of each for packets that change currency." }
        }
        @if rows.rows.is_empty() {
            div.card.empty {
                p { "No asset yet. Two operators agree on one, such as USD with two decimal places, before they peer." }
                a.button href="/assets/new" { "Create the first asset" }
            }
        } @else {
            div.card {
                table.cards {
                    thead { tr {
                        th scope="col" { "Asset" } th.number scope="col" { "Decimal places" }
                        th.number scope="col" { "The node's own stock" }
                    } }
                    tbody { @for asset in &rows.rows { tr {
                        th scope="row" { a href={ "/assets/" (asset.record.id) } { (asset.record.code) } }
                        td.number data-label="Decimal places" { (asset.record.scale) }
                        td.number data-label="The node's own stock" {
                            div {
                                (amount(asset.liquidity, asset))
                                (liquidity_bar(asset.liquidity, asset.record.liquidity_threshold))
                            }
                        }
                    } } }
                }
                (links)
            }
        }
    };
    Ok(show(&visit, Section::Assets, "Assets", &body))
}

async fn ask(visit: Visit) -> Response {
    asking(&visit, &Typed::default())
}

async fn create(
    State(pages): State<Arc<Pages>>,
    Submitted { visit, fields }: Submitted,
) -> Response {
    match creating(&pages, &visit, &fields).await {
        Ok(made) => see_other(&format!("/assets/{}?done=created", made.record.id)),
        Err(errors) => asking(&visit, &Typed { fields, errors }),
    }
}

async fn creating(pages: &Pages, visit: &Visit, fields: &Fields) -> Result<AssetView, Errors> {
    let mut errors = Errors::default();
    let code = fields.get("code").to_owned();
    errors.check("code", pages.operator.assets().check_code(&code));
    let scale = errors.number(fields, "scale", u8::MAX.into());
    if scale.is_none() {
        errors.add("scale", "a whole number from 0 to 255 is expected, such as 2");
    }
    let scale = scale.and_then(|scale| u8::try_from(scale).ok()).unwrap_or_default();
    let withdrawal_threshold = errors.amount(fields, "withdrawal_threshold", scale);
    let liquidity_threshold = errors.amount(fields, "liquidity_threshold", scale);
    errors.into_result()?;
    let new = NewAsset { code, scale, withdrawal_threshold, liquidity_threshold };
    let work = |operator: Recorded| async move { operator.assets().create(new).await };
    let made = pages.change(visit, "createAsset", work).await;
    made.map_err(|error| Errors::of(&error, &[(Field::Code, "code")]))
}

fn asking(visit: &Visit, typed: &Typed) -> Response {
    let body = html! {
        div.head { h1 { "New asset" } }
        (typed.summary())
        form.card method="post" action="/assets/new" {
            (form_token(visit))
            (typed.text(Label { name: "code", label: "Code", hint: "Such as USD, EUR or KES. Rates are found by it." }))
            (typed.number(Label {
                name: "scale", label: "Decimal places",
                hint: "The scale: 2 counts in hundredths. Both operators must have the same, and it can't be changed later.",
            }))
            (typed.number(Label {
                name: "liquidity_threshold", label: "Tell me when the stock falls to",
                hint: "An event is sent once on each fall to this amount. Empty: never.",
            }))
            (typed.number(Label {
                name: "withdrawal_threshold", label: "Least withdrawal",
                hint: "The least amount that is worth a withdrawal. Empty: none.",
            }))
            div.actions {
                button type="submit" { "Create asset" }
                a href="/assets" { "Cancel" }
            }
        }
    };
    show_as(typed.status(), visit, Section::Assets, "New asset", &body)
}
