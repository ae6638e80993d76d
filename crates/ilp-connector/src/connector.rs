//! The rules that a packet passes, in their order.

mod counting;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use interledger_packet::{Addr, Address, Prepare, Reply, Scheme, Timestamp};
use ring::digest::{SHA256, digest};
use uuid::Uuid;

use self::counting::Counters;
use crate::{
    ledger::{Ledger, Leg, Transfer, TransferKind},
    peer::{NextHop, Peer, Terms},
    peers::Peers,
    refusal::{LinkFailure, Refusal},
    routes::Found,
    token::TokenDigest,
    traffic::{Ending, Passage},
};

/// What the operator decided for all packets.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The most that one packet may carry to or from a peer without a maximum of its own, in its
    /// asset's smallest unit. `None` is no limit.
    pub amount_max_default: Option<u64>,
    /// How many packets a peer without a limit of its own may send within any minute. `None` is no
    /// limit.
    pub packets_per_minute_max_default: Option<u64>,
    /// How much earlier than it reached us a packet expires at the next hop, so that there is time
    /// to bring the answer back.
    pub expiry_margin_ms: u64,
    /// How long the node waits for a next hop at the most, however late the packet expires.
    pub hold_ms_max: u64,
}

/// Who a packet comes from.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// A peer, which pays for it from its credit line.
    Peer(&'a Arc<Peer>),
    /// The node itself, asking a question that moves no money.
    Own,
}

impl<'a> Source<'a> {
    fn peer(self) -> Option<&'a Arc<Peer>> {
        match self {
            Self::Peer(peer) => Some(peer),
            Self::Own => None,
        }
    }
}

/// What becomes of a Prepare.
#[derive(Debug)]
pub enum Decision<H> {
    /// It goes on to a next hop.
    Send {
        /// The packet as the next hop is to see it.
        packet: Bytes,
        /// What to come back with once the next hop has answered, or hasn't.
        in_flight: InFlight<H>,
    },
    /// It is answered here: the bytes of a Reject.
    Reply(Bytes),
}

/// A packet that was sent on and not yet answered. Dropping it voids its hold.
#[derive(Debug)]
pub struct InFlight<H> {
    /// Where it went.
    pub next_hop: Arc<NextHop>,
    /// When it expires at the next hop: the life of its hold, and the time by which an answer
    /// counts.
    pub expires_at: Timestamp,
    execution_condition: [u8; 32],
    passage: Passage,
    /// `None` for a packet of zero, which moves no money.
    hold: Option<H>,
}

/// The connector: the peers, the routes through them, and the books.
#[derive(Debug)]
pub struct Connector<L> {
    address: Address,
    policy: Policy,
    peers: Peers,
    ledger: L,
    counters: Counters,
    shutting_down: AtomicBool,
}

impl<L: Ledger> Connector<L> {
    /// A connector at `address`, without peers.
    #[must_use]
    pub fn new(address: Address, policy: Policy, ledger: L) -> Self {
        Self {
            address,
            policy,
            peers: Peers::new(),
            ledger,
            counters: Counters::default(),
            shutting_down: AtomicBool::new(false),
        }
    }

    /// The node's own ILP address.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The books.
    #[must_use]
    pub fn ledger(&self) -> &L {
        &self.ledger
    }

    /// Lets a peer take part: its token opens the door and its routes lead to it.
    pub fn add_peer(&self, peer: Arc<Peer>) {
        self.peers.add(peer);
    }

    /// Replaces the terms with a peer and returns the old ones; `None` when there is no such peer.
    pub fn update_peer(&self, id: Uuid, terms: Terms) -> Option<Arc<Terms>> {
        self.peers.update(id, terms)
    }

    /// Shuts a peer out. Packets under way to or from it still end as they would have.
    pub fn remove_peer(&self, id: Uuid) -> Option<Arc<Peer>> {
        self.peers.remove(id)
    }

    /// The peer of that id.
    #[must_use]
    pub fn peer(&self, id: Uuid) -> Option<Arc<Peer>> {
        self.peers.by_id(id)
    }

    /// The peer whose token this is.
    #[must_use]
    pub fn peer_by_token(&self, token: &[u8]) -> Option<Arc<Peer>> {
        self.peers.by_token(&TokenDigest::of(token))
    }

    /// How many peers there are.
    #[must_use]
    pub fn peer_count(&self) -> usize {
        self.peers.len()
    }

    /// Takes no more packets; those under way go on.
    pub fn shut_down(&self) {
        self.shutting_down.store(true, Ordering::Relaxed);
    }

