//! Peers: unique by address and asset, and each incoming token belongs to one of them.
//! `peering_requests` are the peers that other nodes ask for.

pub(crate) mod peering_requests;

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use self::peering_requests::PeerOrigin;
use super::forms::{
    keys::{self, Kind},
    page::{Page, Rows},
    peer_records::{DeletedPeerRecord, PeerRecord},
};
use crate::{
    error::{Conflict, StoreError, TransactionError},
    store::{
        reading::{Reader, Reading},
        transaction::Transaction,
    },
};

impl Reader {
    /// Returns the peer of this id.
    ///
    /// # Errors
    /// When the store or the record can't be read.
    pub fn peer(&self, id: Uuid) -> Result<Option<PeerRecord>, StoreError> {
        self.read(Kind::Peer, id)
    }

    /// Returns the peer of this ILP address for this asset.
    ///
    /// # Errors
    /// When the store or the record can't be read.
    pub fn peer_by_address_and_asset(
        &self,
        address: &str,
        asset_id: Uuid,
    ) -> Result<Option<PeerRecord>, StoreError> {
        let Some(id) = self.follow(&keys::peer_by_address(asset_id, address))? else {
            return Ok(None);
        };
        // Index and row are read one after the other, and a change may come between.
        let peer = self.peer(id)?;
        Ok(peer.filter(|peer| peer.asset_id == asset_id && peer.terms.address == *address))
    }

    /// Returns the record of a deleted peer.
    ///
    /// # Errors
    /// When the store or the record can't be read.
    pub fn deleted_peer(&self, id: Uuid) -> Result<Option<DeletedPeerRecord>, StoreError> {
        self.read(Kind::DeletedPeer, id)
    }

    /// Returns one page of the peers.
    ///
    /// # Errors
    /// When the store or a record can't be read.
    pub fn peers_page(&self, page: Page) -> Result<Rows<PeerRecord>, StoreError> {
        self.page(Kind::Peer, page)
    }

    /// Returns all peers, oldest first, each read when it is asked for.
    pub fn all_peers(&self) -> impl Iterator<Item = Result<PeerRecord, StoreError>> + Send + use<> {
        self.scan(Kind::Peer)
    }

    /// Returns all peers, oldest first, at once. Once, right after the store was opened, they are
    /// those that were read then; any other time it's [`Reader::all_peers`](crate::Reader::all_peers).
    ///
    /// # Errors
    /// When the store or a record can't be read.
    pub fn take_peers(&self) -> Result<Vec<PeerRecord>, StoreError> {
        let at_start = self.inner.peers_at_start.lock().take();
        at_start.map_or_else(|| self.all_peers().collect(), Ok)
    }

    /// Returns the present asset ids of the peers, by the id of the peer: for a caller that needs the
    /// assets of most peers.
    pub(crate) fn assets_of_peers(&self) -> Result<HashMap<Uuid, Uuid>, StoreError> {
        if let Some(peers) = &*self.inner.peers_at_start.lock() {
            return Ok(peers.iter().map(|peer| (peer.id, peer.asset_id)).collect());
        }
        self.all_peers().map(|peer| peer.map(|peer| (peer.id, peer.asset_id))).collect()
    }
}

