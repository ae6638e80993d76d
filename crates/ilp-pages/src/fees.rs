//! Fees: the operator's charge on a payment that a wallet address of this node sends.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    routing::get,
};
use ilp_connector::amount::{format_amount, parse_amount};
use ilp_operator::{AssetView, Field, NewFee, OperatorError, Recorded};
use ilp_store::{FeeKind, FeeRecord};
use maud::{Markup, html};

use crate::{
    Pages,
    answer::{Answer, see_other},
    fields::Fields,
    form::{Errors, Label, Typed},
    layout::{Section, form_token, show, show_as},
    paging::{asked, links},
    parts::{amount, empty, moment_ms, notice, state, tabs},
    rates::TABS,
    visit::{Submitted, Visit},
};

/// One hundred percent, in basis points.
const BASIS_POINTS: u64 = 10_000;

pub(crate) fn routes() -> Router<Arc<Pages>> {
    Router::new().route("/fees", get(list)).route("/fees/{asset}", get(ask).post(set))
}

async fn list(State(pages): State<Arc<Pages>>, visit: Visit) -> Answer {
    let assets = pages.operator.assets().list(&asked(&visit)).await?;
    let links = links(&visit, "/fees", &assets, |asset| asset.record.id.to_string());
    let mut rows = Vec::with_capacity(assets.rows.len());
    for asset in assets.rows {
        let fee = latest(&pages, &asset).await?;
        rows.push((asset, fee));
    }
    let body = html! {
        div.head {
            h1 { "Fees" }
            p { "What you take of each payment that a wallet address here sends, beside what the way costs. It is part of the quote; packets that only pass through pay a peer's spread instead." }
        }
        (tabs(&TABS, "/fees"))
        @if rows.is_empty() {
            (empty("No asset yet, so there is nothing to take a fee in.", Some(("/assets/new", "Create an asset")), "jirani asset add USD 2"))
        } @else {
            div.card {
                table.cards {
                    thead { tr {
                        th scope="col" { "Payments in" } th scope="col" { "Fee" }
                        th scope="col" { "Since" } th scope="col" { span.hidden { "Change" } }
                    } }
                    tbody { @for (asset, fee) in &rows {
                        @let id = asset.record.id;
                        tr {
                            th scope="row" { a href={ "/fees/" (id) } { (asset.record.code) } span.small.quiet { " scale " (asset.record.scale) } }
                            td data-label="Fee" { div { (words(fee.as_ref(), asset)) } }
                            td data-label="Since" { @if let Some(fee) = fee { (moment_ms(fee.created_at_ms, pages.operator.now())) } }
                            td { a href={ "/fees/" (id) } aria-label={ "Change the fee in " (asset.record.code) } { "Change" } }
                        }
                    } }
                }
            }
            (links)
        }
    };
    Ok(show(&visit, Section::Rates, "Fees", &body))
}

async fn ask(State(pages): State<Arc<Pages>>, Path(id): Path<String>, visit: Visit) -> Answer {
    let asset = pages.operator.assets().get(&id).await?;
    showing(&pages, &visit, &asset, Typed::default()).await
}

async fn set(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    Submitted { visit, fields }: Submitted,
) -> Answer {
    let asset = pages.operator.assets().get(&id).await?;
    match setting(&pages, &visit, &asset, &fields).await {
        Ok(_) => Ok(see_other(&format!("/fees/{id}?done=set"))),
        Err(errors) => showing(&pages, &visit, &asset, Typed { fields, errors }).await,
    }
}

