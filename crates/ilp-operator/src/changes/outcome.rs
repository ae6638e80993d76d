//! What is kept of an operation's outcome, so that it can be told again to a client that asks twice.
//!
//! Not the answer as it was written: the second client may select other fields. The whole of what
//! the first one could have selected is kept, as it was then; so the answer is the first one also
//! when the object has changed since, or is gone.

use ilp_connector::Reachability;
use ilp_store::{BackupReport, EventRecord, Snapshot};
use interledger_packet::Timestamp;

use crate::{
    assets::view::AssetView,
    changes::subject::Subject,
    node::operator::Operator,
    peering::by_url::PeeringByUrl,
    peers::view::{Passed, PeerView},
};

/// The outcome of an operation.
pub trait Outcome: Subject + Sized + Send + 'static {
    /// All that a client may ask of it. The only secret in there is one that clients may read.
    fn keep(&self) -> Snapshot;

    /// The outcome again; `None` when what was kept is of another form. `operator` has what is live
    /// and never changes, such as an asset's code.
    fn recall(kept: &Snapshot, operator: &Operator) -> Option<Self>;
}

impl Outcome for () {
    fn keep(&self) -> Snapshot {
        Snapshot::new()
    }

    fn recall(_kept: &Snapshot, _operator: &Operator) -> Option<Self> {
        Some(())
    }
}

impl Outcome for AssetView {
    fn keep(&self) -> Snapshot {
        Snapshot::new()
            .with_record("asset", &self.record)
            .with_number("asset_liquidity", self.liquidity)
    }

    fn recall(kept: &Snapshot, _operator: &Operator) -> Option<Self> {
        Some(Self { record: kept.record("asset")?, liquidity: kept.number("asset_liquidity")? })
    }
}

impl Outcome for PeerView {
    fn keep(&self) -> Snapshot {
        let Passed { packets_in, packets_out, amount_in, amount_out, amount_on_hold } = self.passed;
        let kept = self
            .asset
            .keep()
            .with_record("peer", &self.record)
            .with_number("liquidity", self.liquidity)
            .with_number("reachability", self.reachability as u8)
            .with_number("packets_in", packets_in)
            .with_number("packets_out", packets_out)
            .with_number("amount_in", amount_in)
            .with_number("amount_out", amount_out)
            .with_number("amount_on_hold", amount_on_hold);
        match self.last_seen_at {
            Some(at) => kept.with_number("last_seen_at_ms", at.unix_ms()),
            None => kept,
        }
    }

    fn recall(kept: &Snapshot, operator: &Operator) -> Option<Self> {
        Some(Self {
            record: kept.record("peer")?,
            asset: AssetView::recall(kept, operator)?,
            liquidity: kept.number("liquidity")?,
            reachability: kept.number("reachability").and_then(Reachability::from_repr)?,
            last_seen_at: kept.number("last_seen_at_ms").map(Timestamp::from_unix_ms),
            last_trouble: None,
            passed: Passed {
                packets_in: kept.number("packets_in")?,
                packets_out: kept.number("packets_out")?,
                amount_in: kept.number("amount_in")?,
                amount_out: kept.number("amount_out")?,
                amount_on_hold: kept.number("amount_on_hold")?,
            },
        })
    }
}

impl Outcome for PeeringByUrl {
    fn keep(&self) -> Snapshot {
        self.peer.keep().with_number("is_pending", u8::from(self.is_pending))
    }

    fn recall(kept: &Snapshot, operator: &Operator) -> Option<Self> {
        // Snapshots from versions before this number was added don't have it.
        let is_pending = kept.number::<u8>("is_pending").is_some_and(|number| number != 0);
        Some(Self { peer: PeerView::recall(kept, operator)?, is_pending })
    }
}

impl Outcome for EventRecord {
    fn keep(&self) -> Snapshot {
        Snapshot::new().with_record("event", self)
    }

    fn recall(kept: &Snapshot, _operator: &Operator) -> Option<Self> {
        kept.record("event")
    }
}

impl Outcome for BackupReport {
    fn keep(&self) -> Snapshot {
        Snapshot::new()
            .with_number("last_sequence", self.last_sequence)
            .with_number("segments", self.segments)
            .with_number("journal_bytes", self.journal_bytes)
    }

    fn recall(kept: &Snapshot, _operator: &Operator) -> Option<Self> {
        Some(Self {
            last_sequence: kept.number("last_sequence")?,
            segments: kept.number("segments")?,
            journal_bytes: kept.number("journal_bytes")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use ilp_connector::{
        PeerLimits, Percent,
        conversion::Spread,
        token::{Secret, TokenDigest},
    };
    use ilp_store::{AssetRecord, IncomingToken, PeerRecord, PeerTerms};
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn an_outcome_is_told_again_to_the_last_field_and_shows_no_token() {
        let dir = tempfile::tempdir().unwrap();
        let (operator, _) = crate::node::testing::operator(dir.path()).await;
        let asset = AssetRecord {
            id: Uuid::now_v7(),
            code: "USD".to_owned(),
            scale: 2,
            withdrawal_threshold: Some(u64::MAX),
            liquidity_threshold: None,
            created_at_ms: 1,
            version: 4,
        };
        let record = PeerRecord {
            id: Uuid::now_v7(),
            asset_id: asset.id,
            terms: PeerTerms {
                address: "test.bob".parse().unwrap(),
                name: Some("Bob".to_owned()),
                max_packet_amount: Some(7),
                liquidity_threshold: Some(8),
                routes: vec!["g".parse().unwrap()],
                endpoint: "https://bob.example".to_owned(),
                outgoing_token: Secret::new("theirtoken".to_owned()),
                incoming_tokens: vec![IncomingToken {
                    digest: TokenDigest::of(b"mytoken"),
                    created_at_ms: 3,
                }],
                limits: PeerLimits {
                    amount_per_second_max: Some(9),
                    packets_in_flight_max: Some(10),
                    asset_share_in_flight_percent_max: Percent::new(11),
                    ..PeerLimits::default()
                },
                is_default_route: true,
                spread: Spread::new(12).expect("below the whole"),
            },
            created_at_ms: 2,
            version: 6,
            initial_deposit: None,
        };
        let asset = AssetView { record: asset, liquidity: u128::MAX };
        let passed = Passed {
            packets_in: 1,
            packets_out: u64::MAX,
            amount_in: 3,
            amount_out: u128::MAX,
            amount_on_hold: 5,
        };
        let peer = PeerView {
            record,
            asset,
            liquidity: 10,
            reachability: Reachability::Unreachable,
            last_seen_at: Some(Timestamp::from_unix_ms(3_000)),
            last_trouble: None,
            passed,
        };
        let kept = peer.keep();
        assert!(!format!("{kept:?}").contains("token"));
        let again = PeerView::recall(&kept, &operator).unwrap();
        assert_eq!((&again.record, again.liquidity), (&peer.record, 10));
        assert_eq!(again.reachability, Reachability::Unreachable);
        assert_eq!(again.last_seen_at, peer.last_seen_at);
        assert_eq!(again.passed, passed);
        assert_eq!(again.asset.record, peer.asset.record);
        assert_eq!(again.asset.liquidity, u128::MAX);
        assert!(PeerView::recall(&().keep(), &operator).is_none());
        let report = BackupReport { last_sequence: 1, segments: 2, journal_bytes: 3 };
        assert_eq!(BackupReport::recall(&report.keep(), &operator), Some(report));
    }
}
