//! One asset: the node's own stock of it, and what is to be told about that.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use ilp_admin::operator::{AssetEdit, AssetView, Edit};
use maud::html;
use serde_json::json;

use crate::{
    Pages,
    answer::{failed, see_other},
    form::{Errors, Label, Typed},
    layout::{Section, form_token, show_as},
    liquidity::{self, Owner},
    parts::{amount, liquidity_bar, moment, notice, typed_amount},
    visit::{Submitted, Visit},
};

pub(super) async fn show(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    visit: Visit,
) -> Response {
    showing(&pages, &visit, &id, None).await
}

pub(super) async fn liquidity(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    Submitted { visit, fields }: Submitted,
) -> Response {
    let asset = match pages.operator.asset(&id).await {
        Ok(asset) => asset,
        Err(error) => return failed(&error),
    };
    let owner = Owner::Asset(id.clone());
    match liquidity::act(&pages, &visit, &owner, asset.record.scale, &fields).await {
        Ok(word) => see_other(&format!("/assets/{id}?done={word}")),
        Err(errors) => showing(&pages, &visit, &id, Some(Typed { fields, errors })).await,
    }
}

pub(super) async fn edit(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    Submitted { visit, fields }: Submitted,
) -> Response {
    let asset = match pages.operator.asset(&id).await {
        Ok(asset) => asset,
        Err(error) => return failed(&error),
    };
    let scale = asset.record.scale;
    let mut errors = Errors::default();
    let liquidity_threshold = errors.amount(&fields, "liquidity_threshold", scale);
    let withdrawal_threshold = errors.amount(&fields, "withdrawal_threshold", scale);
    if !errors.is_empty() {
        return showing(&pages, &visit, &id, Some(Typed { fields, errors })).await;
    }
    let detail = json!({
        "id": id,
        "liquidityThreshold": liquidity_threshold.map(|amount| amount.to_string()),
        "withdrawalThreshold": withdrawal_threshold.map(|amount| amount.to_string()),
    });
    let edit = AssetEdit {
        id: id.clone(),
        withdrawal_threshold: withdrawal_threshold.map_or(Edit::Clear, Edit::Set),
        liquidity_threshold: liquidity_threshold.map_or(Edit::Clear, Edit::Set),
    };
    let operator = pages.operator.clone();
    let work = async move { operator.update_asset(edit).await };
    let made = pages
        .change(&visit, "updateAsset", &detail, work, |made| Some(made.record.id.to_string()))
        .await;
    match made {
        Ok(_) => see_other(&format!("/assets/{id}?done=changed")),
        Err(error) => failed(&error),
    }
}

pub(super) async fn delete(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    Submitted { visit, fields }: Submitted,
) -> Response {
    let asset = match pages.operator.asset(&id).await {
        Ok(asset) => asset,
        Err(error) => return failed(&error),
    };
    let mut errors = Errors::default();
    if fields.get("confirm") != asset.record.code {
        errors.add("confirm", format!("type {} to delete it", asset.record.code));
        return showing(&pages, &visit, &id, Some(Typed { fields, errors })).await;
    }
    let (operator, detail) = (pages.operator.clone(), json!({ "id": id }));
    let deleted = id.clone();
    let work = async move { operator.delete_asset(&deleted).await };
    let made = pages
        .change(&visit, "deleteAsset", &detail, work, |made| Some(made.record.id.to_string()))
        .await;
    match made {
        Ok(_) => see_other("/assets"),
        Err(error) => {
            let errors = Errors::of(&error, &[("Cannot delete!", "confirm")]);
            showing(&pages, &visit, &id, Some(Typed { fields, errors })).await
        }
    }
}

/// The page; with `typed`, after one of its forms was refused.
async fn showing(pages: &Pages, visit: &Visit, id: &str, typed: Option<Typed>) -> Response {
    let asset = match pages.operator.asset(id).await {
        Ok(asset) => asset,
        Err(error) => return failed(&error),
    };
    let owner = Owner::Asset(id.to_owned());
    let movements = match liquidity::movements(pages, visit, &owner, &asset).await {
        Ok(movements) => movements,
        Err(error) => return failed(&error),
    };
    let status = if typed.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let typed = typed.unwrap_or_else(|| Typed::fresh(fields_of(&asset)));
    let record = &asset.record;
    let created = interledger_packet::Timestamp::from_unix_ms(record.created_at_ms);
    let body = html! {
        @if let Some(words) = done(visit.query.get("done")) { (notice("good", words)) }
        (typed.summary())
        div.head {
            h1 { (record.code) }
            p { (record.scale) " decimal places, created " (moment(created, pages.operator.now())) }
        }
        section.card #stock data-live {
            h2 { "The node's own stock" }
            div.figure { (amount(asset.liquidity, &asset)) }
            (liquidity_bar(asset.liquidity, record.liquidity_threshold))
        }
        div.grid { (liquidity::forms(visit, &owner, &typed, &record.code)) }
        (movements)
        div.grid {
            section.card {
                h2 { "Thresholds" }
                form method="post" action={ "/assets/" (id) "/terms" } {
                    (form_token(visit))
                    (typed.number(Label { name: "liquidity_threshold", label: "Tell me when the stock falls to", hint: "Empty: never." }))
                    (typed.number(Label { name: "withdrawal_threshold", label: "Least withdrawal", hint: "Empty: none." }))
                    button.plain type="submit" { "Save" }
                }
            }
            section.card {
                h2 { "Delete" }
                p.quiet { "Only an asset without liquidity that no peer uses can be deleted." }
                form method="post" action={ "/assets/" (id) "/delete" } {
                    (form_token(visit))
                    (typed.text(Label { name: "confirm", label: "Confirm", hint: &format!("Type {} to delete it.", record.code) }))
                    button.danger type="submit" { "Delete asset" }
                }
            }
        }
    };
    show_as(status, visit, Section::Assets, &record.code, &body)
}

fn fields_of(asset: &AssetView) -> crate::fields::Fields {
    let mut fields = crate::fields::Fields::default();
    let scale = asset.record.scale;
    let thresholds = [
        ("liquidity_threshold", asset.record.liquidity_threshold),
        ("withdrawal_threshold", asset.record.withdrawal_threshold),
    ];
    for (name, threshold) in thresholds {
        if let Some(threshold) = threshold {
            fields.set(name, typed_amount(threshold, scale));
        }
    }
    fields
}

fn done(word: &str) -> Option<&'static str> {
    match word {
        "created" => Some("Created. Peers can be made in this asset now."),
        "changed" => Some("Saved."),
        other => liquidity::done(other),
    }
}
