//! Asking another node to become a peer, of which only a URL is known.
//!
//! The operator names the URL, so the node is asked whatever network it is in; but the answer is
//! the other node's word alone. A peer is changed only when it was made at this very URL, and only
//! that URL is shown the token by which the peer knows this node. A node may become a peer in a
//! further asset if it was made a peer at this URL, or if it answers with the endpoint at which the
//! peer of its address already takes packets.

use ilp_connector::{account::AccountId, peer::Peer, token::Secret};
use ilp_net::Endpoint;
use ilp_store::{PeerOrigin, PeerRecord, Reader, Snapshot, StoreError};
use uuid::Uuid;

use crate::{
    assets::error::AssetError,
    changes::{changing::Changing, outcome::Outcome, subject::Subject},
    node::operator::{Inner, Operator},
    peering::{
        PeeringAnswer, PeeringChanges, PeeringOffer,
        claims::{is_below, is_there},
        error::{AnswerError, NoPeeringNode, PeerMessage, PeeringError},
        network::PeeringPost,
        wire,
    },
    peers::{
        error::PeerError,
        inputs::{NewPeer, PeerTermsEdit},
        tokens::random_token,
        view::PeerView,
    },
    vocabulary::{check, edit::Edit, error::OperatorError, name, reason::ErrorKind},
};

/// A node to be asked.
#[derive(Clone, Debug, Default)]
pub struct PeerByUrl {
    /// Where it takes peering requests.
    pub peer_url: String,
    /// The asset to count in.
    pub asset_id: String,
    /// In place of what it calls itself.
    pub name: Option<String>,
    /// The largest amount of one packet, in the asset's smallest unit.
    pub max_packet_amount: Option<u64>,
    /// An event is due when its liquidity falls to this.
    pub liquidity_threshold: Option<u64>,
    /// The amount that the peer may send in addition to its present liquidity, in the asset's
    /// smallest unit.
    pub liquidity_to_deposit: Option<u64>,
}

/// A peer that was made, or whose terms were renewed, by asking its node.
#[derive(Clone, Debug)]
pub struct PeeringByUrl {
    /// The peer as it is now.
    pub peer: PeerView,
    /// Whether the other node's operator has yet to approve. Its node refuses packets until then.
    pub is_pending: bool,
}

impl PeeringChanges<'_> {
    /// Asks the node at a URL to become a peer, and makes it one of ours; or has it change its terms
    /// if it became a peer at this URL before.
    ///
    /// # Errors
    /// An unknown asset; not found when no node takes peering requests there; bad input when it
    /// refuses, or answers what makes no peer.
    pub async fn create_or_update_by_url(
        self,
        wanted: PeerByUrl,
    ) -> Result<PeeringByUrl, OperatorError> {
        self.on.given(&wanted);
        let asset_id = check::id(&wanted.asset_id).ok_or(AssetError::Unknown)?;
        if let Some(name) = &wanted.name {
            name::check(name).map_err(PeerError::Name)?;
        }
        check::max_packet_amount(wanted.max_packet_amount)?;
        let parts = &self.on.inner.parts;
        if !wanted.peer_url.contains("://") {
            return Err(PeeringError::Unsupported(NoPeeringNode::NoScheme).into());
        }
        let url = Endpoint::parse(&wanted.peer_url)
            .map_err(|error| PeeringError::Unsupported(NoPeeringNode::Url(error)))?;
        let (asked, written) = (url.clone(), wanted.peer_url.clone());
        let (asset, known) = self
            .on
            .read(move |inner| {
                let store = &inner.store;
                let asset = store.asset(asset_id)?.ok_or(AssetError::Unknown)?;
                let known = behind(store, (&asked, &written), asset_id)?;
                refused_beforehand(store, &known, asset_id)?;
                Ok((asset, known))
            })
            .await?;
        let offer = PeeringOffer {
            static_ilp_address: parts.connector.address().to_string(),
            connector_url: parts.peering.connector_url.clone(),
            asset_code: asset.code,
            asset_scale: asset.scale,
            token: random_token()?,
            max_packet_amount: wanted.max_packet_amount,
            name: Some(parts.tenant.public_name.clone()),
            proof: known.first().map(|peer| peer.terms.outgoing_token.clone()),
            caller: None,
        };
        let answer = self.on.ask_to_peer(&url, &offer).await?;
        // A node that is asked on this machine or in a private network may itself be there.
        let is_near = parts.network.check_public(&url).await.is_err();
        if !is_near && !parts.peering.private_endpoints {
            let endpoint = Endpoint::parse(&answer.connector_url)
                .map_err(|error| PeeringError::Answer(AnswerError::Endpoint(error)))?;
            let public = parts.network.check_public(&endpoint).await;
            public.map_err(|why| PeeringError::Answer(AnswerError::EndpointNotPublic(why)))?;
        }
        let known = known.into_iter().map(|peer| peer.id).collect();
        self.on
            .change(move |changing| async move {
                changing.make_or_renew(asset_id, (url, wanted), answer, offer.token, known).await
            })
            .await
    }
}

