//! Plans the next packet of a payment, if any.

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
    /// Whether the packet is sent only to learn the rate, and so must not be fulfilled.
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

/// The reason why a packet is the last one, and so what its minimum is. Rounding costs each packet
/// up to a unit, of which a large packet has many, and the rest at the end perhaps few.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    /// Nothing: others will follow.
    No,
    /// The packet sends all that is left to be sent. Its minimum may be short by one unit.
    Sends,
    /// The packet delivers the rest of the amount to be delivered, and need not deliver more. The
    /// cost of all packets together is limited elsewhere.
    Delivers(u64),
}

impl Sender {
    pub(super) fn plan(&self) -> Result<Plan, NoPlan> {
        let under_way = self.sent.saturating_add(self.in_flight.amount());
        let may_be_sent = self.amount.send_max().saturating_sub(under_way);
        if may_be_sent == 0 {
            return Err(self.unless_in_flight(EndReason::SendMaxReached { sent: self.sent }));
        }
        match self.amount {
            Amount::Send(_) => self.plan_money(may_be_sent, Last::Sends),
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
        let needed = rate.sent_for(left).unwrap_or(u64::MAX).max(self.forwarded_min);
        let last = if needed > may_be_sent { Last::No } else { Last::Delivers(left) };
        let needed = needed.min(may_be_sent);
        // While the rate isn't known well, what surely suffices may be far too much: more than a
        // unit sent is worth. Then first what is surely not too much: its reply will tell the rate
        // better.
        let too_much = rate.most_delivered_for(needed).saturating_sub(left);
        let one_unit = rate.upper().delivered_for_rounded_up(1);
        let safe = if too_much > one_unit { rate.sent_at_most_for(left) } else { 0 };
        match safe {
            0 => self.plan_money(needed, last),
            _ => self.plan_money(safe, Last::No),
        }
    }

    /// A packet out of `left`, which is the last one if it is all of that.
    fn plan_money(&self, left: u64, last: Last) -> Result<Plan, NoPlan> {
        self.check_packets(left)?;
        let whole = self.size.cut(left, self.search.is_none());
        let amount = whole.min(self.window.room_for_amount(self.in_flight.amount()));
        if amount < whole || whole == 0 {
            if let Some(plan) = (amount > 0).then(|| self.check(amount, Last::No).ok()).flatten() {
                return Ok(plan);
            }
            if !self.in_flight.is_empty() {
                return Err(NoPlan::AfterReply);
            }
            // Smaller packets would be lost to rounding, so the path must have liquidity for this
            // one or none.
        }
        let last = if whole == left { last } else { Last::No };
        self.check(whole, last).map_err(|reason| self.unless_in_flight(reason))
    }

    /// Checks that the rest of the payment, `left`, fits into as many packets as the payment may
    /// still have.
    fn check_packets(&self, left: u64) -> Result<(), NoPlan> {
        let in_flight = u64::try_from(self.in_flight.len()).unwrap_or(u64::MAX);
        let more = left.div_ceil(self.size.limit().unwrap_or(u64::MAX));
        let needed = self.packets_fulfilled.saturating_add(in_flight).saturating_add(more);
        let packets_max = self.packets_max;
        if needed <= packets_max {
            return Ok(());
        }
        Err(self.unless_in_flight(EndReason::TooManyPackets { needed, packets_max }))
    }

    /// Whether a packet of this amount makes sense: it can be forwarded, and bring its minimum.
    fn check(&self, amount: u64, last: Last) -> Result<Plan, EndReason> {
        if amount < self.forwarded_min {
            return Err(EndReason::TooSmall { amount });
        }
        let by_rate = |amount| self.minimum_rate.delivered_for_rounded_up(amount);
        let has_slack = last == Last::Sends && self.slack == Slack::Free;
        let minimum = match last {
            Last::Delivers(left) => by_rate(amount).min(left),
            Last::Sends if has_slack => {
                // A unit of the recipient's too, where what was delivered before makes up for it.
                let surplus = u64::from(self.delivered > by_rate(self.sent));
                by_rate(amount.saturating_sub(1)).min(by_rate(amount).saturating_sub(surplus))
            }
            Last::Sends | Last::No => by_rate(amount),
        };
        if let Some(rate) = self.rate.filter(|rate| rate.most_delivered_for(amount) < minimum) {
            let (upper, minimum) = (rate.upper(), self.minimum_rate);
            return Err(if upper <= minimum {
                EndReason::RateTooLow { upper, minimum }
            } else {
                EndReason::TooSmall { amount }
            });
        }
        Ok(Plan { amount, minimum, has_slack, is_probe: false })
    }

    /// Plans a packet that can't be fulfilled, whose reply tells the rate. Such packets are sent
    /// one at a time, and small: if one is too small to bring anything, a thousand times more is
    /// not much either.
    fn plan_probe(&self, may_be_sent: u64) -> Result<Plan, NoPlan> {
        if !self.in_flight.is_empty() {
            return Err(NoPlan::AfterReply);
        }
        let small = self.forwarded_min.saturating_mul(PROBE_FACTOR);
        let amount = self.size.cut(may_be_sent, true).min(small);
        if amount < self.forwarded_min {
            return Err(NoPlan::Never(EndReason::NothingArrives));
        }
        Ok(Plan { amount, minimum: 0, has_slack: false, is_probe: true })
    }

    fn unless_in_flight(&self, reason: EndReason) -> NoPlan {
        if self.in_flight.is_empty() { NoPlan::Never(reason) } else { NoPlan::AfterReply }
    }
}
