//! Peering requests from other nodes, and the decisions about them.
//!
//! A node that asks is unknown, so a request can't take anything from a peer. An address that a
//! peer has, and the prefixes that it routes, belong to that peer, which shows its token when it
//! wants a change of its terms or a peering in a further asset. The initial liquidity of a new peer
//! is what the operator has configured for strangers.

pub(crate) mod by_url;
pub(crate) mod claims;
pub(crate) mod error;
pub(crate) mod network;
pub(crate) mod terms;
mod waiting;
pub mod wire;

use ilp_connector::token::{Secret, TokenDigest};
use ilp_store::{
    IncomingToken, InitialDeposit, PeerOrigin, PeerRecord, PeeringRequestRecord, Reader, Rows,
    shown,
};
use uuid::Uuid;

use crate::{
    access::{
        caller::{Caller, CallerKind},
        networks::{Networks, is_one_too_many},
    },
    changes::{audit, changing::Changing, recorded::Recorded, subject::Subject},
    node::operator::Operator,
    peers::{
        error::{PeerAddressError, PeerError},
        inputs::{NewPeer, PeerTermsEdit},
        tokens::random_token,
        view::PeerView,
    },
    vocabulary::{
        check,
        edit::Edit,
        error::{Inconsistency, OperatorError},
        name,
        page::PageArguments,
    },
};

pub use self::terms::{
    PeeringAnswer, PeeringApproval, PeeringOffer, PeeringRequestView, PeeringRules,
};
use self::{
    claims::is_below,
    error::{AddressClaim, PeeringError},
    waiting::place,
};

/// How many requests wait for the operator at once. More are refused.
const PENDING_MAX: usize = 256;
/// The most waiting requests from one host and from the networks around it, so that no source takes
/// the room of all others.
const PENDING_FROM_ONE_MAX: [usize; Networks::LEVELS] = [8, 32, 64];
/// How long a request waits before it makes room for others.
const PENDING_MS_MAX: u64 = 7 * 24 * 60 * 60 * 1_000;

/// A request that was read and found good, as far as it goes without a look at the store.
struct Checked {
    offer: PeeringOffer,
    digest: TokenDigest,
    ours: Secret,
}

/// A handle that reads peering requests, and answers the nodes that send them.
#[derive(Clone, Copy, Debug)]
pub struct Peering<'a> {
    on: &'a Operator,
}

/// A handle that changes peering requests: the operator's decisions, and requests of its own.
#[derive(Clone, Copy, Debug)]
pub struct PeeringChanges<'a> {
    on: &'a Recorded,
}

impl Operator {
    /// Returns the handle that reads peering requests.
    #[must_use]
    pub fn peering(&self) -> Peering<'_> {
        Peering { on: self }
    }
}

impl Recorded {
    /// Returns the handle that changes peering requests.
    #[must_use]
    pub fn peering(&self) -> PeeringChanges<'_> {
        PeeringChanges { on: self }
    }
}

impl Peering<'_> {
    /// Answers a node that asks to become a peer.
    ///
    /// # Errors
    /// An unknown asset; bad input; a conflict with a peer that the other node doesn't show to be;
    /// unavailable when as many wait as may.
    pub async fn accept(self, offer: PeeringOffer) -> Result<PeeringAnswer, OperatorError> {
        let nobody = Caller { kind: CallerKind::Peer, address: None };
        let caller = offer.caller.unwrap_or(nobody);
        let deed = audit::Deed { caller, operation: "peeringRequest", message: "accepted" };
        let work = |recorded: Recorded| async move { recorded.decide(offer).await };
        let done = self.on.recorded(deed, work).await;
        done.map(|(answer, _)| answer)
    }
}

impl Recorded {
    async fn decide(&self, offer: PeeringOffer) -> Result<(PeeringAnswer, Uuid), OperatorError> {
        self.given(&offer);
        let checked = self.checked(offer).await?;
        self.change(move |changing| async move { changing.accept(checked).await }).await
    }
}

impl Peering<'_> {
    /// Returns a page of the requests that wait for the operator.
    ///
    /// # Errors
    /// Bad input.
    pub async fn requests(
        self,
        page: &PageArguments,
    ) -> Result<Rows<PeeringRequestView>, OperatorError> {
        let page = page.check()?;
        self.on
            .read(move |inner| {
                let Rows { rows, has_previous, has_next } =
                    inner.store.peering_requests_page(page)?;
                let view = |record| PeeringRequestView {
                    warnings: inner.peering_warnings(&record),
                    record,
                };
                Ok(Rows { rows: rows.into_iter().map(view).collect(), has_previous, has_next })
            })
            .await
    }
}

