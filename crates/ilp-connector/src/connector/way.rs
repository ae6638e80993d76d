//! Finds the peer that a packet goes to, and the next one when the packet could not be sent.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use interledger_packet::{Addr, Prepare, Reply, Scheme, Timestamp};
use uuid::Uuid;

use super::{
    ATTEMPTS_MAX, Connector, Decision, InFlight, Next, Source, obstacle::Obstacle, shortage::Bid,
};
use crate::{
    conversion::Conversion,
    ledger::Ledger,
    link::LinkCause,
    peer::{Asset, NextHop, Peer},
    refusal::{LinkFailure, Refusal},
    routes::{Chosen, Found, ListedRoute, Listing, Order, RouteCursor, Seeker},
    samples::Outcome,
    traffic::{Counted, Ending, Passage},
};

impl<H> InFlight<H> {
    /// Returns the next hop that the packet went to.
    #[must_use]
    pub fn next_hop(&self) -> &NextHop {
        &self.terms.next_hop
    }

    /// Notes for the operator why the next hop gives no reply, in more detail than the
    /// [`LinkFailure`] that the sender is told. This costs a packet without a reply a store and an
    /// addition.
    pub fn note_trouble(&self, cause: LinkCause, status: Option<u16>, now: Timestamp) {
        self.peer.note_trouble(cause, status, now);
    }

    /// The packet as the next hop is to see it.
    pub(super) fn outgoing(&self, mut packet: Prepare) -> Bytes {
        packet.set_amount(self.amount_out);
        packet.set_expires_at(self.expires_at);
        packet.into_bytes()
    }
}

impl<L: Ledger> Connector<L> {
    /// At most `limit` routes in their order, after a place among them.
    #[must_use]
    pub fn routes(&self, after: Option<&RouteCursor>, limit: usize) -> Listing {
        self.peers.routes.page(after, limit)
    }

    /// Returns at most `limit` routes of peers that `is_wanted`, whose prefix is `address`, lies
    /// above it or lies below it. A new peer of that address would share or take packets of these
    /// routes. A default route lies above every address.
    #[must_use]
    pub fn routes_around(
        &self,
        address: Addr<'_>,
        limit: usize,
        is_wanted: impl Fn(&Peer) -> bool,
    ) -> Vec<ListedRoute> {
        self.peers.routes.around(address.as_str(), limit, is_wanted)
    }

    /// Returns the peer that a packet of the node's own to `destination` would go to at `now`, in
    /// `asset` where one is named; `None` for a destination at this node. The rules about
    /// neighbours' and other networks' addresses apply, as far as they don't depend on an amount.
    ///
    /// # Errors
    /// [`Refusal`] when the packet would go nowhere.
    pub fn way_to(
        &self,
        destination: Addr<'_>,
        asset: Option<&Arc<Asset>>,
        now: Timestamp,
    ) -> Result<Option<Arc<Peer>>, Refusal> {
        self.may_be_forwarded(destination)?;
        let source = asset.map_or(Source::Own, Source::Probe);
        Ok(self.first_hop(destination, source, now)?.map(|(peer, _)| peer))
    }

    /// Returns the first peer in the packet's order to whose asset amounts of the source can be
    /// converted, and the conversion; `None` for a destination at this node.
    fn first_hop(
        &self,
        destination: Addr<'_>,
        source: Source<'_>,
        now: Timestamp,
    ) -> Result<Option<(Arc<Peer>, Conversion)>, Refusal> {
        let (mut refused, mut after) = (None, None);
        for _ in 0..ATTEMPTS_MAX {
            let next = self.route(destination, source, &[], after, now);
            let Chosen { peer, order } = match (next, refused) {
                (Ok(Next::Hop(chosen)), _) => chosen,
                (Ok(Next::Here), None) => return Ok(None),
                (Err(refusal), None) => return Err(refusal),
                (Ok(Next::Here) | Err(_), Some(refused)) => return Err(refused),
            };
            match self.conversion(source, &peer.asset, now) {
                Ok(conversion) => return Ok(Some((peer, conversion))),
                Err(refusal) => refused = refused.or(Some(refusal)),
            }
            after = Some(order);
        }
        Err(refused.unwrap_or(Refusal::NoRoute))
    }

