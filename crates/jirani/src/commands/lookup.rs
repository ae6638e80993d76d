//! Finds what people name: assets by code, peers by address, wallet addresses by URL or payment
//! pointer, and each by its id.

use ilp_connector::amount::{format_amount, parse_amount};
use ilp_net::ReceiverUrl;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Failure,
    admin_client::{AdminArgs, all_rows, plain},
};

/// Returns the asset of that code or id. Two assets may share a code at different scales, and then
/// only the id will do.
pub(super) fn find_asset(admin: &AdminArgs, name: &str) -> Result<Value, Failure> {
    let assets = all_assets(admin)?;
    let is_meant = |asset: &&Value| asset["id"] == *name || asset["code"] == *name;
    let found: Vec<&Value> = assets.iter().filter(is_meant).collect();
    match found.as_slice() {
        [asset] => Ok((*asset).clone()),
        [] => Err(Failure::Refused(format!(
            "there is no asset {name}; add it first: jirani asset add CODE SCALE"
        ))),
        _ => Err(Failure::Refused(format!(
            "several assets are called {name}; give the id, as jirani asset list shows it"
        ))),
    }
}

/// Returns all assets; a node has a few.
pub(super) fn all_assets(admin: &AdminArgs) -> Result<Vec<Value>, Failure> {
    let query = "query($after: String) {
        assets(first: 100, after: $after) {
            pageInfo { hasNextPage endCursor }
            edges { node { id code scale liquidity liquidityThreshold withdrawalThreshold } }
        }
    }";
    all_rows(admin, query, "assets")
}

/// What is asked of a peer.
pub(super) const PEER: &str = "id name staticIlpAddress routes liquidity liquidityThreshold \
    maxPacketAmount packetsPerMinuteMax amountPerSecondMax incomingTokenCount createdAt \
    spreadBasisPoints state lastSeenAt lastFailure { message at count } \
    asset { id code scale } http { outgoing { endpoint } }";

/// Returns the peer of that ILP address or id. One address may be several peers', of an asset each,
/// and then only the id will do.
pub(super) fn find_peer(admin: &AdminArgs, name: &str) -> Result<Value, Failure> {
    if Uuid::try_parse(name).is_ok() {
        let query = format!("query($id: String!) {{ peer(id: $id) {{ {PEER} }} }}");
        return Ok(admin.query(&query, &json!({ "id": name }))?["peer"].take());
    }
    // Asked asset by asset, since a node may have far more peers than assets.
    let query = format!(
        "query($address: String!, $asset: String!) {{
            peerByAddressAndAsset(staticIlpAddress: $address, assetId: $asset) {{ {PEER} }}
        }}"
    );
    let mut found = Vec::new();
    for asset in all_assets(admin)? {
        let variables = json!({ "address": name, "asset": asset["id"] });
        let peer = admin.query(&query, &variables)?["peerByAddressAndAsset"].take();
        // The node also gives the peer that a longer address leads to.
        if peer["staticIlpAddress"] == *name {
            found.push(peer);
        }
    }
    match found.len() {
        1 => Ok(found.swap_remove(0)),
        0 => Err(Failure::Refused(format!(
            "there is no peer {name}; jirani peer list shows those that there are"
        ))),
        _ => Err(Failure::Refused(format!(
            "several peers are at {name}; give the id, as jirani peer list shows it"
        ))),
    }
}

/// What is asked of a wallet address.
pub(super) const WALLET: &str =
    "id address publicName status liquidity createdAt asset { id code scale }";

/// Returns the wallet address of that URL, payment pointer or id.
pub(super) fn find_wallet(admin: &AdminArgs, name: &str) -> Result<Value, Failure> {
    let nobody = || {
        Failure::Refused(format!(
            "there is no wallet address {name}; jirani wallet list shows those that there are, \
             and jirani wallet add adds one"
        ))
    };
    if Uuid::try_parse(name).is_ok() {
        let query = format!("query($id: String!) {{ walletAddress(id: $id) {{ {WALLET} }} }}");
        let wallet = admin.query(&query, &json!({ "id": name }))?["walletAddress"].take();
        return if wallet.is_null() { Err(nobody()) } else { Ok(wallet) };
    }
    let url = wallet_url(name)?;
    let query = format!("query($url: String!) {{ walletAddressByUrl(url: $url) {{ {WALLET} }} }}");
    let wallet = admin.query(&query, &json!({ "url": url }))?["walletAddressByUrl"].take();
    if wallet.is_null() { Err(nobody()) } else { Ok(wallet) }
}

/// Returns the URL that a payment pointer or URL means.
fn wallet_url(name: &str) -> Result<String, Failure> {
    let url = ReceiverUrl::parse(name);
    url.map(|url| url.to_string()).map_err(|error| Failure::Refused(format!("{name}: {error}")))
}

/// An asset's scale, as the node tells it.
pub(super) fn scale_of(asset: &Value) -> u8 {
    asset["scale"].as_u64().and_then(|scale| u8::try_from(scale).ok()).unwrap_or(0)
}

/// An amount as somebody wrote it, in the asset's smallest unit, as the API takes it.
pub(super) fn amount_in(text: &str, scale: u8) -> Result<Value, Failure> {
    match parse_amount(text, scale) {
        Ok(amount) => Ok(amount.to_string().into()),
        Err(error) => Err(Failure::Refused(error.to_string())),
    }
}

/// The same for an option that may be left out, which is null.
pub(super) fn optional_amount_in(text: Option<&str>, scale: u8) -> Result<Value, Failure> {
    text.map_or(Ok(Value::Null), |text| amount_in(text, scale))
}

/// Returns an amount in standard units, by the asset's scale.
pub(super) fn shown_amount(amount: &Value, scale: &Value) -> String {
    let number = amount.as_str().and_then(|text| text.parse().ok());
    let scale = scale.as_u64().and_then(|scale| u8::try_from(scale).ok());
    match (number, scale) {
        (Some(number), Some(scale)) => format_amount(number, scale),
        _ => plain(amount),
    }
}

/// Returns an amount in standard units, with the asset's code behind it.
pub(super) fn shown_money(amount: &Value, asset: &Value) -> String {
    if amount.is_null() {
        return plain(amount);
    }
    format!("{} {}", shown_amount(amount, &asset["scale"]), plain(&asset["code"]))
}
