//! A peer: another operator's node, on the terms that the two operators agreed on.

use std::{
    fmt,
    hint::black_box,
    mem::offset_of,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;
use interledger_packet::{Address, AddressPrefix, Timestamp};
use uuid::Uuid;

use crate::{
    account::Account,
    breaker::{Breaker, Reachability},
    conversion::Spread,
    in_flight::UnderWay,
    link::{LinkCause, LinkRecord, LinkTrouble},
    neighbour::{self, NeighbourTag},
    peer_limits::PeerLimits,
    rate_limit::RateLimit,
    refusal::LinkFailure,
    token::{Secret, TokenDigest},
    traffic::Traffic,
};

/// The unit that accounts count in: a code, and the number of decimal places of the smallest unit.
#[derive(Debug)]
pub struct Asset {
    /// Names the asset in the store and in the admin API.
    pub id: Uuid,
    /// For people, such as `USD`.
    pub code: String,
    /// Decimal places: amount 100 at scale 2 is 1.00.
    pub scale: u8,
    /// The node's own stock of it.
    pub liquidity: Arc<Account>,
    /// The outside world: deposits come from here, withdrawals go here.
    pub settlement: Arc<Account>,
}

/// The endpoint that a peer's packets are sent to, and the token that it asks for.
#[derive(Clone)]
#[repr(C)]
pub struct NextHop {
    /// Changes whenever endpoint or token do, so that a client's connections and prepared headers
    /// can be kept under it without comparing the texts for every packet.
    pub id: u64,
    /// The endpoint as the operator gave it; its meaning depends on the transport.
    pub endpoint: String,
    /// The token that this node shows there.
    pub token: Secret,
}

impl NextHop {
    /// A next hop with an id that no other in this process has.
    #[must_use]
    pub fn new(endpoint: String, token: Secret) -> Self {
        static NEXT_ID: AtomicU64 = AtomicU64::new(1);
        // Relaxed: the numbers only have to differ, they order nothing.
        Self { id: NEXT_ID.fetch_add(1, Ordering::Relaxed), endpoint, token }
    }
}

impl fmt::Debug for NextHop {
    /// Without the endpoint, whose query may hold a secret of the peer's operator.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("NextHop").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The terms that two operators agreed on, which may change while packets flow. They are replaced
/// as a whole, so that a packet sees either the old terms or the new ones.
//
// What packets read comes first, up to the id of the next hop, and so lies in two lines.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Terms {
    /// The most that one packet to or from the peer may carry, in the asset's smallest unit.
    pub max_packet_amount: Option<u64>,
    /// The limits on what the peer may send.
    pub limits: PeerLimits,
    /// The share of each packet that the node keeps, on top of the rate. Between two peers of one
    /// asset, where the rate is one, it is the whole price.
    pub spread: Spread,
    /// Whether the peer takes packets for which no other peer has a longer prefix.
    pub is_default_route: bool,
    /// The next hop for packets to the peer.
    pub next_hop: NextHop,
    /// The peer's own ILP address; a route to it is implied.
    pub address: Address,
    /// The other prefixes that are reached through the peer.
    pub routes: Vec<AddressPrefix>,
    /// Digests of the tokens that the peer may show us.
    pub tokens: Vec<TokenDigest>,
}

impl Terms {
    /// Every prefix that is reached through the peer, its own address first. The empty one, of a
    /// default route, is last: it is a prefix of everything.
    pub fn prefixes(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.address.as_str())
            .chain(self.routes.iter().map(AddressPrefix::as_str))
            .chain(self.is_default_route.then_some(""))
    }
}

/// A peer for as long as it exists: what never changes about it, the terms of today, and the
/// state that outlives a change of terms.
//
// With many peers a packet waits for memory more than for anything else, so what packets need lies
// together: with the counts of its `Arc` in the first two lines, and then a line for what is counted of
// packets from it, and one for those to it.
#[repr(C)]
pub struct Peer {
    /// Names the peer in the store and in the admin API.
    pub id: Uuid,
    /// The asset of the peering.
    pub asset: Arc<Asset>,
    /// The peer's credit line.
    pub liquidity: Arc<Account>,
    terms: ArcSwap<Terms>,
    pub(crate) packet_rate: RateLimit,
    pub(crate) amount_rate: RateLimit,
    pub(crate) under_way: UnderWay,
    pub(crate) breaker: Breaker,
    neighbour: NeighbourTag,
    /// The counts of packets from and to the peer since the process started.
    pub traffic: Traffic,
    /// The record of missing replies. It is the last field, behind all that packets with a reply
    /// need.
    link: LinkRecord,
}

/// The size of a cache line.
const LINE_BYTES: usize = 64;
/// The two counts before what an `Arc` points to.
const COUNTS_BYTES: usize = 2 * size_of::<usize>();

