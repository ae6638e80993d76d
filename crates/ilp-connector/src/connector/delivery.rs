//! Packets whose way ends at an account of this node.

use bytes::Bytes;
use interledger_packet::{Prepare, Reply, Timestamp};

use super::{Connector, LocalAccount, Source};
use crate::{
    in_flight::Place,
    ledger::Ledger,
    peer::Asset,
    refusal::Refusal,
    traffic::{Ending, Passage},
};

/// A packet that has reached its recipient's account at this node and is not yet answered. Dropping
/// it voids its hold.
#[derive(Debug)]
pub struct Delivery<H> {
    expires_at: Timestamp,
    execution_condition: [u8; 32],
    passage: Passage,
    hold: Option<H>,
    /// Among what its sender has under way; `None` for the node's own.
    place: Option<Place>,
}

impl<L: Ledger> Connector<L> {
    /// What a packet brings to somebody at this node who counts in `asset`, in that asset's smallest
    /// unit, after [`Connector::prepare`] has let it in with
    /// [`Decision::Deliver`](super::Decision::Deliver).
    ///
    /// # Errors
    /// [`Refusal`] when there is no rate between the two assets at `now`, or too much or too little
    /// would arrive.
    pub fn arriving(
        &self,
        source: Source<'_>,
        packet: &Prepare,
        asset: &Asset,
        now: Timestamp,
    ) -> Result<u64, Refusal> {
        self.convert(source, asset, packet.amount(), u64::MAX, now)
    }

    /// Sets aside the `amount` that [`Connector::arriving`] named for a packet. What the recipient
    /// answers settles it: [`Connector::complete_delivery`].
    ///
    /// # Errors
    /// [`Refusal`] when there is too little liquidity, or the sender has too much under way.
    pub async fn deliver(
        &self,
        source: Source<'_>,
        packet: &Prepare,
        recipient: &LocalAccount,
        amount: u64,
    ) -> Result<Delivery<L::Hold>, Refusal> {
        let LocalAccount { asset, account } = recipient;
        let place = self.place(source, asset, packet.amount(), amount)?;
        let hold = self.hold(source, asset, account, packet, amount).await?;
        let accounts = self.counters.accounts(asset);
        Ok(Delivery {
            expires_at: packet.expires_at(),
            execution_condition: *packet.execution_condition(),
            passage: self.counters.begin(source, &accounts, packet.amount(), amount),
            hold,
            place,
        })
    }

    /// Settles a packet for an account at this node with the recipient's answer, as
    /// [`Connector::complete`] does with a next hop's.
    pub async fn complete_delivery(
        &self,
        delivery: Delivery<L::Hold>,
        answer: Bytes,
        now: Timestamp,
    ) -> Bytes {
        let Delivery { expires_at, execution_condition, passage, hold, place: _until_the_end } =
            delivery;
        let answer = Reply::parse(answer).map_err(|_| Refusal::NotAReply);
        let settled = self.settle(answer, &execution_condition, expires_at, hold, now).await;
        self.end(passage, settled)
    }

    /// The bytes of the reply with which somebody at this node answers a packet of this amount, for
    /// which nothing was set aside.
    #[must_use]
    pub fn answer(&self, source: Source<'_>, amount: u64, reply: Reply) -> Bytes {
        let ending = match &reply {
            Reply::Fulfill(_) => Ending::Fulfilled,
            Reply::Reject(reject) => {
                self.counters.causes.rejected(reject.code());
                Ending::Rejected
            }
        };
        self.counters.answered_here(source, amount, ending);
        reply.into_bytes()
    }
}
