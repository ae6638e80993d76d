//! The peers of a running node: found by token for every packet, by id for the operator.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use papaya::HashMap;
use parking_lot::Mutex;
use uuid::Uuid;

use crate::{
    peer::{Peer, Terms},
    routes::Routes,
    token::TokenDigest,
    traffic::{AssetName, Departed, Flows},
};

type FastMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Peers, their tokens and the routes through them. Reads take no lock; a change costs what the
/// one peer has of tokens and routes, however many peers there are.
#[derive(Debug)]
pub(crate) struct Peers {
    by_id: FastMap<Uuid, Arc<Peer>>,
    by_token: FastMap<TokenDigest, Arc<Peer>>,
    pub(crate) routes: Routes,
    /// One change at a time, since a change touches three tables. Packets never take it. With it
    /// goes what removed peers have counted, so that each peer is either there or among those.
    changing: Mutex<Departed>,
}

impl Peers {
    pub(crate) fn new() -> Self {
        Self {
            by_id: FastMap::default(),
            by_token: FastMap::default(),
            routes: Routes::new(),
            changing: Mutex::default(),
        }
    }

    pub(crate) fn by_id(&self, id: Uuid) -> Option<Arc<Peer>> {
        self.by_id.pin().get(&id).cloned()
    }

    pub(crate) fn by_token(&self, token: &TokenDigest) -> Option<Arc<Peer>> {
        self.by_token.pin().get(token).inspect(|peer| peer.fetch()).cloned()
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Shows every peer to `visit`, and returns what removed ones have counted, by asset. Changes
    /// wait meanwhile, packets don't.
    pub(crate) fn visit(&self, visit: impl FnMut(&Arc<Peer>)) -> BTreeMap<AssetName, Flows> {
        let mut departed = self.changing.lock();
        self.by_id.pin().values().for_each(visit);
        departed.flows()
    }

    pub(crate) fn add(&self, peer: Arc<Peer>) {
        let _one_change = self.changing.lock();
        let terms = peer.terms();
        // Routes come before tokens, so that a peer that may send may also be answered.
        self.routes.add(terms.prefixes(), &peer);
        for token in &terms.tokens {
            self.by_token.pin().insert(*token, Arc::clone(&peer));
        }
        self.by_id.pin().insert(peer.id, peer);
    }

    /// Adds new tokens and routes before the terms change, and removes old ones after, so that no
    /// packet that was right under both the old and the new terms is refused in between.
    pub(crate) fn update(&self, id: Uuid, terms: Terms) -> Option<Arc<Terms>> {
        let _one_change = self.changing.lock();
        let peer = self.by_id(id)?;
        self.routes.add(terms.prefixes(), &peer);
        for token in &terms.tokens {
            self.by_token.pin().insert(*token, Arc::clone(&peer));
        }
        let old = peer.replace_terms(terms);
        let new = peer.terms();
        let kept: HashSet<&str> = new.prefixes().collect();
        self.routes.remove(old.prefixes().filter(|old| !kept.contains(old)), &peer);
        for token in old.tokens.iter().filter(|old| !new.tokens.contains(old)) {
            self.by_token.pin().remove(token);
        }
        Some(old)
    }

    pub(crate) fn remove(&self, id: Uuid) -> Option<Arc<Peer>> {
        let mut departed = self.changing.lock();
        let peer = self.by_id.pin().remove(&id).cloned()?;
        departed.add(&peer);
        let terms = peer.terms();
        for token in &terms.tokens {
            self.by_token.pin().remove(token);
        }
        self.routes.remove(terms.prefixes(), &peer);
        Some(peer)
    }
}
