//! The rules that a packet passes, in their order.

mod completion;
mod counting;
mod exchange;
mod limits;
mod obstacle;
mod peer_config;
mod shortage;
mod way;

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use interledger_packet::{Address, Prepare, Timestamp};
use uuid::Uuid;

pub use self::{completion::Completing, counting::OwnFlows};
use self::{counting::Counters, obstacle::Obstacle, shortage::Bid};
use crate::{
    account::Account,
    in_flight::{InFlightDefaults, Place},
    ledger::Ledger,
    link::LinkObserver,
    peer::{Asset, Peer, Terms},
    peers::Peers,
    rates::Rates,
    refusal::Refusal,
    routes::{Chosen, Order},
    token::TokenDigest,
    traffic::Passage,
};

/// The operator's rules for all packets.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The most that one packet may carry to or from a peer without a maximum of its own, in its
    /// asset's smallest unit. `None` is no limit.
    pub amount_max_default: Option<u64>,
    /// The maximum number of packets that a peer without a limit of its own may send within any
    /// minute. `None` is no limit.
    pub packets_per_minute_max_default: Option<u64>,
    /// The limits on a peer's packets under way, where nothing else was agreed on.
    pub in_flight_default: InFlightDefaults,
    /// The time by which a packet expires earlier at the next hop than it does here, which is
    /// needed to bring the answer back.
    pub expiry_margin_ms: u64,
    /// The maximum time that the node waits for a next hop, however late the packet expires.
    pub hold_ms_max: u64,
}

