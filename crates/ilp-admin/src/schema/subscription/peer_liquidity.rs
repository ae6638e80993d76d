//! A peer's liquidity, as it changes.
//!
//! The books send no message for a packet: that would cost every packet something. So each
//! subscriber reads numbers in memory several times a second.

use std::time::Duration;

use async_graphql::{
    ID, SimpleObject,
    futures_util::{Stream, stream},
};
use ilp_operator::{LiquidityView, Operator};
use tokio::time::{Interval, MissedTickBehavior, interval};
use uuid::Uuid;

use crate::schema::forms::scalars::UInt64;

/// The interval at which a subscriber's numbers are read.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// The amount that a peer may still send.
#[derive(SimpleObject)]
pub(crate) struct PeerLiquidity {
    /// The peer's id.
    peer_id: ID,
    /// The amount that the peer may still send, in the asset's smallest unit.
    liquidity: UInt64,
    /// The amount on hold for packets under way and withdrawals, in the asset's smallest unit.
    on_hold: UInt64,
}

/// The state of a subscriber.
struct Follower {
    operator: Operator,
    peer: Uuid,
    told: Option<LiquidityView>,
    looks: Interval,
}

/// Returns a peer's present liquidity and each change that is seen. The stream ends when the peer
/// is deleted.
pub(crate) fn follow(operator: Operator, peer: Uuid) -> impl Stream<Item = PeerLiquidity> {
    let mut looks = interval(LOOK_INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let follower = Follower { operator, peer, told: None, looks };
    stream::unfold(follower, Follower::tell)
}

impl Follower {
    async fn tell(mut self) -> Option<(PeerLiquidity, Self)> {
        loop {
            self.looks.tick().await;
            let now = self.operator.peers().liquidity(self.peer)?;
            if self.told != Some(now) {
                self.told = Some(now);
                let told = PeerLiquidity {
                    peer_id: self.peer.into(),
                    liquidity: now.available.into(),
                    on_hold: now.on_hold.into(),
                };
                return Some((told, self));
            }
        }
    }
}
