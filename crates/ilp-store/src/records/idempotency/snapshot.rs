//! An outcome as it was when it came about, to be told again word for word.

use std::fmt;

use serde_json::{Map, Value};

use crate::records::forms::stored_form::Stored;

/// Records and numbers by name, as they were at one moment. A record keeps all that it has on disk,
/// so a peer keeps the token that we show it: nothing of a snapshot is ever printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Snapshot(Map<String, Value>);

/// A record that fits into a snapshot: any that the store keeps.
pub trait SnapshotRecord: Sized {
    /// The record in its form on disk.
    fn to_value(&self) -> Value;

    /// The record back from that form; `None` when it isn't of that form.
    fn from_value(value: &Value) -> Option<Self>;
}

impl<R: Stored> SnapshotRecord for R {
    fn to_value(&self) -> Value {
        serde_json::to_value(self.to_form()).expect("structs of texts and integers become JSON")
    }

    fn from_value(value: &Value) -> Option<Self> {
        Self::from_form(serde_json::from_value(value.clone()).ok()?).ok()
    }
}

impl Snapshot {
    /// An empty one, which is all that is to be kept of an outcome that has nothing to show.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a record.
    #[must_use]
    pub fn with_record(mut self, name: &str, record: &impl SnapshotRecord) -> Self {
        self.0.insert(name.to_owned(), record.to_value());
        self
    }

    /// Adds a number.
    #[must_use]
    pub fn with_number(mut self, name: &str, number: impl Into<u128>) -> Self {
        // As text, since numbers of JSON end at 64 bits.
        self.0.insert(name.to_owned(), number.into().to_string().into());
        self
    }

    /// The record of this name, if there is one of that form.
    #[must_use]
    pub fn record<R: SnapshotRecord>(&self, name: &str) -> Option<R> {
        R::from_value(self.0.get(name)?)
    }

    /// The number of this name, if there is one and it fits.
    #[must_use]
    pub fn number<N: TryFrom<u128>>(&self, name: &str) -> Option<N> {
        N::try_from(self.0.get(name)?.as_str()?.parse().ok()?).ok()
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.0).expect("a map of JSON becomes JSON")
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().map(Self)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Snapshot(..)")
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        AssetRecord, EventRecord, PeerRecord,
        testing::{asset, peer},
    };

    #[test]
    fn records_and_numbers_come_back_and_are_never_printed() {
        let usd = asset("USD");
        let bob = peer(usd.id, "g.bob", &["mytoken"]);
        let event = EventRecord::new(Uuid::now_v7(), "peer.liquidity_low", b"{}".to_vec(), 7);
        let snapshot = Snapshot::new()
            .with_record("asset", &usd)
            .with_record("peer", &bob)
            .with_record("event", &event)
            .with_number("liquidity", u128::MAX);
        assert_eq!(format!("{snapshot:?}"), "Snapshot(..)");
        let read = Snapshot::from_bytes(&snapshot.to_bytes()).unwrap();
        assert_eq!(read, snapshot);
        assert_eq!(read.record::<AssetRecord>("asset"), Some(usd));
        assert_eq!(read.record::<PeerRecord>("peer"), Some(bob));
        assert_eq!(read.record::<EventRecord>("event"), Some(event));
        assert_eq!(read.number::<u128>("liquidity"), Some(u128::MAX));
        assert_eq!(read.number::<u64>("liquidity"), None, "too large");
        assert_eq!(read.record::<PeerRecord>("asset"), None, "of another form");
        assert_eq!(read.number::<u64>("peer"), None);
        // Incoming tokens are there as digests alone.
        let bytes = String::from_utf8(snapshot.to_bytes()).unwrap();
        assert!(bytes.contains("theirtoken") && !bytes.contains("mytoken"));
    }
}