    /// Decides about a Prepare that arrived at `now`.
    ///
    /// The one await is the ledger's hold, which a ledger in memory answers at once.
    pub async fn prepare(
        &self,
        source: Source<'_>,
        packet: Prepare,
        now: Timestamp,
    ) -> Decision<L::Hold> {
        let amount = packet.amount();
        match self.forward(source, packet, now).await {
            Ok((packet, in_flight)) => Decision::Send { packet, in_flight },
            Err(refusal) => {
                self.counters.turned_away(source, amount, &refusal);
                Decision::Reply(refusal.into_reject(&self.address))
            }
        }
    }

    /// The rules, in their order. Whatever returns before the hold has touched no money, and what
    /// returns after it drops the hold and so voids it.
    async fn forward(
        &self,
        source: Source<'_>,
        mut packet: Prepare,
        now: Timestamp,
    ) -> Result<(Bytes, InFlight<L::Hold>), Refusal> {
        self.is_up()?;
        not_expired(&packet, now)?;
        self.sender_may_send_this_much(source, packet.amount())?;
        self.sender_may_send_this_often(source, packet.amount(), now)?;
        self.may_be_forwarded(packet.destination())?;
        let next_hop = self.route(packet.destination(), source)?;
        let amount_out = convert(source, &next_hop, packet.amount())?;
        let terms = next_hop.terms();
        self.next_hop_takes_this_much(&terms, packet.amount(), amount_out)?;
        let expires_at = self.outgoing_expiry(packet.expires_at(), now)?;
        let hold = self.hold(source, &next_hop, &packet, amount_out).await?;

        let passage = self.counters.begin(source, &next_hop, packet.amount(), amount_out);
        packet.set_amount(amount_out);
        packet.set_expires_at(expires_at);
        let in_flight = InFlight {
            next_hop: Arc::clone(&terms.next_hop),
            expires_at,
            execution_condition: *packet.execution_condition(),
            passage,
            hold,
        };
        Ok((packet.into_bytes(), in_flight))
    }

    /// Settles a packet that was sent on, with what the next hop answered by `now`, and returns
    /// the bytes of the reply for the sender. A valid Fulfill is returned once its transfer is
    /// durable; everything else voids the hold at once.
    pub async fn complete(
        &self,
        in_flight: InFlight<L::Hold>,
        answer: Result<Bytes, LinkFailure>,
        now: Timestamp,
    ) -> Bytes {
        match self.settle(in_flight, answer, now).await {
            Ok(reply) => reply,
            Err(refusal) => {
                self.counters.causes.refused(&refusal);
                refusal.into_reject(&self.address)
            }
        }
    }

    async fn settle(
        &self,
        in_flight: InFlight<L::Hold>,
        answer: Result<Bytes, LinkFailure>,
        now: Timestamp,
    ) -> Result<Bytes, Refusal> {
        let answer = answer.inspect_err(|failure| self.counters.causes.link_failed(*failure))?;
        let fulfill = match Reply::parse(answer).map_err(|_| Refusal::NotAReply)? {
            Reply::Reject(reject) => {
                self.counters.causes.rejected(reject.code());
                in_flight.passage.end(Ending::Rejected);
                return Ok(reject.into_bytes());
            }
            Reply::Fulfill(fulfill) => fulfill,
        };
        if digest(&SHA256, fulfill.fulfillment()).as_ref() != in_flight.execution_condition {
            return Err(Refusal::WrongFulfillment);
        }
        if now >= in_flight.expires_at {
            return Err(Refusal::NoReplyInTime);
        }
        if let Some(hold) = in_flight.hold {
            self.ledger.post(hold).await.map_err(|_| Refusal::LedgerStopped)?;
        }
        in_flight.passage.end(Ending::Fulfilled);
        Ok(fulfill.into_bytes())
    }

    fn is_up(&self) -> Result<(), Refusal> {
        // Relaxed: a packet that races with the shutdown is drained like those before it.
        if self.shutting_down.load(Ordering::Relaxed) { Err(Refusal::ShuttingDown) } else { Ok(()) }
    }

    fn amount_max(&self, terms: &Terms) -> Option<u64> {
        terms.max_packet_amount.or(self.policy.amount_max_default)
    }

    /// What may pass within a second is also the most that one packet may carry: no later moment
    /// would let more through, and told so, a sender makes its packets smaller.
    fn sender_may_send_this_much(&self, source: Source<'_>, amount: u64) -> Result<(), Refusal> {
        let Source::Peer(peer) = source else { return Ok(()) };
        let terms = peer.terms_now();
        let maximum = self.amount_max(&terms).into_iter().chain(terms.amount_per_second_max).min();
        match maximum {
            Some(maximum) if amount > maximum => {
                Err(Refusal::AmountTooLarge { received: amount, maximum })
            }
            _ => Ok(()),
        }
    }

