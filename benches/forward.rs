//! One forward in the core without IO: parse, decide, hold, rewrite, complete, post, among ten
//! peers and among ten thousand. Each iteration has to copy a packet's bytes first, which is
//! measured beside it.

use std::{
    hint::black_box,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::BytesMut;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ilp_connector::{
    Connector, Decision, InFlightDefaults, PeerLimits, Policy, Source,
    account::{Account, AccountId, Balance},
    conversion::Spread,
    ledger::MemoryLedger,
    peer::{Asset, NextHop, Peer, Terms},
    token::{Secret, TokenDigest},
};
use interledger_packet::{Address, FulfillBuilder, Prepare, PrepareBuilder, Timestamp};
use ring::digest::{SHA256, digest};
use uuid::Uuid;

const FULFILLMENT: [u8; 32] = [7; 32];

fn connector(peers: usize) -> (Connector<MemoryLedger>, Arc<Peer>) {
    let policy = Policy {
        amount_max_default: Some(u64::MAX),
        packets_per_minute_max_default: Some(u64::MAX),
        in_flight_default: InFlightDefaults {
            packets_max: u64::MAX,
            packets_ceiling: u64::MAX,
            amount_max: None,
            asset_share_percent_max: 50,
        },
        expiry_margin_ms: 1_000,
        hold_ms_max: 30_000,
    };
    let node = Address::try_from("g.node").expect("an address");
    let connector = Connector::new(node, policy, MemoryLedger);
    let id = Uuid::now_v7();
    let asset = Arc::new(Asset {
        id,
        code: "USD".to_owned(),
        scale: 9,
        liquidity: Arc::new(Account::empty(AccountId::asset(id))),
        settlement: Arc::new(Account::empty(AccountId::settlement(id))),
    });
    let all: Vec<_> = (0..peers)
        .map(|index| {
            let id = Uuid::now_v7();
            let balance = Balance { credits: u128::from(u64::MAX / 2), ..Balance::default() };
            let liquidity = Arc::new(Account::new(AccountId::peer(id), balance));
            let token = TokenDigest::of(index.to_string().as_bytes());
            let next_hop =
                NextHop::new(format!("http://peer{index}:1"), Secret::new(String::new()));
            let terms = Terms {
                address: format!("g.peer{index}").as_str().try_into().expect("an address"),
                routes: Vec::new(),
                is_default_route: false,
                tokens: vec![token],
                max_packet_amount: None,
                limits: PeerLimits::default(),
                spread: Spread::NONE,
                next_hop,
            };
            let peer = Arc::new(Peer::new(id, Arc::clone(&asset), liquidity, terms));
            connector.add_peer(Arc::clone(&peer));
            peer
        })
        .collect();
    (connector, Arc::clone(&all[0]))
}

fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("a ledger in memory never waits"),
    }
}

fn forward(criterion: &mut Criterion) {
    let now = Timestamp::from_unix_ms(1_800_000_000_000);
    let condition = digest(&SHA256, &FULFILLMENT);
    let condition: &[u8; 32] = condition.as_ref().try_into().expect("32 bytes");
    let destination = Address::try_from("g.peer1.wallet.alice").expect("an address");
    let packet = PrepareBuilder {
        amount: 1,
        expires_at: now.saturating_add_ms(20_000),
        execution_condition: condition,
        destination: destination.as_addr(),
        data: &[0; 100],
    };
    let packet = packet.build().expect("a packet").into_bytes();
    let fulfill = FulfillBuilder { fulfillment: &FULFILLMENT, data: &[0; 100] };
    let fulfill = fulfill.build().expect("a packet").into_bytes();

    let mut group = criterion.benchmark_group("forward");
    group.throughput(Throughput::Elements(1));
    group.bench_function("copy the packet only", |bencher| {
        bencher.iter(|| BytesMut::from(black_box(&packet[..])));
    });
    for peers in [10, 10_000] {
        let (connector, alice) = connector(peers);
        group.bench_function(BenchmarkId::new("core without IO, peers", peers), |bencher| {
            bencher.iter(|| {
                let prepare = Prepare::parse(BytesMut::from(black_box(&packet[..])));
                let prepare = prepare.expect("a packet");
                let decision = ready(connector.prepare(Source::Peer(&alice), prepare, now));
                let Decision::Send { packet, in_flight } = decision else {
                    unreachable!("the packet is in order")
                };
                black_box(packet);
                let reply = ready(connector.complete(in_flight, Ok(fulfill.clone()), now));
                assert_eq!(reply.len(), fulfill.len(), "fulfilled");
                reply
            });
        });
    }
    group.finish();
}

criterion_group!(benches, forward);
criterion_main!(benches);
