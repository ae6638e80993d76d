//! Payments over a path that is not kind, with time and chance of their own.
//!
//! A sender and a receiver talk through one connector that keeps books. It drops packets and
//! replies, delays and so reorders them, refuses, lowers its maximum, changes its rate, runs out of
//! liquidity, and lies. All chance comes from a seed, which a failing test prints.

mod path;
mod probes;
mod scenarios;
mod storm;

use std::{cmp::Reverse, collections::BinaryHeap};

use bytes::{Bytes, BytesMut};
use interledger_packet::{Prepare, Timestamp};

use crate::{
    Action, Amount, Credentials, NoReply, Outcome, PacketId, Prober, ProberParameters, Random,
    Rate, Receiver, Sender, SenderParameters,
};
use path::{Carried, Conditions, Path};

/// Chance, always the same for the same seed (splitmix64).
#[derive(Clone, Debug)]
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `bound`, which is not 0.
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn happens(&mut self, per_mille: u64) -> bool {
        self.below(1_000) < per_mille
    }
}

impl Random for Chance {
    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let word = self.next().to_be_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}

/// Says which seed it was when a test fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the simulation's seed was {}", self.0);
        }
    }
}

/// An event at some time.
enum Event {
    /// A packet reaches the connector.
    Arrival { id: PacketId, prepare: Prepare },
    /// A reply comes back, or the time for it is over.
    Reply { id: PacketId, held: u64, pays: bool, reply: Result<Bytes, NoReply> },
    /// The path becomes another.
    Change(Conditions),
}

/// One payment, its path, and the time.
struct Simulation {
    _seed: Seed,
    chance: Chance,
    now: Timestamp,
    /// By time, then by number.
    agenda: BinaryHeap<Reverse<(Timestamp, u64)>>,
    events: std::collections::HashMap<u64, Event>,
    events_count: u64,
    path: Path,
    credentials: Credentials,
    /// No packet may be above this, as far as the sender can know.
    largest_allowed: u64,
    packets_sent: u64,
    largest_sent: u64,
    packets_under_way_max: usize,
}

/// So far into the simulation nothing should still be going on.
const STEPS_MAX: u64 = 3_000_000;

fn start() -> Timestamp {
    Timestamp::from_unix_ms(1_800_000_000_000)
}

fn asset() -> crate::Asset {
    crate::Asset { code: "EUR".to_owned(), scale: 2 }
}

impl Simulation {
    fn new(seed: u64, conditions: Conditions) -> Self {
        let mut chance = Chance(seed);
        let receiver = Receiver::new(&[9; 32], "test.receiver".parse().unwrap());
        let credentials = receiver.credentials(Some(b"bob"), Some(&asset()), &mut chance).unwrap();
        Self {
            _seed: Seed(seed),
            chance,
            now: start(),
            agenda: BinaryHeap::new(),
            events: std::collections::HashMap::new(),
            events_count: 0,
            path: Path::new(receiver, &credentials.shared_secret, conditions),
            credentials,
            largest_allowed: u64::MAX,
            packets_sent: 0,
            largest_sent: 0,
            packets_under_way_max: 0,
        }
    }

    fn parameters(&self, amount: Amount, minimum_rate: Rate) -> SenderParameters {
        let Credentials { destination, shared_secret } = self.credentials.clone();
        SenderParameters::new(destination, shared_secret, amount, minimum_rate)
    }

    /// Changes the path's conditions `ms` after the start.
    fn change_after(&mut self, ms: u64, conditions: Conditions) {
        self.at(start().saturating_add_ms(ms), Event::Change(conditions));
    }

    fn at(&mut self, time: Timestamp, event: Event) {
        self.events.insert(self.events_count, event);
        self.agenda.push(Reverse((time, self.events_count)));
        self.events_count += 1;
    }

    /// Pays, and holds the sender's account against the path's books.
    fn pay(&mut self, amount: Amount, minimum_rate: Rate) -> Outcome {
        let parameters = self.parameters(amount, minimum_rate);
        self.pay_with(parameters)
    }

    fn pay_with(&mut self, parameters: SenderParameters) -> Outcome {
        let (amount, sent_before) = (parameters.amount, parameters.sent_before);
        self.largest_allowed = parameters.packet_amount_max.unwrap_or(u64::MAX);
        let mut sender = Sender::new(parameters, self.now);
        let outcome = self.drive(&mut sender, |sender, simulation| {
            let progress = sender.progress();
            assert!(progress.sent + progress.in_flight <= amount.send_max(), "{progress:?}");
            assert_eq!(progress.sent - sent_before, simulation.path.paid, "{progress:?}");
            let under_way = progress.packets_in_flight;
            simulation.packets_under_way_max = simulation.packets_under_way_max.max(under_way);
        });
        assert_eq!(sender.progress().packets_in_flight, 0);
        assert_eq!(outcome.sent(), sender.progress().sent);
        self.path.check_books();
        assert_eq!(self.path.held, 0, "nothing is under way any more");
        assert_eq!(outcome.sent() - sent_before, self.path.paid, "both sides count the same");
        outcome
    }

