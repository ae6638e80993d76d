//! Finding peers by a part of a name or an address.

use ilp_store::{Page, PeerRecord};

use super::{Operator, OperatorError, PageArguments, views::PeerView};

/// How many peers one search looks at. What lies beyond is had by going on from where it stopped, so
/// that a search costs the same however many peers there are.
const LOOKED_AT_MAX: usize = 10_000;
/// How many are read in one step.
const ROWS_PER_STEP: usize = 500;

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
        let mut page: Page = PageArguments { after, ..PageArguments::default() }.check()?;
        page.limit = ROWS_PER_STEP;
        let text = text.to_lowercase();
        self.read(move |inner| {
            let (mut found, mut next) = (Vec::new(), None);
            'looking: for _ in 0..LOOKED_AT_MAX / ROWS_PER_STEP {
                let rows = inner.parts.store.peers_page(page)?;
                next = None;
                for record in rows.rows {
                    page.after = Some(record.id);
                    if fits(&record, &text) {
                        found.push(record);
                    }
                    if found.len() == first {
                        next = page.after;
                        break 'looking;
                    }
                }
                if !rows.has_next {
                    break;
                }
                next = page.after;
            }
            let next = next.map(|id| id.to_string());
            Ok(Found { peers: inner.peer_views(found)?, next })
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
