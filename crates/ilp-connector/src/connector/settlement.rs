//! How a packet ends: what its answer is worth, what that does to its hold, and how it is counted.

use bytes::Bytes;
use interledger_packet::{Reply, Timestamp};
use ring::digest::{SHA256, digest};

use super::{Connector, Delivery, InFlight, Source};
use crate::{
    ledger::Ledger,
    peer::Asset,
    refusal::{LinkFailure, Refusal},
    samples::Outcome,
    traffic::{Ending, Passage},
};

impl<L: Ledger> Connector<L> {
    /// Settles a packet that was sent on, with what the next hop answered by `now`, and returns
    /// the bytes of the reply for the sender. A valid Fulfill is returned once its transfer is
    /// durable; everything else voids the hold at once.
    pub async fn complete(
        &self,
        in_flight: InFlight<L::Hold>,
        answer: Result<Bytes, LinkFailure>,
        now: Timestamp,
    ) -> Bytes {
        let InFlight {
            peer,
            expires_at,
            execution_condition,
            passage,
            hold,
            place: _until_the_end,
            ..
        } = in_flight;
        let answer = self.heard(&peer, answer, now);
        let settled = self.settle(answer, &execution_condition, expires_at, hold, now).await;
        self.end(passage, settled)
    }

    /// Settles a packet for an account at this node with the recipient's answer, as
    /// [`Connector::complete`] does with a next hop's.
    pub async fn complete_delivery(
        &self,
        delivery: Delivery<L::Hold>,
        answer: Bytes,
        now: Timestamp,
    ) -> Bytes {
        let Delivery {
            expires_at, execution_condition, passage, hold, place: _until_the_end, ..
        } = delivery;
        let answer = Reply::parse(answer).map_err(|_| Refusal::NotAReply);
        let settled = self.settle(answer, &execution_condition, expires_at, hold, now).await;
        self.end(passage, settled)
    }

    /// Ends a packet with which nobody at this node takes money, so that nothing was set aside for it:
    /// with a Reject, or with a Fulfill where its amount is zero. Any other Fulfill goes no further.
    /// `arriving` is what it would have brought, where that is known. Returns the bytes of the reply.
    pub fn complete_unpaid(
        &self,
        source: Source<'_>,
        amount: u64,
        arriving: Option<(&Asset, u64)>,
        answer: Bytes,
    ) -> Bytes {
        let passage = self.counters.arrived(source, amount, arriving);
        let settled = match Reply::parse(answer) {
            Ok(Reply::Fulfill(_)) if amount > 0 => Err(Refusal::NotAReply),
            Ok(reply) => Ok(reply),
            Err(_) => Err(Refusal::NotAReply),
        };
        self.end(passage, settled)
    }

    async fn settle(
        &self,
        answer: Result<Reply, Refusal>,
        execution_condition: &[u8; 32],
        expires_at: Timestamp,
        hold: Option<L::Hold>,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let fulfill = match answer? {
            reject @ Reply::Reject(_) => return Ok(reject),
            Reply::Fulfill(fulfill) => fulfill,
        };
        if digest(&SHA256, fulfill.fulfillment()).as_ref() != execution_condition {
            return Err(Refusal::WrongFulfillment);
        }
        if now >= expires_at {
            return Err(Refusal::NoReplyInTime);
        }
        if let Some(hold) = hold {
            self.ledger.post(hold).await.map_err(|_| Refusal::LedgerStopped)?;
        }
        Ok(Reply::Fulfill(fulfill))
    }

    /// Counts how a packet ended that was on its way, and returns the bytes of the reply.
    fn end(&self, passage: Passage, settled: Result<Reply, Refusal>) -> Bytes {
        match settled {
            Ok(Reply::Fulfill(fulfill)) => {
                self.counters.end(passage, Ending::Fulfilled, Outcome::Fulfilled);
                fulfill.into_bytes()
            }
            Ok(Reply::Reject(reject)) => {
                let code = reject.code();
                self.counters.end(passage, Ending::Rejected, Outcome::Rejected(code));
                self.counters.causes.rejected(code);
                reject.into_bytes()
            }
            Err(refusal) => {
                self.counters.end(passage, Ending::Refused, Outcome::Refused(refusal));
                self.reject(refusal)
            }
        }
    }

    /// The bytes of a Reject of this node's own, counted by its cause alone: the packet is counted
    /// where it ends.
    pub(super) fn reject(&self, refusal: Refusal) -> Bytes {
        self.counters.causes.refused(&refusal);
        refusal.into_reject(&self.address)
    }
}