    fn probe(&mut self, amount: Amount) -> Result<crate::Path, crate::EndReason> {
        let Credentials { destination, shared_secret } = self.credentials.clone();
        let parameters = ProberParameters::new(destination, shared_secret, amount);
        self.probe_with(parameters)
    }

    /// Probes the path for a payer who counts in the recipient's own asset.
    fn probe_of_one_asset(&mut self, amount: Amount) -> Result<crate::Path, crate::EndReason> {
        let Credentials { destination, shared_secret } = self.credentials.clone();
        let mut parameters = ProberParameters::new(destination, shared_secret, amount);
        parameters.source_asset = Some(asset());
        self.probe_with(parameters)
    }

    fn probe_with(
        &mut self,
        parameters: ProberParameters,
    ) -> Result<crate::Path, crate::EndReason> {
        let mut prober = Prober::new(parameters, self.now);
        let result = self.drive(&mut prober, |_, _| {});
        assert_eq!(self.path.paid, 0, "probes move no money");
        result
    }

    fn drive<M: Machine>(&mut self, machine: &mut M, check: impl Fn(&M, &mut Self)) -> M::Done {
        for _ in 0..STEPS_MAX {
            check(machine, self);
            match machine.next(self.now, &mut self.chance) {
                Action::Send { id, prepare } => self.send(id, prepare),
                Action::Wait { until } => {
                    if let Some((id, reply)) = self.advance(until) {
                        machine.reply(id, reply, self.now);
                    }
                }
                Action::Done(done) => return done,
            }
        }
        panic!("the simulation doesn't end");
    }

    fn send(&mut self, id: PacketId, prepare: Prepare) {
        assert!(prepare.amount() <= self.largest_allowed, "{prepare:?}");
        self.packets_sent += 1;
        self.largest_sent = self.largest_sent.max(prepare.amount());
        let arrives_at = self.now.saturating_add_ms(self.path.delay_ms(&mut self.chance));
        self.at(arrives_at, Event::Arrival { id, prepare });
    }

    /// Lets time pass until something concerns the sender: a reply, or the time it asked for.
    fn advance(&mut self, until: Option<Timestamp>) -> Option<(PacketId, Result<Bytes, NoReply>)> {
        loop {
            let next = self.agenda.peek().map(|&Reverse((time, number))| (time, number));
            match (next, until) {
                (Some((time, number)), _) if until.is_none_or(|until| time <= until) => {
                    self.agenda.pop();
                    self.now = self.now.max(time);
                    match self.events.remove(&number).unwrap() {
                        Event::Arrival { id, prepare } => self.arrive(id, prepare),
                        Event::Reply { id, held, pays, reply } => {
                            self.path.settle(held, pays);
                            return Some((id, reply));
                        }
                        Event::Change(conditions) => self.path.conditions = conditions,
                    }
                }
                (_, Some(until)) => {
                    self.now = self.now.max(until);
                    return None;
                }
                _ => panic!("the sender waits, and nothing will ever happen"),
            }
        }
    }

    fn arrive(&mut self, id: PacketId, prepare: Prepare) {
        let expires_at = prepare.expires_at();
        // Written again and parsed, as it would be between two machines.
        let prepare = Prepare::parse(BytesMut::from(prepare.as_bytes())).unwrap();
        let Carried { reply, held, pays } = self.path.carry(&prepare, self.now, &mut self.chance);
        let returns_at = self.now.saturating_add_ms(self.path.delay_ms(&mut self.chance));
        assert!(returns_at < expires_at, "no path here is slower than a packet's life");
        let (time, reply) = match reply {
            Some(reply) => (returns_at, Ok(reply)),
            None => (expires_at, Err(NoReply::InTime)),
        };
        self.at(time, Event::Reply { id, held, pays, reply });
    }
}

/// The operations that a sender and a prober have in common.
trait Machine {
    type Done;
    fn next(&mut self, now: Timestamp, random: &mut Chance) -> Action<Self::Done>;
    fn reply(&mut self, id: PacketId, reply: Result<Bytes, NoReply>, now: Timestamp);
}

impl Machine for Sender {
    type Done = Outcome;

    fn next(&mut self, now: Timestamp, random: &mut Chance) -> Action<Outcome> {
        Self::next(self, now, random)
    }

    fn reply(&mut self, id: PacketId, reply: Result<Bytes, NoReply>, now: Timestamp) {
        Self::reply(self, id, reply, now);
    }
}

impl Machine for Prober {
    type Done = Result<crate::Path, crate::EndReason>;

    fn next(&mut self, now: Timestamp, random: &mut Chance) -> Action<Self::Done> {
        Self::next(self, now, random)
    }

    fn reply(&mut self, id: PacketId, reply: Result<Bytes, NoReply>, now: Timestamp) {
        Self::reply(self, id, reply, now);
    }
}