    /// The rules that depend on who the next hop is. `passage` is that of a packet which could not be
    /// sent to another one, and is taken where this one takes the packet.
    pub(super) async fn hand_to(
        &self,
        peer: Arc<Peer>,
        source: Source<'_>,
        packet: &Prepare,
        passage: &mut Option<Passage>,
        now: Timestamp,
    ) -> Result<InFlight<L::Hold>, Obstacle> {
        peer.fetch();
        let (terms, amount) = (peer.terms(), packet.amount());
        let maximum_out = self.amount_max(&terms).unwrap_or(u64::MAX);
        let converted = self.convert(source, &peer.asset, amount, maximum_out, now);
        let amount_out = converted.map_err(Obstacle::NextHop)?;
        let expires_at = self.outgoing_expiry(packet.expires_at(), now);
        let expires_at = expires_at.map_err(Obstacle::Packet)?;
        let place = self.place(source, &peer.asset, amount, amount_out);
        let place = place.map_err(|refusal| {
            let has_maximum = self.amount_max(&terms).is_some();
            let bid = Bid { source, asset: &peer.asset, amount, amount_out, has_maximum };
            self.obstacle(refusal, bid, now)
        })?;
        let hold = self.hold(source, &peer.asset, &peer.liquidity, packet, amount_out).await;
        let hold = hold.map_err(|refusal| {
            let has_maximum = self.amount_max(&terms).is_some();
            let bid = Bid { source, asset: &peer.asset, amount, amount_out, has_maximum };
            self.obstacle(refusal, bid, now)
        })?;
        // After all that could refuse it, so that a packet which doesn't go is no try.
        peer.breaker.begin(now);
        let to = Counted::Peer(Arc::clone(&peer));
        let passage = match passage.take() {
            Some(passage) => passage.on_to(to, amount_out),
            None => self.counters.begin(source, to, packet.amount(), amount_out),
        };
        Ok(InFlight {
            expires_at,
            peer,
            terms,
            amount_out,
            received: (packet.amount(), packet.expires_at()),
            // An empty vector allocates nothing.
            tried: Vec::new(),
            execution_condition: *packet.execution_condition(),
            passage,
            hold,
            place,
        })
    }

    /// Decides anew about a packet that certainly has not left this node: it may go to another peer
    /// for the same prefix, each at most once. `packet` is what was to be sent, and `failure` why it
    /// was not; the latter is what the sender is told where no other peer takes the packet, since
    /// what another one would have refused does not make this trouble less passing.
    ///
    /// The first hold is void before there is a second one.
    pub async fn prepare_again(
        &self,
        source: Source<'_>,
        in_flight: InFlight<L::Hold>,
        packet: Bytes,
        failure: LinkFailure,
        now: Timestamp,
    ) -> Decision<L::Hold> {
        self.link_failed(&in_flight.peer, failure, now);
        match self.another_way(source, in_flight, packet, now).await {
            Ok((packet, in_flight)) => Decision::Send { packet, in_flight },
            Err(passage) => {
                let refusal = failure.into();
                if let Some(passage) = passage {
                    self.counters.end(passage, Ending::Refused, Outcome::Refused(refusal));
                }
                Decision::Reply(self.reject(refusal))
            }
        }
    }

    /// Amount, expiry and hold follow from the packet as it arrived, as they did the first time: the
    /// other peer may count in another asset, and some time has passed. The sender's rates were
    /// charged when it arrived. Where there is no other way, its passage comes back.
    async fn another_way(
        &self,
        source: Source<'_>,
        in_flight: InFlight<L::Hold>,
        packet: Bytes,
        now: Timestamp,
    ) -> Result<(Bytes, InFlight<L::Hold>), Option<Passage>> {
        let InFlight {
            peer, received: (amount, expires_at), mut tried, passage, hold, place, ..
        } = in_flight;
        drop((hold, place));
        let mut passage = Some(passage);
        tried.push(peer.id);
        // The packet is copied if the connection still shares its bytes: it has failed once
        // already.
        let Ok(mut packet) = Prepare::parse(BytesMut::from(packet)) else { return Err(passage) };
        packet.set_amount(amount);
        packet.set_expires_at(expires_at);
        while tried.len() < ATTEMPTS_MAX {
            let next = self.route(packet.destination(), source, &tried, None, now);
            let Ok(Next::Hop(Chosen { peer, .. })) = next else { return Err(passage) };
            let id = peer.id;
            match self.hand_to(peer, source, &packet, &mut passage, now).await {
                Ok(in_flight) => {
                    return Ok((in_flight.outgoing(packet), InFlight { tried, ..in_flight }));
                }
                Err(Obstacle::NextHop(_)) => tried.push(id),
                Err(Obstacle::Packet(_)) => return Err(passage),
            }
        }
        Err(passage)
    }

