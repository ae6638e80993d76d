//! The connector between the two, its conditions and its books.

use bytes::Bytes;
use interledger_packet::{
    AmountTooLarge, ErrorCode, FulfillBuilder, PacketType, Prepare, Reject, RejectBuilder, Reply,
    Timestamp,
};

use super::Chance;
use crate::{
    Frame, Incoming, Keys, Limits, Rate, Receiver, SharedSecret, StreamPacket, StreamPacketBuilder,
    condition_of,
};

/// The conditions on the path at the moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conditions {
    pub(super) rate: Rate,
    /// The rate at which a packet's amount is converted to another asset's units and back again,
    /// rounded down both times.
    pub(super) via: Option<Rate>,
    /// The number of further times that amounts are rounded down, as by further connectors.
    pub(super) roundings: u64,
    pub(super) maximum: u64,
    /// Whether an F08 says by how much.
    pub(super) tells_maximum: bool,
    pub(super) lost_prepares_per_mille: u64,
    pub(super) lost_replies_per_mille: u64,
    /// Rejected with one of the temporary codes.
    pub(super) busy_per_mille: u64,
    pub(super) delay_ms: (u64, u64),
    /// How many packets pass in any one second (T05).
    pub(super) packets_per_second_max: u64,
    /// Added to what the payer can spend.
    pub(super) deposit: u64,
    /// All packets are rejected with this code.
    pub(super) code: Option<ErrorCode>,
    /// The code of the recipient's own refusals, in place of F99.
    pub(super) recipient_code: Option<ErrorCode>,
    pub(super) lie: Option<Lie>,
    /// The total that the recipient takes.
    pub(super) receive_max: Option<u64>,
    /// The total that the recipient states as its limit, if it differs from the true one.
    pub(super) told_receive_max: Option<u64>,
    /// The greatest amount of a packet that is not rejected for want of liquidity.
    pub(super) liquidity_max: u64,
}

/// A misdeed of a recipient or a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lie {
    /// The data of an earlier reply.
    OldData,
    /// Data that was written for the other kind of reply.
    WrongType,
    /// No data at all.
    NoData,
    /// A fulfillment that isn't one. Any connector finds it out and keeps the money.
    WrongFulfillment,
    /// The recipient takes what is below the packet's minimum, and says so.
    LessThanMinimum,
    /// The recipient names another asset.
    OtherAsset,
    /// The reply is not an ILP packet.
    Noise,
}

impl Default for Conditions {
    /// A calm path, unit for unit.
    fn default() -> Self {
        Self {
            rate: Rate::ONE,
            via: None,
            roundings: 0,
            maximum: u64::MAX,
            tells_maximum: true,
            lost_prepares_per_mille: 0,
            lost_replies_per_mille: 0,
            busy_per_mille: 0,
            delay_ms: (10, 11),
            packets_per_second_max: u64::MAX,
            deposit: 0,
            code: None,
            recipient_code: None,
            lie: None,
            receive_max: None,
            told_receive_max: None,
            liquidity_max: u64::MAX,
        }
    }
}

/// The outcome of a packet.
pub(super) struct Carried {
    /// `None` if it or its reply got lost.
    pub(super) reply: Option<Bytes>,
    /// The amount that it holds of the payer's funds.
    pub(super) held: u64,
    /// Whether that will be paid.
    pub(super) pays: bool,
}

pub(super) struct Path {
    pub(super) conditions: Conditions,
    receiver: Receiver,
    keys: Keys,
    /// The funds that the payer had and was given.
    funds: u64,
    available: u64,
    pub(super) held: u64,
    /// The amount that the payer has paid.
    pub(super) paid: u64,
    /// The amount that the recipient has.
    pub(super) received: u64,
    /// The amount that the recipient has of packets whose reply was lost: the payer hasn't paid for
    /// it.
    pub(super) received_unpaid: u64,
    second: u64,
    packets_in_second: u64,
    pub(super) refused: u64,
    earlier_data: Option<Bytes>,
}

impl Path {
    pub(super) fn new(receiver: Receiver, secret: &SharedSecret, conditions: Conditions) -> Self {
        let funds = 1 << 60;
        Self {
            conditions,
            receiver,
            keys: Keys::new(secret),
            funds,
            available: funds,
            held: 0,
            paid: 0,
            received: 0,
            received_unpaid: 0,
            second: 0,
            packets_in_second: 0,
            refused: 0,
            earlier_data: None,
        }
    }

    /// Sets the amount that the payer can spend.
    pub(super) fn set_funds(&mut self, funds: u64) {
        (self.funds, self.available) = (funds, funds);
    }

