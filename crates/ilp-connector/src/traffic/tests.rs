use std::{sync::Arc, thread};

use proptest::prelude::*;

use super::*;

fn own(traffic: &Arc<OwnTraffic>) -> Counted {
    Counted::Own(Arc::clone(traffic))
}

fn begin(
    source: &Arc<OwnTraffic>,
    destination: &Arc<OwnTraffic>,
    amount_in: u64,
    amount_out: u64,
) -> Passage {
    Passage::begin(own(source), own(destination), amount_in, amount_out)
}

fn count(packets: u64, amount: u128) -> Count {
    Count { packets, amount }
}

#[test]
fn a_packet_is_in_flight_until_it_ends_and_then_counted_once_on_either_side() {
    let (alice, bob) = (Arc::<OwnTraffic>::default(), Arc::<OwnTraffic>::default());
    let endings = [Ending::Fulfilled, Ending::Rejected, Ending::Refused];
    let passages = endings.map(|_| begin(&alice, &bob, 100, 90));
    assert_eq!(alice.flows().incoming.in_flight, count(3, 300));
    assert_eq!(bob.flows().outgoing.in_flight, count(3, 270));
    for (passage, ending) in passages.into_iter().zip(endings) {
        passage.end(ending);
    }
    alice.turned_away(7, ErrorCode::F08_AMOUNT_TOO_LARGE);
    let (incoming, outgoing) = (alice.flows().incoming, bob.flows().outgoing);
    assert_eq!(
        incoming,
        Flow {
            fulfilled: count(1, 100),
            rejected: count(1, 100),
            refused: count(2, 107),
            in_flight: count(0, 0)
        }
    );
    assert_eq!(
        outgoing,
        Flow {
            fulfilled: count(1, 90),
            rejected: count(1, 90),
            refused: count(1, 90),
            in_flight: count(0, 0)
        }
    );
    assert_eq!(alice.flows().outgoing, Flow::default());
    assert_eq!((incoming.packets(), outgoing.packets()), (4, 3));
}

#[test]
fn rejects_are_counted_by_code_on_either_side() {
    let (alice, bob) = (Arc::<OwnTraffic>::default(), Arc::<OwnTraffic>::default());
    begin(&alice, &bob, 1, 1).end(Ending::Fulfilled);
    assert!(alice.rejects.get().is_none(), "nothing is made for packets that are fulfilled");
    let t01 = ErrorCode::T01_PEER_UNREACHABLE;
    let passage = begin(&alice, &bob, 1, 1);
    passage.rejected(t01);
    passage.end(Ending::Refused);
    alice.turned_away(1, ErrorCode::T05_RATE_LIMITED);
    alice.turned_away(1, ErrorCode::from_bytes(*b"F77").expect("a code"));
    let t05 = Some(ErrorCode::T05_RATE_LIMITED);
    assert_eq!(alice.rejects(), [vec![(Some(t01), 1), (t05, 1), (None, 1)], vec![]]);
    assert_eq!(bob.rejects(), [vec![], vec![(Some(t01), 1)]]);
}

#[test]
fn a_packet_that_goes_to_another_next_hop_is_counted_there_alone_and_once_where_it_came_from() {
    let [alice, bob, carol] = [(); 3].map(|()| Arc::<OwnTraffic>::default());
    let passage = begin(&alice, &bob, 100, 90).on_to(own(&carol), 80);
    assert_eq!(alice.flows().incoming.in_flight, count(1, 100));
    assert_eq!(bob.flows(), Flows::default());
    assert_eq!(carol.flows().outgoing.in_flight, count(1, 80));
    passage.end(Ending::Fulfilled);
    let fulfilled = |packets, amount| Flow { fulfilled: count(packets, amount), ..Flow::default() };
    assert_eq!(alice.flows().incoming, fulfilled(1, 100));
    assert_eq!(bob.flows(), Flows::default());
    assert_eq!(carol.flows().outgoing, fulfilled(1, 80));
}

#[test]
fn a_packet_that_is_dropped_has_ended_even_when_the_thread_panics() {
    let (alice, bob) = (Arc::<OwnTraffic>::default(), Arc::<OwnTraffic>::default());
    let passage = begin(&alice, &bob, 5, 5);
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _under_way = passage;
        panic!("a bug somewhere on the way");
    }));
    assert!(caught.is_err());
    assert_eq!(alice.flows().incoming.refused, count(1, 5));
    assert_eq!(bob.flows().outgoing.in_flight, count(0, 0));
}

#[test]
fn threads_that_count_at_once_lose_nothing_where_the_sum_goes_round() {
    let tally = Tally::default();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..1_000).for_each(|_| tally.add(u64::MAX / 3)));
        }
    });
    assert_eq!(tally.count(), count(4_000, 4_000 * u128::from(u64::MAX / 3)));
}

proptest! {
    #[test]
    fn amounts_add_up_exactly(amounts in prop::collection::vec(any::<u64>(), 0..50)) {
        let tally = Tally::default();
        amounts.iter().for_each(|amount| tally.add(*amount));
        let sum = amounts.iter().map(|amount| u128::from(*amount)).sum();
        prop_assert_eq!(tally.count(), count(amounts.len() as u64, sum));
    }
}
