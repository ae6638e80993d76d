//! A part of the table: buckets of one cache line each.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use super::Key;
use crate::routes::values::Number;

/// The number of slots in one cache line.
const SLOTS_PER_BUCKET: usize = 6;
/// How many of a hundred slots may be used. The fuller the buckets are, the fewer there are to keep
/// near, and the more often a look-up finds one full and has to wait for the next.
const USED_PERCENT_MAX: usize = 80;
/// How many a new shard has in use.
const USED_PERCENT_NEW: usize = 60;

/// An open-addressed table.
#[derive(Debug)]
pub(super) struct Shard {
    buckets: Box<[Bucket]>,
    /// For each slot what named its bucket, which a copy needs. Apart, since packets don't.
    places: Box<[AtomicU32]>,
    /// Slots with a tag, whether they still have a number or not. The writer's alone.
    used: AtomicUsize,
    /// Another shard has taken this one's place.
    replaced: AtomicBool,
}

/// A slot gets its tag once and keeps it for as long as its shard lives, so a reader that has seen
/// the tag may take the number whatever happens in between. Slots are used in their order.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Bucket {
    /// Above, 32 bits of the tag, which are not all zero; below, the value's number, which is zero
    /// once the prefix was removed. Zero as a whole is a slot that was never used. It is written last
    /// and read first.
    words: [AtomicU64; SLOTS_PER_BUCKET],
    /// 21 more bits of the tag for each of three slots.
    tags: [AtomicU64; SLOTS_PER_BUCKET / TAGS_PER_WORD],
}

const TAGS_PER_WORD: usize = 3;
const TAG_BITS: usize = 21;
const TAG_MASK: u64 = (1 << TAG_BITS) - 1;
const NUMBER_BITS: u32 = u32::BITS;

/// The slot of a prefix.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot<'a>(&'a AtomicU64);

/// There is no room for another prefix.
#[derive(Debug)]
pub(super) struct Full;

impl Shard {
    pub(super) fn new(bucket_count: usize) -> Self {
        let zeros = || std::iter::repeat_with(AtomicU32::default);
        Self {
            buckets: std::iter::repeat_with(Bucket::default).take(bucket_count).collect(),
            places: zeros().take(bucket_count * SLOTS_PER_BUCKET).collect(),
            used: AtomicUsize::new(0),
            replaced: AtomicBool::new(false),
        }
    }

    /// The slot of a prefix that is or was here.
    pub(super) fn find(&self, key: Key) -> Option<Slot<'_>> {
        let mut index = self.first_bucket(key.place());
        // Ends at a bucket with an unused slot, of which there are always some.
        loop {
            let bucket = &self.buckets[index];
            let slot = bucket.find(key);
            if slot.is_some() || !bucket.is_full() {
                return slot;
            }
            index = self.after(index);
        }
    }

    /// Gives a prefix the number of a value. One thread at a time.
    pub(super) fn set(&self, key: Key, number: Number) -> Result<(), Full> {
        if let Some(Slot(word)) = self.find(key) {
            // Release, for those who come by the number to the value.
            word.store(word_of(key.tag(), number), Ordering::Release);
            return Ok(());
        }
        let used_max = self.places.len() * USED_PERCENT_MAX / 100;
        if self.used.load(Ordering::Relaxed) >= used_max {
            return Err(Full);
        }
        self.insert(key.place(), key.tag(), key.more_tag(), number);
        Ok(())
    }

    /// Copies the slots with a value into a shard with room: so much more must come or go before it
    /// is copied again that each prefix pays for a few copies at the most.
    pub(super) fn rebuilt(&self) -> Self {
        let live: usize = self.buckets.iter().map(Bucket::live).sum();
        let slot_count = (live + 1) * 100 / USED_PERCENT_NEW;
        let rebuilt = Self::new(slot_count.div_ceil(SLOTS_PER_BUCKET));
        for (bucket, places) in self.buckets.iter().zip(self.places.chunks(SLOTS_PER_BUCKET)) {
            for (index, place) in places.iter().enumerate() {
                let word = bucket.words[index].load(Ordering::Relaxed);
                if let Some(number) = number_of(word) {
                    let place = place.load(Ordering::Relaxed);
                    rebuilt.insert(place, tag_of(word), bucket.more_tag(index), number);
                }
            }
        }
        rebuilt
    }

    /// Tells those who still read it that another one has taken its place.
    pub(super) fn replace(&self) {
        self.replaced.store(true, Ordering::Release);
    }

    pub(super) fn is_replaced(&self) -> bool {
        self.replaced.load(Ordering::Acquire)
    }

    fn insert(&self, place: u32, tag: u32, more_tag: u64, number: Number) {
        let mut index = self.first_bucket(place);
        while self.buckets[index].is_full() {
            index = self.after(index);
        }
        let bucket = &self.buckets[index];
        let slot = bucket.used();
        self.places[index * SLOTS_PER_BUCKET + slot].store(place, Ordering::Relaxed);
        bucket.tags[slot / TAGS_PER_WORD]
            .fetch_or(more_tag << (slot % TAGS_PER_WORD * TAG_BITS), Ordering::Relaxed);
        // Release pairs with the acquire in `find`: who sees the word sees all of the slot, and the
        // value.
        bucket.words[slot].store(word_of(tag, number), Ordering::Release);
        self.used.fetch_add(1, Ordering::Relaxed);
    }

    /// The place as a fraction of 2^32, so that there may be any number of buckets.
    fn first_bucket(&self, place: u32) -> usize {
        ((u64::from(place) * self.buckets.len() as u64) >> u32::BITS) as usize
    }

    fn after(&self, index: usize) -> usize {
        if index + 1 == self.buckets.len() { 0 } else { index + 1 }
    }

    #[cfg(test)]
    pub(super) fn slot_count(&self) -> usize {
        self.places.len()
    }
}

