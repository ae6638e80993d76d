use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::{AssetRecord, testing};

/// More than a leaf of sled's tree holds, so that pages lie across several.
const IDS: u128 = 50;

fn asset(id: u128) -> AssetRecord {
    AssetRecord { id: Uuid::from_u128(id), ..testing::asset(&format!("A{id}")) }
}

/// Returns a page, over a list that is small enough to walk.
fn model(stored: &[u128], page: Page) -> Rows<u128> {
    let mut ids = stored.to_vec();
    if page.order == Order::NewestFirst {
        ids.reverse();
    }
    let precedes = |a: u128, b: u128| if page.order == Order::NewestFirst { a > b } else { a < b };
    let after = page.after.map(|id| id.as_u128());
    let before = page.before.map(|id| id.as_u128());
    let window: Vec<u128> = ids
        .iter()
        .copied()
        .filter(|id| after.is_none_or(|after| precedes(after, *id)))
        .filter(|id| before.is_none_or(|before| precedes(*id, before)))
        .collect();
    let skipped = if page.from_end { window.len().saturating_sub(page.limit) } else { 0 };
    let rows: Vec<u128> = window.into_iter().skip(skipped).take(page.limit).collect();
    let (has_previous, has_next) = match (rows.first(), rows.last()) {
        (Some(first), Some(last)) => {
            (ids.iter().any(|id| precedes(*id, *first)), ids.iter().any(|id| precedes(*last, *id)))
        }
        // The place where it looked: just before the one cursor, or just after the other.
        _ if page.from_end => (
            ids.iter().any(|id| before.is_none_or(|before| precedes(*id, before))),
            ids.iter().any(|id| before.is_some_and(|before| !precedes(*id, before))),
        ),
        _ => (
            ids.iter().any(|id| after.is_some_and(|after| !precedes(after, *id))),
            ids.iter().any(|id| after.is_none_or(|after| precedes(after, *id))),
        ),
    };
    Rows { rows, has_previous, has_next }
}

#[test]
fn a_page_is_what_a_list_would_give() {
    let (_dir, store) = testing::fresh();
    let mut stored = Vec::new();
    for id in (1..IDS).filter(|id| id % 3 != 0) {
        store.change(|tx| tx.insert_asset(&asset(id))).unwrap();
        stored.push(id);
    }
    // Rows of other kinds on both sides must never show up.
    let neighbour = testing::peer(Uuid::from_u128(1), "g.a", &["t"]);
    store.change(|tx| tx.insert_peer(&neighbour)).unwrap();
    for id in [1, 10, 11, 26, 49] {
        store.change(|tx| tx.delete_asset(Uuid::from_u128(id))).map(drop).unwrap_or_else(
            |refusal| {
                assert_eq!(id, 1, "{refusal}");
            },
        );
        stored.retain(|kept| *kept != id || id == 1);
    }

    let cursor = || proptest::option::of((0..=IDS).prop_map(Uuid::from_u128));
    let order = prop_oneof![Just(Order::NewestFirst), Just(Order::OldestFirst)];
    let limit = prop_oneof![0_usize..5, 0_usize..60];
    let config = ProptestConfig { cases: 4_000, failure_persistence: None, ..Default::default() };
    proptest!(config, |(after in cursor(), before in cursor(), limit in limit, order in order,
                        from_end: bool)| {
        let page = Page { after, before, limit, order, from_end };
        let found = store.assets_page(page).unwrap();
        let found = Rows {
            rows: found.rows.iter().map(|asset| asset.id.as_u128()).collect(),
            has_previous: found.has_previous,
            has_next: found.has_next,
        };
        prop_assert_eq!(found, model(&stored, page));
    });
}

#[test]
fn walking_stays_right_while_rows_come_and_go() {
    let (_dir, store) = testing::fresh();
    for id in (10..40).step_by(2) {
        store.change(|tx| tx.insert_asset(&asset(id))).unwrap();
    }
    let mut page = Page { order: Order::OldestFirst, ..Page::newest(4) };
    let mut seen = Vec::new();
    let mut new = 11;
    loop {
        let rows = store.assets_page(page).unwrap();
        seen.extend(rows.rows.iter().map(|asset| asset.id.as_u128()));
        let Some(last) = rows.rows.last() else { break };
        page.after = Some(last.id);
        // The row of the cursor goes, and one comes behind it.
        store.change(|tx| tx.delete_asset(last.id)).unwrap();
        store.change(|tx| tx.insert_asset(&asset(new))).unwrap();
        new += 2;
    }
    let expected: Vec<u128> = (10..40).step_by(2).collect();
    assert_eq!(seen, expected);
}
