//! Finds out the properties of a path before money is sent over it.

mod parameters;
mod path;

use bytes::Bytes;
use interledger_packet::{ErrorClass, ErrorCode, Timestamp};

use crate::{
    connection::{Connection, Draft, NoReply, PacketResult, RecipientSays, Rejection},
    crypto::Random,
    frame::Frame,
    rate::{Rate, RateBounds},
    receiver::Asset,
    sender::{Action, Amount, EndReason, PacketId, PacketSize},
};

pub use parameters::ProberParameters;
pub use path::Path;

use path::Cuts;

/// The first probe for a payment whose size in the payer's units isn't known yet.
const FIRST_AMOUNT: u64 = 1_000;
/// The pause after a temporary error, which doubles.
const PAUSE_MS_MIN: u64 = 50;
/// The forms of address that a payer without an address gives, tried in this order; after the last
/// one no address is given. Receivers name their asset to a payer that gives an address, and some
/// parse it: interledger-rs takes a packet with an empty address for another account's and answers
/// F02.
const GREETINGS: [&[u8]; 2] = [b"private.SEND_ONLY_CLIENT", b""];

/// Finds out the properties of a path with packets that can't be fulfilled, one at a time.
///
/// The driver calls a prober as it calls a [`crate::Sender`]. Each probe locks its amount along the
/// path for one round trip, so none is larger than a packet of the payment: no more than the
/// payment, and no more than the path's maximum as far as it is known.
#[derive(Clone, Debug)]
pub struct Prober {
    connection: Connection,
    amount: Amount,
    size: PacketSize,
    rate: Option<RateBounds>,
    asset: Option<Asset>,
    source_asset: Option<Asset>,
    receive_max: Option<u64>,
    round_trip_ms: u64,
    /// The number of forms of greeting that were of no use: refused, or answered without an asset.
    greetings_tried: usize,
    /// Whether the recipient has answered, so that a refusal no longer says anything about the
    /// greeting.
    is_heard: bool,
    /// Whether a packet of one unit delivers one; `None` before that was asked.
    is_lossless: Option<bool>,
    /// The amounts that packets of given amounts have delivered.
    samples: Vec<Sample>,
    /// Less than this is too little to be forwarded (R01).
    forwarded_min: u64,
    /// More than this met too little liquidity (T04).
    liquid_max: u64,
    under_way: Option<UnderWay>,
    probes_left: u32,
    deadline: Timestamp,
    ms_max: u64,
    pause_ms: u64,
    open_at: Timestamp,
    last_rejection: Option<Rejection>,
    end: Option<EndReason>,
}

/// The probe that is not answered yet.
#[derive(Clone, Copy, Debug)]
struct UnderWay {
    sequence: u64,
    amount: u64,
    purpose: Purpose,
    sent_at: Timestamp,
}

/// The question that a probe answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// The rate, and the greatest amount of a packet.
    Path,
    /// Whether one unit arrives as one.
    Unit,
    /// The amount that a packet of this amount delivers.
    Sample,
}

/// The amounts that a packet carried and delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sample {
    /// The amount that the packet carried, in the payer's units.
    sent: u64,
    /// The amount that arrived, in the recipient's units.
    delivered: u64,
}

impl Prober {
    /// A prober that has not sent anything yet.
    #[must_use]
    pub fn new(parameters: ProberParameters, now: Timestamp) -> Self {
        let ProberParameters { destination, shared_secret, packet_lifetime_ms, .. } = parameters;
        Self {
            connection: Connection::new(destination, &shared_secret, 1, packet_lifetime_ms, 0),
            amount: parameters.amount,
            size: PacketSize::new(parameters.packet_amount_max),
            rate: None,
            asset: parameters.asset,
            source_asset: parameters.source_asset,
            receive_max: None,
            round_trip_ms: 0,
            greetings_tried: 0,
            is_heard: false,
            is_lossless: None,
            samples: Vec::new(),
            forwarded_min: 1,
            liquid_max: u64::MAX,
            under_way: None,
            probes_left: parameters.probes_max,
            deadline: now.saturating_add_ms(parameters.ms_max),
            ms_max: parameters.ms_max,
            pause_ms: 0,
            open_at: Timestamp::MIN,
            last_rejection: None,
            end: None,
        }
    }

    /// Returns the next action. An error says why the path can't carry the payment.
    pub fn next(
        &mut self,
        now: Timestamp,
        random: &mut impl Random,
    ) -> Action<Result<Path, EndReason>> {
        if self.under_way.is_some() {
            return Action::Wait { until: None };
        }
        if let Some(path) = self.path() {
            return Action::Done(Ok(path));
        }
        if now >= self.deadline || self.probes_left == 0 {
            let (idle_ms, last_rejection) = (self.ms_max, self.last_rejection.clone());
            self.end.get_or_insert(EndReason::Idle { idle_ms, last_rejection });
        }
        if let Some(reason) = &self.end {
            return Action::Done(Err(reason.clone()));
        }
        if now < self.open_at {
            return Action::Wait { until: Some(self.open_at.min(self.deadline)) };
        }
        self.send(now, random)
    }

