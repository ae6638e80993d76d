//! How a packet ends: what its answer is worth, what that does to its hold, and how it is counted.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use interledger_packet::{Fulfill, Reply, Timestamp};
use ring::digest::{SHA256, digest};

use super::{Connector, Delivery, InFlight, Source};
use crate::{
    in_flight::Place,
    ledger::{Ledger, Stopped},
    peer::Asset,
    refusal::{LinkFailure, Refusal},
    samples,
    traffic::{Ending, Passage},
};

/// The completion of a packet that has been answered: ready with the bytes of the reply for the sender.
/// Dropping it undoes nothing, and the packet counts as refused.
//
// Written out and not an `async fn`, which keeps room for what it is given and once more for what it
// makes of it: 1,240 bytes, of which this is a fifth.
#[must_use = "the reply is what the sender waits for"]
pub struct Completing<'a, L: Ledger> {
    connector: &'a Connector<L>,
    /// The rest of the work; `None` once the reply has been given.
    rest: Option<Rest<L::Posting>>,
}

struct Rest<P> {
    passage: Passage,
    /// Among what its sender has under way, until the end.
    _place: Option<Place>,
    outcome: Completion<P>,
}

enum Completion<P> {
    Known(Result<Reply, Refusal>),
    /// A Fulfill that leaves once its transfer is durable.
    Posting(P, Fulfill),
}

impl<L: Ledger> fmt::Debug for Completing<'_, L> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Completing").finish_non_exhaustive()
    }
}

impl<L: Ledger> Future for Completing<'_, L> {
    type Output = Bytes;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Bytes> {
        if let Some(Rest { outcome: Completion::Posting(posting, _), .. }) = &mut self.rest {
            let posted = ready!(Pin::new(posting).poll(context));
            return self.reply(Some(posted));
        }
        self.reply(None)
    }
}

impl<L: Ledger> Completing<'_, L> {
    fn reply(&mut self, posted: Option<Result<(), Stopped>>) -> Poll<Bytes> {
        // Polled after its end: nothing will ever come.
        let Some(Rest { passage, outcome, .. }) = self.rest.take() else { return Poll::Pending };
        let completed = match (outcome, posted) {
            (Completion::Known(completed), _) => completed,
            (Completion::Posting(_, fulfill), Some(Ok(()))) => Ok(Reply::Fulfill(fulfill)),
            (Completion::Posting(..), _) => Err(Refusal::LedgerStopped),
        };
        Poll::Ready(self.connector.end(passage, completed))
    }
}

impl<L: Ledger> Connector<L> {
    /// Completes a packet that was sent on, by the next hop's answer, which came at `now`. The
    /// returned completion has the bytes of the reply for the sender: a valid Fulfill moves the
    /// money at once and is ready once its transfer is durable; every other answer voids the hold
    /// at once.
    pub fn complete(
        &self,
        in_flight: InFlight<L::Hold>,
        answer: Result<Bytes, LinkFailure>,
        now: Timestamp,
    ) -> Completing<'_, L> {
        let InFlight { peer, expires_at, execution_condition, passage, hold, place, .. } =
            in_flight;
        let answer = self.heard(&peer, answer, now);
        let outcome = self.judge(answer, &execution_condition, expires_at, hold, now);
        Completing { connector: self, rest: Some(Rest { passage, _place: place, outcome }) }
    }

    /// Completes a packet for an account at this node with the recipient's answer, as
    /// [`Connector::complete`] does with a next hop's.
    pub fn complete_delivery(
        &self,
        delivery: Delivery<L::Hold>,
        answer: Bytes,
        now: Timestamp,
    ) -> Completing<'_, L> {
        let Delivery { expires_at, execution_condition, passage, hold, place } = delivery;
        let answer = Reply::parse(answer).map_err(|_| Refusal::NotAReply);
        let outcome = self.judge(answer, &execution_condition, expires_at, hold, now);
        Completing { connector: self, rest: Some(Rest { passage, _place: place, outcome }) }
    }

    /// Ends a packet whose money no account of this node takes, so that nothing was held for it:
    /// with a Reject, or with a Fulfill where its amount is zero. Any other Fulfill is replaced by
    /// a Reject. `arriving` is the amount that it would have brought, where that is known. Returns
    /// the bytes of the reply.
    pub fn complete_unpaid(
        &self,
        source: Source<'_>,
        amount: u64,
        arriving: Option<(&Asset, u64)>,
        answer: Bytes,
    ) -> Bytes {
        let passage = self.counters.arrived(source, amount, arriving);
        let completed = match Reply::parse(answer) {
            Ok(Reply::Fulfill(_)) if amount > 0 => Err(Refusal::NotAReply),
            Ok(reply) => Ok(reply),
            Err(_) => Err(Refusal::NotAReply),
        };
        self.end(passage, completed)
    }

    /// Returns what an answer is worth, and begins to post the hold of a valid Fulfill.
    fn judge(
        &self,
        answer: Result<Reply, Refusal>,
        execution_condition: &[u8; 32],
        expires_at: Timestamp,
        hold: Option<L::Hold>,
        now: Timestamp,
    ) -> Completion<L::Posting> {
        let fulfill = match answer {
            Ok(Reply::Fulfill(fulfill)) => fulfill,
            other => return Completion::Known(other),
        };
        if digest(&SHA256, fulfill.fulfillment()).as_ref() != execution_condition {
            return Completion::Known(Err(Refusal::WrongFulfillment));
        }
        if now >= expires_at {
            return Completion::Known(Err(Refusal::NoReplyInTime));
        }
        match hold {
            Some(hold) => Completion::Posting(self.ledger.post(hold), fulfill),
            None => Completion::Known(Ok(Reply::Fulfill(fulfill))),
        }
    }

    /// Counts how a packet ended that was on its way, and returns the bytes of the reply.
    fn end(&self, passage: Passage, completed: Result<Reply, Refusal>) -> Bytes {
        match completed {
            Ok(Reply::Fulfill(fulfill)) => {
                self.counters.end(passage, Ending::Fulfilled, samples::Outcome::Fulfilled);
                fulfill.into_bytes()
            }
            Ok(Reply::Reject(reject)) => {
                let code = reject.code();
                self.counters.end(passage, Ending::Rejected, samples::Outcome::Rejected(code));
                self.counters.causes.rejected(code);
                reject.into_bytes()
            }
            Err(refusal) => {
                self.counters.end(passage, Ending::Refused, samples::Outcome::Refused(refusal));
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
