//! Nodes that ask to become peers, and what is decided about them.
//!
//! Nobody is known when it asks, so a request can't take anything from anybody: an address that a
//! peer has belongs to that peer, which shows its token when it wants something changed; and what a
//! new peer may send is what the operator has configured for strangers.

mod terms;

use std::net::IpAddr;

use ilp_connector::token::{Secret, TokenDigest};
use ilp_store::{IncomingToken, InitialDeposit, PeerRecord, PeeringRequestRecord, Rows, Store};
use serde_json::json;
use uuid::Uuid;

use super::{
    Changing, ErrorKind, Operator, OperatorError, PageArguments, audit, check, inputs::NewPeer,
    tokens::random_token, views::PeerView,
};
use crate::auto_peering::source;

pub use self::terms::{PeeringAnswer, PeeringApproval, PeeringOffer, PeeringRules};

/// How many requests wait for the operator at once. More are refused.
const PENDING_MAX: usize = 256;
/// How many of them may come from one place, so that nobody takes the room of all others.
const PENDING_FROM_ONE_MAX: usize = 8;
/// How long a request waits before it makes room for others.
const PENDING_MS_MAX: u64 = 7 * 24 * 60 * 60 * 1_000;

/// A request that was read and found good, as far as it goes without a look at the store.
struct Checked {
    offer: PeeringOffer,
    digest: TokenDigest,
    ours: Secret,
}

impl Operator {
    /// Answers a node that asks to become a peer.
    ///
    /// # Errors
    /// An unknown asset; bad input; a conflict with a peer that the other node doesn't show to be;
    /// unavailable when as many wait as may.
    pub async fn accept_peering(
        &self,
        offer: PeeringOffer,
    ) -> Result<PeeringAnswer, OperatorError> {
        let nobody = audit::Caller { kind: audit::CallerKind::Peer, address: None };
        let detail = json!({
            "staticIlpAddress": offer.static_ilp_address.chars().take(256).collect::<String>(),
            "asset": format!("{:.40}/{}", offer.asset_code, offer.asset_scale),
        });
        let caller = offer.caller.unwrap_or(nobody);
        let audited = self.begin_audit(caller, "peeringRequest", &detail).await?;
        let done = self.decide(offer).await;
        audited.end(ended(&done)).await;
        done.map(|(answer, _)| answer)
    }

    async fn decide(&self, offer: PeeringOffer) -> Result<(PeeringAnswer, Uuid), OperatorError> {
        let checked = self.checked(offer).await?;
        self.change(move |changing| async move { changing.accept(checked).await }).await
    }

    async fn checked(&self, offer: PeeringOffer) -> Result<Checked, OperatorError> {
        let parts = &self.inner.parts;
        check::peer_address(&offer.static_ilp_address, parts.connector.address())?;
        if is_below(&offer.static_ilp_address, parts.connector.address().as_str()) {
            return Err(OperatorError::new(
                ErrorKind::BadInput,
                "invalid ILP address: it lies below this node's own",
            ));
        }
        let digests = check::incoming_tokens(std::slice::from_ref(&offer.token))?;
        let digest =
            digests.first().copied().ok_or_else(|| OperatorError::internal(&"no token"))?;
        if let Some(name) = &offer.name {
            check::name(name)?;
        }
        check::endpoint_length(&offer.connector_url)
            .and_then(|()| parts.network.check_endpoint(&offer.connector_url))
            .map_err(|why| OperatorError::bad_input("invalid HTTP endpoint", why))?;
        if !parts.peering.private_endpoints {
            let public = parts.network.check_public(&offer.connector_url).await;
            public.map_err(|why| OperatorError::bad_input("invalid HTTP endpoint", why))?;
        }
        Ok(Checked { offer, digest, ours: random_token()? })
    }

    /// A page of what waits for the operator.
    ///
    /// # Errors
    /// Bad input.
    pub async fn peering_requests(
        &self,
        page: &PageArguments,
    ) -> Result<Rows<PeeringRequestRecord>, OperatorError> {
        let page = page.check()?;
        self.read(move |inner| Ok(inner.parts.store.peering_requests_page(page)?)).await
    }