impl Operator {
    async fn checked(&self, offer: PeeringOffer) -> Result<Checked, OperatorError> {
        let parts = &self.inner.parts;
        check::peer_address(&offer.static_ilp_address, parts.connector.address())?;
        if is_below(&offer.static_ilp_address, parts.connector.address().as_str()) {
            return Err(PeerError::Address(PeerAddressError::BelowOwn).into());
        }
        let digests = check::incoming_tokens(std::slice::from_ref(&offer.token))?;
        let digest = digests.first().copied().ok_or(Inconsistency::NoTokenAdded)?;
        if let Some(name) = &offer.name {
            name::check(name).map_err(PeerError::Name)?;
        }
        check::max_packet_amount(offer.max_packet_amount)?;
        let endpoint = check::endpoint(&offer.connector_url)?;
        if !parts.peering.private_endpoints {
            let public = parts.network.check_public(&endpoint).await;
            public.map_err(PeerError::EndpointNotPublic)?;
        }
        Ok(Checked { offer, digest, ours: random_token()? })
    }
}

impl PeeringChanges<'_> {
    /// Makes a peer of a node that asked.
    ///
    /// # Errors
    /// Not found; those of creating a peer.
    pub async fn approve(self, approval: PeeringApproval) -> Result<PeerView, OperatorError> {
        self.on.given(&approval);
        let id = check::id(&approval.id).ok_or(PeeringError::UnknownRequest)?;
        check::max_packet_amount(approval.max_packet_amount)?;
        if let Some(name) = &approval.name {
            name::check(name).map_err(PeerError::Name)?;
        }
        self.on
            .change(move |changing| async move {
                let request = changing.store(move |store| store.peering_request(id)).await?;
                let request = request.ok_or(PeeringError::UnknownRequest)?;
                let warnings = changing.inner.peering_warnings(&request);
                let liquidity = changing.inner.parts.peering.liquidity;
                let mut record = changing.record_for(&request)?;
                let terms = &mut record.terms;
                terms.name = approval.name.or(terms.name.take());
                terms.max_packet_amount = approval.max_packet_amount.or(terms.max_packet_amount);
                record.initial_deposit =
                    deposit_of(approval.initial_liquidity.unwrap_or(liquidity));
                let origin = PeerOrigin::Approved(Box::new(request));
                let peer = changing.create_peer(record, origin).await?;
                for warning in warnings {
                    let address = &peer.record.terms.address;
                    tracing::warn!(%address, warning, "approved a peering request with a warning");
                }
                Ok(peer)
            })
            .await
    }

    /// Forgets a node that asked.
    ///
    /// # Errors
    /// Not found.
    pub async fn reject(self, id: &str) -> Result<(), OperatorError> {
        self.on.given(&shown! { "id": id });
        let id = check::id(id).ok_or(PeeringError::UnknownRequest)?;
        self.on
            .change(move |changing| async move {
                let request = changing.store(move |store| store.peering_request(id)).await?;
                request.ok_or(PeeringError::UnknownRequest)?;
                changing.commit(&(), move |tx| tx.remove_peering_request(id)).await
            })
            .await
    }
}

impl Changing {
    async fn accept(&self, checked: Checked) -> Result<(PeeringAnswer, Uuid), OperatorError> {
        let (code, scale) = (checked.offer.asset_code.clone(), checked.offer.asset_scale);
        let asset = self.store(move |store| store.asset_by_code(&code, scale)).await?;
        let asset_id = asset.ok_or(PeeringError::UnknownAsset)?.id;
        let address = checked.offer.static_ilp_address.clone();
        let known =
            self.store(move |store| store.peer_by_address_and_asset(&address, asset_id)).await?;
        let is_shown = self.inner.shows_to_be_peer(&checked.offer);
        if let Some(peer) = known {
            return self.renew(peer, checked, is_shown).await;
        }
        let request = self.request_of(checked.offer, checked.digest, checked.ours, asset_id);
        if !self.inner.parts.peering.is_automatic {
            return self.keep(request).await;
        }
        // A known peer asks for one more asset at its own address, so no other peer's packets are
        // claimed.
        let claims = if is_shown { Vec::new() } else { self.inner.claims_of(&request) };
        let Some(claim) = claims.first() else { return self.make(request).await };
        let (address, endpoint) = (&request.static_ilp_address, &request.endpoint);
        // Either a peer that can't show its token, as Rafikis can't, asks for one more asset, or
        // another node asks that only knows the peer's endpoint, and would cut the peer off from
        // packets in that asset.
        if claims.iter().any(|claim| claims::is_there(&claim.peer, address, endpoint)) {
            return self.keep(request).await;
        }
        let warning = claims::warning(claim, address, endpoint);
        Err(PeeringError::AddressTaken(AddressClaim::Packets { warning }).into())
    }

