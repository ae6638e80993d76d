use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};

use super::*;

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

fn blocks(dir: &std::path::Path) -> Blocks {
    Blocks { storage: Storage::open(dir).unwrap() }
}

/// Makes changes in blocks and model, and compares what the blocks say of the values before.
fn apply(blocks: &Blocks, model: &mut Model, changes: &BTreeMap<Vec<u8>, Option<Vec<u8>>>) {
    let mut said = Vec::new();
    let entries =
        changes.iter().map(|(key, value)| (key.clone(), value.as_deref().map(IVec::from)));
    let writes = blocks.rewrite(entries, |key, before, after| {
        said.push((key.to_vec(), before.map(<[u8]>::to_vec), after.map(<[u8]>::to_vec)));
    });
    blocks.storage.apply(writes.unwrap()).unwrap();
    let expected: Vec<_> = changes
        .iter()
        .map(|(key, value)| (key.clone(), model.get(key).cloned(), value.clone()))
        .collect();
    assert_eq!(said, expected);
    for (key, value) in changes {
        match value {
            Some(value) => drop(model.insert(key.clone(), value.clone())),
            None => drop(model.remove(key)),
        }
    }
}

fn all(blocks: &Blocks, bounds: (Bound<&[u8]>, Bound<&[u8]>), from_high: bool) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let visited = blocks.visit(bounds, from_high, |key, value| {
        assert_eq!(value.first(), key.last(), "a value belongs to its key");
        found.push(key.to_vec());
        true
    });
    visited.unwrap();
    found
}

/// Keys of three kinds, some of them a prefix of others.
fn key() -> impl Strategy<Value = Vec<u8>> {
    (1..4_u8, vec(0..4_u8, 0..5)).prop_map(|(kind, rest)| [&[kind], &rest[..]].concat())
}

fn change() -> impl Strategy<Value = (Vec<u8>, Option<Vec<u8>>)> {
    (key(), prop::option::weighted(0.8, 1..1_500_usize)).prop_map(|(key, length)| {
        let value = length.map(|length| vec![*key.last().unwrap(); length]);
        (key, value)
    })
}

fn bound(key: &Option<(Vec<u8>, bool)>) -> Bound<&[u8]> {
    match key {
        None => Bound::Unbounded,
        Some((key, true)) => Bound::Included(key),
        Some((key, false)) => Bound::Excluded(key),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn blocks_have_the_entries_of_a_map(
        batches in vec(vec(change(), 1..40), 1..12),
        ranges in vec((prop::option::of((key(), any::<bool>())), prop::option::of((key(), any::<bool>()))), 8),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let (blocks, mut model) = (blocks(dir.path()), Model::new());
        for batch in batches {
            apply(&blocks, &mut model, &batch.into_iter().collect());
        }
        for (low, high) in ranges {
            let bounds = (bound(&low), bound(&high));
            if let (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) = bounds
                && a >= b
            {
                continue;
            }
            let mut expected: Vec<_> =
                model.range::<[u8], _>(bounds).map(|(key, _)| key.clone()).collect();
            prop_assert_eq!(&all(&blocks, bounds, false), &expected);
            expected.reverse();
            prop_assert_eq!(&all(&blocks, bounds, true), &expected);
        }
        for (key, value) in &model {
            let found = blocks.get(key).unwrap();
            prop_assert_eq!(found.as_deref(), Some(&value[..]));
        }
    }

    #[test]
    fn a_block_of_any_bytes_is_read_whole_or_refused(bytes in vec(any::<u8>(), 0..64)) {
        if let Ok(entries) = decode(&IVec::from(bytes.as_slice())) {
            prop_assert_eq!(entries.iter().map(entry_bytes).sum::<usize>(), bytes.len());
        }
    }
}

#[test]
fn entries_in_their_order_fill_blocks_and_removed_ones_leave_none() {
    let dir = tempfile::tempdir().unwrap();
    let (blocks, mut model) = (blocks(dir.path()), Model::new());
    let key = |number: u32| [&[1], &number.to_be_bytes()[..]].concat();
    for batch in 0..50_u32 {
        let entries = (batch * 40..batch * 40 + 40)
            .map(|number| (key(number), Some(vec![key(number)[4]; 200])));
        apply(&blocks, &mut model, &entries.collect());
    }
    let count = |blocks: &Blocks| {
        let mut count = 0;
        blocks
            .storage
            .visit((Bound::Unbounded, Bound::Unbounded), false, |_, _| {
                count += 1;
                true
            })
            .unwrap();
        count
    };
    let bytes: usize =
        model.iter().map(|(key, value)| LENGTHS_BYTES + key.len() + value.len()).sum();
    assert!(count(&blocks) <= bytes / BLOCK_BYTES + 1, "{} blocks", count(&blocks));
    let removed = model.keys().map(|key| (key.clone(), None)).collect();
    apply(&blocks, &mut model, &removed);
    assert_eq!(count(&blocks), 0);
}
