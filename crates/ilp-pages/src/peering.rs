//! Requests of other nodes to become peers, and the operator's decision on each.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use ilp_operator::{
    AssetView, Field, OperatorError, PeerView, PeeringApproval, PeeringRequestView, Recorded,
};
use interledger_packet::Timestamp;
use maud::{Markup, html};

use crate::{
    Pages,
    answer::{Answer, see_other},
    confirm::{self, Question},
    fields::Fields,
    form::{Errors, Label, Typed},
    layout::{Section, show as page},
    paging::{asked, links},
    parts::{amount, empty, moment_ms, notice, plain, tabs},
    visit::{Submitted, Visit},
};

/// The section's pages: the peers, and the requests.
pub(crate) const TABS: [(&str, &str); 2] = [("/peers", "Peers"), ("/peering", "Requests")];

/// The inputs of an approval, with the fields of the form.
const INPUTS: [(Field, &str); 3] = [
    (Field::Name, "name"),
    (Field::MaxPacketAmount, "max_packet_amount"),
    (Field::InitialLiquidity, "initial_liquidity"),
];

pub(crate) fn routes() -> Router<Arc<Pages>> {
    Router::new()
        .route("/peering", get(list))
        .route("/peering/{id}/approve", post(approve))
        .route("/peering/{id}/reject", post(reject))
}

async fn list(State(pages): State<Arc<Pages>>, visit: Visit) -> Answer {
    let found = pages.operator.peering().requests(&asked(&visit)).await?;
    let links = links(&visit, "/peering", &found, |request| request.record.id.to_string());
    let now = pages.operator.now();
    let mut rows = Vec::with_capacity(found.rows.len());
    for request in &found.rows {
        rows.push(row(&visit, request, &asset_of(&pages, request).await?, now));
    }
    let body = html! {
        @if visit.query.get("done") == "rejected" {
            (notice("good", "Rejected. The node may ask again."))
        }
        div.head {
            h1 { "Peering requests" }
            p { "Nodes that asked to become peers and wait for you. Each waits for seven days." }
        }
        (tabs(&TABS, "/peering"))
        @if rows.is_empty() {
            (empty("No node waits for your approval. Nodes may ask where auto_peering.enabled is set, and wait here unless auto_peering.approval is auto.", None, "jirani peering list"))
        } @else {
            div.card {
                table.cards {
                    thead { tr {
                        th scope="col" { "Node" } th scope="col" { "Asset" } th scope="col" { "Endpoint" }
                        th scope="col" { "Asked" } th scope="col" { "Your word" }
                    } }
                    tbody { @for row in &rows { (row) } }
                }
            }
        }
        (links)
    };
    Ok(page(&visit, Section::Peers, "Peering requests", &body))
}

fn row(visit: &Visit, request: &PeeringRequestView, asset: &AssetView, now: Timestamp) -> Markup {
    let PeeringRequestView { record, warnings } = request;
    let id = record.id;
    let form = |what: &str, class: &str, words: &str| {
        html! {
            form method="post" action={ "/peering/" (id) "/" (what) } {
                (crate::layout::form_token(visit))
                button class=(class) type="submit" aria-label={ (words) " " (record.static_ilp_address) } { (words) }
            }
        }
    };
    html! {
        tr {
            th scope="row" {
                code { (plain(&record.static_ilp_address)) }
                @if let Some(name) = &record.name { br; span.small { "says it is " (plain(name)) } }
                @for warning in warnings { p.small.warning { (plain(warning)) } }
            }
            td data-label="Asset" { (asset.record.code) ", scale " (asset.record.scale) }
            td data-label="Endpoint" { code { (plain(&record.endpoint)) } }
            td data-label="Asked" { div {
                (moment_ms(record.created_at_ms, now))
                @if !record.origin.is_empty() { br; span.small.quiet { "from " (record.origin) } }
            } }
            td data-label="Your word" { div.actions {
                (form("approve", "slim", "Approve"))
                (form("reject", "danger slim", "Reject"))
            } }
        }
    }
}

