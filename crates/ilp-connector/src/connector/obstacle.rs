//! Reasons why a next hop can't have a packet, and whether another next hop may take it.

use crate::refusal::Refusal;

/// A reason why a next hop can't have a packet.
#[derive(Clone, Copy, Debug)]
pub(super) enum Obstacle {
    /// The reason lies with the next hop: no rate to its asset, too little of that asset, or its
    /// maximum. Another next hop may take the packet.
    NextHop(Refusal),
    /// The reason lies with the packet, its sender or this node, so no other next hop takes the
    /// packet either.
    Packet(Refusal),
}

impl From<Obstacle> for Refusal {
    fn from(obstacle: Obstacle) -> Self {
        match obstacle {
            Obstacle::NextHop(refusal) | Obstacle::Packet(refusal) => refusal,
        }
    }
}
