//! The requests that wait for approval: their number, each single request, and the event of a new
//! one.

use std::{net::IpAddr, sync::atomic::Ordering};

use ilp_connector::token::{Secret, TokenDigest};
use ilp_net::Reach;
use ilp_store::{EventRecord, PeeringRequestRecord};
use interledger_packet::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::{PeeringOffer, PeeringRequestView};
use crate::{
    access::networks::Networks,
    changes::changing::Changing,
    peering::{Peering, error::PeeringError},
    vocabulary::{check, error::OperatorError},
    webhook::event_kind::EventKind,
};

impl Peering<'_> {
    /// Returns the number of peering requests that wait for approval.
    #[must_use]
    pub fn requests_waiting(self) -> usize {
        self.on.inner.peering_waiting.load(Ordering::Relaxed)
    }

    /// Returns the request of this id, which waits for approval.
    ///
    /// # Errors
    /// Not found.
    pub async fn request(self, id: &str) -> Result<PeeringRequestView, OperatorError> {
        let id = check::id(id).ok_or(PeeringError::UnknownRequest)?;
        self.on
            .read(move |inner| {
                let record =
                    inner.store.peering_request(id)?.ok_or(PeeringError::UnknownRequest)?;
                Ok(PeeringRequestView { warnings: inner.peering_warnings(&record), record })
            })
            .await
    }
}

impl Changing {
    /// Returns the request that an offer makes, as it may be kept.
    pub(super) fn request_of(
        &self,
        offer: PeeringOffer,
        incoming_token: TokenDigest,
        outgoing_token: Secret,
        asset_id: Uuid,
    ) -> PeeringRequestRecord {
        let address = offer.caller.and_then(|caller| caller.address);
        PeeringRequestRecord {
            id: self.new_id(),
            asset_id,
            static_ilp_address: offer.static_ilp_address,
            name: offer.name,
            endpoint: offer.connector_url,
            max_packet_amount: offer.max_packet_amount,
            incoming_token,
            outgoing_token,
            origin: address.map(|address| address.ip().to_string()).unwrap_or_default(),
            created_at_ms: self.now().unix_ms(),
        }
    }

    /// Returns the event for a request which waits.
    pub(crate) fn requested(&self, request: &PeeringRequestRecord) -> EventRecord {
        let asset = self.inner.asset(request.asset_id);
        let data = json!({
            "id": request.id,
            "staticIlpAddress": request.static_ilp_address,
            "name": request.name,
            "endpoint": request.endpoint,
            "asset": asset.map(|asset| json!({
                "id": asset.id, "code": asset.code, "scale": asset.scale,
            })),
            "maxPacketAmount": request.max_packet_amount.map(|amount| amount.to_string()),
            "createdAt": Timestamp::from_unix_ms(request.created_at_ms).to_string(),
        });
        let kind = EventKind::PeeringRequested.name();
        let data = data.to_string().into_bytes();
        EventRecord::new(self.new_id(), kind, data, request.created_at_ms)
    }
}

/// Returns the networks that a request came from, by which sources are told apart. `None` for an
/// address on this machine or in a private network: the request comes through a proxy of the
/// operator's, or from the operator.
pub(super) fn place(origin: &str) -> Option<Networks> {
    let address: IpAddr = origin.parse().ok()?;
    (!Reach::of(address).is_near()).then(|| Networks::of(address))
}