    /// Takes the outcome of a probe, as [`crate::Sender::reply`].
    pub fn reply(&mut self, id: PacketId, reply: Result<Bytes, NoReply>, now: Timestamp) {
        let Some(probe) = self.under_way.take_if(|probe| probe.sequence == id.0) else { return };
        self.round_trip_ms = now.saturating_ms_since(probe.sent_at);
        let answer = self.connection.read(probe.sequence, None, reply);
        match (answer.recipient, answer.result) {
            (Some(says), _) => self.learn(probe, says),
            // A node that rejects a probe on the way describes the path up to that node.
            (None, PacketResult::Rejected(rejection)) => self.take_reject(probe, rejection, now),
            (None, PacketResult::Fulfilled | PacketResult::WrongFulfillment) => {
                self.end = Some(EndReason::WrongFulfillment);
            }
        }
    }

    fn send(
        &mut self,
        now: Timestamp,
        random: &mut impl Random,
    ) -> Action<Result<Path, EndReason>> {
        let (amount, purpose) = self.next_check().unwrap_or((self.amount_to_try(), Purpose::Path));
        let greeting = GREETINGS.get(self.greetings_tried).filter(|_| self.asset.is_none());
        let frame = greeting.map(|source_account| Frame::ConnectionNewAddress { source_account });
        let draft = Draft { amount, minimum: 0, is_fulfillable: false, frame };
        let Ok(written) = self.connection.write(&draft, now, random) else {
            return Action::Done(Err(EndReason::SequenceLimit));
        };
        self.probes_left = self.probes_left.saturating_sub(1);
        let sequence = written.sequence;
        self.under_way = Some(UnderWay { sequence, amount, purpose, sent_at: now });
        Action::Send { id: PacketId(sequence), prepare: written.prepare }
    }

    /// The size of the payment in the payer's units, as far as it is known.
    fn payment(&self) -> u64 {
        let needed = match (self.amount, self.rate) {
            (Amount::Send(amount), _) => amount,
            (Amount::Deliver { amount, .. }, Some(rate)) => {
                rate.sent_for(amount).unwrap_or(u64::MAX)
            }
            (Amount::Deliver { .. }, None) => FIRST_AMOUNT.max(self.forwarded_min),
        };
        needed.min(self.amount.send_max()).max(1)
    }

    fn amount_to_try(&self) -> u64 {
        self.payment().min(self.size.to_try()).min(self.liquid_max)
    }

    /// Returns the most that a packet of the payment carries, in the payer's units.
    fn largest(&self) -> u64 {
        self.payment().min(self.size.limit().unwrap_or(u64::MAX)).min(self.liquid_max)
    }

    /// Returns whether the maximum is being searched for, because no node has named it.
    fn is_searched(&self) -> bool {
        self.size.to_try() < self.largest()
    }

    /// Returns whether a packet as large as the payment's has reached the recipient and no question
    /// about rate, maximum and asset is left.
    fn is_known(&self) -> bool {
        let has_asked = self.asset.is_some() || self.greetings_tried >= GREETINGS.len();
        let largest = self.largest();
        // A maximum that has to be searched for is known well enough within an eighth.
        let enough = if self.is_searched() { largest - largest / 8 } else { largest };
        self.rate.is_some() && has_asked && self.size.verified() >= enough
    }

    fn packet_amount_max(&self) -> Option<u64> {
        if self.is_searched() { Some(self.size.verified()) } else { self.size.limit() }
    }

    /// Returns the next probe of a path between two wallets of one asset, once the rest is known.
    /// The nodes of the path may count in another asset in between and round each packet down,
    /// which a payer of one asset doesn't expect.
    ///
    /// One unit that arrives as one unit proves that no packet loses anything. Each node turns `a`
    /// into `floor(a * r)`, and a chain of such functions delivers for the sum of two packets at
    /// least the sum of what it delivers for each.
    fn next_check(&self) -> Option<(u64, Purpose)> {
        let is_same = self.asset.is_some() && self.asset == self.source_asset;
        if !is_same || !self.is_known() {
            return None;
        }
        let cuts = Cuts::of(self.payment(), self.packet_amount_max().unwrap_or(u64::MAX));
        // The payment is one packet of the amount that was probed.
        if cuts.packets() == 1 {
            return None;
        }
        let is_one = self.rate.is_some_and(|rate| rate.lower() >= Rate::ONE);
        match self.is_lossless {
            None if is_one => Some((1, Purpose::Unit)),
            Some(true) => None,
            // The packets of a delivery depend on the loss, so they aren't known yet.
            _ if matches!(self.amount, Amount::Deliver { .. }) => None,
            _ => {
                let is_unknown =
                    |amount: &u64| !self.samples.iter().any(|sample| sample.sent == *amount);
                cuts.amounts().find(is_unknown).map(|amount| (amount, Purpose::Sample))
            }
        }
    }

