//! A peer as operations answer it: the record, with the books at this moment.

use ilp_connector::{LinkTrouble, Reachability, account::AccountId, traffic::Flows};
use ilp_store::{PeerRecord, Snapshot};
use interledger_packet::Timestamp;

use crate::{
    assets::view::AssetView,
    changes::{outcome::Outcome, subject::known_by},
    node::operator::{Inner, Operator},
    vocabulary::error::{Inconsistency, OperatorError},
};

/// A peer as it is now.
#[derive(Clone, Debug)]
pub struct PeerView {
    /// The stored record.
    pub record: PeerRecord,
    /// The asset of the peer's balance.
    pub asset: AssetView,
    /// The amount that the peer may still send, holds taken off, in the asset's smallest unit.
    pub liquidity: u128,
    /// Whether packets reach it, as far as those that were sent to it tell.
    pub reachability: Reachability,
    /// When it last answered a packet, to the second.
    pub last_seen_at: Option<Timestamp>,
    /// The reason why a packet to the peer last got no reply. An answer that is kept for a repeated
    /// request leaves it out.
    pub last_trouble: Option<LinkTrouble>,
    /// The packets from and to the peer since the process started.
    pub passed: Passed,
}

/// Packets of a peer that were fulfilled since the process started, and those under way. Amounts are
/// in the smallest unit of its asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Packets from it.
    pub packets_in: u64,
    /// Packets to it.
    pub packets_out: u64,
    /// The amount that packets from the peer took from its liquidity.
    pub amount_in: u128,
    /// The amount that packets to the peer added to its liquidity.
    pub amount_out: u128,
    /// The amount that packets from the peer have set aside while they are under way.
    pub amount_on_hold: u128,
}

impl From<Flows> for Passed {
    fn from(Flows { incoming, outgoing, .. }: Flows) -> Self {
        Self {
            packets_in: incoming.fulfilled.packets,
            packets_out: outgoing.fulfilled.packets,
            amount_in: incoming.fulfilled.amount,
            amount_out: outgoing.fulfilled.amount,
            amount_on_hold: incoming.in_flight.amount,
        }
    }
}

impl Inner {
    /// Reads the store.
    pub(crate) fn peer_view(&self, record: PeerRecord) -> Result<PeerView, OperatorError> {
        let id = record.asset_id;
        let asset = self
            .store
            .asset(id)?
            .ok_or(Inconsistency::AssetOfPeer { peer: record.id, asset: id })?;
        Ok(self.peer_view_with(record, self.asset_view(asset)))
    }

    pub(crate) fn peer_view_with(&self, record: PeerRecord, asset: AssetView) -> PeerView {
        let total = self.ledger().total(AccountId::peer(record.id));
        let live = self.parts.connector.peer(record.id);
        PeerView {
            liquidity: total.available(),
            // A peer whose creation isn't over has not been sent anything.
            reachability: live.as_ref().map_or(Reachability::Unknown, |peer| peer.reachability()),
            last_seen_at: live.as_ref().and_then(|peer| peer.last_seen_at()),
            last_trouble: live.as_ref().and_then(|peer| peer.last_trouble()),
            passed: live.map(|peer| peer.traffic.flows().into()).unwrap_or_default(),
            record,
            asset,
        }
    }
}

known_by!(PeerView => record.id;);

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

#[cfg(test)]
mod tests {
    use ilp_connector::{
        PeerLimits, Percent,
        conversion::Spread,
        token::{Secret, TokenDigest},
    };
    use ilp_store::{AssetRecord, IncomingToken, PeerTerms};
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
    }
}
