//! The paying end: one payment over one connection.

mod in_flight;
mod outcome;
mod packet_size;
mod parameters;
mod plan;
mod replies;
mod window;

use bytes::Bytes;
use interledger_packet::{Prepare, Timestamp};

use crate::{
    connection::{Connection, Draft, NoReply, Rejection, STREAM_ID},
    crypto::{MAX_PLAINTEXT_BYTES, Random},
    frame::{CloseCode, Frame},
    rate::{Rate, RateBounds},
    receiver::Asset,
};

pub use outcome::{EndReason, Outcome, Progress};
pub(crate) use packet_size::PacketSize;
pub use parameters::{Amount, SenderParameters};

use in_flight::{InFlight, Packet};
use plan::{NoPlan, Plan};
use window::Window;

/// The next action of a sender or prober.
#[derive(Clone, Debug)]
pub enum Action<Result> {
    /// Send this packet and ask again at once. Whatever becomes of it must be reported, once.
    Send {
        /// Names the packet when its reply comes.
        id: PacketId,
        /// The packet.
        prepare: Prepare,
    },
    /// Ask again after the next reply, or at this time if none comes before.
    Wait {
        /// `None` if only a reply can change anything.
        until: Option<Timestamp>,
    },
    /// The work is over. Further calls return the same result.
    Done(Result),
}

/// Names a packet that was sent: its sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketId(pub(crate) u64);

/// One payment over one connection.
///
/// The driver calls [`Sender::next`] until that says to wait, sends the packets that it is given,
/// and brings each reply back with [`Sender::reply`]. The sender is as fast as the path takes
/// packets.
///
/// Never more is fulfilled and under way together than is to be sent. What is delivered is counted
/// from replies that only the recipient can have written. Whatever ends the payment, packets under
/// way are waited for, so the amounts of the [`Outcome`] are final.
#[derive(Clone, Debug)]
pub struct Sender {
    connection: Connection,
    amount: Amount,
    minimum_rate: Rate,
    sent: u64,
    delivered: u64,
    /// The least amount that is still to be delivered on this connection, in the recipient's units.
    wanted: u64,
    rate: Option<RateBounds>,
    size: PacketSize,
    window: Window,
    in_flight: InFlight,
    asset: Option<Asset>,
    /// The greatest total that the recipient has ever said that it takes.
    receive_max: Option<u64>,
    packets_max: u64,
    slack: Slack,
    /// The packet under way that is a step of the search for the path's maximum.
    search: Option<u64>,
    /// Less than this was too little for some node to forward (R01).
    forwarded_min: u64,
    packets_fulfilled: u64,
    packets_rejected: u64,
    last_rejection: Option<Rejection>,
    /// The time at which a packet was last fulfilled, or the sender made.
    last_fulfill_at: Timestamp,
    idle_ms_max: u64,
    /// Set once nothing more is to be sent, though all may not have been.
    end: Option<EndReason>,
}

/// The one packet that may bring a unit's worth less than the minimum rate asks for, since its
/// remainder is all that is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slack {
    Free,
    InFlight,
    Spent,
}

impl Sender {
    /// A sender that has not sent anything yet.
    #[must_use]
    pub fn new(parameters: SenderParameters, now: Timestamp) -> Self {
        let SenderParameters { amount, minimum_rate, sent_before, delivered_before, .. } =
            parameters;
        let wanted = match amount {
            Amount::Send(amount) => minimum_rate.delivered_for(amount.saturating_sub(sent_before)),
            Amount::Deliver { amount, .. } => amount.saturating_sub(delivered_before),
        };
        Self {
            connection: Connection::new(
                parameters.destination,
                &parameters.shared_secret,
                parameters.first_sequence,
                parameters.packet_lifetime_ms,
                parameters.padded_bytes.min(MAX_PLAINTEXT_BYTES),
            ),
            amount,
            minimum_rate,
            sent: sent_before,
            delivered: delivered_before,
            wanted,
            rate: parameters.rate,
            size: PacketSize::new(parameters.packet_amount_max),
            window: Window::new(parameters.packets_in_flight_max),
            in_flight: InFlight::default(),
            asset: parameters.asset,
            receive_max: None,
            packets_max: parameters.packets_max.unwrap_or(u64::MAX),
            slack: Slack::Free,
            search: None,
            forwarded_min: 1,
            packets_fulfilled: 0,
            packets_rejected: 0,
            last_rejection: None,
            last_fulfill_at: now,
            idle_ms_max: parameters.idle_ms_max,
            end: None,
        }
    }

    /// Returns the next action.
    pub fn next(&mut self, now: Timestamp, random: &mut impl Random) -> Action<Outcome> {
        self.notice_time(now);
        if self.is_over() {
            if self.in_flight.is_empty() {
                return Action::Done(self.outcome());
            }
            return Action::Wait { until: None };
        }
        if let Some(until) = self.window.pause_until(now) {
            return self.wait(Some(until));
        }
        if !self.window.has_room_for_packet(self.in_flight.len_in_time()) {
            return self.wait(None);
        }
        match self.plan() {
            Ok(plan) => self.send(plan, now, random),
            Err(NoPlan::AfterReply) => self.wait(None),
            Err(NoPlan::Never(reason)) => {
                self.end.get_or_insert(reason);
                self.next(now, random)
            }
        }
    }