impl Operator {
    async fn ask_to_peer(
        &self,
        url: &Endpoint,
        offer: &PeeringOffer,
    ) -> Result<PeeringAnswer, OperatorError> {
        let post = PeeringPost {
            url: url.clone(),
            proof: offer.proof.clone(),
            body: wire::offer(offer).to_string(),
        };
        let reply = self.inner.parts.network.ask_for_peering(post).await;
        let reply = reply.map_err(|why| PeeringError::Unsupported(NoPeeringNode::Network(why)))?;
        if (200..300).contains(&reply.status) {
            return wire::read_answer(reply.status, &reply.body)
                .ok_or(PeeringError::Answer(AnswerError::Malformed).into());
        }
        Err(match wire::read_refusal(&reply.body) {
            None => PeeringError::Unsupported(NoPeeringNode::Status(reply.status)),
            Some((kind, _)) if kind == wire::UNKNOWN_ASSET => PeeringError::PeerLacksAsset,
            Some((kind, message)) if kind == wire::INVALID_CONFIGURATION => {
                PeeringError::PeerRefusesConfiguration(PeerMessage::new(&message))
            }
            Some((_, message)) => {
                PeeringError::Answer(AnswerError::Refused(PeerMessage::new(&message)))
            }
        }
        .into())
    }
}

impl Changing {
    async fn make_or_renew(
        &self,
        asset_id: Uuid,
        (url, wanted): (Endpoint, PeerByUrl),
        answer: PeeringAnswer,
        outgoing_token: Secret,
        known: Vec<Uuid>,
    ) -> Result<PeeringByUrl, OperatorError> {
        let is_pending = answer.is_pending;
        let address = answer.static_ilp_address.clone();
        let there =
            self.store(move |store| store.peer_by_address_and_asset(&address, asset_id)).await?;
        if let Some(peer) = there {
            // The answer alone would also change the tokens by which a peer spends its credit line.
            if !known.contains(&peer.id) {
                return Err(PeeringError::Answer(AnswerError::PeerOfOtherOrigin).into());
            }
            return self.renew_by_url(peer, wanted, answer, outgoing_token).await;
        }
        self.inner.takes_from_no_peer(&answer, &known)?;
        let name = (!answer.name.is_empty()).then_some(answer.name);
        let terms = PeerTermsEdit {
            static_ilp_address: Some(answer.static_ilp_address),
            name: Edit::set_or_keep(wanted.name.or(name)),
            max_packet_amount: Edit::set_or_keep(wanted.max_packet_amount),
            liquidity_threshold: Edit::set_or_keep(wanted.liquidity_threshold),
            outgoing: Some((answer.connector_url, outgoing_token)),
            incoming_tokens: Some(vec![answer.token]),
            ..PeerTermsEdit::default()
        };
        let new = NewPeer {
            asset_id: asset_id.to_string(),
            terms,
            initial_liquidity: wanted.liquidity_to_deposit.unwrap_or(0),
        };
        let record = self.inner.record_of(new).map_err(as_answer)?;
        let origin = PeerOrigin::BehindUrl { url: url.peering_key() };
        self.create_peer_as(record, origin, |peer| PeeringByUrl { peer, is_pending }).await
    }

    async fn renew_by_url(
        &self,
        peer: PeerRecord,
        wanted: PeerByUrl,
        answer: PeeringAnswer,
        outgoing_token: Secret,
    ) -> Result<PeeringByUrl, OperatorError> {
        let id = peer.id;
        let is_pending = answer.is_pending;
        let asset_id = peer.asset_id;
        let edit = PeerTermsEdit {
            name: Edit::set_or_keep(wanted.name),
            max_packet_amount: Edit::set_or_keep(wanted.max_packet_amount),
            liquidity_threshold: Edit::set_or_keep(wanted.liquidity_threshold),
            outgoing: Some((answer.connector_url, outgoing_token)),
            incoming_tokens: Some(vec![answer.token]),
            ..PeerTermsEdit::default()
        };
        let terms = self.inner.parse_terms(edit, Some(peer.terms)).map_err(as_answer)?;
        let edited = PeerRecord { terms, ..peer };
        let Some(amount) = wanted.liquidity_to_deposit.filter(|amount| *amount > 0) else {
            return self.save_peer_as(edited, |peer| PeeringByUrl { peer, is_pending }).await;
        };
        let asset = self.inner.asset(asset_id).ok_or(AssetError::Unknown)?;
        // The view has the version that the store gives to the edit, so that the answer names it.
        let before =
            self.view(PeerRecord { version: edited.version + 1, ..edited.clone() }).await?;
        let view = PeerView { liquidity: before.liquidity + u128::from(amount), ..before };
        let account = self.inner.ledger().account(AccountId::peer(id));
        let deposit = self.new_id();
        let renewed = PeeringByUrl { peer: view, is_pending };
        let step = self.deposit_step(deposit, &asset, account, amount);
        self.save_peer_with_step(edited, &renewed, step).await?;
        Ok(renewed)
    }
}

