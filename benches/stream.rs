//! The cost of one packet of a payment at its two ends: the sender makes it and reads its reply,
//! the receiver reads it and makes the reply. The target is under 5 us for each end.
//!
//! Then each end takes turns with the cryptography that it can't do without, and the ratio of the
//! medians is printed: the cost of fresh keys, frames, bookkeeping and copies beside it.

#![allow(clippy::float_arithmetic, reason = "measured times and ratios, no amounts")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ilp_stream::{
    Action, Amount, Asset, Incoming, Keys, Limits, PacketId, Rate, Receiver, Sender,
    SenderParameters, SharedSecret, condition_of,
};
use interledger_packet::{Prepare, Reply, Timestamp};
use ring::rand::{SecureRandom, SystemRandom};

/// The number of packets in flight together.
const PACKETS: usize = 100;
const PACKET_AMOUNT: u64 = 1_000;

fn now() -> Timestamp {
    Timestamp::from_unix_ms(1_795_435_230_000)
}

/// Fills the bytes as the daemon does: with a system call for each packet.
fn random(bytes: &mut [u8]) {
    SystemRandom::new().fill(bytes).expect("the system has random bytes");
}

fn receiver() -> Receiver {
    let address = "g.example-connector.wallet".parse().expect("an address");
    Receiver::new(&[7; 32], address)
}

fn sender(receiver: &Receiver) -> Sender {
    let asset = Asset { code: "USD".to_owned(), scale: 2 };
    // The tag is a UUID's text, as wallets have it.
    let tag = b"0192f0c1-2345-7890-abcd-ef0123456789";
    let credentials = receiver.credentials(Some(tag), Some(&asset), &mut random).expect("short");
    let amount = Amount::Send(u64::MAX);
    let (destination, shared_secret) = (credentials.destination, credentials.shared_secret);
    let mut parameters = SenderParameters::new(destination, shared_secret, amount, Rate::ONE);
    parameters.packet_amount_max = Some(PACKET_AMOUNT);
    Sender::new(parameters, now())
}

fn send(sender: &mut Sender) -> Option<(PacketId, Prepare)> {
    match sender.next(now(), &mut random) {
        Action::Send { id, prepare } => Some((id, prepare)),
        Action::Wait { .. } | Action::Done(_) => None,
    }
}

fn answer(receiver: &Receiver, prepare: &Prepare) -> Reply {
    let limits = Some(Limits { receive_max: u64::MAX, total_received: 1 << 40 });
    match receiver.open(prepare, prepare.amount()) {
        Ok(Incoming::Money(money)) => money.accept(limits, &mut random),
        Ok(Incoming::Question(question)) => question.answer(limits, &mut random),
        Err(reject) => reject.into(),
    }
}

/// Makes a sender whose window has opened to `PACKETS` and whose recipient knows it.
fn warm_sender(receiver: &Receiver) -> Sender {
    let mut sender = sender(receiver);
    while usize::try_from(sender.progress().window).is_ok_and(|window| window < PACKETS) {
        let packets: Vec<_> = std::iter::from_fn(|| send(&mut sender)).collect();
        assert!(!packets.is_empty(), "the window opens while replies come");
        for (id, prepare) in packets {
            sender.reply(id, Ok(answer(receiver, &prepare).into_bytes()), now());
        }
    }
    sender
}

fn both_ends(criterion: &mut Criterion) {
    let receiver = receiver();
    let warm = warm_sender(&receiver);
    let mut group = criterion.benchmark_group("stream");
    group.throughput(Throughput::Elements(PACKETS as u64));
    group.bench_function("sender: make packets", |bencher| {
        let make = |mut sender: Sender| {
            for _ in 0..PACKETS {
                black_box(send(&mut sender)).expect("the window is open");
            }
            sender
        };
        bencher.iter_batched(|| warm.clone(), make, BatchSize::SmallInput);
    });
    let mut sent = warm.clone();
    let packets: Vec<_> = (0..PACKETS).map_while(|_| send(&mut sent)).collect();
    let replies: Vec<_> = packets
        .iter()
        .map(|(id, prepare)| (*id, answer(&receiver, prepare).into_bytes()))
        .collect();
    group.bench_function("sender: read replies", |bencher| {
        let read = |mut sender: Sender| {
            for (id, reply) in &replies {
                sender.reply(*id, Ok(reply.clone()), now());
            }
            assert_eq!(sender.progress().packets_in_flight, 0);
            sender
        };
        bencher.iter_batched(|| sent.clone(), read, BatchSize::SmallInput);
    });
    group.bench_function("receiver: read packets, make replies", |bencher| {
        bencher.iter(|| {
            for (_, prepare) in &packets {
                black_box(answer(&receiver, prepare));
            }
        });
    });
    group.finish();
}

/// Measures both ends beside the cryptography alone, with keys that exist already.
fn beside_the_cryptography(_: &mut Criterion) {
    let receiver = receiver();
    let warm = warm_sender(&receiver);
    let mut sent = warm.clone();
    let packets: Vec<_> = (0..PACKETS).map_while(|_| send(&mut sent)).collect();
    let answered: Vec<_> =
        packets.iter().map(|(id, packet)| (*id, answer(&receiver, packet).into_bytes())).collect();
    let keys = Keys::new(&SharedSecret::new([7; 32]));
    // The lengths of a packet with one money frame and of its answer, before their encryption.
    let (question, reply) = ([1; 11], [1; 27]);
    let data = keys.encrypt(&question, &mut random);
    let replied = keys.encrypt(&reply, &mut random);
    let sender = || {
        let (mut making, mut reading) = (warm.clone(), sent.clone());
        timed(|| {
            for _ in 0..PACKETS {
                black_box(send(&mut making)).expect("the window is open");
            }
            for (id, reply) in &answered {
                reading.reply(*id, Ok(reply.clone()), now());
            }
        })
    };
    beside("sender", sender, || {
        let sealed = keys.encrypt(black_box(&question), &mut random);
        black_box(condition_of(&keys.fulfillment(&sealed)));
        assert!(keys.decrypt(&mut replied.to_vec()).is_some());
    });
    let receiver = || {
        timed(|| {
            for (_, prepare) in &packets {
                black_box(answer(&receiver, prepare));
            }
        })
    };
    beside("receiver", receiver, || {
        assert!(keys.decrypt(&mut data.to_vec()).is_some());
        black_box(condition_of(&keys.fulfillment(black_box(&data))));
        black_box(keys.encrypt(black_box(&reply), &mut random));
    });
}

/// Prints the cost of a packet at one end, and its ratio to the cryptography alone.
fn beside(name: &str, end: impl Fn() -> Duration, cryptography: impl Fn()) {
    let alone = || timed(|| (0..PACKETS).for_each(|_| cryptography()));
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..500 {
        with.push(end());
        without.push(alone());
    }
    let [with, without] = [with, without].map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64() * 1e6 / PACKETS as f64
    });
    let ratio = with / without;
    println!(
        "{name}: {with:.2} us a packet, {ratio:.2} times its cryptography alone ({without:.2} us)"
    );
}

fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

criterion_group!(benches, both_ends, beside_the_cryptography);
criterion_main!(benches);
