//! What the node counts in.

mod detail;

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::Response,
    routing::{get, post},
};
use ilp_admin::operator::{NewAsset, PageArguments};
use maud::html;
use serde_json::json;

use crate::{
    Pages,
    answer::{failed, see_other, status},
    fields::query,
    form::{Errors, Label, Typed},
    layout::{Section, form_token, show, show_as},
    parts::{amount, liquidity_bar, pager},
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

async fn list(State(pages): State<Arc<Pages>>, visit: Visit) -> Response {
    let of = |name: &str| visit.query.given(name).map(str::to_owned);
    let arguments =
        PageArguments { after: of("after"), before: of("before"), ..PageArguments::default() };
    let rows = match pages.operator.assets(&arguments).await {
        Ok(rows) => rows,
        Err(error) => return failed(&error),
    };
    let (first, last) = (rows.rows.first(), rows.rows.last());
    let path = |name: &str, id: String| format!("/assets?{}", query(&[(name, &id)]));
    let newer =
        first.filter(|_| rows.has_previous).map(|row| path("before", row.record.id.to_string()));
    let older = last.filter(|_| rows.has_next).map(|row| path("after", row.record.id.to_string()));
    let body = html! {
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
                (pager(newer.as_deref(), older.as_deref()))
            }
        }
    };
    show(&visit, Section::Assets, "Assets", &body)
}

async fn ask(visit: Visit) -> Response {
    asking(StatusCode::OK, &visit, &Typed::default())
}

async fn create(
    State(pages): State<Arc<Pages>>,
    Submitted { visit, fields }: Submitted,
) -> Response {
    let mut errors = Errors::default();
    let code = fields.get("code").to_owned();
    errors.check("code", pages.operator.check_asset_code(&code));
    let scale = errors.number(&fields, "scale", u8::MAX.into());
    if scale.is_none() {
        errors.add("scale", "a whole number from 0 to 255 is expected, such as 2");
    }
    let scale = scale.and_then(|scale| u8::try_from(scale).ok()).unwrap_or_default();
    let withdrawal_threshold = errors.amount(&fields, "withdrawal_threshold", scale);
    let liquidity_threshold = errors.amount(&fields, "liquidity_threshold", scale);
    if !errors.is_empty() {
        return asking(StatusCode::BAD_REQUEST, &visit, &Typed { fields, errors });
    }
    let detail = json!({ "code": code, "scale": scale });
    let new = NewAsset { code, scale, withdrawal_threshold, liquidity_threshold };
    let operator = pages.operator.clone();
    let work = async move { operator.create_asset(new).await };
    let made = pages
        .change(&visit, "createAsset", &detail, work, |made| Some(made.record.id.to_string()))
        .await;
    match made {
        Ok(made) => see_other(&format!("/assets/{}?done=created", made.record.id)),
        Err(error) => {
            let words = [("Asset already exists", "code"), ("invalid asset code", "code")];
            let errors = Errors::of(&error, &words);
            asking(status(error.kind()), &visit, &Typed { fields, errors })
        }
    }
}

fn asking(status: StatusCode, visit: &Visit, typed: &Typed) -> Response {
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
    show_as(status, visit, Section::Assets, "New asset", &body)
}
