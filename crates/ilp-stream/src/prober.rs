//! What a path is like, before money is sent over it.

use bytes::Bytes;
use interledger_packet::{Address, ErrorClass, ErrorCode, Timestamp};

use crate::{
    connection::{Connection, Draft, NoReply, PacketResult, RecipientSays, Rejection},
    crypto::{Random, SharedSecret},
    frame::Frame,
    rate::RateBounds,
    receiver::Asset,
    sender::{Action, Amount, EndReason, PacketId, PacketSize},
};

/// The first probe for a payment whose size in the payer's units isn't known yet.
const FIRST_AMOUNT: u64 = 1_000;
/// The pause after a temporary error, which doubles.
const PAUSE_MS_MIN: u64 = 50;
/// What a payer that can't be paid gives as its address, form by form; after the last one no address
/// is given at all. Receivers name their asset to a payer that gives an address, and some parse it:
/// interledger-rs takes a packet with an empty one for another account's and answers F02.
const GREETINGS: [&[u8]; 2] = [b"private.SEND_ONLY_CLIENT", b""];

/// What a [`Prober`] has to know.
#[derive(Clone, Debug)]
pub struct ProberParameters {
    /// Where the recipient is.
    pub destination: Address,
    /// What the recipient gave together with its address.
    pub shared_secret: SharedSecret,
    /// The payment that the path is for: no probe is larger than its packets would be.
    pub amount: Amount,
    /// The most that a packet may carry, in the payer's units, as far as we know by ourselves.
    pub packet_amount_max: Option<u64>,
    /// The recipient's asset, if it is known; if not, the recipient is asked.
    pub asset: Option<Asset>,
    /// How many probes may be sent.
    pub probes_max: u32,
    /// How long all may take, in milliseconds.
    pub ms_max: u64,
    /// How long each packet has to be answered, in milliseconds.
    pub packet_lifetime_ms: u64,
}

impl ProberParameters {
    /// The rest at its defaults: nothing known, 40 probes, 10 s.
    #[must_use]
    pub const fn new(destination: Address, shared_secret: SharedSecret, amount: Amount) -> Self {
        Self {
            destination,
            shared_secret,
            amount,
            packet_amount_max: None,
            asset: None,
            probes_max: 40,
            ms_max: 10_000,
            packet_lifetime_ms: 10_000,
        }
    }
}

/// What a path is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Its rate, after a packet as large as the payment's.
    pub rate: RateBounds,
    /// The most that a packet may carry, in the payer's units; `None` if the whole payment fits
    /// into one packet and nobody has set a limit.
    pub packet_amount_max: Option<u64>,
    /// The recipient's asset, if it was known or the recipient has named it.
    pub asset: Option<Asset>,
    /// What the recipient takes in all, in its units, if it says so.
    pub receive_max: Option<u64>,
    /// How long the last reply took, in milliseconds.
    pub round_trip_ms: u64,
    /// The first sequence that is free, for a [`crate::Sender`] that goes on with the connection.
    pub next_sequence: u64,
}

/// Finds out what a path is like with packets that nobody can fulfill, one at a time.
///
/// It is driven as a [`crate::Sender`] is. Each probe locks its amount along the path for one
/// round trip, so none is larger than a packet of the payment: no more than the payment, and no
/// more than the path's maximum as far as it is known.
#[derive(Clone, Debug)]
pub struct Prober {
    connection: Connection,
    amount: Amount,
    size: PacketSize,
    rate: Option<RateBounds>,
    asset: Option<Asset>,
    receive_max: Option<u64>,
    round_trip_ms: u64,
    /// How many forms of greeting have been of no use: refused, or answered without an asset.
    greetings_tried: usize,
    /// The recipient has answered, so a refusal says nothing about the form of greeting any more.
    is_heard: bool,
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
    sent_at: Timestamp,
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
            receive_max: None,
            round_trip_ms: 0,
            greetings_tried: 0,
            is_heard: false,
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

    /// What to do now. An error says why the path can't carry the payment.
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

    /// What became of a probe, as [`crate::Sender::reply`].
    pub fn reply(&mut self, id: PacketId, reply: Result<Bytes, NoReply>, now: Timestamp) {
        let Some(probe) = self.under_way.take_if(|probe| probe.sequence == id.0) else { return };
        self.round_trip_ms = now.saturating_ms_since(probe.sent_at);
        let answer = self.connection.read(probe.sequence, None, reply);
        match answer.recipient {
            Some(says) => self.learn(probe, says),
            // Whoever rejects a probe on the way says what the path is like up to there.
            None => match answer.result {
                PacketResult::Rejected(rejection) => self.take_reject(probe, rejection, now),
                PacketResult::Fulfilled | PacketResult::WrongFulfillment => {
                    self.end = Some(EndReason::WrongFulfillment);
                }
            },
        }
    }

    fn send(
        &mut self,
        now: Timestamp,
        random: &mut impl Random,
    ) -> Action<Result<Path, EndReason>> {
        let amount = self.amount_to_try();
        let greeting = GREETINGS.get(self.greetings_tried).filter(|_| self.asset.is_none());
        let frame = greeting.map(|source_account| Frame::ConnectionNewAddress { source_account });
        let draft = Draft { amount, minimum: 0, is_fulfillable: false, frame };
        let Ok(written) = self.connection.write(&draft, now, random) else {
            return Action::Done(Err(EndReason::SequenceLimit));
        };
        self.probes_left = self.probes_left.saturating_sub(1);
        self.under_way = Some(UnderWay { sequence: written.sequence, amount, sent_at: now });
        Action::Send { id: PacketId(written.sequence), prepare: written.prepare }
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

    /// The path, once a packet as large as the payment's has reached the recipient and there is
    /// nothing left to ask.
    fn path(&self) -> Option<Path> {
        let rate = self.rate?;
        let has_asked = self.asset.is_some() || self.greetings_tried >= GREETINGS.len();
        let largest =
            self.payment().min(self.size.limit().unwrap_or(u64::MAX)).min(self.liquid_max);
        // A maximum that has to be searched for is known well enough within an eighth.
        let is_searched = self.size.to_try() < largest;
        let enough = if is_searched { largest - largest / 8 } else { largest };
        if !has_asked || self.size.verified() < enough {
            return None;
        }
        let packet_amount_max =
            if is_searched { Some(self.size.verified()) } else { self.size.limit() };
        Some(Path {
            rate,
            packet_amount_max,
            asset: self.asset.clone(),
            receive_max: self.receive_max,
            round_trip_ms: self.round_trip_ms,
            next_sequence: self.connection.next_sequence(),
        })
    }

    fn learn(&mut self, probe: UnderWay, says: RecipientSays) {
        self.pause_ms = 0;
        self.is_heard = true;
        if says.amount == 0 {
            self.too_little(probe.amount);
        } else {
            self.size.reached(probe.amount);
            match &mut self.rate {
                Some(rate) => rate.observe(probe.amount, says.amount),
                None => self.rate = RateBounds::of_packet(probe.amount, says.amount),
            }
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

    fn take_reject(&mut self, probe: UnderWay, rejection: Rejection, now: Timestamp) {
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

    /// Whether a refusal may be of the greeting, as of a receiver that parses the address in it.
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