async fn asset_of(pages: &Pages, request: &PeeringRequestView) -> Result<AssetView, OperatorError> {
    pages.operator.assets().get(&request.record.asset_id.to_string()).await
}

async fn approve(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    Submitted { visit, fields }: Submitted,
) -> Answer {
    let request = pages.operator.peering().request(&id).await?;
    let asset = asset_of(&pages, &request).await?;
    if !confirm::is_confirmed(&fields) {
        let mut fields = Fields::default();
        fields.set("name", request.record.name.clone().unwrap_or_default());
        return Ok(asking(&visit, &request, &asset, &Typed::fresh(fields)));
    }
    match approving(&pages, &visit, &request, &asset, &fields).await {
        Ok(peer) => Ok(see_other(&format!("/peers/{}?done=approved", peer.record.id))),
        Err(errors) => Ok(asking(&visit, &request, &asset, &Typed { fields, errors })),
    }
}

async fn approving(
    pages: &Pages,
    visit: &Visit,
    request: &PeeringRequestView,
    asset: &AssetView,
    fields: &Fields,
) -> Result<PeerView, Errors> {
    let mut errors = Errors::default();
    let max_packet_amount = errors.amount(fields, "max_packet_amount", asset.record.scale);
    let initial_liquidity = errors.amount(fields, "initial_liquidity", asset.record.scale);
    errors.into_result()?;
    let approval = PeeringApproval {
        id: request.record.id.to_string(),
        name: fields.given("name").map(str::to_owned),
        max_packet_amount,
        initial_liquidity,
    };
    let work = |operator: Recorded| async move { operator.peering().approve(approval).await };
    let made = pages.change(visit, "approvePeeringRequest", work).await;
    made.map_err(|error| Errors::of(&error, &INPUTS))
}

/// Returns the form that asks for the terms and the decision.
fn asking(
    visit: &Visit,
    PeeringRequestView { record, warnings }: &PeeringRequestView,
    asset: &AssetView,
    typed: &Typed,
) -> Response {
    let code = &asset.record.code;
    let consequence = html! {
        (typed.summary())
        @for warning in warnings { (notice("warn", &plain(warning))) }
        p { "Packets are taken from it and sent to it at " code { (plain(&record.endpoint)) } " from then on." }
        @if let Some(most) = record.max_packet_amount { p { "It asks for packets of at most " (amount(most, asset)) "." } }
    };
    let fields = html! {
        (typed.text(Label { name: "name", label: "Name", hint: "For you alone. Empty: what it calls itself." }))
        (typed.number(Label { name: "initial_liquidity", label: "What it may send from the start", hint: &format!("In {code}. Empty: auto_peering.liquidity. 0: nothing until you deposit.") }))
        (typed.number(Label { name: "max_packet_amount", label: "Largest packet", hint: &format!("In {code}. Empty: what it asks for.") }))
    };
    confirm::ask(
        visit,
        &Question {
            section: Section::Peers,
            title: &format!("Make {} a peer?", plain(&record.static_ilp_address)),
            consequence: &consequence,
            fields: &fields,
            action: &format!("/peering/{}/approve", record.id),
            hidden: &[],
            button: ("Make it a peer", false),
            back: "/peering",
        },
    )
}

async fn reject(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    Submitted { visit, fields }: Submitted,
) -> Answer {
    let request = pages.operator.peering().request(&id).await?;
    if !confirm::is_confirmed(&fields) {
        let question = Question {
            section: Section::Peers,
            title: &format!("Reject {}?", plain(&request.record.static_ilp_address)),
            consequence: &html! { p { "The request is forgotten. The node isn't told, and may ask again." } },
            fields: &html! {},
            action: &format!("/peering/{id}/reject"),
            hidden: &[],
            button: ("Reject the request", true),
            back: "/peering",
        };
        return Ok(confirm::ask(&visit, &question));
    }
    let work = |operator: Recorded| async move { operator.peering().reject(&id).await };
    pages.change(&visit, "rejectPeeringRequest", work).await?;
    Ok(see_other("/peering?done=rejected"))
}
