use proptest::prelude::*;

use super::*;
use crate::{
    records::forms::page::Order,
    testing::{fresh, open},
};

fn event(number: u128, kind: &str, at_ms: u64) -> EventRecord {
    EventRecord::new(Uuid::from_u128(number), kind, br#"{"a":1}"#.to_vec(), at_ms)
}

#[derive(Clone, Debug)]
enum Step {
    Append(u64),
    Attempt(usize, u8, u64),
    Retry(usize, u64),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..50_u64).prop_map(Step::Append),
        6 => (0..20_usize, 0..4_u8, 0..100_u64).prop_map(|(at, how, ms)| Step::Attempt(at, how, ms)),
        2 => (0..20_usize, 0..100_u64).prop_map(|(at, ms)| Step::Retry(at, ms)),
        1 => Just(Step::Reopen),
    ]
}

fn run(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let (dir, mut store) = fresh();
    let mut model: Vec<EventRecord> = Vec::new();
    for step in steps {
        match step {
            Step::Append(at_ms) => {
                let event = event(model.len() as u128 + 1, "some.kind", at_ms);
                store.change(|tx| tx.append_event(&event)).unwrap();
                let again = store.change(|tx| tx.append_event(&event));
                prop_assert!(matches!(again, Err(TransactionError::Conflict(Conflict::Id))));
                model.push(event);
            }
            Step::Attempt(at, how, ms) if at < model.len() => {
                let outcome = match how {
                    0 => AttemptOutcome::Delivered { at_ms: ms },
                    1 => AttemptOutcome::Retry { next_attempt_at_ms: ms },
                    2 => AttemptOutcome::Skipped { at_ms: ms },
                    _ => AttemptOutcome::Dead { at_ms: ms },
                };
                let event = &mut model[at];
                event.attempts += u32::from(how != 2);
                if !matches!(event.delivery, Delivery::Delivered { .. }) {
                    event.delivery = match how {
                        0 => Delivery::Delivered { at_ms: ms },
                        1 => Delivery::Due { at_ms: ms },
                        2 => Delivery::Skipped { at_ms: ms },
                        _ => Delivery::Dead { at_ms: ms },
                    };
                }
                prop_assert_eq!(
                    &store.change(|tx| tx.record_attempt(event.id, outcome)).unwrap(),
                    event
                );
            }
            Step::Retry(at, ms) if at < model.len() => {
                model[at].attempts = 0;
                model[at].delivery = Delivery::Due { at_ms: ms };
                prop_assert_eq!(
                    &store.change(|tx| tx.retry_event(model[at].id, ms)).unwrap(),
                    &model[at]
                );
            }
            Step::Attempt(..) | Step::Retry(..) => {}
            Step::Reopen => {
                drop(store);
                store = open(dir.path());
            }
        }
        let due = |event: &&EventRecord| match event.delivery {
            Delivery::Due { at_ms } => Some(at_ms),
            _ => None,
        };
        let mut expected: Vec<_> =
            model.iter().filter(|event| due(event).is_some_and(|at_ms| at_ms <= 50)).collect();
        expected.sort_by_key(|event| (due(event), event.id));
        let found = store.due_events(50, 100).unwrap();
        prop_assert_eq!(found.iter().collect::<Vec<_>>(), expected);
        let next = model.iter().filter_map(|event| due(&event)).min();
        prop_assert_eq!(store.next_due_event().unwrap(), next);
        let is_dead = |event: &&EventRecord| matches!(event.delivery, Delivery::Dead { .. });
        let count = |count: usize| u64::try_from(count).unwrap();
        let expected = EventCounts {
            due: count(model.iter().filter(|event| due(event).is_some()).count()),
            dead: count(model.iter().filter(is_dead).count()),
        };
        prop_assert_eq!(store.event_counts(), expected);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_outbox_does_what_a_list_would(steps in prop::collection::vec(step(), 1..24)) {
        run(steps)?;
    }
}

#[test]
fn events_are_listed_by_kind_and_purged_when_they_are_old() {
    let (_dir, store) = fresh();
    for number in 1..=12_u64 {
        let kind = if number % 3 == 0 { "asset.liquidity_low" } else { "peer.liquidity_low" };
        store.change(|tx| tx.append_event(&event(number.into(), kind, number))).unwrap();
    }
    let list = |page, filter: &EventFilter| {
        let rows = store.events_page(page, filter).unwrap();
        let ids: Vec<_> = rows.rows.iter().map(|event| event.id.as_u128()).collect();
        (ids, rows.has_previous, rows.has_next)
    };
    let only = EventFilter { only: Some(vec!["asset.liquidity_low".to_owned()]), except: vec![] };
    assert_eq!(list(Page::newest(2), &only), (vec![12, 9], false, true));
    let after = Page { after: Some(Uuid::from_u128(9)), ..Page::newest(2) };
    assert_eq!(list(after, &only), (vec![6, 3], true, false));
    let except = EventFilter { only: None, except: vec!["peer.liquidity_low".to_owned()] };
    let oldest = Page { order: Order::OldestFirst, ..Page::newest(3) };
    assert_eq!(list(oldest, &except), (vec![3, 6, 9], false, true));

    let id = Uuid::from_u128(2);
    store.change(|tx| tx.record_attempt(id, AttemptOutcome::Dead { at_ms: 20 })).unwrap();
    assert_eq!(store.purge_events(1, 10).unwrap(), 0);
    assert_eq!(store.purge_events(3, 10).unwrap(), 2, "the dead and the due alike");
    assert_eq!(store.event(id).unwrap(), None);
    assert!(matches!(
        store.change(|tx| tx.retry_event(id, 1)),
        Err(TransactionError::UnknownEvent)
    ));
    assert_eq!(store.due_events(100, 100).unwrap().len(), 10);
    assert_eq!(store.purge_events(100, 4).unwrap(), 4);
    assert_eq!(store.purge_events(100, 10).unwrap(), 6);
    assert!(store.due_events(100, 100).unwrap().is_empty());
    assert_eq!(store.event_counts(), EventCounts::default());
}
