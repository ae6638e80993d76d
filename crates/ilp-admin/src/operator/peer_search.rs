//! Finding peers by a part of a name or an address.

use ilp_store::PeerRecord;

use super::{
    Operator, OperatorError,
    seek::{begin, seek},
    views::PeerView,
};

/// What a search found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The peers that fit, newest first.
    pub peers: Vec<PeerView>,
    /// Where to go on, when there is more to look at.
    pub next: Option<String>,
}

impl Operator {
    /// The first so many peers whose name, address or endpoint has `text` in it, in capitals or not;
    /// newest first, after the cursor that an earlier search gave.
    ///
    /// # Errors
    /// Bad input.
    pub async fn search_peers(
        &self,
        text: &str,
        first: usize,
        after: Option<String>,
    ) -> Result<Found, OperatorError> {
        let (page, text) = (begin(after)?, text.to_lowercase());
        self.read(move |inner| {
            let list = |page| inner.parts.store.peers_page(page);
            let found = seek(first, page, list, |peer| peer.id, |peer| fits(peer, &text))?;
            Ok(Found { peers: inner.peer_views(found.rows)?, next: found.next })
        })
        .await
    }
}

fn fits(peer: &PeerRecord, text: &str) -> bool {
    let has = |field: &str| field.to_lowercase().contains(text);
    has(&peer.static_ilp_address)
        || peer.name.as_deref().is_some_and(has)
        || has(&peer.endpoint)
        || peer.id.to_string() == text
}