    /// Changes a peer that has shown that it is one.
    async fn renew(
        &self,
        mut peer: PeerRecord,
        Checked { offer, digest, ours }: Checked,
        is_shown: bool,
    ) -> Result<(PeeringAnswer, Uuid), OperatorError> {
        if !is_shown {
            return Err(PeeringError::AddressTaken(AddressClaim::Peer).into());
        }
        peer.terms.endpoint = offer.connector_url;
        peer.terms.outgoing_token = ours.clone();
        let created_at_ms = self.now().unix_ms();
        peer.terms.incoming_tokens = vec![IncomingToken { digest, created_at_ms }];
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
        let made = self.store(Reader::auto_peered).await?;
        let peers_max = self.inner.parts.peering.peers_max;
        // No source may make them all: one address a tenth of them, the networks around it more.
        let from_one_max = [peers_max / 10, peers_max / 4, peers_max / 2].map(|max| max.max(1));
        let origins = made.iter().map(|(_, origin)| place(origin));
        let is_full = made.len() >= peers_max;
        if is_full || is_one_too_many(place(&request.origin), origins, from_one_max) {
            return Err(PeeringError::TooManyPeers.into());
        }
        let mut record = self.record_for(&request)?;
        record.initial_deposit = deposit_of(self.inner.parts.peering.liquidity);
        let origin = PeerOrigin::AutoPeered { from: request.origin };
        let peer = self.create_peer(record, origin).await?;
        Ok((self.answer(request.outgoing_token, false), peer.record.id))
    }

    /// Keeps a request for the operator. The same node may ask again and is told the same; another
    /// one that gives the same address is refused, since it is unknown which of them is right.
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
        let same = |kept: &&PeeringRequestRecord| {
            kept.asset_id == request.asset_id
                && kept.static_ilp_address == request.static_ilp_address
        };
        if let Some(kept) = waiting.iter().find(same) {
            if kept.incoming_token != request.incoming_token || kept.endpoint != request.endpoint {
                return Err(PeeringError::AddressTaken(AddressClaim::Request).into());
            }
            return Ok((self.answer(kept.outgoing_token.clone(), true), kept.id));
        }
        let origins = waiting.iter().map(|kept| place(&kept.origin));
        let from_one = is_one_too_many(place(&request.origin), origins, PENDING_FROM_ONE_MAX);
        if waiting.len() >= PENDING_MAX || from_one {
            return Err(PeeringError::TooManyRequests.into());
        }
        let answer = self.answer(request.outgoing_token.clone(), true);
        let id = request.id;
        let event = self.requested(&request);
        self.commit(&(), move |tx| {
            for kept in outlived {
                tx.remove_peering_request(kept.id)?;
            }
            tx.insert_peering_request(&request, &event)
        })
        .await?;
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

    /// Returns the peer that a request would make, without liquidity.
    fn record_for(&self, request: &PeeringRequestRecord) -> Result<PeerRecord, OperatorError> {
        let terms = PeerTermsEdit {
            static_ilp_address: Some(request.static_ilp_address.clone()),
            name: Edit::set_or_keep(request.name.clone()),
            max_packet_amount: Edit::set_or_keep(request.max_packet_amount),
            outgoing: Some((request.endpoint.clone(), request.outgoing_token.clone())),
            ..PeerTermsEdit::default()
        };
        let asset_id = request.asset_id.to_string();
        let mut record = self.inner.record_of(NewPeer { asset_id, terms, initial_liquidity: 0 })?;
        let created_at_ms = self.now().unix_ms();
        record.terms.incoming_tokens =
            vec![IncomingToken { digest: request.incoming_token, created_at_ms }];
        Ok(record)
    }
}

/// The deposit's id is made when the peer is.
pub(crate) fn deposit_of(amount: u64) -> Option<InitialDeposit> {
    (amount > 0).then_some(InitialDeposit { transfer_id: Uuid::nil(), amount })
}

/// The answer to a node that asks to become a peer, with the id of the peer or of the request.
impl Subject for (PeeringAnswer, Uuid) {
    fn subject(&self) -> Option<String> {
        Some(self.1.to_string())
    }

    fn ended(&self) -> Option<(&'static str, &'static str)> {
        self.0.is_pending.then_some(("202", "waits for approval"))
    }
}
