//! The cost of a Prepare in a connector: parse it, write another amount and expiry, pass it on.
//!
//! The published crate does the same work in the same run. The target is under 100 ns, and a fifth
//! of the published crate's time.

use std::{
    hint::black_box,
    time::{Duration, SystemTime},
};

use bytes::BytesMut;
use criterion::{Criterion, criterion_group, criterion_main};
use interledger_packet::{Addr, Prepare, PrepareBuilder, Timestamp};

/// 2026-11-23T12:00:30.000Z.
const EXPIRES_AT_MS: u64 = 1_795_435_230_000;
const DATA_BYTES: usize = 100;
/// An address of the length that a STREAM receiver hands out: its own address, an account, and a
/// token of 43 characters.
const DESTINATION: &str =
    "g.example-connector.wallet.alice.Zmh6rfhivXdsj8GLjp-OIAiXFIVu4jOzkCpZHQ1fKSU";

fn typical_prepare() -> BytesMut {
    let builder = PrepareBuilder {
        amount: 123_456,
        expires_at: Timestamp::from_unix_ms(EXPIRES_AT_MS),
        execution_condition: &[7; 32],
        destination: Addr::try_from(DESTINATION).expect("a good address"),
        data: &[42; DATA_BYTES],
    };
    builder.build().expect("a small packet").into_buffer()
}

/// One buffer is used again and again: the benchmark measures the work on a packet that was just
/// received and is still in the cache, without an allocation that both crates would need.
fn parse_and_rewrite(criterion: &mut Criterion) {
    let packet = typical_prepare();
    let mut group = criterion.benchmark_group("prepare");
    group.bench_function("parse", |bencher| {
        let mut buffer = packet.clone();
        bencher.iter(|| {
            let prepare = Prepare::parse(std::mem::take(&mut buffer)).expect("a good packet");
            buffer = black_box(prepare).into_buffer();
        });
    });
    group.bench_function("parse and rewrite", |bencher| {
        let mut buffer = packet.clone();
        bencher.iter(|| {
            let mut prepare = Prepare::parse(std::mem::take(&mut buffer)).expect("a good packet");
            prepare.set_amount(black_box(prepare.amount() ^ 1));
            prepare.set_expires_at(black_box(Timestamp::from_unix_ms(
                prepare.expires_at().unix_ms() ^ 1,
            )));
            buffer = black_box(prepare).into_buffer();
        });
    });
    group.bench_function("parse and rewrite, published crate", |bencher| {
        let mut buffer = published_buffer(&packet);
        bencher.iter(|| {
            let mut prepare =
                published::Prepare::try_from(std::mem::take(&mut buffer)).expect("a good packet");
            prepare.set_amount(black_box(prepare.amount() ^ 1));
            prepare.set_expires_at(black_box(prepare.expires_at() - Duration::from_millis(1)));
            buffer = black_box(prepare).into();
        });
    });
    group.finish();
}

fn build(criterion: &mut Criterion) {
    let packet = Prepare::parse(typical_prepare()).expect("a good packet");
    let mut group = criterion.benchmark_group("prepare build");
    group.bench_function("build", |bencher| {
        bencher.iter(|| {
            let builder = PrepareBuilder {
                amount: black_box(packet.amount()),
                expires_at: black_box(packet.expires_at()),
                execution_condition: packet.execution_condition(),
                destination: packet.destination(),
                data: packet.data(),
            };
            builder.build().expect("a small packet")
        });
    });
    let published_packet =
        published::Prepare::try_from(published_buffer(&typical_prepare())).expect("a good packet");
    let expires_at = SystemTime::UNIX_EPOCH + Duration::from_millis(EXPIRES_AT_MS);
    group.bench_function("build, published crate", |bencher| {
        bencher.iter(|| {
            published::PrepareBuilder {
                amount: black_box(published_packet.amount()),
                expires_at: black_box(expires_at),
                execution_condition: &[7; 32],
                destination: published_packet.destination(),
                data: published_packet.data(),
            }
            .build()
        });
    });
    group.finish();
}

/// The published crate sits on bytes 0.4, whose buffer is a type of its own.
fn published_buffer(packet: &[u8]) -> published_bytes::BytesMut {
    published_bytes::BytesMut::from(packet)
}

criterion_group!(benches, parse_and_rewrite, build);
criterion_main!(benches);
