//! Values under numbers, which are half as long as an address and so fit twice as often where
//! packets look.

use std::{
    num::NonZeroU32,
    sync::{Arc, OnceLock},
};

use arc_swap::{ArcSwapOption, Guard};
use parking_lot::Mutex;

/// The number of a value. Zero is none.
pub(super) type Number = NonZeroU32;

/// One bit stays free for users that have two kinds of values.
const NUMBER_MAX: u32 = u32::MAX >> 1;

/// How many values the first part has; each further one has twice as many.
const FIRST_PART: u32 = 64;
/// The number of parts that have room for every number.
const PARTS: usize = (u32::BITS - FIRST_PART.ilog2() + 1) as usize;

/// Values under numbers. Any thread reads without a lock. Parts never move, so what a reader finds
/// stays where it is while there are more and more of them.
#[derive(Debug)]
pub(super) struct Values<V> {
    parts: [OnceLock<Box<[ArcSwapOption<V>]>>; PARTS],
    numbers: Mutex<Numbers>,
}

/// Which numbers are to be had.
#[derive(Debug)]
struct Numbers {
    free: Vec<Number>,
    /// The first one that was never used.
    next: Number,
}

/// A value with its number, shared by all prefixes that have it.
#[derive(Debug)]
pub(super) struct Numbered<V> {
    number: Number,
    value: Arc<V>,
}

impl<V> Numbered<V> {
    pub(super) fn value(&self) -> &Arc<V> {
        &self.value
    }

    pub(super) fn number(&self) -> Number {
        self.number
    }
}

impl<V> Values<V> {
    pub(super) fn new() -> Self {
        let numbers = Numbers { free: Vec::new(), next: Number::MIN };
        Self { parts: [const { OnceLock::new() }; PARTS], numbers: Mutex::new(numbers) }
    }

    /// The value that a number has now.
    pub(super) fn get(&self, number: Number) -> Guard<Option<Arc<V>>> {
        let (part, index) = place(number);
        match self.parts[part].get() {
            Some(values) => values[index].load(),
            None => Guard::from_inner(None),
        }
    }

    /// Gives a value a number, until its last holder has given it up with [`Values::release`].
    pub(super) fn add(&self, value: Arc<V>) -> Arc<Numbered<V>> {
        let number = self.numbers.lock().take();
        let (part, index) = place(number);
        let empty = || std::iter::repeat_with(ArcSwapOption::empty);
        let values =
            self.parts[part].get_or_init(|| empty().take((FIRST_PART as usize) << part).collect());
        values[index].store(Some(Arc::clone(&value)));
        Arc::new(Numbered { number, value })
    }

    /// Gives up what one holder holds. Whatever leads to the number was removed before, or holds the
    /// value itself: the number may be another value's at once.
    pub(super) fn release(&self, value: Arc<Numbered<V>>) {
        let Some(Numbered { number, .. }) = Arc::into_inner(value) else { return };
        let (part, index) = place(number);
        if let Some(values) = self.parts[part].get() {
            values[index].store(None);
        }
        self.numbers.lock().free.push(number);
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        let numbers = self.numbers.lock();
        numbers.next.get() as usize - 1 - numbers.free.len()
    }
}

impl Numbers {
    fn take(&mut self) -> Number {
        self.free.pop().unwrap_or_else(|| {
            let number = self.next;
            assert!(number.get() <= NUMBER_MAX, "two thousand million values fit into no memory");
            self.next = number.saturating_add(1);
            number
        })
    }
}

/// The part that a number lies in, and where there.
fn place(number: Number) -> (usize, usize) {
    let from_first = number.get() as usize + FIRST_PART as usize;
    let part = from_first.ilog2() - FIRST_PART.ilog2();
    (part as usize, from_first - ((FIRST_PART as usize) << part))
}