    pub(super) fn delay_ms(&self, chance: &mut Chance) -> u64 {
        let (least, most) = self.conditions.delay_ms;
        least + chance.below((most - least).max(1))
    }

    pub(super) fn check_books(&self) {
        assert_eq!(self.available + self.held + self.paid, self.funds);
    }

    /// Takes a packet to the recipient. The packet's hold stays until [`Path::settle`].
    pub(super) fn carry(
        &mut self,
        prepare: &Prepare,
        now: Timestamp,
        chance: &mut Chance,
    ) -> Carried {
        let deposit = std::mem::take(&mut self.conditions.deposit);
        self.available += deposit;
        self.funds += deposit;
        let amount = prepare.amount();
        let refusal = if amount > self.available.min(self.conditions.liquidity_max) {
            Some(Reject::new(ErrorCode::T04_INSUFFICIENT_LIQUIDITY, None, "too little liquidity"))
        } else {
            self.refusal(prepare, now, chance)
        };
        if let Some(refusal) = refusal {
            self.refused += 1;
            return Carried { reply: Some(refusal.into_bytes()), held: 0, pays: false };
        }
        self.available -= amount;
        self.held += amount;
        if chance.happens(self.conditions.lost_prepares_per_mille) {
            return Carried { reply: None, held: amount, pays: false };
        }
        let (reply, received) = self.deliver(prepare, chance);
        let reply = self.with_recipients_code(reply);
        let reply = self.falsified(reply, prepare);
        let is_lost = chance.happens(self.conditions.lost_replies_per_mille);
        // A wrong fulfillment is found out by the node that would have to pay for it.
        let pays = !is_lost && is_fulfilled(prepare, &reply);
        self.received += received;
        self.received_unpaid += if pays { 0 } else { received };
        Carried { reply: (!is_lost).then_some(reply), held: amount, pays }
    }

    /// The packet is over: what it held is paid or given back.
    pub(super) fn settle(&mut self, held: u64, pays: bool) {
        self.held -= held;
        *(if pays { &mut self.paid } else { &mut self.available }) += held;
    }

    fn refusal(
        &mut self,
        prepare: &Prepare,
        now: Timestamp,
        chance: &mut Chance,
    ) -> Option<Reject> {
        let Conditions { maximum, tells_maximum, busy_per_mille, .. } = self.conditions;
        if let Some(code) = self.conditions.code {
            return Some(Reject::new(code, None, "so it is"));
        }
        let received = prepare.amount();
        if received > maximum && tells_maximum {
            return Some(Reject::amount_too_large(None, AmountTooLarge { received, maximum }));
        }
        if received > maximum {
            return Some(Reject::new(ErrorCode::F08_AMOUNT_TOO_LARGE, None, ""));
        }
        if chance.happens(busy_per_mille) {
            let codes = [*b"T00", *b"T01", *b"T02", *b"T03", *b"T05"];
            let code = codes[usize::try_from(chance.below(5)).unwrap()];
            return Some(Reject::new(ErrorCode::from_bytes(code).unwrap(), None, "busy"));
        }
        if now.unix_ms() / 1_000 != self.second {
            (self.second, self.packets_in_second) = (now.unix_ms() / 1_000, 0);
        }
        if self.packets_in_second >= self.conditions.packets_per_second_max {
            return Some(Reject::new(ErrorCode::T05_RATE_LIMITED, None, "too many packets"));
        }
        self.packets_in_second += 1;
        (received > 0 && self.arriving(received) == 0).then(|| {
            Reject::new(ErrorCode::R01_INSUFFICIENT_SOURCE_AMOUNT, None, "it converts to zero")
        })
    }

    fn arriving(&self, amount: u64) -> u64 {
        let amount = self.conditions.via.map_or(amount, |via| {
            let (delivered, sent) = via.terms();
            Rate::new(sent, delivered).unwrap().delivered_for(via.delivered_for(amount))
        });
        self.conditions.rate.delivered_for(amount).saturating_sub(self.conditions.roundings)
    }

