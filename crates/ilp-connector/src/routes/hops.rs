//! Who a prefix leads to: mostly one peer, whose number the table has. Where several lead there, their
//! list has a number of its own.

use std::{slice, sync::Arc};

use arc_swap::Guard;

use super::values::{Number, Numbered, Values};
use crate::peer::Peer;

/// Two at the least, sorted by id.
type Peers = Box<[Arc<Peer>]>;

/// Whom prefixes lead to, under numbers that the table can hold.
#[derive(Debug)]
pub(super) struct AllHops {
    /// One number for all prefixes that lead to one peer alone. The peer itself is the value, and not
    /// a list of one, so that a packet waits for one memory less.
    alone: Values<Peer>,
    together: Values<Peers>,
}

/// Whom a prefix leads to, held for as long as it does.
#[derive(Clone, Debug)]
pub(super) enum Hops {
    Alone(Arc<Numbered<Peer>>),
    Together(Arc<Numbered<Peers>>),
}

/// Whom a prefix leads to, as a packet sees it.
pub(super) enum SeenHops {
    Alone(Guard<Option<Arc<Peer>>>),
    Together(Guard<Option<Arc<Peers>>>),
}

impl AllHops {
    pub(super) fn new() -> Self {
        Self { alone: Values::new(), together: Values::new() }
    }

    /// Returns the hops that a number of [`Hops::number`] stands for.
    pub(super) fn get(&self, number: Number) -> Option<SeenHops> {
        let (half, is_together) = (number.get() >> 1, number.get() & 1 == 1);
        let number = Number::new(half)?;
        Some(if is_together {
            SeenHops::Together(self.together.get(number))
        } else {
            SeenHops::Alone(self.alone.get(number))
        })
    }

    /// One peer alone. The same for all prefixes that are given it at once.
    pub(super) fn alone(&self, peer: &Arc<Peer>) -> Hops {
        Hops::Alone(self.alone.add(Arc::clone(peer)))
    }

    /// These peers, in whatever order.
    pub(super) fn of(&self, mut peers: Vec<Arc<Peer>>) -> Hops {
        if let [only] = &*peers {
            return self.alone(only);
        }
        peers.sort_unstable_by_key(|peer| peer.id);
        Hops::Together(self.together.add(Arc::new(peers.into())))
    }

    /// Gives up what one prefix held, after the table has it no more.
    pub(super) fn release(&self, hops: Hops) {
        match hops {
            Hops::Alone(peer) => self.alone.release(peer),
            Hops::Together(peers) => self.together.release(peers),
        }
    }
}

impl Hops {
    pub(super) fn peers(&self) -> &[Arc<Peer>] {
        match self {
            Self::Alone(peer) => slice::from_ref(peer.value()),
            Self::Together(peers) => peers.value(),
        }
    }

    /// For the table: which of the two kinds it is in the lowest bit.
    pub(super) fn number(&self) -> Number {
        match self {
            Self::Alone(peer) => peer.number().saturating_mul(TWO),
            Self::Together(peers) => peers.number().saturating_mul(TWO) | 1,
        }
    }
}

const TWO: Number = Number::MIN.saturating_add(1);

impl SeenHops {
    pub(super) fn peers(&self) -> &[Arc<Peer>] {
        match self {
            Self::Alone(peer) => peer.as_ref().map_or(&[], slice::from_ref),
            Self::Together(peers) => peers.as_ref().map_or(&[], |peers| peers),
        }
    }
}
