//! A child node's address, which its parent gives it at the start (ILDCP, RFC 31).

use std::{sync::Arc, time::Duration};

use ilp_connector::token::Secret;
use ilp_http::{Client, ClientOptions, NextHop};
use ilp_store::{Companions, PeerRecord, Store, StoreError};
use interledger_packet::{Address, Reply, ildcp};
use tokio::time::Instant;

use crate::clock;

/// The time that the parent may take. Nothing else delays the start, and a node whose parent gives
/// no answer keeps its last address.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The setting that keeps the last address.
const SETTING: &str = "ildcp_address";

/// Returns the address that the parent gives this node, or gave it the last time; `None` when there
/// has been none. `parent` is the id or the ILP address of a peer.
///
/// # Errors
/// The store can't be read or written.
pub(crate) async fn own_address(
    store: &Store,
    parent: &str,
) -> Result<Option<Address>, StoreError> {
    let told = match peer(store, parent)? {
        None => Err("no such peer: create it and start the node again".to_owned()),
        Some(peer) => ask(store, &peer).await,
    };
    let why = match told {
        Ok(address) => {
            tracing::info!(%address, parent, "learnt this node's address from its parent");
            if let Err(error) =
                store.transact(Companions::none(), |tx| tx.set_setting(SETTING, address.as_bytes()))
            {
                tracing::warn!(%error, "the address is not kept for a start without the parent");
            }
            return Ok(Some(address));
        }
        Err(why) => why,
    };
    let kept = store.setting(SETTING)?.and_then(|bytes| String::from_utf8(bytes).ok());
    let kept = kept.and_then(|text| text.parse().ok());
    match &kept {
        Some(address) => tracing::warn!(
            reason = why, parent, address = %address as &Address,
            "the parent does not tell this node's address: it stays what it was"
        ),
        None => tracing::warn!(
            reason = why,
            parent,
            "the parent does not tell this node's address: running as test.jirani, which no other \
             network knows"
        ),
    }
    Ok(kept)
}

fn peer(store: &Store, parent: &str) -> Result<Option<PeerRecord>, StoreError> {
    if let Ok(id) = parent.parse() {
        return store.peer(id);
    }
    for peer in store.all_peers() {
        let peer = peer?;
        if peer.terms.address == *parent {
            return Ok(Some(peer));
        }
    }
    Ok(None)
}

async fn ask(store: &Store, parent: &PeerRecord) -> Result<Address, String> {
    let tls = ilp_http::tls::client_config().map_err(|error| format!("TLS: {error}"))?;
    let client = Client::new(ClientOptions::default(), Arc::clone(&tls));
    let token: &Secret = &parent.terms.outgoing_token;
    let next_hop = NextHop { id: 0, endpoint: &parent.terms.endpoint, token: token.reveal() };
    let timeout_ms = u64::try_from(TIMEOUT.as_millis()).unwrap_or(u64::MAX);
    let request = ildcp::request(clock::now().saturating_add_ms(timeout_ms)).into_bytes();
    let answer = client.send(next_hop, 0, request, Instant::now() + TIMEOUT).await;
    // Only the kind of error is shown, since the rest may repeat the parent's answer.
    let answer =
        answer.map_err(|no_reply| format!("it can't be asked ({})", no_reply.error.kind()))?;
    let fulfill = match Reply::parse(answer) {
        Ok(Reply::Fulfill(fulfill)) if fulfill.fulfillment() == &ildcp::FULFILLMENT => fulfill,
        Ok(Reply::Fulfill(_)) => return Err("its fulfillment is not that of ILDCP".to_owned()),
        Ok(Reply::Reject(reject)) => return Err(format!("it refuses with {}", reject.code())),
        Err(error) => return Err(format!("its answer is no ILP reply: {error}")),
    };
    let told = ildcp::Response::from_data(fulfill.data())
        .map_err(|error| format!("its answer is none of ILDCP: {error}"))?;
    let asset = store.asset(parent.asset_id).map_err(|error| error.to_string())?;
    if let Some(asset) = asset
        && (asset.code.as_str(), asset.scale) != (told.asset_code, told.asset_scale)
    {
        return Err(format!(
            "it counts in {:?} of scale {} and this node in {} of scale {} with it, so every amount \
             would be taken for another: create it anew in the right asset",
            told.asset_code, told.asset_scale, asset.code, asset.scale
        ));
    }
    Ok(told.client_address.to_address())
}