    /// Returns the most that one packet of the node's own may carry to `destination`, in the
    /// smallest unit of `asset`, by the terms with the next hop; a later node may set a lower
    /// limit. `None` where nothing is known: there is no limit, no rate or no route, of which the
    /// latter two show when a packet is sent.
    #[must_use]
    pub fn packet_amount_max(
        &self,
        asset: &Arc<Asset>,
        destination: Addr<'_>,
        now: Timestamp,
    ) -> Option<u64> {
        let (peer, conversion) = self.first_hop(destination, Source::Probe(asset), now).ok()??;
        Some(conversion.max_input(self.amount_max(&peer.terms_now())?))
    }

    /// The longest prefix wins, and our own address is a prefix like any other: a child of ours
    /// has a longer one. A default route takes what is of the node's own network: `private.` and
    /// the like mean something else to every node.
    pub(super) fn route(
        &self,
        destination: Addr<'_>,
        source: Source<'_>,
        tried: &[Uuid],
        after: Option<Order>,
        now: Timestamp,
    ) -> Result<Next, Refusal> {
        if let Source::Test(peer) = source {
            let is_first = tried.is_empty() && after.is_none();
            let chosen = Chosen { peer: Arc::clone(peer), order: Order::LAST };
            return if is_first { Ok(Next::Hop(chosen)) } else { Err(Refusal::NoRoute) };
        }
        let own = self.address.as_bytes();
        let own_prefix_bytes = if destination.starts_with_segments(own) { own.len() } else { 0 };
        let sender = source.peer().map(AsRef::as_ref);
        let asset = source.asset().map(AsRef::as_ref);
        let seeker = Seeker { sender, asset, tried, after };
        match self.peers.routes.find(destination, seeker, now) {
            Found::Through(chosen, prefix_bytes) if prefix_bytes > own_prefix_bytes => {
                Ok(Next::Hop(chosen))
            }
            _ if own_prefix_bytes == destination.as_bytes().len() => Err(Refusal::NoSuchAccount),
            _ if own_prefix_bytes > 0 => Ok(Next::Here),
            Found::Through(chosen, _) if self.is_of_own_network(destination) => {
                Ok(Next::Hop(chosen))
            }
            Found::BackToSender => Err(Refusal::BackToSender),
            Found::Through(..) | Found::Nothing => Err(Refusal::NoRoute),
        }
    }

    fn outgoing_expiry(&self, expires_at: Timestamp, now: Timestamp) -> Result<Timestamp, Refusal> {
        let longest = now.saturating_add_ms(self.policy.hold_ms_max);
        let outgoing = expires_at.saturating_sub_ms(self.policy.expiry_margin_ms).min(longest);
        if outgoing <= now { Err(Refusal::TooLittleTime) } else { Ok(outgoing) }
    }

    /// `peer.` addresses mean the direct neighbour and never travel (RFC 15); live packets never
    /// reach test networks, nor the reverse (RFC 34).
    pub(super) fn may_be_forwarded(&self, destination: Addr<'_>) -> Result<(), Refusal> {
        if destination.scheme() == Scheme::Peer {
            return Err(Refusal::PeerAddress);
        }
        match (is_live(self.address.scheme()), is_live(destination.scheme())) {
            (Some(own), Some(other)) if own != other => Err(Refusal::OtherNetwork),
            _ => Ok(()),
        }
    }

    /// Reads what a next hop answered, and notes what that says about reaching it.
    pub(super) fn heard(
        &self,
        peer: &Peer,
        answer: Result<Bytes, LinkFailure>,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let answer = answer.inspect_err(|failure| self.link_failed(peer, *failure, now))?;
        let reply = Reply::parse(answer).map_err(|_| {
            peer.note_trouble(LinkCause::NotIlp, None, now);
            Refusal::NotAReply
        })?;
        if peer.breaker.answered(now) {
            self.link_changed(peer);
        }
        Ok(reply)
    }

    fn link_failed(&self, peer: &Peer, failure: LinkFailure, now: Timestamp) {
        if peer.did_not_reply(failure, now) {
            self.link_changed(peer);
        }
        self.counters.causes.link_failed(failure);
    }

    fn link_changed(&self, peer: &Peer) {
        if let Some(observer) = self.link_observer.get() {
            (observer.0)(peer.id);
        }
    }

    fn is_of_own_network(&self, destination: Addr<'_>) -> bool {
        destination.scheme() == self.address.scheme() || is_live(destination.scheme()).is_some()
    }
}

/// Returns whether an allocation scheme is of the live network, or false for one of a test network;
/// `None` for one of neither.
fn is_live(scheme: Scheme) -> Option<bool> {
    match scheme {
        Scheme::Global => Some(true),
        scheme if scheme.is_test() => Some(false),
        _ => None,
    }
}
