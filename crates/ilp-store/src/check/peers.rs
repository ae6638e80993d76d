//! The peers, decoded on a thread of their own while another one reads them.

use std::{
    collections::HashSet,
    panic::resume_unwind,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

use sled::IVec;
use uuid::Uuid;

use super::index_sum::IndexSum;
use crate::{
    error::StoreError,
    keys::{self, Kind},
    records::PeerRecord,
    stored_form::Stored,
};

/// Handed over at once, since each handing over may wake a thread.
const CHUNK: usize = 256;
/// How many chunks may wait: what is read and not decoded is a megabyte or so.
const CHUNKS_WAITING_MAX: usize = 8;

type Chunk = Vec<(IVec, IVec)>;

/// What came of decoding.
pub(super) struct Decoded {
    /// In the order in which they were given.
    pub(super) records: Vec<PeerRecord>,
    /// The index entries that they call for.
    pub(super) wanted: IndexSum,
    /// Of which they are.
    pub(super) assets: HashSet<Uuid>,
}

/// Takes what is to be decoded.
pub(super) struct Decoder {
    chunk: Chunk,
    chunks: SyncSender<Chunk>,
}

/// Every index entry of a peer.
pub(super) fn index_keys(peer: &PeerRecord) -> impl Iterator<Item = Vec<u8>> {
    let by_address = keys::peer_by_address(peer.asset_id, &peer.static_ilp_address);
    let by_token = peer.incoming_tokens.iter().map(|token| keys::peer_by_token(&token.digest));
    std::iter::once(by_address).chain(by_token)
}

/// Decodes what `read` gives, beside it. `none` is a sum of no entries.
///
/// # Errors
/// That of `read`, or [`StoreError::Record`] for one that can't be decoded.
pub(super) fn decode_beside(
    none: IndexSum,
    read: impl FnOnce(&mut Decoder) -> Result<(), StoreError>,
) -> Result<Decoded, StoreError> {
    let (chunks, received) = sync_channel(CHUNKS_WAITING_MAX);
    thread::scope(|scope| {
        let decoding = scope.spawn(|| decode(received, none));
        let mut decoder = Decoder { chunk: Chunk::with_capacity(CHUNK), chunks };
        let read = read(&mut decoder);
        decoder.send();
        drop(decoder);
        let decoded = decoding.join().unwrap_or_else(|panic| resume_unwind(panic));
        read.and(decoded)
    })
}

impl Decoder {
    /// Takes a peer's entry.
    pub(super) fn give(&mut self, key: IVec, bytes: IVec) {
        self.chunk.push((key, bytes));
        if self.chunk.len() == CHUNK {
            self.send();
        }
    }

    fn send(&mut self) {
        let chunk = std::mem::replace(&mut self.chunk, Chunk::with_capacity(CHUNK));
        // After an error nobody takes it any more, and the error is told at the end.
        let _ = self.chunks.send(chunk);
    }
}

fn decode(chunks: Receiver<Chunk>, none: IndexSum) -> Result<Decoded, StoreError> {
    let mut decoded = Decoded { records: Vec::new(), wanted: none, assets: HashSet::new() };
    for (key, bytes) in chunks.into_iter().flatten() {
        let peer = PeerRecord::decode(Kind::Peer, &key, &bytes)?;
        index_keys(&peer).for_each(|key| decoded.wanted.add(&key, peer.id));
        decoded.assets.insert(peer.asset_id);
        decoded.records.push(peer);
    }
    Ok(decoded)
}