async fn setting(
    pages: &Pages,
    visit: &Visit,
    asset: &AssetView,
    fields: &Fields,
) -> Result<FeeRecord, Errors> {
    let mut errors = Errors::default();
    let fixed = errors.amount(fields, "fixed", asset.record.scale).unwrap_or(0);
    // A percent has a hundred basis points, as a dollar has cents.
    let percent = fields.given("percent").unwrap_or("0");
    let basis_points = parse_amount(percent, 2).ok().filter(|points| *points <= BASIS_POINTS);
    if basis_points.is_none() {
        errors.add("percent", "a number from 0 to 100 with at most two decimal places is expected");
    }
    errors.into_result()?;
    let basis_points = basis_points.and_then(|points| i32::try_from(points).ok()).unwrap_or(0);
    let asset_id = asset.record.id.to_string();
    let new = NewFee { asset_id, kind: FeeKind::Sending, fixed, basis_points };
    let work = |operator: Recorded| async move { operator.assets().set_fee(new).await };
    let made = pages.change(visit, "setFee", work).await;
    made.map_err(|error| Errors::of(&error, &[(Field::BasisPoints, "percent")]))
}

async fn showing(pages: &Pages, visit: &Visit, asset: &AssetView, typed: Typed) -> Answer {
    let id = asset.record.id.to_string();
    let (code, now) = (&asset.record.code, pages.operator.now());
    let fees = pages.operator.assets().fees(&id, &asked(visit)).await?;
    let links = links(visit, &format!("/fees/{id}"), &fees, |fee| fee.id.to_string());
    let latest = latest(pages, asset).await?;
    let typed = typed.beginning_with(fields_of(latest.as_ref(), asset.record.scale));
    let body = html! {
        @if visit.query.get("done") == "set" { (notice("good", "Set. Quotes that are made from now on have it; a quote that was made keeps its own.")) }
        (typed.summary())
        div.head { h1 { "Fee for payments in " (code) } }
        form.card method="post" action={ "/fees/" (id) } {
            (form_token(visit))
            (typed.number(Label { name: "percent", label: "Percent of the amount", hint: "Such as 1.5. Rounded up to the node's favour." }))
            (typed.number(Label { name: "fixed", label: "And of each payment", hint: &format!("In {code}, such as 0.10. Empty: nothing.") }))
            div.actions { button type="submit" { "Set fee" } a href="/fees" { "All fees" } }
        }
        @if !fees.rows.is_empty() {
            section.card {
                h2 { "Every fee that there was" }
                table.cards {
                    thead { tr { th scope="col" { "Since" } th scope="col" { "Fee" } th scope="col" { "Of payments that are" } th scope="col" { "State" } } }
                    tbody { @for fee in &fees.rows { tr {
                        td data-label="Since" { (moment_ms(fee.created_at_ms, now)) }
                        td data-label="Fee" { div { (words(Some(fee), asset)) } }
                        td data-label="Of payments that are" { @match fee.kind { FeeKind::Sending => "sent", FeeKind::Receiving => "received (kept, never taken)" } }
                        td data-label="State" {
                            @if latest.as_ref().is_some_and(|latest| latest.id == fee.id) { (state("good", "Counts")) } @else { (state("", "Over")) }
                        }
                    } } }
                }
            }
            (links)
        }
    };
    Ok(show_as(typed.status(), visit, Section::Rates, "Fees", &body))
}

async fn latest(pages: &Pages, asset: &AssetView) -> Result<Option<FeeRecord>, OperatorError> {
    pages.operator.assets().latest_fee(&asset.record.id.to_string(), FeeKind::Sending).await
}

fn words(fee: Option<&FeeRecord>, asset: &AssetView) -> Markup {
    let percent = |fee: &FeeRecord| format_amount(fee.basis_points.into(), 2);
    html! {
        @match fee {
            None => span.quiet { "none" },
            Some(fee) if fee.fixed == 0 && fee.basis_points == 0 => span.quiet { "none" },
            Some(fee) => {
                @if fee.basis_points > 0 { (percent(fee)) " %" }
                @if fee.basis_points > 0 && fee.fixed > 0 { " and " }
                @if fee.fixed > 0 { (amount(fee.fixed, asset)) }
            }
        }
    }
}

fn fields_of(fee: Option<&FeeRecord>, scale: u8) -> Fields {
    let mut fields = Fields::default();
    if let Some(fee) = fee {
        fields.set("percent", format_amount(fee.basis_points.into(), 2));
        fields.set("fixed", format_amount(fee.fixed.into(), scale));
    }
    fields
}