    /// Makes a peer of a node that asked.
    ///
    /// # Errors
    /// Not found; those of creating a peer.
    pub async fn approve_peering(
        &self,
        approval: PeeringApproval,
    ) -> Result<PeerView, OperatorError> {
        let id = check::id(&approval.id).ok_or_else(unknown_request)?;
        if let Some(name) = &approval.name {
            check::name(name)?;
        }
        self.change(move |changing| async move {
            let request = changing.store(move |store| store.peering_request(id)).await?;
            let request = request.ok_or_else(unknown_request)?;
            let liquidity = changing.inner.parts.peering.liquidity;
            let mut record = changing.record_for(&request)?;
            record.name = approval.name.or(record.name);
            record.max_packet_amount = approval.max_packet_amount.or(record.max_packet_amount);
            record.initial_deposit = deposit_of(approval.initial_liquidity.unwrap_or(liquidity));
            let peer = changing.create_peer(record).await?;
            // After a crash in between, the request is refused as a duplicate and can be rejected.
            changing.store(move |store| store.remove_peering_request(id)).await?;
            Ok(peer)
        })
        .await
    }

    /// Forgets a node that asked.
    ///
    /// # Errors
    /// Not found.
    pub async fn reject_peering(&self, id: &str) -> Result<(), OperatorError> {
        let id = check::id(id).ok_or_else(unknown_request)?;
        self.change(move |changing| async move {
            let request = changing.store(move |store| store.peering_request(id)).await?;
            request.ok_or_else(unknown_request)?;
            changing.commit(&(), move |store| store.remove_peering_request(id)).await
        })
        .await
    }
}

impl Changing {
    async fn accept(&self, checked: Checked) -> Result<(PeeringAnswer, Uuid), OperatorError> {
        let (code, scale) = (checked.offer.asset_code.clone(), checked.offer.asset_scale);
        let asset = self.store(move |store| store.asset_by_code(&code, scale)).await?;
        let asset_id = asset.ok_or_else(unsupported_asset)?.id;
        let address = checked.offer.static_ilp_address.clone();
        let known =
            self.store(move |store| store.peer_by_address_and_asset(&address, asset_id)).await?;
        if let Some(peer) = known {
            return self.renew(peer, checked).await;
        }
        let request = self.request_of(checked.offer, checked.digest, checked.ours, asset_id);
        if self.inner.parts.peering.is_automatic {
            self.make(request).await
        } else {
            self.keep(request).await
        }
    }

    /// Changes a peer that has shown that it is one.
    async fn renew(
        &self,
        mut peer: PeerRecord,
        Checked { offer, digest, ours }: Checked,
    ) -> Result<(PeeringAnswer, Uuid), OperatorError> {
        let shown = offer.proof.map(|proof| TokenDigest::of(proof.reveal().as_bytes()));
        let is_it = shown
            .is_some_and(|shown| peer.incoming_tokens.iter().any(|token| token.digest == shown));
        if !is_it {
            return Err(taken(
                "a peer has this ILP address; it changes its terms by showing its current token as \
                 Authorization: Bearer",
            ));
        }
        peer.endpoint = offer.connector_url;
        peer.outgoing_token = ours.clone();
        let created_at_ms = self.now().unix_ms();
        peer.incoming_tokens = vec![IncomingToken { digest, created_at_ms }];
        // Its name and limits are the operator's to change.
        let id = peer.id;
        self.save_peer(peer).await?;
        Ok((self.answer(ours, false), id))
    }

    /// Makes a peer at once.
    async fn make(
        &self,
        request: PeeringRequestRecord,
    ) -> Result<(PeeringAnswer, Uuid), OperatorError> {
        let address = request.static_ilp_address.clone();
        let above = self.store(move |store| peer_above(store, &address)).await?;
        if above {
            return Err(taken(
                "a peer has this ILP address, or one above it, for some asset: its operator and \
                 this node's must arrange the rest",
            ));
        }
        let made = self.store(Store::auto_peered).await?;
        if made.len() >= self.inner.parts.peering.peers_max {
            return Err(OperatorError::new(
                ErrorKind::Unavailable,
                "this node takes no more peers by itself: ask its operator",
            ));
        }
        let mut record = self.record_for(&request)?;
        record.initial_deposit = deposit_of(self.inner.parts.peering.liquidity);
        let peer = self.create_peer(record).await?;
        let id = peer.record.id;
        self.store(move |store| store.note_auto_peered(id)).await?;
        Ok((self.answer(request.outgoing_token, false), id))
    }