impl Bucket {
    /// All six are compared before any is chosen: which one it is can't be foretold, and a branch
    /// that was foretold wrong costs more than the other five.
    fn find(&self, key: Key) -> Option<Slot<'_>> {
        let mut matching = 0_u32;
        for (index, word) in self.words.iter().enumerate() {
            let word = word.load(Ordering::Acquire);
            matching |= u32::from(tag_of(word) == key.tag()) << index;
        }
        while matching != 0 {
            let index = matching.trailing_zeros() as usize;
            if self.more_tag(index) == key.more_tag() {
                return Some(Slot(&self.words[index]));
            }
            matching &= matching - 1;
        }
        None
    }

    fn more_tag(&self, index: usize) -> u64 {
        let word = self.tags[index / TAGS_PER_WORD].load(Ordering::Relaxed);
        (word >> (index % TAGS_PER_WORD * TAG_BITS)) & TAG_MASK
    }

    fn is_full(&self) -> bool {
        self.words[SLOTS_PER_BUCKET - 1].load(Ordering::Relaxed) != 0
    }

    fn used(&self) -> usize {
        self.words.iter().take_while(|word| word.load(Ordering::Relaxed) != 0).count()
    }

    fn live(&self) -> usize {
        let has_number = |word: &&AtomicU64| number_of(word.load(Ordering::Relaxed)).is_some();
        self.words.iter().filter(has_number).count()
    }
}

impl Slot<'_> {
    /// The number of the value; `None` once the prefix was removed.
    pub(super) fn number(self) -> Option<Number> {
        // Acquire, so that who has the number sees its value, and for the second look, that it isn't
        // taken before what came between the two.
        number_of(self.0.load(Ordering::Acquire))
    }

    /// Takes the number away. One thread at a time.
    pub(super) fn clear(self) {
        let word = self.0.load(Ordering::Relaxed);
        self.0.store(u64::from(tag_of(word)) << NUMBER_BITS, Ordering::Release);
    }
}

impl Key {
    fn place(self) -> u32 {
        (self.place >> u32::BITS) as u32
    }

    /// One of 2^32 becomes another one, since zero means an unused slot.
    fn tag(self) -> u32 {
        ((self.tag >> u32::BITS) as u32).max(1)
    }

    fn more_tag(self) -> u64 {
        self.tag & TAG_MASK
    }
}

fn word_of(tag: u32, number: Number) -> u64 {
    (u64::from(tag) << NUMBER_BITS) | u64::from(number.get())
}

fn tag_of(word: u64) -> u32 {
    (word >> NUMBER_BITS) as u32
}

fn number_of(word: u64) -> Option<Number> {
    Number::new(word as u32)
}