    /// The recipient's answer, and what it takes.
    fn deliver(&mut self, prepare: &Prepare, chance: &mut Chance) -> (Reply, u64) {
        let arrived = self.arriving(prepare.amount());
        if self.conditions.lie == Some(Lie::LessThanMinimum) {
            return self.deliver_too_little(prepare, arrived, chance);
        }
        let receive_max = self.conditions.receive_max;
        let told = self.conditions.told_receive_max.or(receive_max);
        match self.receiver.open(prepare, arrived).expect("it is for our receiver") {
            Incoming::Question(question) => {
                let limits =
                    told.map(|receive_max| Limits { receive_max, total_received: self.received });
                (question.answer(limits, chance), 0)
            }
            Incoming::Money(money) => {
                let total_received = self.received + money.amount();
                let limits = told.map(|receive_max| Limits { receive_max, total_received });
                if receive_max.is_some_and(|receive_max| total_received > receive_max) {
                    return (money.decline_for_good(limits, chance), 0);
                }
                (money.accept(limits, chance), arrived)
            }
        }
    }

    /// The recipient takes half of what arrived for enough.
    fn deliver_too_little(
        &self,
        prepare: &Prepare,
        arrived: u64,
        chance: &mut Chance,
    ) -> (Reply, u64) {
        let frames = [];
        let data = self.data(prepare, PacketType::Fulfill, arrived / 2, &frames, chance);
        let fulfillment = &self.keys.fulfillment(prepare.data());
        let fulfill = FulfillBuilder { fulfillment, data: &data }.build().unwrap();
        (fulfill.into(), arrived / 2)
    }

    fn data(
        &self,
        prepare: &Prepare,
        packet_type: PacketType,
        amount: u64,
        frames: &[Frame<'_>],
        chance: &mut Chance,
    ) -> Bytes {
        let mut data = prepare.data().to_vec();
        let request = StreamPacket::parse(self.keys.decrypt(&mut data).unwrap()).unwrap();
        let sequence = request.sequence();
        let packet = StreamPacketBuilder { packet_type, sequence, amount, frames, padded_bytes: 0 };
        packet.encrypt(&self.keys, chance).unwrap()
    }

    fn with_recipients_code(&self, reply: Reply) -> Reply {
        match (reply, self.conditions.recipient_code) {
            (Reply::Reject(reject), Some(code)) => {
                let (triggered_by, data) = (reject.triggered_by(), reject.data());
                RejectBuilder { code, triggered_by, message: b"", data }.build().unwrap().into()
            }
            (reply, _) => reply,
        }
    }

    fn falsified(&mut self, reply: Reply, prepare: &Prepare) -> Bytes {
        let Some(lie) = self.conditions.lie else {
            self.earlier_data = Some(data_of(&reply));
            return reply.into_bytes();
        };
        let mut chance = Chance(prepare.amount());
        let amount = self.arriving(prepare.amount());
        let data = match (lie, &reply) {
            (Lie::Noise, _) => return Bytes::from_static(b"\x0dnoise"),
            (Lie::WrongFulfillment, Reply::Fulfill(fulfill)) => {
                let builder = FulfillBuilder { fulfillment: &[0; 32], data: fulfill.data() };
                return builder.build().unwrap().into_bytes();
            }
            (Lie::OldData, _) => self.earlier_data.clone().unwrap_or_default(),
            (Lie::NoData, _) => Bytes::new(),
            (Lie::WrongType, Reply::Fulfill(_)) => {
                self.data(prepare, PacketType::Reject, amount, &[], &mut chance)
            }
            (Lie::WrongType, Reply::Reject(_)) => {
                self.data(prepare, PacketType::Fulfill, amount, &[], &mut chance)
            }
            (Lie::OtherAsset, Reply::Fulfill(_)) => {
                let frames = [Frame::ConnectionAssetDetails { code: "XXX", scale: 0 }];
                self.data(prepare, PacketType::Fulfill, amount, &frames, &mut chance)
            }
            _ => return reply.into_bytes(),
        };
        match &reply {
            Reply::Fulfill(fulfill) => {
                let builder = FulfillBuilder { fulfillment: fulfill.fulfillment(), data: &data };
                builder.build().unwrap().into_bytes()
            }
            Reply::Reject(reject) => {
                let (code, triggered_by) = (reject.code(), reject.triggered_by());
                let builder = RejectBuilder { code, triggered_by, message: b"", data: &data };
                builder.build().unwrap().into_bytes()
            }
        }
    }
}

fn is_fulfilled(prepare: &Prepare, reply: &Bytes) -> bool {
    let Ok(Reply::Fulfill(fulfill)) = Reply::parse(reply.clone()) else { return false };
    condition_of(fulfill.fulfillment()) == *prepare.execution_condition()
}

fn data_of(reply: &Reply) -> Bytes {
    match reply {
        Reply::Fulfill(fulfill) => Bytes::copy_from_slice(fulfill.data()),
        Reply::Reject(reject) => Bytes::copy_from_slice(reject.data()),
    }
}
