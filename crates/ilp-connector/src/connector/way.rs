//! Which peer a packet goes to, and to which one after that when it could not be sent.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use interledger_packet::{Addr, Prepare, Reply, Scheme, Timestamp};
use uuid::Uuid;

use super::{Connector, Decision, InFlight, Next, Source};
use crate::{
    ledger::Ledger,
    peer::{Asset, NextHop, Peer},
    refusal::{LinkFailure, Refusal},
    routes::{Found, Listing, RouteCursor},
    samples::Outcome,
    traffic::{Counted, Ending, Passage},
};

/// To so many peers one packet is tried to be sent. When as many can't be reached, the fault is
/// nearer to us than to them, and the sender's next packet will find more of them set aside.
const ATTEMPTS_MAX: usize = 8;

impl<H> InFlight<H> {
    /// Where it went.
    #[must_use]
    pub fn next_hop(&self) -> &NextHop {
        &self.terms.next_hop
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

    /// The peer that a packet of the node's own to `destination` would go to at `now`, if any.
    #[must_use]
    pub fn next_hop(&self, destination: Addr<'_>, now: Timestamp) -> Option<Arc<Peer>> {
        match self.route(destination, Source::Own, &[], now) {
            Ok(Next::Hop(peer)) => Some(peer),
            Ok(Next::Here) | Err(_) => None,
        }
    }

    /// The same with why there is none, and by the rules about neighbours' and other networks'
    /// addresses: `None` is a packet that goes no further than here.
    ///
    /// # Errors
    /// [`Refusal`] when it would go nowhere.
    pub fn way_to(
        &self,
        destination: Addr<'_>,
        now: Timestamp,
    ) -> Result<Option<Arc<Peer>>, Refusal> {
        self.may_be_forwarded(destination)?;
        Ok(match self.route(destination, Source::Own, &[], now)? {
            Next::Hop(peer) => Some(peer),
            Next::Here => None,
        })
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
    ) -> Result<InFlight<L::Hold>, Refusal> {
        peer.fetch();
        let terms = peer.terms();
        let maximum_out = self.amount_max(&terms).unwrap_or(u64::MAX);
        let amount_out = self.convert(source, &peer.asset, packet.amount(), maximum_out, now)?;
        let expires_at = self.outgoing_expiry(packet.expires_at(), now)?;
        let place = self.place(source, &peer.asset, packet.amount(), amount_out)?;
        let hold = self.hold(source, &peer.asset, &peer.liquidity, packet, amount_out).await?;
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
        // The bytes are ours alone again, so this copies nothing.
        let Ok(mut packet) = Prepare::parse(BytesMut::from(packet)) else { return Err(passage) };
        packet.set_amount(amount);
        packet.set_expires_at(expires_at);
        while tried.len() < ATTEMPTS_MAX {
            let Ok(Next::Hop(peer)) = self.route(packet.destination(), source, &tried, now) else {
                return Err(passage);
            };
            let id = peer.id;
            match self.hand_to(peer, source, &packet, &mut passage, now).await {
                Ok(in_flight) => {
                    return Ok((in_flight.outgoing(packet), InFlight { tried, ..in_flight }));
                }
                Err(_) => tried.push(id),
            }
        }
        Err(passage)
    }

    /// The most that one packet of the node's own may carry to `destination`, in the smallest unit of
    /// `asset`, as far as the terms with the next hop say: beyond it somebody else may set a lower one.
    /// `None` where nothing is known: there is no limit, no rate or no route, of which the latter two
    /// show when a packet is sent.
    #[must_use]
    pub fn packet_amount_max(
        &self,
        asset: &Arc<Asset>,
        destination: Addr<'_>,
        now: Timestamp,
    ) -> Option<u64> {
        let source = Source::Probe(asset);
        let Ok(Next::Hop(peer)) = self.route(destination, source, &[], now) else { return None };
        let maximum_out = self.amount_max(&peer.terms_now())?;
        let conversion = self.conversion(source, &peer.asset, now).ok()?;
        Some(conversion.max_input(maximum_out))
    }

    /// The longest prefix wins, and our own address is a prefix like any other: a child of ours
    /// has a longer one. A default route takes what is of the node's own network: `private.` and
    /// the like mean something else to every node.
    pub(super) fn route(
        &self,
        destination: Addr<'_>,
        source: Source<'_>,
        tried: &[Uuid],
        now: Timestamp,
    ) -> Result<Next, Refusal> {
        let own = self.address.as_bytes();
        let own_prefix_bytes = if destination.starts_with_segments(own) { own.len() } else { 0 };
        let sender = source.peer().map(AsRef::as_ref);
        match self.peers.routes.find(destination, sender, tried, now) {
            Found::Through(peer, prefix_bytes) if prefix_bytes > own_prefix_bytes => {
                Ok(Next::Hop(peer))
            }
            _ if own_prefix_bytes == destination.as_bytes().len() => Err(Refusal::NoSuchAccount),
            _ if own_prefix_bytes > 0 => Ok(Next::Here),
            Found::Through(peer, _) if self.is_of_own_network(destination) => Ok(Next::Hop(peer)),
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
        let reply = Reply::parse(answer).map_err(|_| Refusal::NotAReply)?;
        peer.breaker.answered(now);
        Ok(reply)
    }

    fn link_failed(&self, peer: &Peer, failure: LinkFailure, now: Timestamp) {
        peer.did_not_reply(failure, now);
        self.counters.causes.link_failed(failure);
    }

    fn is_of_own_network(&self, destination: Addr<'_>) -> bool {
        destination.scheme() == self.address.scheme() || is_live(destination.scheme()).is_some()
    }
}

/// Whether an allocation scheme is of the live network, of a test network, or of neither.
fn is_live(scheme: Scheme) -> Option<bool> {
    match scheme {
        Scheme::Global => Some(true),
        scheme if scheme.is_test() => Some(false),
        _ => None,
    }
}