const _: () = {
    let traffic = COUNTS_BYTES + offset_of!(Peer, traffic);
    let (incoming, outgoing) = (offset_of!(Traffic, incoming), offset_of!(Traffic, outgoing));
    assert!(align_of::<Peer>() <= COUNTS_BYTES, "the counts share the first line");
    assert!(traffic + incoming == 2 * LINE_BYTES && traffic + outgoing == 4 * LINE_BYTES);
};

impl Peer {
    /// A peer on the given terms. Packets reach it once it is added to a connector.
    #[must_use]
    pub fn new(id: Uuid, asset: Arc<Asset>, liquidity: Arc<Account>, terms: Terms) -> Self {
        Self {
            id,
            asset,
            liquidity,
            traffic: Traffic::default(),
            neighbour: NeighbourTag::of(&terms),
            terms: ArcSwap::from_pointee(terms),
            packet_rate: RateLimit::default(),
            amount_rate: RateLimit::default(),
            under_way: UnderWay::default(),
            breaker: Breaker::default(),
            link: LinkRecord::default(),
        }
    }

    /// Reads a word of each line of memory that a packet from or to the peer changes, so that a
    /// processor fetches all of them at once. Each counter, lock and reference is changed by an
    /// instruction that waits for its own line and lets nothing overtake it, so without this a packet
    /// waits for one line after the other.
    pub(crate) fn fetch(&self) {
        // This is such an instruction itself, so it comes first.
        let terms = self.terms_now();
        let counts = [Arc::strong_count(&self.liquidity), Arc::strong_count(&self.asset)];
        let words = (self.liquidity.id().kind, self.under_way.packets(), self.traffic.fetch());
        black_box((counts, words, terms.max_packet_amount, terms.next_hop.id));
    }

    /// The terms at this moment.
    #[must_use]
    pub fn terms(&self) -> Arc<Terms> {
        self.terms.load_full()
    }

    /// Returns whether the other peer is a peering with the same neighbour, perhaps in another
    /// asset. A packet from one of them must not go back to the other.
    #[must_use]
    pub fn is_same_neighbour(&self, other: &Self) -> bool {
        // The id is compared first: it lies in the other cache line that the packet needs of the
        // peer, so both lines are fetched at once.
        self.id == other.id
            || (self.neighbour.may_be_same(&other.neighbour)
                && neighbour::is_same(&self.terms_now(), &other.terms_now()))
    }

    /// Returns whether packets reach the peer, as far as those that were sent to it tell.
    #[must_use]
    pub fn reachability(&self) -> Reachability {
        self.breaker.reachability()
    }

    /// Returns the time at which the peer last answered a packet, to the second; `None` before the
    /// first answer since the start or since the peer moved to another endpoint.
    #[must_use]
    pub fn last_seen_at(&self) -> Option<Timestamp> {
        self.breaker.last_reply_at()
    }

    /// Returns the last packet that got no reply from the peer, since the start or since the peer
    /// moved to another endpoint.
    #[must_use]
    pub fn last_trouble(&self) -> Option<LinkTrouble> {
        self.link.last()
    }

    /// Notes in more detail than [`LinkFailure`] why the peer gave no reply.
    pub(crate) fn note_trouble(&self, cause: LinkCause, status: Option<u16>, now: Timestamp) {
        self.link.note(cause, status, now);
    }

    /// Notes why the peer gave no reply, and returns whether this found the peer unreachable. The
    /// breaker counts only failures of the way to the peer. It ignores this node's own queue, nodes
    /// behind the peer, and answers that the packet itself may have caused: its sender could
    /// provoke those and so keep the packets of others away.
    pub(crate) fn did_not_reply(&self, failure: LinkFailure, now: Timestamp) -> bool {
        self.traffic.link_failed();
        match failure {
            LinkFailure::Unreachable | LinkFailure::Busy => self.breaker.failed(now),
            LinkFailure::Failed
            | LinkFailure::QueueFull
            | LinkFailure::NoReplyInTime
            | LinkFailure::NotAReply => false,
        }
    }

    /// The terms at this moment, for a look that is over before the next await: no reference count
    /// is touched.
    pub(crate) fn terms_now(&self) -> arc_swap::Guard<Arc<Terms>> {
        self.terms.load()
    }

    pub(crate) fn replace_terms(&self, terms: Terms) -> Arc<Terms> {
        let next_hop = terms.next_hop.id;
        self.neighbour.set(&terms);
        let old = self.terms.swap(Arc::new(terms));
        if old.next_hop.id != next_hop {
            // Failures at the old endpoint say nothing about the new one.
            self.breaker.reset();
            self.link.reset();
        }
        old
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Peer")
            .field("id", &self.id)
            .field("asset", &self.asset.code)
            .field("liquidity", &self.liquidity)
            .field("terms", &self.terms_now())
            .finish_non_exhaustive()
    }
}
