//! The requests of other nodes to become peers that the operator hasn't decided.

use ilp_connector::token::{Secret, TokenDigest};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    error::{Conflict, StoreError, TransactionError},
    records::{
        forms::event_record::EventRecord,
        forms::{
            keys::Kind,
            page::{Page, Rows},
            peer_records::PeerRecord,
            stored_form::{Stored, digest_from_text, digest_to_text},
        },
        outbox::add_event,
    },
    store::{
        reading::{Reader, Reading, id_from},
        transaction::Transaction,
    },
};

/// A peering that another node asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeeringRequestRecord {
    /// A UUID v7, so that the order of ids is the order of asking.
    pub id: Uuid,
    /// The asset that both count in.
    pub asset_id: Uuid,
    /// The other node's ILP address, as it says. Valid when it was stored.
    pub static_ilp_address: String,
    /// The other node's name for itself.
    pub name: Option<String>,
    /// Where the other node takes packets. Valid when it was stored.
    pub endpoint: String,
    /// The largest amount of a packet that the other node asks for, in the asset's smallest unit.
    pub max_packet_amount: Option<u64>,
    /// The token that the other node will show us.
    pub incoming_token: TokenDigest,
    /// The token that we will show the other node, which has been told.
    pub outgoing_token: Secret,
    /// Where it asked from; empty when that isn't known.
    pub origin: String,
    /// When it asked, in milliseconds since 1970.
    pub created_at_ms: u64,
}

impl Reader {
    /// Returns the request of this id.
    ///
    /// # Errors
    /// When the store or the record can't be read.
    pub fn peering_request(&self, id: Uuid) -> Result<Option<PeeringRequestRecord>, StoreError> {
        self.read(Kind::PeeringRequest, id)
    }

    /// Returns all requests, oldest first. The caller bounds how many there are.
    pub fn all_peering_requests(
        &self,
    ) -> impl Iterator<Item = Result<PeeringRequestRecord, StoreError>> + Send + use<> {
        self.scan(Kind::PeeringRequest)
    }

    /// Returns one page of the requests.
    ///
    /// # Errors
    /// When the store or a record can't be read.
    pub fn peering_requests_page(
        &self,
        page: Page,
    ) -> Result<Rows<PeeringRequestRecord>, StoreError> {
        self.page(Kind::PeeringRequest, page)
    }

    /// Returns the peer that answered at an auto-peering URL, for this asset.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn peer_behind(&self, asset_id: Uuid, url: &str) -> Result<Option<Uuid>, StoreError> {
        self.follow(&behind(asset_id, url))
    }

    /// Returns the peers that were made at their own request and still exist, each with the address
    /// that the request came from. The caller bounds how many there are.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn auto_peered(&self) -> Result<Vec<(Uuid, String)>, StoreError> {
        let mut there = Vec::new();
        for entry in self.scan_prefix(&[Kind::AutoPeered.byte()]) {
            let (key, origin) = entry?;
            let id = id_from(&key, key.get(1..).unwrap_or_default())?;
            // Stores of earlier versions have notes of deleted peers.
            if self.has(&Kind::Peer.key(id.as_bytes()))? {
                there.push((id, String::from_utf8_lossy(&origin).into_owned()));
            }
        }
        Ok(there)
    }
}

impl Transaction<'_> {
    /// Adds a request and its event in one change.
    ///
    /// # Errors
    /// [`Conflict::Id`], or when it is too large or can't be written.
    pub fn insert_peering_request(
        &mut self,
        request: &PeeringRequestRecord,
        event: &EventRecord,
    ) -> Result<(), TransactionError> {
        if self.has(&Kind::PeeringRequest.key(request.id.as_bytes()))? {
            return Err(Conflict::Id.into());
        }
        add_event(self, event)?;
        self.put(Kind::PeeringRequest, request)
    }

    /// Removes a request, if it is there.
    ///
    /// # Errors
    /// When the store can't be written.
    pub fn remove_peering_request(&mut self, id: Uuid) -> Result<(), TransactionError> {
        self.remove(Kind::PeeringRequest.key(id.as_bytes()));
        Ok(())
    }
}

/// The way in which a peer was made. The note of it is part of the batch that adds the peer:
/// without its note, a peer would not count towards the limit of auto-peered peers, or its URL
/// could never be used again.
#[derive(Clone, Debug)]
pub enum PeerOrigin {
    /// The operator entered the peer.
    Operator,
    /// The other node asked and became a peer at once, from this address; empty when that isn't
    /// known.
    AutoPeered {
        /// The address that the request came from.
        from: String,
    },
    /// The other node answered at this auto-peering URL.
    BehindUrl {
        /// The URL in the spelling under which it is looked up.
        url: String,
    },
    /// The operator approved a request of the other node, which is removed with the approval.
    Approved(Box<PeeringRequestRecord>),
}

impl PeerOrigin {
    /// Adds the note of the origin to the batch that adds the peer.
    pub(crate) fn note(
        &self,
        tx: &mut Transaction<'_>,
        peer: &PeerRecord,
    ) -> Result<(), TransactionError> {
        match self {
            Self::Operator => {}
            Self::AutoPeered { from } => {
                tx.put_bytes(Kind::AutoPeered.key(peer.id.as_bytes()), from.as_bytes())?;
            }
            Self::BehindUrl { url } => tx.index(behind(peer.asset_id, url), peer.id),
            Self::Approved(request) => {
                tx.remove(Kind::PeeringRequest.key(request.id.as_bytes()));
            }
        }
        Ok(())
    }
}