/// The sender of a packet.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// A peer, which pays for it from its credit line.
    Peer(&'a Arc<Peer>),
    /// A payment of this node's own, which pays from what it was funded with. The operator's limits
    /// on peers don't apply to it.
    Local(&'a LocalAccount),
    /// The node itself, asking what a path makes of an amount of this asset. The packet's condition
    /// must be one without a known preimage: nothing is held for the packet, so it must not be
    /// fulfilled.
    Probe(&'a Arc<Asset>),
    /// The node itself, asking a question that moves no money.
    Own,
    /// The node itself, asking one peer a question that moves no money, whatever the routes say.
    Test(&'a Arc<Peer>),
}

impl<'a> Source<'a> {
    fn peer(self) -> Option<&'a Arc<Peer>> {
        match self {
            Self::Peer(peer) => Some(peer),
            Self::Local(_) | Self::Probe(_) | Self::Own | Self::Test(_) => None,
        }
    }

    /// Returns the asset of the packet's amount; `None` for a packet that moves no money.
    fn asset(self) -> Option<&'a Arc<Asset>> {
        match self {
            Self::Peer(peer) => Some(&peer.asset),
            Self::Local(local) => Some(&local.asset),
            Self::Probe(asset) => Some(asset),
            Self::Own | Self::Test(_) => None,
        }
    }
}

/// An account at this node, where a packet's way begins or ends.
#[derive(Clone, Debug)]
pub struct LocalAccount {
    /// The asset of the account.
    pub asset: Arc<Asset>,
    /// The account of a wallet address or a payment.
    pub account: Arc<Account>,
}

/// The result of the rules for a Prepare.
#[derive(Debug)]
pub enum Decision<H> {
    /// The packet goes on to a next hop.
    Send {
        /// The packet as the next hop is to see it.
        packet: Bytes,
        /// The state to give back once the next hop has answered, or hasn't.
        in_flight: InFlight<H>,
    },
    /// The packet is for an account at this node, and nothing is on hold for it yet. Only the
    /// receiver can tell which account the packet pays, if any. [`Connector::deliver`] goes on from
    /// there.
    Deliver(Prepare),
    /// The packet is answered here, with these bytes of a reply.
    Reply(Bytes),
}

/// A packet that was sent on and not yet answered. Dropping it voids its hold.
#[derive(Debug)]
pub struct InFlight<H> {
    /// The time at which the packet expires at the next hop. Its hold lives until then, and an
    /// answer counts until then.
    pub expires_at: Timestamp,
    /// The peer that the packet went to.
    peer: Arc<Peer>,
    /// The terms that it went under.
    terms: Arc<Terms>,
    amount_out: u64,
    /// Amount and expiry as they arrived. The packet has them overwritten; these two words bring it
    /// back where it is to go elsewhere, and a copy of it would cost every packet an allocation.
    received: (u64, Timestamp),
    /// The peers that it didn't reach before this one.
    tried: Vec<Uuid>,
    execution_condition: [u8; 32],
    passage: Passage,
    /// `None` for a packet of zero, which moves no money.
    hold: Option<H>,
    /// Among what its sender has under way; `None` for the node's own.
    place: Option<Place>,
}

/// A packet that has reached its recipient's account at this node and is not yet answered. Dropping
/// it voids its hold.
#[derive(Debug)]
pub struct Delivery<H> {
    expires_at: Timestamp,
    execution_condition: [u8; 32],
    passage: Passage,
    hold: Option<H>,
    /// Among what its sender has under way; `None` for the node's own.
    place: Option<Place>,
}

/// The maximum number of peers that one packet is offered to. When that many refuse it or can't be
/// reached, the fault is probably near this node, and the breakers of more of them are open for the
/// sender's next packet.
const ATTEMPTS_MAX: usize = 8;

/// The way of a packet that the rules don't refuse.
enum Way<H> {
    On(Bytes, InFlight<H>),
    Here(Prepare),
    Answered(Bytes),
}

/// The next hop that the routing table leads to.
enum Next {
    Hop(Chosen),
    Here,
}

/// The connector: the peers, the routes through them, the rates between them, and the books.
#[derive(Debug)]
pub struct Connector<L> {
    address: Address,
    policy: Policy,
    peers: Peers,
    rates: Rates,
    ledger: L,
    counters: Counters,
    shutting_down: AtomicBool,
    link_observer: OnceLock<LinkObserver>,
}

impl<L: Ledger> Connector<L> {
    /// A connector at `address`, without peers.
    #[must_use]
    pub fn new(address: Address, policy: Policy, ledger: L) -> Self {
        Self {
            address,
            policy,
            peers: Peers::new(),
            rates: Rates::default(),
            ledger,
            counters: Counters::default(),
            shutting_down: AtomicBool::new(false),
            link_observer: OnceLock::new(),
        }
    }

    /// Sets the function that is called with the id of each peer that is found unreachable or
    /// answers again. `observer` runs on the path of the packet that shows the change, which few
    /// packets do, so it must not wait. Only the first observer counts.
    pub fn observe_links(&self, observer: impl Fn(Uuid) + Send + Sync + 'static) {
        let _ = self.link_observer.set(LinkObserver(Box::new(observer)));
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

    /// The exchange rates.
    #[must_use]
    pub fn rates(&self) -> &Rates {
        &self.rates
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

    /// Returns the number of peers.
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
            Ok(Way::Answered(reply)) => Decision::Reply(reply),
            Err(refusal) => Decision::Reply(self.refuse(source, amount, refusal)),
        }
    }

    /// Applies the rules to a packet, in their order. An error before the hold has touched no
    /// money. An error after it drops the hold, which voids it.
    ///
    /// A packet that a next hop refuses for a reason of its own is offered to the next one for the
    /// same prefix. Only two words are kept about the earlier next hops, so this doesn't allocate
    /// either.
    async fn forward(
        &self,
        source: Source<'_>,
        packet: Prepare,
        now: Timestamp,
    ) -> Result<Way<L::Hold>, Refusal> {
        self.is_up()?;
        not_expired(&packet, now)?;
        self.sender_may_send(source, packet.amount(), now)?;
        if let Some(reply) = self.configures_peer(source, &packet)? {
            self.counters.answered(source);
            return Ok(Way::Answered(reply));
        }
        self.may_be_forwarded(packet.destination())?;
        let (mut refused, mut after) = (None::<Refusal>, None);
        for _ in 0..ATTEMPTS_MAX {
            let next = self.route(packet.destination(), source, &[], after, now);
            let Chosen { peer, order } = match (next, refused) {
                (Ok(Next::Hop(chosen)), _) => chosen,
                (Ok(Next::Here), None) => return Ok(Way::Here(packet)),
                (Err(refusal), None) => return Err(refusal),
                (Ok(Next::Here) | Err(_), Some(refused)) => return Err(refused),
            };
            match self.hand_to(peer, source, &packet, &mut None, now).await {
                Ok(in_flight) => return Ok(Way::On(in_flight.outgoing(packet), in_flight)),
                Err(Obstacle::Packet(refusal)) => return Err(refusal),
                Err(Obstacle::NextHop(refusal)) => {
                    refused = Some(refused.map_or(refusal, |other| other.or_more_hopeful(refusal)));
                    after = Some(order);
                    if order == Order::LAST {
                        break;
                    }
                }
            }
        }
        Err(refused.unwrap_or(Refusal::NoRoute))
    }

    /// Returns the amount that a packet brings to an account at this node in `asset`, in that
    /// asset's smallest unit, after [`Connector::prepare`] has let it in with
    /// [`Decision::Deliver`].
    ///
    /// # Errors
    /// [`Refusal`] when there is no rate between the two assets at `now`, or too much or too little
    /// would arrive.
    pub fn arriving(
        &self,
        source: Source<'_>,
        packet: &Prepare,
        asset: &Asset,
        now: Timestamp,
    ) -> Result<u64, Refusal> {
        self.convert(source, asset, packet.amount(), u64::MAX, now)
    }

    /// Holds the `amount` that [`Connector::arriving`] named for a packet.
    /// [`Connector::complete_delivery`] completes the hold with the recipient's answer.
    ///
    /// # Errors
    /// [`Refusal`] when there is too little liquidity at `now`, or the sender has too much under way.
    pub async fn deliver(
        &self,
        source: Source<'_>,
        packet: &Prepare,
        recipient: &LocalAccount,
        amount: u64,
        now: Timestamp,
    ) -> Result<Delivery<L::Hold>, Refusal> {
        let LocalAccount { asset, account } = recipient;
        let bid =
            Bid { source, asset, amount: packet.amount(), amount_out: amount, has_maximum: false };
        let place = self.place(source, asset, packet.amount(), amount);
        let place = place.map_err(|refusal| self.obstacle(refusal, bid, now))?;
        let hold = self.hold(source, asset, account, packet, amount).await;
        let hold = hold.map_err(|refusal| self.obstacle(refusal, bid, now))?;
        let to = self.counters.accounts(asset);
        Ok(Delivery {
            expires_at: packet.expires_at(),
            execution_condition: *packet.execution_condition(),
            passage: self.counters.begin(source, to, packet.amount(), amount),
            hold,
            place,
        })
    }

    /// The bytes of a Reject of this node's own, for a packet that was let in and goes no further.
    #[must_use]
    pub fn refuse(&self, source: Source<'_>, amount: u64, refusal: Refusal) -> Bytes {
        self.counters.turned_away(source, amount, refusal);
        self.reject(refusal)
    }

    fn is_up(&self) -> Result<(), Refusal> {
        // Relaxed: a packet that races with the shutdown is drained like those before it.
        if self.shutting_down.load(Ordering::Relaxed) { Err(Refusal::ShuttingDown) } else { Ok(()) }
    }
}

fn not_expired(packet: &Prepare, now: Timestamp) -> Result<(), Refusal> {
    if packet.expires_at() <= now { Err(Refusal::AlreadyExpired) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
