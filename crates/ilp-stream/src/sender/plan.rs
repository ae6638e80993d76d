//! Which packet to send next, if any.

use super::{Amount, EndReason, Sender, Slack};
use crate::rate::Rate;

/// How much more than what a packet may surely carry is tried at first, while the rate is unknown.
const PROBE_FACTOR: u64 = 1_000;

/// A packet that could be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) amount: u64,
    pub(super) minimum: u64,
    /// The minimum has the one unit of slack.
    pub(super) has_slack: bool,
    /// It is sent only to learn the rate, so nobody shall fulfill it.
    pub(super) is_probe: bool,
}

/// Why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoPlan {
    /// A reply may change that.
    AfterReply,
    /// Nothing can.
    Never(EndReason),
}

impl Sender {
    pub(super) fn plan(&self) -> Result<Plan, NoPlan> {
        let under_way = self.sent.saturating_add(self.in_flight.amount());
        let may_be_sent = self.amount.send_max().saturating_sub(under_way);
        if may_be_sent == 0 {
            return Err(self.unless_in_flight(EndReason::SendMaxReached { sent: self.sent }));
        }
        match self.amount {
            Amount::Send(_) => self.plan_money(may_be_sent, true),
            Amount::Deliver { amount, .. } => self.plan_delivery(amount, may_be_sent),
        }
    }

    /// Sends what is needed for `wanted` to arrive in all.
    fn plan_delivery(&self, wanted: u64, may_be_sent: u64) -> Result<Plan, NoPlan> {
        let Some(rate) = self.rate else { return self.plan_probe(may_be_sent) };
        let on_its_way = u128::from(self.delivered).saturating_add(self.in_flight.expected());
        let left = u128::from(wanted).saturating_sub(on_its_way);
        let Ok(left @ 1..) = u64::try_from(left) else { return Err(NoPlan::AfterReply) };
        if rate.lower() == Rate::ZERO {
            return Err(self.unless_in_flight(EndReason::NothingArrives));
        }
        let needed = rate.sent_for(left).unwrap_or(u64::MAX);
        if needed > may_be_sent {
            return self.plan_money(may_be_sent, false);
        }
        // While the rate isn't known well, what surely suffices may be far too much. Then first
        // what is surely not too much: its reply will tell the rate better.
        let too_much = rate.most_delivered_for(needed).saturating_sub(left) > 1;
        let safe = if too_much { rate.sent_at_most_for(left) } else { 0 };
        if safe > 0 { self.plan_money(safe, false) } else { self.plan_money(needed, true) }
    }

    /// A packet out of `left`, which will complete the payment if `completes`.
    fn plan_money(&self, left: u64, completes: bool) -> Result<Plan, NoPlan> {
        let whole = self.size.cut(left);
        let amount = whole.min(self.window.room_for_amount(self.in_flight.amount()));
        if amount < whole {
            if let Ok(plan) = self.check(amount, false) {
                return Ok(plan);
            }
            if !self.in_flight.is_empty() {
                return Err(NoPlan::AfterReply);
            }
            // Smaller packets would be lost to rounding, so the path must have liquidity for this
            // one or none.
        }
        self.check(whole, completes && whole == left)
            .map_err(|reason| self.unless_in_flight(reason))
    }

    /// Whether a packet of this amount makes sense: it can be forwarded, and bring its minimum.
    fn check(&self, amount: u64, is_last: bool) -> Result<Plan, EndReason> {
        if amount < self.forwarded_min {
            return Err(EndReason::RestTooSmall { left: amount });
        }
        let has_slack = is_last && self.slack == Slack::Free;
        let counted = if has_slack { amount.saturating_sub(1) } else { amount };
        let minimum = self.minimum_rate.delivered_for_rounded_up(counted);
        if let Some(rate) = self.rate.filter(|rate| rate.most_delivered_for(amount) < minimum) {
            let (upper, minimum) = (rate.upper(), self.minimum_rate);
            return Err(if upper <= minimum {
                EndReason::RateTooLow { upper, minimum }
            } else {
                EndReason::RestTooSmall { left: amount }
            });
        }
        Ok(Plan { amount, minimum, has_slack, is_probe: false })
    }

    /// A packet that nobody can fulfill: its reply tells the rate. One at a time, and small: if it
    /// is too small to bring anything, a thousand times more is not much either.
    fn plan_probe(&self, may_be_sent: u64) -> Result<Plan, NoPlan> {
        if !self.in_flight.is_empty() {
            return Err(NoPlan::AfterReply);
        }
        let small = self.forwarded_min.saturating_mul(PROBE_FACTOR);
        let amount = self.size.cut(may_be_sent).min(small);
        if amount < self.forwarded_min {
            return Err(NoPlan::Never(EndReason::NothingArrives));
        }
        Ok(Plan { amount, minimum: 0, has_slack: false, is_probe: true })
    }

    fn unless_in_flight(&self, reason: EndReason) -> NoPlan {
        if self.in_flight.is_empty() { NoPlan::Never(reason) } else { NoPlan::AfterReply }
    }
}