fn behind(asset_id: Uuid, url: &str) -> Vec<u8> {
    let mut rest = asset_id.as_bytes().to_vec();
    rest.extend_from_slice(url.as_bytes());
    Kind::PeerBehindUrl.key(&rest)
}

#[derive(Serialize, Deserialize)]
pub(crate) struct PeeringRequestForm {
    id: Uuid,
    asset_id: Uuid,
    static_ilp_address: String,
    name: Option<String>,
    endpoint: String,
    max_packet_amount: Option<u64>,
    incoming_token: String,
    outgoing_token: String,
    origin: String,
    created_at_ms: u64,
}

impl Stored for PeeringRequestRecord {
    type Form = PeeringRequestForm;

    fn id(&self) -> Uuid {
        self.id
    }

    fn to_form(&self) -> PeeringRequestForm {
        PeeringRequestForm {
            id: self.id,
            asset_id: self.asset_id,
            static_ilp_address: self.static_ilp_address.clone(),
            name: self.name.clone(),
            endpoint: self.endpoint.clone(),
            max_packet_amount: self.max_packet_amount,
            incoming_token: digest_to_text(&self.incoming_token),
            outgoing_token: self.outgoing_token.reveal().to_owned(),
            origin: self.origin.clone(),
            created_at_ms: self.created_at_ms,
        }
    }

    fn from_form(form: PeeringRequestForm) -> Result<Self, &'static str> {
        let incoming_token = digest_from_text(&form.incoming_token);
        Ok(Self {
            id: form.id,
            asset_id: form.asset_id,
            static_ilp_address: form.static_ilp_address,
            name: form.name,
            endpoint: form.endpoint,
            max_packet_amount: form.max_packet_amount,
            incoming_token: incoming_token.ok_or("its token's digest isn't 64 hex digits")?,
            outgoing_token: Secret::new(form.outgoing_token),
            origin: form.origin,
            created_at_ms: form.created_at_ms,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{asset, fresh, open, peer};

    #[test]
    fn a_request_is_kept_until_it_is_decided() {
        let (dir, store) = fresh();
        let usd = asset("USD");
        store.change(|tx| tx.insert_asset(&usd)).unwrap();
        let request = PeeringRequestRecord {
            id: Uuid::now_v7(),
            asset_id: usd.id,
            static_ilp_address: "g.a".to_owned(),
            name: None,
            endpoint: "https://a.example".to_owned(),
            max_packet_amount: Some(5),
            incoming_token: TokenDigest::of(b"theirs"),
            outgoing_token: Secret::new("ours".to_owned()),
            origin: "192.0.2.1".to_owned(),
            created_at_ms: 7,
        };
        let event = |id| EventRecord::new(id, "peering.requested", b"{}".to_vec(), 7);
        store.change(|tx| tx.insert_peering_request(&request, &event(Uuid::now_v7()))).unwrap();
        assert!(
            store.change(|tx| tx.insert_peering_request(&request, &event(Uuid::now_v7()))).is_err()
        );
        assert_eq!(store.event_counts().due, 1);
        drop(store);
        let store = open(dir.path());
        assert_eq!(store.peering_request(request.id).unwrap().as_ref(), Some(&request));
        assert_eq!(store.all_peering_requests().count(), 1);
        store.change(|tx| tx.remove_peering_request(request.id)).unwrap();
        store.change(|tx| tx.remove_peering_request(request.id)).unwrap();
        assert_eq!(store.peering_requests_page(Page::newest(5)).unwrap().rows, []);
    }
    #[test]
    fn a_peer_and_its_note_come_and_go_in_one_batch() {
        let (_dir, store) = fresh();
        let usd = asset("USD");
        store.change(|tx| tx.insert_asset(&usd)).unwrap();
        let url = "https://a.example/peer".to_owned();
        let request = PeeringRequestRecord {
            id: Uuid::now_v7(),
            asset_id: usd.id,
            static_ilp_address: "g.c".to_owned(),
            name: None,
            endpoint: "https://c.example".to_owned(),
            max_packet_amount: None,
            incoming_token: TokenDigest::of(b"theirs"),
            outgoing_token: Secret::new("ours".to_owned()),
            origin: String::new(),
            created_at_ms: 7,
        };
        let event = EventRecord::new(Uuid::now_v7(), "peering.requested", b"{}".to_vec(), 7);
        store.change(|tx| tx.insert_peering_request(&request, &event)).unwrap();
        let origins = [
            PeerOrigin::AutoPeered { from: "192.0.2.1".to_owned() },
            PeerOrigin::BehindUrl { url: url.clone() },
            PeerOrigin::Approved(Box::new(request.clone())),
        ];
        let peers = ["g.a", "g.b", "g.c"].map(|address| peer(usd.id, address, &[address]));
        for (peer, origin) in peers.iter().zip(&origins) {
            let before = store.batches();
            store.change(|tx| tx.insert_peer_from(peer, origin)).unwrap();
            assert_eq!(store.batches(), before + 1, "{origin:?}");
        }
        assert_eq!(store.auto_peered().unwrap(), [(peers[0].id, "192.0.2.1".to_owned())]);
        assert_eq!(store.peer_behind(usd.id, &url).unwrap(), Some(peers[1].id));
        assert_eq!(store.peer_behind(usd.id, "https://a.example/").unwrap(), None);
        assert_eq!(store.peering_request(request.id).unwrap(), None);
    }
}