    fn sender_may_send_this_often(
        &self,
        source: Source<'_>,
        amount: u64,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let Source::Peer(peer) = source else { return Ok(()) };
        let terms = peer.terms_now();
        let packets = terms.packets_per_minute_max.or(self.policy.packets_per_minute_max_default);
        if packets.is_some_and(|limit| !peer.packet_rate.take_packet(limit, now)) {
            return Err(Refusal::PacketRate);
        }
        let amounts = terms.amount_per_second_max;
        if amounts.is_some_and(|limit| !peer.amount_rate.take_amount(amount, limit, now)) {
            return Err(Refusal::AmountRate);
        }
        Ok(())
    }

    /// `peer.` addresses mean the direct neighbour and never travel (RFC 15); live packets never
    /// reach test networks, nor the reverse (RFC 34).
    fn may_be_forwarded(&self, destination: Addr<'_>) -> Result<(), Refusal> {
        if destination.scheme() == Scheme::Peer {
            return Err(Refusal::PeerAddress);
        }
        match (is_live(self.address.scheme()), is_live(destination.scheme())) {
            (Some(own), Some(other)) if own != other => Err(Refusal::OtherNetwork),
            _ => Ok(()),
        }
    }

    /// The longest prefix wins, and our own address is a prefix like any other: a child of ours
    /// has a longer one.
    fn route(&self, destination: Addr<'_>, source: Source<'_>) -> Result<Arc<Peer>, Refusal> {
        let own = self.address.as_str();
        let own_prefix_bytes = if destination.starts_with_segments(own) { own.len() } else { 0 };
        match self.peers.routes.find(destination, source.peer().map(AsRef::as_ref)) {
            Found::Through(peer, prefix_bytes) if prefix_bytes > own_prefix_bytes => Ok(peer),
            _ if own_prefix_bytes > 0 => Err(Refusal::NoSuchAccount),
            Found::BackToSender => Err(Refusal::BackToSender),
            Found::Through(..) | Found::Nothing => Err(Refusal::NoRoute),
        }
    }

    fn next_hop_takes_this_much(
        &self,
        terms: &Terms,
        amount: u64,
        amount_out: u64,
    ) -> Result<(), Refusal> {
        match self.amount_max(terms) {
            Some(maximum) if amount_out > maximum => {
                Err(Refusal::AmountTooLarge { received: amount, maximum })
            }
            _ => Ok(()),
        }
    }

    fn outgoing_expiry(&self, expires_at: Timestamp, now: Timestamp) -> Result<Timestamp, Refusal> {
        let longest = now.saturating_add_ms(self.policy.hold_ms_max);
        let outgoing = expires_at.saturating_sub_ms(self.policy.expiry_margin_ms).min(longest);
        if outgoing <= now { Err(Refusal::TooLittleTime) } else { Ok(outgoing) }
    }

    /// A packet of zero moves no money, so nothing is held and nothing is written for it.
    async fn hold(
        &self,
        source: Source<'_>,
        next_hop: &Peer,
        packet: &Prepare,
        amount_out: u64,
    ) -> Result<Option<L::Hold>, Refusal> {
        if packet.amount() == 0 {
            return Ok(None);
        }
        let payer = source.peer().ok_or(Refusal::Liquidity)?;
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = *packet.execution_condition();
        let transfer = Transfer {
            id: Uuid::from_bytes([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]),
            kind: TransferKind::Packet,
            first: Leg {
                debit: Arc::clone(&payer.liquidity),
                credit: Arc::clone(&next_hop.liquidity),
                amount: amount_out,
            },
            second: None,
        };
        Ok(Some(self.ledger.hold(transfer).await?))
    }
}

fn not_expired(packet: &Prepare, now: Timestamp) -> Result<(), Refusal> {
    if packet.expires_at() <= now { Err(Refusal::AlreadyExpired) } else { Ok(()) }
}

/// What the next hop gets for `amount` from the source, in its own asset's unit.
fn convert(source: Source<'_>, next_hop: &Peer, amount: u64) -> Result<u64, Refusal> {
    match source.peer() {
        Some(peer) if peer.asset.id != next_hop.asset.id => Err(Refusal::NoRate),
        _ => Ok(amount),
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

#[cfg(test)]
mod tests;