    /// Keeps a request for the operator. The same node may ask again and is told the same; another
    /// one that gives the same address is refused, for nobody can tell which of them is right.
    async fn keep(
        &self,
        request: PeeringRequestRecord,
    ) -> Result<(PeeringAnswer, Uuid), OperatorError> {
        let waiting =
            self.store(|store| store.all_peering_requests().collect::<Result<Vec<_>, _>>()).await?;
        let now_ms = self.now().unix_ms();
        let (waiting, outlived): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .partition(|kept| now_ms.saturating_sub(kept.created_at_ms) < PENDING_MS_MAX);
        for kept in outlived {
            self.store(move |store| store.remove_peering_request(kept.id)).await?;
        }
        let same = |kept: &&PeeringRequestRecord| {
            kept.asset_id == request.asset_id
                && kept.static_ilp_address == request.static_ilp_address
        };
        if let Some(kept) = waiting.iter().find(same) {
            if kept.incoming_token != request.incoming_token || kept.endpoint != request.endpoint {
                return Err(taken("another request for this ILP address waits to be approved"));
            }
            return Ok((self.answer(kept.outgoing_token.clone(), true), kept.id));
        }
        let from = place(&request.origin);
        let from_there = waiting.iter().filter(|kept| place(&kept.origin) == from).count();
        let is_one_too_many = from.is_some() && from_there >= PENDING_FROM_ONE_MAX;
        if waiting.len() >= PENDING_MAX || is_one_too_many {
            return Err(OperatorError::new(
                ErrorKind::Unavailable,
                "as many requests wait for this node's operator as may: try again later",
            ));
        }
        let answer = self.answer(request.outgoing_token.clone(), true);
        let id = request.id;
        self.store(move |store| store.insert_peering_request(&request)).await?;
        Ok((answer, id))
    }

    fn answer(&self, token: Secret, is_pending: bool) -> PeeringAnswer {
        let parts = &self.inner.parts;
        PeeringAnswer {
            static_ilp_address: parts.connector.address().to_string(),
            connector_url: parts.peering.connector_url.clone(),
            token,
            name: parts.tenant.public_name.clone(),
            tenant_id: parts.tenant_id.clone(),
            is_pending,
        }
    }

    fn request_of(
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

    /// The peer that a request would make, without liquidity.
    fn record_for(&self, request: &PeeringRequestRecord) -> Result<PeerRecord, OperatorError> {
        let mut record = self.inner.record_of(NewPeer {
            asset_id: request.asset_id.to_string(),
            static_ilp_address: request.static_ilp_address.clone(),
            name: request.name.clone(),
            max_packet_amount: request.max_packet_amount,
            endpoint: request.endpoint.clone(),
            outgoing_token: request.outgoing_token.clone(),
            ..NewPeer::default()
        })?;
        let created_at_ms = self.now().unix_ms();
        record.incoming_tokens =
            vec![IncomingToken { digest: request.incoming_token, created_at_ms }];
        Ok(record)
    }
}

/// Whether some peer, of whatever asset, has this address or one that it lies below: packets to it
/// are that peer's.
fn peer_above(store: &Store, address: &str) -> Result<bool, OperatorError> {
    for asset in store.all_assets() {
        let asset = asset?;
        if super::peers::peer_towards(store, address, asset.id)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Where a request came from, as far as that tells one place from another. Whoever comes from nearby
/// comes through a proxy of the operator's, or is the operator.
fn place(origin: &str) -> Option<IpAddr> {
    let address: IpAddr = origin.parse().ok()?;
    let is_near = match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    };
    (!is_near).then(|| source(address))
}

/// Whether `address` lies below `above`.
pub(super) fn is_below(address: &str, above: &str) -> bool {
    address.strip_prefix(above).is_some_and(|rest| rest.starts_with('.'))
}

/// The deposit's id is made when the peer is.
pub(super) fn deposit_of(amount: u64) -> Option<InitialDeposit> {
    (amount > 0).then_some(InitialDeposit { transfer_id: Uuid::nil(), amount })
}

fn ended(done: &Result<(PeeringAnswer, Uuid), OperatorError>) -> audit::Ended {
    match done {
        Ok((answer, id)) => {
            let (code, message) =
                if answer.is_pending { ("202", "waits for approval") } else { ("200", "accepted") };
            audit::Ended { code, message: message.to_owned(), subject: Some(id.to_string()) }
        }
        Err(error) => {
            audit::Ended { code: "400", message: error.message().to_owned(), subject: None }
        }
    }
}

fn unsupported_asset() -> OperatorError {
    OperatorError::new(ErrorKind::NotFound, "Unknown asset")
}

fn unknown_request() -> OperatorError {
    OperatorError::new(ErrorKind::NotFound, "unknown peering request")
}

fn taken(why: &str) -> OperatorError {
    OperatorError::new(ErrorKind::Conflict, format!("Invalid peering request: {why}"))
}
