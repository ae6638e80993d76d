use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use ilp_connector::{
    Decision, InFlightDefaults, LinkFailure, PeerLimits, Policy, Source,
    account::{Account, AccountId, Balance},
    conversion::Spread,
    ledger::MemoryLedger,
    peer::{NextHop, Terms},
    token::{Secret, TokenDigest},
};
use interledger_packet::{PrepareBuilder, Timestamp};

use super::*;

fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the core waited for something"),
    }
}

struct Node {
    connector: Connector<MemoryLedger>,
    peers: Vec<Arc<Peer>>,
}

fn node(peers: u128, assets: u8) -> Node {
    let policy = Policy {
        amount_max_default: None,
        packets_per_minute_max_default: None,
        in_flight_default: InFlightDefaults {
            packets_max: 1_000,
            packets_ceiling: 1_000,
            amount_max: None,
            asset_share_percent_max: 100,
        },
        expiry_margin_ms: 1_000,
        hold_ms_max: 30_000,
    };
    let connector = Connector::new("g.node".parse().unwrap(), policy, MemoryLedger);
    let asset = |scale| {
        let id = Uuid::now_v7();
        let liquidity = Arc::new(Account::empty(AccountId::asset(id)));
        let settlement = Arc::new(Account::empty(AccountId::settlement(id)));
        Arc::new(Asset { id, code: "USD".to_owned(), scale, liquidity, settlement })
    };
    let assets: Vec<_> = (0..assets).map(asset).collect();
    let peer = |index: u128| {
        let id = Uuid::from_u128(index);
        let balance = Balance { credits: 1_000, ..Balance::default() };
        let account = Arc::new(Account::new(AccountId::peer(id), balance));
        let terms = Terms {
            address: format!("g.peer{index}").parse().unwrap(),
            routes: Vec::new(),
            is_default_route: false,
            tokens: vec![TokenDigest::of(&index.to_be_bytes())],
            max_packet_amount: None,
            limits: PeerLimits::default(),
            spread: Spread::NONE,
            next_hop: NextHop::new(format!("http://peer{index}"), Secret::new(String::new())),
        };
        let asset = &assets[usize::try_from(index).unwrap() % assets.len()];
        let peer = Arc::new(Peer::new(id, Arc::clone(asset), account, terms));
        connector.add_peer(Arc::clone(&peer));
        peer
    };
    let peers = (0..peers).map(peer).collect();
    Node { connector, peers }
}

impl Node {
    /// Sends packets of amount 1 from one peer to another, none of which is answered.
    fn send(&self, from: usize, to: usize, packets: u64) {
        let now = Timestamp::from_unix_ms(1_800_000_000_000);
        for _ in 0..packets {
            let destination: interledger_packet::Address = format!("g.peer{to}").parse().unwrap();
            let packet = PrepareBuilder {
                amount: 1,
                expires_at: now.saturating_add_ms(20_000),
                execution_condition: &[0; 32],
                destination: destination.as_addr(),
                data: &[],
            };
            let source = Source::Peer(&self.peers[from]);
            let decision = self.connector.prepare(source, packet.build().unwrap(), now);
            if let Decision::Send { in_flight, .. } = ready(decision) {
                let answer: Result<Bytes, _> = Err(LinkFailure::Unreachable);
                ready(self.connector.complete(in_flight, answer, now));
            }
        }
    }

    fn survey(&self, peers_max: usize, before: &[u128]) -> (Vec<u128>, Survey) {
        let before = before.iter().map(|id| Uuid::from_u128(*id)).collect();
        let survey = Survey::take(&self.connector, peers_max, &before);
        (survey.labelled.iter().map(|peer| peer.id.as_u128()).collect(), survey)
    }
}

#[test]
fn those_with_the_most_packets_are_told_of_and_of_equals_the_older() {
    let node = node(20, 1);
    assert_eq!(node.survey(3, &[]).0, [0, 1, 2]);
    node.send(7, 13, 2);
    node.send(9, 13, 1);
    node.send(5, 13, 1);
    assert_eq!(node.survey(3, &[]).0, [5, 7, 13]);
    assert_eq!(node.survey(4, &[]).0, [5, 7, 9, 13]);
    assert_eq!(node.survey(0, &[]).0, []);
    assert_eq!(node.survey(100, &[]).0.len(), 20);
}

#[test]
fn a_peer_keeps_its_numbers_until_another_has_more_than_twice_its_packets() {
    let node = node(4, 1);
    node.send(1, 1, 0);
    node.send(1, 3, 5);
    assert_eq!(node.survey(2, &[]).0, [1, 3]);
    node.send(0, 2, 10);
    assert_eq!(node.survey(2, &[]).0, [0, 2]);
    assert_eq!(node.survey(2, &[1, 3]).0, [0, 1], "of equals the older");
    node.send(0, 2, 1);
    assert_eq!(node.survey(2, &[1, 3]).0, [0, 2]);
}

#[test]
fn nothing_is_lost_however_many_are_told_of_and_whoever_is_removed() {
    let node = node(30, 3);
    for index in 0..30 {
        // The third peer on is the next one of the same asset; the node has no stock of the others.
        node.send(index, (index + 3) % 30, index as u64);
        node.send(index, (index + 1) % 30, 1);
    }
    node.connector.remove_peer(Uuid::from_u128(29)).unwrap();
    node.connector.remove_peer(Uuid::from_u128(4)).unwrap();
    let total = |peers_max| {
        let (labels, survey) = node.survey(peers_max, &[]);
        assert_eq!((survey.peers, labels.len()), (28, peers_max.min(28)));
        assert_eq!(survey.states.iter().map(|(_, peers)| peers).sum::<usize>(), 28);
        let liquidity = survey.labelled.iter().map(|peer| peer.numbers.liquidity).sum::<u128>()
            + survey.others.values().map(|numbers| numbers.liquidity).sum::<u128>();
        assert_eq!(liquidity, 28_000, "nothing moved, and who is removed has nothing here");
        survey.by_asset()
    };
    let all = total(0);
    assert_eq!(all.len(), 3);
    let packets: u64 = all.values().map(|flows| flows.incoming.packets()).sum();
    assert_eq!(packets, (0..30).sum::<u64>() + 30);
    for peers_max in [1, 7, 27, 28, 100] {
        assert_eq!(total(peers_max), all, "{peers_max}");
    }
}
