//! Finding peers: by a part of a name or an address, and by the address that packets go to.

use ilp_store::{PeerRecord, Reader};
use interledger_packet::Address;
use uuid::Uuid;

use crate::{
    peers::{Peers, view::PeerView},
    vocabulary::{
        check,
        error::OperatorError,
        seek::{begin, seek},
    },
};

/// The result of a search.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The peers that fit, newest first.
    pub peers: Vec<PeerView>,
    /// Where to go on, when there is more to look at.
    pub next: Option<String>,
}

impl Peers<'_> {
    /// Returns the first so many peers whose name, address or endpoint has `text` in it, in
    /// capitals or not; newest first, after the cursor that an earlier search gave.
    ///
    /// # Errors
    /// Bad input.
    pub async fn search(
        self,
        text: &str,
        first: usize,
        after: Option<String>,
    ) -> Result<Found, OperatorError> {
        let (page, text) = (begin(after)?, text.to_lowercase());
        self.on
            .read(move |inner| {
                let list = |page| inner.store.peers_page(page);
                let found = seek(first, page, list, |peer| peer.id, |peer| fits(peer, &text))?;
                Ok(Found { peers: inner.peer_views(found.rows)?, next: found.next })
            })
            .await
    }

    /// Returns the peer of this asset with this address, or with the longest address that leads to
    /// it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn by_address_and_asset(
        self,
        address: String,
        asset_id: &str,
    ) -> Result<Option<PeerView>, OperatorError> {
        let (Ok(_), Some(asset_id)) = (address.parse::<Address>(), check::id(asset_id)) else {
            return Ok(None);
        };
        self.on
            .read(move |inner| {
                let record = peer_towards(&inner.store, &address, asset_id)?;
                record.map(|record| inner.peer_view(record)).transpose()
            })
            .await
    }
}

/// Returns the first peer found while segments are taken off the end of `address`.
fn peer_towards(
    store: &Reader,
    address: &str,
    asset_id: Uuid,
) -> Result<Option<PeerRecord>, OperatorError> {
    let mut prefix = Some(address);
    while let Some(address) = prefix {
        let found = store.peer_by_address_and_asset(address, asset_id)?;
        if found.is_some() {
            return Ok(found);
        }
        prefix = address.rsplit_once('.').map(|(shorter, _)| shorter);
    }
    Ok(None)
}

fn fits(peer: &PeerRecord, text: &str) -> bool {
    let has = |field: &str| field.to_lowercase().contains(text);
    has(peer.terms.address.as_str())
        || peer.terms.name.as_deref().is_some_and(has)
        || has(&peer.terms.endpoint)
        || peer.id.to_string() == text
}
