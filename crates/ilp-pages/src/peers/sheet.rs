//! The sheet for the peer's operator: the peering as the other node has to configure it.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{Path, State},
    response::Response,
};
use ilp_connector::token::Secret;
use ilp_operator::PeerView;
use maud::html;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    Pages,
    answer::Answer,
    layout::{Section, show as page},
    parts::{notice, typed_amount},
    visit::Visit,
};

/// The peering's two tokens. The pages show them once.
#[derive(Serialize, Deserialize)]
pub(super) struct Tokens {
    /// The token that the peer sends to this node.
    pub(super) incoming: String,
    /// The token that this node sends to the peer.
    pub(super) outgoing: String,
}

impl Tokens {
    /// Leaves the tokens for the sheet, and returns the sheet's path.
    pub(super) fn leave(&self, pages: &Pages, visit: &Visit, peer: &PeerView) -> String {
        let text = Secret::new(json!(self).to_string());
        let note = pages.notes.leave(visit, &about(peer), text, Instant::now());
        format!("/peers/{}/sheet?note={note}", peer.record.id)
    }

    fn take(pages: &Pages, visit: &Visit, peer: &PeerView) -> Option<Self> {
        let text = pages.notes.take(visit, &about(peer), Instant::now())?;
        serde_json::from_str(text.reveal()).ok()
    }
}

/// Returns the subject of the note with the tokens.
fn about(peer: &PeerView) -> String {
    format!("sheet of {}", peer.record.id)
}

pub(super) async fn show(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    visit: Visit,
) -> Answer {
    let peer = pages.operator.peers().get(&id).await?;
    let tokens = Tokens::take(&pages, &visit, &peer);
    let has_tokens = tokens.is_some();
    let shown = tokens.unwrap_or_else(|| Tokens {
        incoming: "(the token that they show you)".to_owned(),
        outgoing: "(the token that you show them)".to_owned(),
    });
    Ok(sheet(&pages, &visit, &peer, &shown, has_tokens))
}

fn sheet(
    pages: &Pages,
    visit: &Visit,
    peer: &PeerView,
    tokens: &Tokens,
    has_tokens: bool,
) -> Response {
    let input = serde_json::to_string_pretty(&variables(pages, peer, tokens)).unwrap_or_default();
    let asset = &peer.asset.record;
    let node = pages.operator.node();
    let address = &node.address;
    let body = html! {
        @if has_tokens { (notice("good", "Created ILP Peer. Packets may come from and go to it from now on.")) }
        div.head { h1 { "For the other operator" } }
        section.card {
            @if has_tokens {
                p { "Send this where nobody else reads it: both tokens are in it, and this is the only time that they are shown." }
            } @else {
                p { "Tokens are shown once, when a peer is made. If the other operator doesn't have theirs, add another one on the peer's page." }
            }
            dl.facts {
                dt { "Your ILP address" } dd { code { (address) } }
                dt { "Your endpoint" } dd {
                    code { (pages.connector_url) }
                    @if let Some(advice) = &node.connector_advice { p.small { (advice) "." } }
                }
                dt { "Asset" } dd { (asset.code) ", scale " (asset.scale) }
                @if let Some(largest) = peer.record.terms.max_packet_amount {
                    dt { "Largest packet" } dd { (typed_amount(largest, asset.scale)) " " (asset.code) }
                }
                dt { "Token that they show you" } dd { code { (tokens.incoming) } }
                dt { "Token that you show them" } dd { code { (tokens.outgoing) } }
            }
        }
        section.card {
            h2 { "As variables of the mutation createPeer, for jirani or Rafiki" }
            pre #sheet { (input) }
            button.plain type="button" data-copy="sheet" hidden { "Copy" }
        }
        div.actions { a.button href={ "/peers/" (peer.record.id) } { "To the peer" } }
    };
    page(visit, Section::Peers, "For the other operator", &body)
}

fn variables(pages: &Pages, peer: &PeerView, tokens: &Tokens) -> Value {
    let asset = &peer.asset.record;
    let mut input = json!({
        "staticIlpAddress": pages.operator.node().address.to_string(),
        "http": {
            "incoming": { "authTokens": [tokens.outgoing] },
            "outgoing": { "endpoint": pages.connector_url, "authToken": tokens.incoming },
        },
        "assetId": format!("(the id of your asset {}, scale {})", asset.code, asset.scale),
    });
    if let Some(largest) = peer.record.terms.max_packet_amount {
        input["maxPacketAmount"] = largest.to_string().into();
    }
    json!({ "input": input })
}
