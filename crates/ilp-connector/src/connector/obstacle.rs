//! What keeps a packet from a next hop, and whether another next hop may take it.

use crate::refusal::Refusal;

/// What keeps a packet from a next hop.
#[derive(Clone, Copy, Debug)]
pub(super) enum Obstacle {
    /// It is the next hop's own: no rate to its asset, too little of it, its maximum. Another next hop
    /// may take the packet.
    NextHop(Refusal),
    /// It lies with the packet, its sender or this node, so no other next hop takes the packet either.
    Packet(Refusal),
}

impl From<Obstacle> for Refusal {
    fn from(obstacle: Obstacle) -> Self {
        match obstacle {
            Obstacle::NextHop(refusal) | Obstacle::Packet(refusal) => refusal,
        }
    }
}
