//! The keys of the `records` tree: one byte for the kind of entry, then what it is found by.
//!
//! Rows and their indexes share one tree, because sled applies a batch to one tree as a whole: it
//! is there in full after a crash or not at all, and no reader sees half of it. A transaction over
//! several trees would do the same by running the caller's closure again on a conflict, which the
//! store's own write lock makes needless.

use std::fmt::Write as _;

use ilp_connector::token::TokenDigest;
use uuid::Uuid;

/// Where the number of changes so far is; no kind has this number.
pub(crate) const CHANGES: [u8; 1] = [0];

/// What an entry is. The numbers are on disk and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Asset id to asset.
    Asset = 1,
    /// Scale and code to asset id.
    AssetByCode = 2,
    /// Peer id to peer.
    Peer = 3,
    /// Asset id and ILP address to peer id. Also answers whether any peer uses an asset.
    PeerByAddress = 4,
    /// Digest of an incoming token to peer id.
    PeerByToken = 5,
    /// Asset id to what the deleted asset was.
    DeletedAsset = 6,
    /// Peer id to what is kept of the deleted peer.
    DeletedPeer = 7,
    /// Name to what the node has made for itself.
    Setting = 8,
    /// Idempotency key to request digest and answer.
    Idempotency = 9,
    /// Time and idempotency key, to find the oldest.
    IdempotencyByTime = 10,
    /// Event id to event.
    Event = 11,
    /// When an event is due and its id, to the id.
    EventDue = 12,
    /// Account to the amount at which an event is due.
    Threshold = 13,
    /// When a signature ends and its digest, to nothing.
    Signature = 40,
    /// Audit record id to who did what.
    Audit = 41,
    /// Peering request id to what another node asked for.
    PeeringRequest = 42,
    /// Asset id and auto-peering URL to the id of the peer that answered there.
    PeerBehindUrl = 43,
    /// Id of a peer that was made at its own request, to nothing.
    AutoPeered = 44,
}

impl Kind {
    /// The kind whose number is `byte`.
    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        [
            Self::Asset,
            Self::AssetByCode,
            Self::Peer,
            Self::PeerByAddress,
            Self::PeerByToken,
            Self::DeletedAsset,
            Self::DeletedPeer,
            Self::Setting,
            Self::Idempotency,
            Self::IdempotencyByTime,
            Self::Event,
            Self::EventDue,
            Self::Threshold,
            Self::Signature,
            Self::Audit,
            Self::PeeringRequest,
            Self::PeerBehindUrl,
            Self::AutoPeered,
        ]
        .into_iter()
        .find(|kind| kind.byte() == byte)
    }

    /// The kind's number.
    pub(crate) fn byte(self) -> u8 {
        self as u8
    }

    /// How errors call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Asset => "records/assets",
            Self::AssetByCode => "records/assets_by_code",
            Self::Peer => "records/peers",
            Self::PeerByAddress => "records/peers_by_address",
            Self::PeerByToken => "records/peers_by_token",
            Self::DeletedAsset => "records/deleted_assets",
            Self::DeletedPeer => "records/deleted_peers",
            Self::Setting => "records/settings",
            Self::Idempotency => "records/idempotency_keys",
            Self::IdempotencyByTime => "records/idempotency_keys_by_time",
            Self::Event => "records/events",
            Self::EventDue => "records/events_due",
            Self::Threshold => "records/thresholds",
            Self::Signature => "records/signatures",
            Self::Audit => "records/audit",
            Self::PeeringRequest => "records/peering_requests",
            Self::PeerBehindUrl => "records/peers_behind_urls",
            Self::AutoPeered => "records/auto_peered",
        }
    }

    /// The key of the entry of this kind that is found by `rest`.
    pub(crate) fn key(self, rest: &[u8]) -> Vec<u8> {
        let mut key = Vec::with_capacity(1 + rest.len());
        key.push(self.byte());
        key.extend_from_slice(rest);
        key
    }
}

/// Where the asset of this code and scale is found.
pub(crate) fn asset_by_code(code: &str, scale: u8) -> Vec<u8> {
    // The scale has a fixed length, so it goes first: no code can run into it.
    let mut rest = vec![scale];
    rest.extend_from_slice(code.as_bytes());
    Kind::AssetByCode.key(&rest)
}

/// Where the peer of this asset and address is found.
pub(crate) fn peer_by_address(asset_id: Uuid, address: &str) -> Vec<u8> {
    let mut rest = asset_id.as_bytes().to_vec();
    rest.extend_from_slice(address.as_bytes());
    Kind::PeerByAddress.key(&rest)
}

/// Where the peer that a token belongs to is found.
pub(crate) fn peer_by_token(digest: &TokenDigest) -> Vec<u8> {
    Kind::PeerByToken.key(digest.as_bytes())
}

/// Bytes as text for errors.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes all that is written");
        text
    })
}
