//! Which records a transaction has changed, as told to what keeps a live copy of them.

use std::sync::Arc;

use uuid::Uuid;

use crate::records::forms::keys::{self, Kind};

/// A record, or a set of records, that a durable transaction has written or removed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangedRecord {
    /// The asset of this id.
    Asset(Uuid),
    /// An event was added, or is due again.
    Events,
    /// The incoming payment of this id.
    IncomingPayment(Uuid),
    /// The peer of this id.
    Peer(Uuid),
    /// The peering requests that wait for the operator.
    PeeringRequests,
    /// The rate that an operator sets from one asset code to another.
    Rate {
        /// The code of the asset that is converted.
        base: String,
        /// The code of the asset that it is converted to.
        quote: String,
    },
    /// The wallet address of this id.
    WalletAddress(Uuid),
}

impl ChangedRecord {
    /// Returns the record whose entry has this key; `None` for entries of which no live copy is kept.
    pub(crate) fn of(key: &[u8], is_removed: bool) -> Option<Self> {
        let (byte, rest) = key.split_first()?;
        let id = || Uuid::from_slice(rest).ok();
        match Kind::from_byte(*byte)? {
            Kind::Asset => id().map(Self::Asset),
            Kind::EventDue if !is_removed => Some(Self::Events),
            Kind::IncomingPayment => id().map(Self::IncomingPayment),
            Kind::Peer => id().map(Self::Peer),
            Kind::PeeringRequest => Some(Self::PeeringRequests),
            Kind::Rate => {
                let (base, quote) = keys::rate_codes(rest)?;
                Some(Self::Rate { base, quote })
            }
            Kind::WalletAddress => id().map(Self::WalletAddress),
            _ => None,
        }
    }
}

/// Called after a transaction is durable and before its caller learns of it. What keeps live copies of
/// records brings them up to date here. An error means that it can't, so the store stops.
pub type OnChange = Arc<dyn Fn(&[ChangedRecord]) -> Result<(), String> + Send + Sync>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_named_by_its_key() {
        let id = Uuid::now_v7();
        let of = |key: Vec<u8>| ChangedRecord::of(&key, false);
        assert_eq!(of(Kind::Peer.key(id.as_bytes())), Some(ChangedRecord::Peer(id)));
        let (base, quote) = ("US".to_owned(), "DEUR".to_owned());
        let rate = ChangedRecord::Rate { base, quote };
        assert_eq!(of(keys::rate("US", "DEUR")), Some(rate));
        assert_eq!(of(Kind::Audit.key(id.as_bytes())), None);
        assert_eq!(ChangedRecord::of(&Kind::EventDue.key(&[0]), true), None);
    }
}