impl Inner {
    /// Refuses a new peer that would get packets of another peer, or of this node, on its word
    /// alone. The node may already be a peer in other assets: then that peer is among `known`, or
    /// has the same endpoint. Bare schemes and default routes don't count, since every peer lies
    /// below them.
    fn takes_from_no_peer(
        &self,
        answer: &PeeringAnswer,
        known: &[Uuid],
    ) -> Result<(), PeeringError> {
        let address = &*answer.static_ilp_address;
        if is_below(address, self.parts.connector.address().as_str()) {
            return Err(PeeringError::Answer(AnswerError::BelowOwn));
        }
        let is_another = |peer: &Peer| {
            let is_at_url = known.contains(&peer.id) && peer.terms().address.as_str() == address;
            !is_at_url && !is_there(peer, address, &answer.connector_url)
        };
        let claims = self.claims(address, is_another);
        match claims.iter().find(|claim| claim.prefix.contains('.')) {
            None => Ok(()),
            Some(claim) => Err(PeeringError::Answer(AnswerError::TakesPackets {
                address: address.to_owned(),
                prefix: claim.prefix.to_string(),
                peer: claim.peer.terms().address.clone(),
            })),
        }
    }
}

/// Returns the peers that were made at a URL: the one of this asset first, then those of the same
/// node in other assets.
fn behind(
    store: &Reader,
    url: (&Endpoint, &str),
    asset_id: Uuid,
) -> Result<Vec<PeerRecord>, OperatorError> {
    let mut known = Vec::new();
    for asset in store.all_assets() {
        if let Some(id) = peer_at(store, asset?.id, url)?
            && let Some(peer) = store.peer(id)?
        {
            known.push(peer);
        }
    }
    known.sort_by_key(|peer| peer.asset_id != asset_id);
    Ok(known)
}

/// Refuses, where the answer is foreseeable, before the other node is asked and makes a peer on its
/// side. That is where the node became a peer in another asset at this URL, and a peer that was not
/// made at the URL has its address in this asset.
fn refused_beforehand(
    store: &Reader,
    known: &[PeerRecord],
    asset_id: Uuid,
) -> Result<(), OperatorError> {
    let Some(first) = known.first().filter(|peer| peer.asset_id != asset_id) else { return Ok(()) };
    let there = store.peer_by_address_and_asset(first.terms.address.as_str(), asset_id)?;
    match there {
        Some(_) => {
            let address = first.terms.address.to_string();
            Err(PeeringError::Answer(AnswerError::PeerInOtherAsset { address }).into())
        }
        None => Ok(()),
    }
}

/// Returns the peer that was made at a URL. Stores from before URLs were normalized have them as
/// they were written.
fn peer_at(
    store: &Reader,
    asset_id: Uuid,
    (url, written): (&Endpoint, &str),
) -> Result<Option<Uuid>, StoreError> {
    let key = url.peering_key();
    let with_slash = format!("{key}/");
    for spelling in [&key, &with_slash, written] {
        if let Some(peer) = store.peer_behind(asset_id, spelling)? {
            return Ok(Some(peer));
        }
    }
    Ok(None)
}

/// Returns the refusal of an input that is the other node's and not the client's.
fn as_answer(error: OperatorError) -> OperatorError {
    match error.kind() {
        ErrorKind::BadInput => PeeringError::Answer(AnswerError::MakesNoPeer(error.into())).into(),
        _ => error,
    }
}

/// The message to a client about a peer that the other node's operator has yet to approve.
pub const WAITING_FOR_APPROVAL: &str = "Waiting for approval: the other node's operator has yet to approve this peering, and its node \
     refuses packets until then";

/// The peer, which may wait for the other node's operator.
impl Subject for PeeringByUrl {
    fn subject(&self) -> Option<String> {
        self.peer.subject()
    }

    fn ended(&self) -> Option<(&'static str, &'static str)> {
        self.is_pending.then_some(("200", WAITING_FOR_APPROVAL))
    }
}

impl Outcome for PeeringByUrl {
    fn keep(&self) -> Snapshot {
        self.peer.keep().with_number("is_pending", u8::from(self.is_pending))
    }

    fn recall(kept: &Snapshot, operator: &Operator) -> Option<Self> {
        // Snapshots from versions before this number was added don't have it.
        let is_pending = kept.number::<u8>("is_pending").is_some_and(|number| number != 0);
        Some(Self { peer: PeerView::recall(kept, operator)?, is_pending })
    }
}