impl Transaction<'_> {
    /// Adds a peer that the operator entered.
    #[cfg(test)]
    pub(crate) fn insert_peer(&mut self, peer: &PeerRecord) -> Result<(), TransactionError> {
        self.insert_peer_from(peer, &PeerOrigin::Operator)
    }

    /// Adds a peer and the note of its origin in one batch.
    ///
    /// # Errors
    /// [`TransactionError::UnknownAsset`], [`Conflict::Peer`], [`Conflict::IncomingToken`] (also for a token
    /// that is given twice), [`Conflict::Id`] (also for the id of a deleted peer, whose books the
    /// new peer would take over), or when it is too large or can't be written.
    pub fn insert_peer_from(
        &mut self,
        peer: &PeerRecord,
        origin: &PeerOrigin,
    ) -> Result<(), TransactionError> {
        let id = peer.id.as_bytes();
        if self.has(&Kind::Peer.key(id))? || self.has(&Kind::DeletedPeer.key(id))? {
            return Err(Conflict::Id.into());
        }
        origin.note(self, peer)?;
        put_peer(self, peer)
    }

    /// Changes a peer and returns the new record, which is on the disk by then. `edit` may not call
    /// the store, whose write lock is held; an id that it changes stays as it was, and the version
    /// rises by one.
    ///
    /// # Errors
    /// [`TransactionError::UnknownPeer`], and those of [`Transaction::insert_peer_from`](crate::Transaction::insert_peer_from).
    pub fn update_peer(
        &mut self,
        id: Uuid,
        edit: impl FnOnce(&mut PeerRecord),
    ) -> Result<PeerRecord, TransactionError> {
        let before: PeerRecord = self.read(Kind::Peer, id)?.ok_or(TransactionError::UnknownPeer)?;
        let mut after = before.clone();
        edit(&mut after);
        (after.id, after.version) = (id, before.version + 1);
        remove_indexes(self, &before);
        put_peer(self, &after)?;
        Ok(after)
    }

    /// Takes the deposit off the record of a peer that was owed one, which is booked in the same
    /// change.
    ///
    /// # Errors
    /// [`TransactionError::UnknownPeer`], or when the store can't be written.
    pub fn settle_initial_deposit(&mut self, id: Uuid) -> Result<PeerRecord, TransactionError> {
        let peer: PeerRecord = self.read(Kind::Peer, id)?.ok_or(TransactionError::UnknownPeer)?;
        let settled = PeerRecord { initial_deposit: None, ..peer };
        self.put(Kind::Peer, &settled)?;
        Ok(settled)
    }

    /// Removes a peer and returns what it was. What is left of its
    /// liquidity, and of a deposit that it was still owed, is the caller's to settle.
    ///
    /// # Errors
    /// [`TransactionError::UnknownPeer`], or when the store can't be written.
    pub fn delete_peer(
        &mut self,
        id: Uuid,
        deleted_at_ms: u64,
    ) -> Result<PeerRecord, TransactionError> {
        remove_peer(self, id, deleted_at_ms)
    }
}

fn remove_indexes(tx: &mut Transaction<'_>, peer: &PeerRecord) {
    tx.remove(keys::peer_by_address(peer.asset_id, peer.terms.address.as_str()));
    for token in &peer.terms.incoming_tokens {
        tx.remove(keys::peer_by_token(&token.digest));
    }
}

fn remove_peer(
    tx: &mut Transaction<'_>,
    id: Uuid,
    deleted_at_ms: u64,
) -> Result<PeerRecord, TransactionError> {
    let peer = tx.read::<PeerRecord>(Kind::Peer, id)?.ok_or(TransactionError::UnknownPeer)?;
    remove_indexes(tx, &peer);
    tx.remove(Kind::Peer.key(id.as_bytes()));
    if tx.has(&Kind::AutoPeered.key(id.as_bytes()))? {
        tx.remove(Kind::AutoPeered.key(id.as_bytes()));
    }
    let kept = DeletedPeerRecord {
        id,
        asset_id: peer.asset_id,
        static_ilp_address: peer.terms.address.to_string(),
        name: peer.terms.name.clone(),
        created_at_ms: peer.created_at_ms,
        deleted_at_ms,
    };
    tx.put(Kind::DeletedPeer, &kept)?;
    Ok(peer)
}

/// Stores a peer with its indexes, if what must be unique is.
fn put_peer(tx: &mut Transaction<'_>, peer: &PeerRecord) -> Result<(), TransactionError> {
    if !tx.has(&Kind::Asset.key(peer.asset_id.as_bytes()))? {
        return Err(TransactionError::UnknownAsset);
    }
    let of_another = |tx: &Transaction<'_>, key: &[u8]| -> Result<bool, StoreError> {
        Ok(tx.follow(key)?.is_some_and(|owner| owner != peer.id))
    };
    let by_address = keys::peer_by_address(peer.asset_id, peer.terms.address.as_str());
    if of_another(tx, &by_address)? {
        return Err(Conflict::Peer.into());
    }
    let mut seen = HashSet::new();
    for token in &peer.terms.incoming_tokens {
        let by_token = keys::peer_by_token(&token.digest);
        if !seen.insert(token.digest) || of_another(tx, &by_token)? {
            return Err(Conflict::IncomingToken.into());
        }
        tx.index(by_token, peer.id);
    }
    tx.index(by_address, peer.id);
    tx.put(Kind::Peer, peer)
}

#[cfg(test)]
mod tests;