    /// Takes the outcome of a packet: the bytes of its reply, or the reason why there are none. A
    /// second reply to one packet is ignored.
    pub fn reply(&mut self, id: PacketId, reply: Result<Bytes, NoReply>, now: Timestamp) {
        let Some(packet) = self.in_flight.remove(id.0) else { return };
        self.search.take_if(|sequence| *sequence == id.0);
        self.take_reply(id.0, &packet, reply, now);
    }

    /// Sends nothing more. The payment is done once the packets under way are answered.
    pub fn stop(&mut self) {
        self.end.get_or_insert(EndReason::Stopped);
    }

    /// Returns the progress of the payment.
    #[must_use]
    pub fn progress(&self) -> Progress {
        Progress {
            sent: self.sent,
            delivered: self.delivered,
            in_flight: self.in_flight.amount(),
            packets_in_flight: self.in_flight.len(),
            packets_fulfilled: self.packets_fulfilled,
            packets_rejected: self.packets_rejected,
            rate: self.rate,
            window: self.window.packets(),
            packet_amount_max: self.size.limit(),
            round_trip_ms: self.in_flight.round_trip_ms(),
        }
    }

    /// Returns a packet that closes the connection. It moves no money, and neither its arrival nor
    /// its answer matters. `None` if no more packets may be sent.
    pub fn farewell(&mut self, now: Timestamp, random: &mut impl Random) -> Option<Prepare> {
        let close = Frame::ConnectionClose { code: CloseCode::NO_ERROR, message: b"" };
        let draft = Draft { amount: 0, minimum: 0, is_fulfillable: false, frame: Some(close) };
        self.connection.write(&draft, now, random).ok().map(|written| written.prepare)
    }

    fn send(&mut self, plan: Plan, now: Timestamp, random: &mut impl Random) -> Action<Outcome> {
        let draft = Draft {
            amount: plan.amount,
            minimum: plan.minimum,
            is_fulfillable: !plan.is_probe,
            frame: Some(Frame::StreamMoney { stream_id: STREAM_ID, shares: 1 }),
        };
        let Ok(written) = self.connection.write(&draft, now, random) else {
            self.end.get_or_insert(EndReason::SequenceLimit);
            return self.next(now, random);
        };
        if plan.has_slack {
            self.slack = Slack::InFlight;
        }
        if self.size.is_search(plan.amount) {
            self.search = Some(written.sequence);
        }
        let packet = Packet {
            amount: plan.amount,
            minimum: plan.minimum,
            expected: if plan.is_probe { 0 } else { self.most_delivered_for(plan) },
            fulfillment: written.fulfillment,
            sent_at: now,
            has_slack: plan.has_slack,
        };
        self.in_flight.insert(written.sequence, packet);
        self.window.sent(now);
        Action::Send { id: PacketId(written.sequence), prepare: written.prepare }
    }

    fn most_delivered_for(&self, plan: Plan) -> u64 {
        self.rate.map_or(plan.minimum, |rate| rate.most_delivered_for(plan.amount))
    }

    fn wait(&self, until: Option<Timestamp>) -> Action<Outcome> {
        let others = [self.in_flight.next_overdue_at(), Some(self.idle_at())];
        Action::Wait { until: others.into_iter().chain([until]).flatten().min() }
    }

    fn notice_time(&mut self, now: Timestamp) {
        while let Some(sequence) = self.in_flight.next_overdue(now) {
            self.window.busy(sequence, self.connection.next_sequence(), now);
        }
        if now >= self.idle_at() {
            let (idle_ms, last_rejection) = (self.idle_ms_max, self.last_rejection.clone());
            self.end.get_or_insert(EndReason::Idle { idle_ms, last_rejection });
        }
    }

    fn idle_at(&self) -> Timestamp {
        self.last_fulfill_at.saturating_add_ms(self.idle_ms_max)
    }

    fn is_over(&self) -> bool {
        self.end.is_some() || self.is_complete()
    }

    fn is_complete(&self) -> bool {
        match self.amount {
            Amount::Send(amount) => self.sent >= amount,
            Amount::Deliver { amount, .. } => self.delivered >= amount && self.in_flight.is_empty(),
        }
    }

    fn outcome(&self) -> Outcome {
        let (sent, delivered) = (self.sent, self.delivered);
        let is_violation = self.end == Some(EndReason::ProtocolViolation);
        match &self.end {
            Some(reason) if !self.is_complete() || is_violation => {
                let reason = reason.clone();
                if sent == 0 {
                    Outcome::Failed { reason }
                } else {
                    Outcome::PartlyDelivered { sent, delivered, reason }
                }
            }
            _ => Outcome::Completed { sent, delivered },
        }
    }
}

#[cfg(test)]
mod tests;
