//! Lookups by the names that people use: assets by code, peers by address, wallet addresses by URL
//! or payment pointer, and each by its id.

use ilp_admin_client::{
    Id, UInt64,
    asset::{Asset, Assets, Unit},
    peer::{Peer, PeerByAddressAndAsset, PeerById},
    wallet::{WalletAddress, WalletAddressById, WalletAddressByUrl},
};
use ilp_connector::amount::{format_amount, parse_amount};
use ilp_net::ReceiverUrl;
use uuid::Uuid;

use super::{
    Failure,
    admin_client::{AdminArgs, plain},
};

/// Returns the asset of that code or id. Two assets may share a code at different scales; then only
/// the id identifies one.
pub(super) fn find_asset(admin: &AdminArgs, name: &str) -> Result<Asset, Failure> {
    let mut found = all_assets(admin)?;
    found.retain(|asset| is_named(asset, name));
    match found.len() {
        1 => Ok(found.swap_remove(0)),
        0 => Err(Failure::Refused(format!(
            "there is no asset {name}; add it first: jirani asset add CODE SCALE"
        ))),
        _ => Err(Failure::Refused(format!(
            "several assets are called {name}; give the id, as jirani asset list shows it"
        ))),
    }
}

/// Returns whether an asset has that code or id.
pub(super) fn is_named(asset: &Asset, name: &str) -> bool {
    asset.id.as_str() == name || asset.code == name
}

/// Returns all assets; a node has a few.
pub(super) fn all_assets(admin: &AdminArgs) -> Result<Vec<Asset>, Failure> {
    admin.all_rows(|after| Assets { after })
}

/// Returns the peer of that ILP address or id. Several peers, each with another asset, may share an
/// address; then only the id identifies one.
pub(super) fn find_peer(admin: &AdminArgs, name: &str) -> Result<Peer, Failure> {
    if Uuid::try_parse(name).is_ok() {
        return admin.ask(PeerById { id: Id::new(name) });
    }
    // The query goes asset by asset, since a node may have far more peers than assets.
    let mut found = Vec::new();
    for asset in all_assets(admin)? {
        let lookup = PeerByAddressAndAsset { address: name.to_owned(), asset: asset.id };
        // The node also returns the peer of the longest prefix, which is not the one asked for.
        found.extend(admin.ask(lookup)?.filter(|peer| peer.static_ilp_address == name));
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

/// Returns the wallet address of that URL, payment pointer or id.
pub(super) fn find_wallet(admin: &AdminArgs, name: &str) -> Result<WalletAddress, Failure> {
    let found = if Uuid::try_parse(name).is_ok() {
        admin.ask(WalletAddressById { id: Id::new(name) })?
    } else {
        admin.ask(WalletAddressByUrl { url: wallet_url(name)? })?
    };
    found.ok_or_else(|| {
        Failure::Refused(format!(
            "there is no wallet address {name}; jirani wallet list shows those that there are, \
             and jirani wallet add adds one"
        ))
    })
}

/// Returns the URL for a payment pointer or URL.
fn wallet_url(name: &str) -> Result<String, Failure> {
    let url = ReceiverUrl::parse(name);
    url.map(|url| url.to_string()).map_err(|error| Failure::Refused(format!("{name}: {error}")))
}

/// Returns an amount in standard units in the asset's smallest unit.
pub(super) fn amount_in(text: &str, scale: u8) -> Result<UInt64, Failure> {
    parse_amount(text, scale).map(UInt64).map_err(|error| Failure::Refused(error.to_string()))
}

/// Returns an optional amount in standard units in the asset's smallest unit.
pub(super) fn optional_amount_in(text: Option<&str>, scale: u8) -> Result<Option<UInt64>, Failure> {
    text.map(|text| amount_in(text, scale)).transpose()
}

/// Returns an amount in standard units, by the asset's scale; a dash where there is none.
pub(super) fn shown_amount(amount: Option<UInt64>, scale: u8) -> String {
    amount.map_or_else(|| "-".to_owned(), |amount| format_amount(u128::from(amount.0), scale))
}

/// Returns an amount in standard units, followed by the asset's code; a dash where there is none.
pub(super) fn shown_money(amount: Option<UInt64>, asset: &Unit) -> String {
    match amount {
        Some(_) => format!("{} {}", shown_amount(amount, asset.scale), plain(&asset.code)),
        None => shown_amount(None, asset.scale),
    }
}
