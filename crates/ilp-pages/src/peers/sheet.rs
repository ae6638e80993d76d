//! The sheet for the other operator: the same peering as it is seen from there.

use axum::response::Response;
use ilp_admin::operator::PeerView;
use maud::html;
use serde_json::{Value, json};

use crate::{
    Pages,
    layout::{Section, show as page},
    parts::{notice, typed_amount},
    visit::Visit,
};

/// The two tokens, which nobody sees again.
pub(super) struct Tokens {
    /// What the other node shows us.
    pub(super) incoming: String,
    /// What we show it.
    pub(super) outgoing: String,
}

pub(super) fn show(pages: &Pages, visit: &Visit, peer: &PeerView, tokens: &Tokens) -> Response {
    let input = serde_json::to_string_pretty(&variables(pages, peer, tokens)).unwrap_or_default();
    let asset = &peer.asset.record;
    let address = pages.operator.node().address;
    let body = html! {
        (notice("good", "Created ILP Peer. Packets may come from and go to it from now on."))
        div.head { h1 { "For the other operator" } }
        section.card {
            p { "Send this where nobody else reads it: both tokens are in it, and this page is the only one that shows them." }
            dl.facts {
                dt { "Your ILP address" } dd { code { (address) } }
                dt { "Your endpoint" } dd { code { (pages.connector_url) } }
                dt { "Asset" } dd { (asset.code) ", scale " (asset.scale) }
                @if let Some(largest) = peer.record.max_packet_amount {
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
    if let Some(largest) = peer.record.max_packet_amount {
        input["maxPacketAmount"] = largest.to_string().into();
    }
    json!({ "input": input })
}
