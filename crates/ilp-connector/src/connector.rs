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
pub use self::counting::OwnFlows;
use crate::{
    account::Account,
    ledger::{Ledger, Leg, Transfer, TransferKind},
    peer::{Asset, NextHop, Peer, Terms},
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
    /// A payment of this node's own, which pays from what it was funded with. The operator's limits
    /// on peers don't apply to it.
    Local(&'a LocalAccount),
    /// The node itself, asking a question that moves no money.
    Own,
}

impl<'a> Source<'a> {
    fn peer(self) -> Option<&'a Arc<Peer>> {
        match self {
            Self::Peer(peer) => Some(peer),
            Self::Local(_) | Self::Own => None,
        }
    }

    /// Who pays, and in what; `None` for a packet that moves no money.
    fn payer(self) -> Option<(&'a Arc<Asset>, &'a Arc<Account>)> {
        match self {
            Self::Peer(peer) => Some((&peer.asset, &peer.liquidity)),
            Self::Local(local) => Some((&local.asset, &local.account)),
            Self::Own => None,
        }
    }
}

/// An account of somebody at this node: where a packet's way begins or ends.
#[derive(Clone, Debug)]
pub struct LocalAccount {
    /// What it counts in.
    pub asset: Arc<Asset>,
    /// A wallet address's or a payment's.
    pub account: Arc<Account>,
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
    /// It is for somebody at this node, and nothing is on hold for it yet: whose it is, and whether
    /// it is for anybody, only the receiver can tell. [`Connector::deliver`] goes on from there.
    Deliver(Prepare),
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

/// A packet that has reached its recipient's account at this node and is not yet answered. Dropping
/// it voids its hold.
#[derive(Debug)]
pub struct Delivery<H> {
    /// What arrives, in the smallest unit of the recipient's asset.
    pub amount: u64,
    expires_at: Timestamp,
    execution_condition: [u8; 32],
    passage: Passage,
    hold: Option<H>,
}

/// What the rules make of a packet that they don't refuse.
enum Way<H> {
    On(Bytes, InFlight<H>),
    Here(Prepare),
}

/// Where the routing table leads.
enum Next {
    Hop(Arc<Peer>),
    Here,
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
            Ok(Way::On(packet, in_flight)) => Decision::Send { packet, in_flight },
            Ok(Way::Here(packet)) => Decision::Deliver(packet),
            Err(refusal) => Decision::Reply(self.refuse(source, amount, refusal)),
        }
    }

    /// The rules, in their order. Whatever returns before the hold has touched no money, and what
    /// returns after it drops the hold and so voids it.
    async fn forward(
        &self,
        source: Source<'_>,
        mut packet: Prepare,
        now: Timestamp,
    ) -> Result<Way<L::Hold>, Refusal> {
        self.is_up()?;
        not_expired(&packet, now)?;
        self.sender_may_send_this_much(source, packet.amount())?;
        self.sender_may_send_this_often(source, packet.amount(), now)?;
        self.may_be_forwarded(packet.destination())?;
        let next_hop = match self.route(packet.destination(), source)? {
            Next::Hop(next_hop) => next_hop,
            Next::Here => return Ok(Way::Here(packet)),
        };
        let amount_out = convert(source, &next_hop.asset, packet.amount())?;
        let terms = next_hop.terms();
        self.next_hop_takes_this_much(&terms, packet.amount(), amount_out)?;
        let expires_at = self.outgoing_expiry(packet.expires_at(), now)?;
        let hold = self.hold(source, &next_hop.liquidity, &packet, amount_out).await?;

        let passage = self.counters.begin(source, &next_hop.traffic, packet.amount(), amount_out);
        packet.set_amount(amount_out);
        packet.set_expires_at(expires_at);
        let in_flight = InFlight {
            next_hop: Arc::clone(&terms.next_hop),
            expires_at,
            execution_condition: *packet.execution_condition(),
            passage,
            hold,
        };
        Ok(Way::On(packet.into_bytes(), in_flight))
    }

    /// Sets aside what a packet brings to an account at this node, after [`Connector::prepare`] has
    /// let it in with [`Decision::Deliver`]. What the recipient answers settles it:
    /// [`Connector::complete_delivery`].
    ///
    /// # Errors
    /// [`Refusal`] when there is no rate between the two assets, or too little liquidity.
    pub async fn deliver(
        &self,
        source: Source<'_>,
        packet: &Prepare,
        recipient: &LocalAccount,
    ) -> Result<Delivery<L::Hold>, Refusal> {
        let amount = convert(source, &recipient.asset, packet.amount())?;
        let hold = self.hold(source, &recipient.account, packet, amount).await?;
        let to = self.counters.accounts(&recipient.asset);
        Ok(Delivery {
            amount,
            expires_at: packet.expires_at(),
            execution_condition: *packet.execution_condition(),
            passage: self.counters.begin(source, &to, packet.amount(), amount),
            hold,
        })
    }

    /// Settles a packet for an account at this node with the recipient's answer, as
    /// [`Connector::complete`] does with a next hop's.
    pub async fn complete_delivery(
        &self,
        delivery: Delivery<L::Hold>,
        answer: Bytes,
        now: Timestamp,
    ) -> Bytes {
        let Delivery { expires_at, execution_condition, passage, hold, .. } = delivery;
        let settled = self.settle(Ok(answer), &execution_condition, expires_at, hold, now).await;
        self.end(passage, settled)
    }

    /// The bytes of a Reject of this node's own, for a packet that was let in and goes no further.
    #[must_use]
    pub fn refuse(&self, source: Source<'_>, amount: u64, refusal: Refusal) -> Bytes {
        self.counters.turned_away(source, amount, &refusal);
        refusal.into_reject(&self.address)
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
        let InFlight { expires_at, execution_condition, passage, hold, .. } = in_flight;
        let settled = self.settle(answer, &execution_condition, expires_at, hold, now).await;
        self.end(passage, settled)
    }

    async fn settle(
        &self,
        answer: Result<Bytes, LinkFailure>,
        execution_condition: &[u8; 32],
        expires_at: Timestamp,
        hold: Option<L::Hold>,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let answer = answer.inspect_err(|failure| self.counters.causes.link_failed(*failure))?;
        let fulfill = match Reply::parse(answer).map_err(|_| Refusal::NotAReply)? {
            reject @ Reply::Reject(_) => return Ok(reject),
            Reply::Fulfill(fulfill) => fulfill,
        };
        if digest(&SHA256, fulfill.fulfillment()).as_ref() != execution_condition {
            return Err(Refusal::WrongFulfillment);
        }
        if now >= expires_at {
            return Err(Refusal::NoReplyInTime);
        }
        if let Some(hold) = hold {
            self.ledger.post(hold).await.map_err(|_| Refusal::LedgerStopped)?;
        }
        Ok(Reply::Fulfill(fulfill))
    }

    /// Counts how a packet ended that was on its way, and returns the bytes of the reply.
    fn end(&self, passage: Passage, settled: Result<Reply, Refusal>) -> Bytes {
        match settled {
            Ok(Reply::Fulfill(fulfill)) => {
                passage.end(Ending::Fulfilled);
                fulfill.into_bytes()
            }
            Ok(Reply::Reject(reject)) => {
                passage.end(Ending::Rejected);
                self.counters.causes.rejected(reject.code());
                reject.into_bytes()
            }
            Err(refusal) => {
                passage.end(Ending::Refused);
                self.counters.causes.refused(&refusal);
                refusal.into_reject(&self.address)
            }
        }
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
    fn route(&self, destination: Addr<'_>, source: Source<'_>) -> Result<Next, Refusal> {
        let own = self.address.as_str();
        let own_prefix_bytes = if destination.starts_with_segments(own) { own.len() } else { 0 };
        match self.peers.routes.find(destination, source.peer().map(AsRef::as_ref)) {
            Found::Through(peer, prefix_bytes) if prefix_bytes > own_prefix_bytes => {
                Ok(Next::Hop(peer))
            }
            _ if own_prefix_bytes == destination.as_str().len() => Err(Refusal::NoSuchAccount),
            _ if own_prefix_bytes > 0 => Ok(Next::Here),
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
        payee: &Arc<Account>,
        packet: &Prepare,
        amount_out: u64,
    ) -> Result<Option<L::Hold>, Refusal> {
        if packet.amount() == 0 {
            return Ok(None);
        }
        let (_, payer) = source.payer().ok_or(Refusal::Liquidity)?;
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = *packet.execution_condition();
        let transfer = Transfer {
            id: Uuid::from_bytes([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]),
            kind: TransferKind::Packet,
            first: Leg { debit: Arc::clone(payer), credit: Arc::clone(payee), amount: amount_out },
            second: None,
        };
        Ok(Some(self.ledger.hold(transfer).await?))
    }
}

fn not_expired(packet: &Prepare, now: Timestamp) -> Result<(), Refusal> {
    if packet.expires_at() <= now { Err(Refusal::AlreadyExpired) } else { Ok(()) }
}

/// What arrives in `asset` for `amount` from the source, in that asset's unit.
fn convert(source: Source<'_>, asset: &Asset, amount: u64) -> Result<u64, Refusal> {
    match source.payer() {
        Some((paid_in, _)) if paid_in.id != asset.id => Err(Refusal::NoRate),
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
