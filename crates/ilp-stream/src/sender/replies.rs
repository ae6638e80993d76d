//! The changes that replies make to a payment.

use bytes::Bytes;
use interledger_packet::{ErrorClass, ErrorCode, Timestamp};

use super::{EndReason, Sender, Slack, in_flight::Packet, window::UnderWay};
use crate::{
    connection::{NoReply, PacketResult, RecipientSays, Rejection},
    rate::RateBounds,
};

impl Sender {
    pub(super) fn take_reply(
        &mut self,
        sequence: u64,
        packet: &Packet,
        reply: Result<Bytes, NoReply>,
        now: Timestamp,
    ) {
        if reply.is_ok() {
            self.in_flight.answered_after(now.saturating_ms_since(packet.sent_at));
        }
        let under_way = UnderWay {
            packets: self.in_flight.len_in_time().saturating_add(1),
            amount: self.in_flight.amount().saturating_add(packet.amount),
        };
        let answer = self.connection.read(sequence, packet.fulfillment.as_ref(), reply);
        if !matches!(answer.result, PacketResult::Fulfilled) {
            self.packets_rejected += 1;
            if packet.has_slack {
                self.slack = Slack::Free;
            }
        }
        match answer.result {
            PacketResult::Fulfilled => {
                self.take_fulfill(packet, answer.recipient.as_ref(), under_way, now);
            }
            PacketResult::WrongFulfillment => {
                self.end.get_or_insert(EndReason::WrongFulfillment);
            }
            PacketResult::Rejected(rejection) => {
                match &answer.recipient {
                    Some(_) => self.take_refusal(sequence, packet, &rejection, now),
                    None => self.take_reject(sequence, packet, &rejection, under_way, now),
                }
                self.last_rejection = Some(rejection);
            }
        }
        if let Some(says) = answer.recipient {
            self.learn(packet, says);
        }
    }

    /// Counts a fulfilled packet. The delivered amount is the one that the recipient states. If the
    /// recipient states none, or less than it may take, the least amount that it may take counts:
    /// it has broken the rules, so it gets no more packets, but the delivery isn't denied.
    fn take_fulfill(
        &mut self,
        packet: &Packet,
        says: Option<&RecipientSays>,
        under_way: UnderWay,
        now: Timestamp,
    ) {
        self.packets_fulfilled += 1;
        self.sent = self.sent.saturating_add(packet.amount);
        self.last_fulfill_at = now;
        if packet.has_slack {
            self.slack = Slack::Spent;
        }
        let arrived = says.map(|says| says.amount).filter(|&amount| amount >= packet.minimum);
        let total = self.delivered.checked_add(arrived.unwrap_or(packet.minimum));
        self.delivered = total.unwrap_or(u64::MAX);
        if arrived.is_none() || total.is_none() {
            self.end = Some(EndReason::ProtocolViolation);
        }
        self.window.fulfilled(packet.amount, under_way);
    }

    /// Handles the recipient's own refusal, which a STREAM packet proves. That packet carries its
    /// meaning, which [`Sender::learn`] reads. Receivers in use answer a packet without a
    /// fulfillment with F99 or F05, and one below its minimum with F99 or F04, so these codes end
    /// nothing.
    fn take_refusal(
        &mut self,
        sequence: u64,
        packet: &Packet,
        rejection: &Rejection,
        now: Timestamp,
    ) {
        let next_sequence = self.connection.next_sequence();
        if packet.fulfillment.is_none() {
            // The probe has its answer; nothing else follows from the refusal.
        } else if is_passing(rejection.code) {
            self.window.busy(sequence, next_sequence, now);
        } else {
            self.window.refused(sequence, next_sequence, now);
        }
    }

    /// Handles the refusal of a node on the way: tries again later, smaller or never, depending on
    /// the code.
    ///
    /// R00 ends nothing here, although other senders give up on it: the packet's money was never
    /// taken, and one lost packet of many thousands is no reason to leave a payment half done. If
    /// packets go on being lost, the payment ends for want of fulfills.
    fn take_reject(
        &mut self,
        sequence: u64,
        packet: &Packet,
        rejection: &Rejection,
        under_way: UnderWay,
        now: Timestamp,
    ) {
        let next_sequence = self.connection.next_sequence();
        match rejection.code {
            ErrorCode::F08_AMOUNT_TOO_LARGE => {
                if self.size.too_large(packet.amount, rejection.too_large).is_err() {
                    self.end.get_or_insert(EndReason::PathTakesNothing);
                }
            }
            ErrorCode::F99_APPLICATION_ERROR => {
                self.window.refused(sequence, next_sequence, now);
            }
            ErrorCode::R01_INSUFFICIENT_SOURCE_AMOUNT => {
                self.forwarded_min = self.forwarded_min.max(packet.amount.saturating_add(1));
            }
            ErrorCode::T04_INSUFFICIENT_LIQUIDITY => {
                self.window.short_of_liquidity(sequence, next_sequence, under_way, now);
            }
            code if is_passing(code) => {
                self.window.busy(sequence, next_sequence, now);
            }
            _ => {
                self.end.get_or_insert(EndReason::Refused(rejection.clone()));
            }
        }
    }

    /// Takes over the facts that only the recipient can know.
    fn learn(&mut self, packet: &Packet, says: RecipientSays) {
        self.size.reached(packet.amount);
        match &mut self.rate {
            Some(rate) => rate.observe(packet.amount, says.amount),
            // A packet too small to bring anything says nothing about the rate.
            None if says.amount == 0 => {
                self.forwarded_min = self.forwarded_min.max(packet.amount.saturating_add(1));
            }
            None => self.rate = RateBounds::of_packet(packet.amount, says.amount),
        }
        if let Some(asset) = says.asset
            && asset != *self.asset.get_or_insert_with(|| asset.clone())
        {
            self.end.get_or_insert(EndReason::AssetChanged);
        }
        // A smaller maximum than before is ignored, as the RFC demands: replies may come out of
        // order.
        self.receive_max = self.receive_max.max(says.receive_max);
        if let Some(receive_max) = self.receive_max.filter(|&most| most < self.wanted) {
            let wanted = self.wanted;
            self.end.get_or_insert(EndReason::RecipientLimit { receive_max, wanted });
        }
        if let Some((code, message)) = says.close {
            self.end.get_or_insert(EndReason::ClosedByRecipient { code, message });
        }
    }
}

/// Returns whether a code says that the trouble may pass by itself.
fn is_passing(code: ErrorCode) -> bool {
    code.class() == ErrorClass::Temporary || code == ErrorCode::R00_TRANSFER_TIMED_OUT
}