    /// Returns the path, once no question is left.
    fn path(&self) -> Option<Path> {
        let rate = self.rate.filter(|_| self.is_known() && self.next_check().is_none())?;
        let packet_amount_max = self.packet_amount_max();
        let is_one_packet = self.payment() <= packet_amount_max.unwrap_or(u64::MAX);
        Some(Path {
            rate,
            packet_amount_max,
            asset: self.asset.clone(),
            receive_max: self.receive_max,
            round_trip_ms: self.round_trip_ms,
            next_sequence: self.connection.next_sequence(),
            is_lossless: rate.lower() >= Rate::ONE
                && (is_one_packet || self.is_lossless == Some(true)),
            samples: self.samples.clone(),
        })
    }

    fn learn(&mut self, probe: UnderWay, says: RecipientSays) {
        self.pause_ms = 0;
        self.is_heard = true;
        let sample = Sample { sent: probe.amount, delivered: says.amount };
        match probe.purpose {
            Purpose::Path => self.learn_rate(sample),
            Purpose::Unit => self.is_lossless = Some(says.amount > 0),
            Purpose::Sample => self.samples.push(sample),
        }
        match (says.asset, &self.asset) {
            (Some(asset), Some(known)) if asset != *known => {
                self.end = Some(EndReason::AssetChanged);
            }
            (Some(asset), _) => self.asset = Some(asset),
            (None, _) => self.greetings_tried = self.greetings_tried.saturating_add(1),
        }
        self.receive_max = self.receive_max.max(says.receive_max);
        if let Some((code, message)) = says.close {
            self.end = Some(EndReason::ClosedByRecipient { code, message });
        }
    }

    fn learn_rate(&mut self, sample: Sample) {
        let Sample { sent, delivered } = sample;
        if delivered == 0 {
            self.too_little(sent);
            return;
        }
        self.size.reached(sent);
        self.samples.retain(|known| known.sent != sent);
        self.samples.push(sample);
        match &mut self.rate {
            Some(rate) => rate.observe(sent, delivered),
            None => self.rate = RateBounds::of_packet(sent, delivered),
        }
    }

    fn take_reject(&mut self, probe: UnderWay, rejection: Rejection, now: Timestamp) {
        match (probe.purpose, self.rate) {
            // A node that refuses one unit would round it to nothing, whatever code it uses.
            (Purpose::Unit, _) => {
                self.is_lossless = Some(false);
                return;
            }
            // The path takes packets as large as this, so the quote needn't wait for this temporary
            // trouble.
            (Purpose::Sample, Some(rate)) => {
                let delivered = rate.lower().delivered_for(probe.amount);
                self.samples.push(Sample { sent: probe.amount, delivered });
                return;
            }
            _ => {}
        }
        match rejection.code {
            code if self.is_about_greeting(code) => self.greetings_tried += 1,
            ErrorCode::F08_AMOUNT_TOO_LARGE => {
                if self.size.too_large(probe.amount, rejection.too_large).is_err() {
                    self.end = Some(EndReason::PathTakesNothing);
                }
            }
            ErrorCode::R01_INSUFFICIENT_SOURCE_AMOUNT => self.too_little(probe.amount),
            ErrorCode::T04_INSUFFICIENT_LIQUIDITY if probe.amount > 1 => {
                self.liquid_max = probe.amount / 2;
            }
            code if code.class() == ErrorClass::Temporary
                || code == ErrorCode::R00_TRANSFER_TIMED_OUT
                || code == ErrorCode::F99_APPLICATION_ERROR =>
            {
                self.pause_ms = self.pause_ms.saturating_mul(2).max(PAUSE_MS_MIN);
                self.open_at = now.saturating_add_ms(self.pause_ms);
            }
            _ => self.end = Some(EndReason::Refused(rejection.clone())),
        }
        self.last_rejection = Some(rejection);
    }

    /// Returns whether a refusal may be about the greeting, as of a receiver that parses the
    /// address in it.
    fn is_about_greeting(&self, code: ErrorCode) -> bool {
        let is_possible = matches!(
            code,
            ErrorCode::F00_BAD_REQUEST
                | ErrorCode::F02_UNREACHABLE
                | ErrorCode::F06_UNEXPECTED_PAYMENT
        );
        let is_greeted = self.asset.is_none() && self.greetings_tried < GREETINGS.len();
        is_possible && is_greeted && !self.is_heard
    }

    /// A probe brings nothing. A thousand times more may; the whole payment must.
    fn too_little(&mut self, amount: u64) {
        let is_unknown = matches!(self.amount, Amount::Deliver { .. }) && self.rate.is_none();
        if is_unknown && amount < self.amount.send_max() {
            self.forwarded_min = amount.saturating_mul(1_000);
        } else {
            self.end = Some(EndReason::NothingArrives);
        }
    }
}

#[cfg(test)]
mod tests;
