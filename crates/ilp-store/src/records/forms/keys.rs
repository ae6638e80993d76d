//! The keys of records: one byte for the kind of entry, then what it is found by. Kinds of records are
//! below 0x80; those from there on are of balances, see `ledger::books::rows`.

use data_encoding::HEXLOWER;
use ilp_connector::token::TokenDigest;
use uuid::Uuid;

/// The kind of an entry. The numbers are on disk and never change; the names are those in errors
/// and in the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::FromRepr, strum::IntoStaticStr)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Asset id to asset.
    #[strum(serialize = "records/assets")]
    Asset = 1,
    /// Scale and code to asset id.
    #[strum(serialize = "records/assets_by_code")]
    AssetByCode = 2,
    /// Peer id to peer.
    #[strum(serialize = "records/peers")]
    Peer = 3,
    /// Asset id and ILP address to peer id. Also answers whether any peer uses an asset.
    #[strum(serialize = "records/peers_by_address")]
    PeerByAddress = 4,
    /// Digest of an incoming token to peer id.
    #[strum(serialize = "records/peers_by_token")]
    PeerByToken = 5,
    /// Asset id to what the deleted asset was.
    #[strum(serialize = "records/deleted_assets")]
    DeletedAsset = 6,
    /// Peer id to what is kept of the deleted peer.
    #[strum(serialize = "records/deleted_peers")]
    DeletedPeer = 7,
    /// Name to what the node has made for itself.
    #[strum(serialize = "records/settings")]
    Setting = 8,
    /// Idempotency key to request digest and answer.
    #[strum(serialize = "records/idempotency_keys")]
    Idempotency = 9,
    /// Time and idempotency key, to find the oldest.
    #[strum(serialize = "records/idempotency_keys_by_time")]
    IdempotencyByTime = 10,
    /// Event id to event.
    #[strum(serialize = "records/events")]
    Event = 11,
    /// When an event is due and its id, to the id.
    #[strum(serialize = "records/events_due")]
    EventDue = 12,
    /// Account to the amount at which an event is due.
    #[strum(serialize = "records/thresholds")]
    Threshold = 13,
    /// When a signature ends and its digest, to nothing.
    #[strum(serialize = "records/signatures")]
    Signature = 60,
    /// Audit record id to who did what.
    #[strum(serialize = "records/audit")]
    Audit = 61,
    /// Peering request id to what another node asked for.
    #[strum(serialize = "records/peering_requests")]
    PeeringRequest = 62,
    /// Asset id and auto-peering URL to the id of the peer that answered there.
    #[strum(serialize = "records/peers_behind_urls")]
    PeerBehindUrl = 63,
    /// Id of a peer that was made at its own request, to nothing.
    #[strum(serialize = "records/auto_peered")]
    AutoPeered = 64,
    /// Two asset codes to the rate that an operator set between them.
    #[strum(serialize = "records/rates")]
    Rate = 20,
    /// Wallet address id to wallet address.
    #[strum(serialize = "records/wallet_addresses")]
    WalletAddress = 30,
    /// URL to wallet address id.
    #[strum(serialize = "records/wallet_addresses_by_url")]
    WalletAddressByUrl = 31,
    /// Asset id and wallet address id, to the latter.
    #[strum(serialize = "records/wallet_addresses_by_asset")]
    WalletAddressByAsset = 32,
    /// Payment id to incoming payment.
    #[strum(serialize = "records/incoming_payments")]
    IncomingPayment = 33,
    /// Wallet address id and payment id, to the latter.
    #[strum(serialize = "records/incoming_payments_by_wallet")]
    IncomingPaymentByWallet = 34,
    /// When an open incoming payment expires and its id, to the id.
    #[strum(serialize = "records/incoming_payments_due")]
    IncomingPaymentDue = 35,
    /// Quote id to quote.
    #[strum(serialize = "records/quotes")]
    Quote = 36,
    /// Wallet address id and quote id, to the latter.
    #[strum(serialize = "records/quotes_by_wallet")]
    QuoteByWallet = 37,
    /// Payment id to outgoing payment.
    #[strum(serialize = "records/outgoing_payments")]
    OutgoingPayment = 38,
    /// Wallet address id and payment id, to the latter.
    #[strum(serialize = "records/outgoing_payments_by_wallet")]
    OutgoingPaymentByWallet = 39,
    /// Quote id to the id of the payment that was made from it.
    #[strum(serialize = "records/outgoing_payments_by_quote")]
    OutgoingPaymentByQuote = 40,
    /// Id of an outgoing payment that has not ended, to itself.
    #[strum(serialize = "records/outgoing_payments_unfinished")]
    OutgoingPaymentUnfinished = 41,
    /// Id of an incoming or outgoing payment, to itself.
    #[strum(serialize = "records/payments")]
    Payment = 42,
    /// Fee id to fee.
    #[strum(serialize = "records/fees")]
    Fee = 43,
    /// Asset id and fee id, to the latter.
    #[strum(serialize = "records/fees_by_asset")]
    FeeByAsset = 44,
    /// Asset id, what it is for and fee id, to the last of them.
    #[strum(serialize = "records/fees_by_purpose")]
    FeeByPurpose = 45,
}

impl Kind {
    /// The kind whose number is `byte`.
    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        Self::from_repr(byte)
    }

    /// The kind's number.
    pub(crate) fn byte(self) -> u8 {
        self as u8
    }

    /// How errors call it.
    pub(crate) fn name(self) -> &'static str {
        self.into()
    }

    /// Returns the beginning of the keys of this kind's entries that belong to `owner`.
    pub(crate) fn of(self, owner: Uuid) -> Vec<u8> {
        self.key(owner.as_bytes())
    }

    /// The key of the entry that leads from `owner` to the record of this id.
    pub(crate) fn link(self, owner: Uuid, id: Uuid) -> Vec<u8> {
        let mut key = self.of(owner);
        key.extend_from_slice(id.as_bytes());
        key
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

/// Where the rate between these two codes is found. The first is at most 255 bytes long.
pub(crate) fn rate(base: &str, quote: &str) -> Vec<u8> {
    // With its length in front, no base can run into a quote.
    let mut rest = vec![u8::try_from(base.len()).unwrap_or(u8::MAX)];
    rest.extend_from_slice(base.as_bytes());
    rest.extend_from_slice(quote.as_bytes());
    Kind::Rate.key(&rest)
}

/// Returns the codes of a rate from its key, without the byte of the kind.
pub(crate) fn rate_codes(rest: &[u8]) -> Option<(String, String)> {
    let (length, codes) = rest.split_first()?;
    let (base, quote) = codes.split_at_checked(usize::from(*length))?;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    Some((text(base)?, text(quote)?))
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

/// Returns the id in a key that is the byte of a kind and an id.
pub(crate) fn id_of(key: &[u8]) -> Option<Uuid> {
    Uuid::from_slice(key.get(1..)?).ok()
}

/// Returns bytes in hexadecimal digits, as errors and records show them.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}
