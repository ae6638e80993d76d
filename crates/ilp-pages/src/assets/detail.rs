//! The page of one asset: the node's own stock of it, and the threshold for the event about low
//! stock.

use std::sync::Arc;

use axum::extract::{Path, State};
use ilp_operator::{AssetEdit, AssetView, Edit, Field, OperatorError, Recorded};
use maud::{Markup, html};

use crate::{
    Pages,
    answer::{Answer, see_other},
    fields::Fields,
    form::{Errors, Label, Typed, VERSION},
    layout::{Section, form_token, show_as},
    liquidity::{self, Owner},
    live::{Part, following},
    parts::{amount, liquidity_bar, moment, notice, typed_amount},
    visit::{Submitted, Visit},
};

pub(super) async fn show(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    visit: Visit,
) -> Answer {
    let asset = pages.operator.assets().get(&id).await?;
    showing(&pages, &visit, &asset, Typed::default()).await
}

pub(super) async fn liquidity(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    Submitted { visit, fields }: Submitted,
) -> Answer {
    let asset = pages.operator.assets().get(&id).await?;
    let owner = Owner::Asset(id.clone());
    match liquidity::act(&pages, &visit, &owner, asset.record.scale, &fields).await {
        Ok(word) => Ok(see_other(&format!("/assets/{id}?done={word}"))),
        Err(errors) => showing(&pages, &visit, &asset, Typed { fields, errors }).await,
    }
}

pub(super) async fn edit(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    Submitted { visit, fields }: Submitted,
) -> Answer {
    let asset = pages.operator.assets().get(&id).await?;
    match editing(&pages, &visit, &asset, &fields).await {
        Ok(_) => Ok(see_other(&format!("/assets/{id}?done=changed"))),
        Err(errors) => {
            // The asset is read again, so that the page compares the input with the present values.
            let asset = pages.operator.assets().get(&id).await?;
            let typed = Typed { fields, errors }.against(&fields_of(&asset), &LABELS);
            showing(&pages, &visit, &asset, typed).await
        }
    }
}

async fn editing(
    pages: &Pages,
    visit: &Visit,
    asset: &AssetView,
    fields: &Fields,
) -> Result<AssetView, Errors> {
    let (id, scale) = (asset.record.id.to_string(), asset.record.scale);
    let mut errors = Errors::default();
    let liquidity_threshold = errors.amount(fields, "liquidity_threshold", scale);
    let withdrawal_threshold = errors.amount(fields, "withdrawal_threshold", scale);
    let version = errors.version(fields);
    errors.into_result()?;
    let edit = AssetEdit {
        id,
        withdrawal_threshold: withdrawal_threshold.map_or(Edit::Clear, Edit::Set),
        liquidity_threshold: liquidity_threshold.map_or(Edit::Clear, Edit::Set),
        version,
    };
    let work = |operator: Recorded| async move { operator.assets().update(edit).await };
    Ok(pages.change(visit, "updateAsset", work).await?)
}

pub(super) async fn delete(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    Submitted { visit, fields }: Submitted,
) -> Answer {
    let asset = pages.operator.assets().get(&id).await?;
    match deleting(&pages, &visit, &asset, &fields).await {
        Ok(_) => Ok(see_other("/assets?done=deleted")),
        Err(errors) => showing(&pages, &visit, &asset, Typed { fields, errors }).await,
    }
}

async fn deleting(
    pages: &Pages,
    visit: &Visit,
    asset: &AssetView,
    fields: &Fields,
) -> Result<AssetView, Errors> {
    let (id, code) = (asset.record.id.to_string(), &asset.record.code);
    if fields.get("confirm") != code {
        return Err(Errors::one("confirm", format!("type {code} to delete it")));
    }
    let work = |operator: Recorded| async move { operator.assets().delete(&id).await };
    let deleted = pages.change(visit, "deleteAsset", work).await;
    deleted.map_err(|error| Errors::of(&error, &[(Field::Id, "confirm")]))
}

/// The fields of the edit form, with the labels that the page shows.
const LABELS: [(&str, &str); 2] = [
    ("liquidity_threshold", "Tell me when the stock falls to"),
    ("withdrawal_threshold", "Least withdrawal"),
];

/// Shows the asset's page, also after one of its forms was refused.
async fn showing(pages: &Pages, visit: &Visit, asset: &AssetView, typed: Typed) -> Answer {
    let id = asset.record.id;
    let owner = Owner::Asset(id.to_string());
    let movements = liquidity::movements(pages, visit, &owner).await?;
    let typed = typed.beginning_with(fields_of(asset));
    let record = &asset.record;
    let created = interledger_packet::Timestamp::from_unix_ms(record.created_at_ms);
    let body = html! {
        @if let Some(words) = done(visit.query.get("done")) { (notice("good", words)) }
        (typed.summary())
        div.head {
            h1 { (record.code) }
            p { (record.scale) " decimal places, created " (moment(created, pages.operator.now())) }
        }
        (following(&format!("assets/{id}")))
        div #stock { (stock(asset)) }
        div.grid { (liquidity::forms(visit, &owner, &typed, &record.code)) }
        div #movements { (movements) }
        div.grid {
            section.card {
                h2 { "Thresholds" }
                form method="post" action={ "/assets/" (id) "/terms" } {
                    (form_token(visit))
                    (typed.version())
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
    Ok(show_as(typed.status(), visit, Section::Assets, &record.code, &body))
}

/// Returns the live parts of the asset's page.
pub(crate) async fn live(
    pages: &Pages,
    visit: &Visit,
    id: &str,
) -> Result<Vec<Part>, OperatorError> {
    let asset = pages.operator.assets().get(id).await?;
    let owner = Owner::Asset(id.to_owned());
    let movements = liquidity::movements(pages, visit, &owner).await?;
    Ok(vec![("stock", stock(&asset)), ("movements", movements)])
}

fn stock(asset: &AssetView) -> Markup {
    html! {
        section.card {
            h2 { "The node's own stock" }
            div.figure { (amount(asset.liquidity, asset)) }
            (liquidity_bar(asset.liquidity, asset.record.liquidity_threshold))
        }
    }
}

fn fields_of(asset: &AssetView) -> Fields {
    let mut fields = Fields::default();
    let scale = asset.record.scale;
    fields.set(VERSION, asset.record.version.to_string());
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
