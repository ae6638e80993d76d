//! One entry: a step of a transfer, with pointers to what its accounts saw before, or the change of
//! a record.

use ilp_connector::{
    account::{AccountId, AccountKind},
    ledger::TransferKind,
};
use uuid::Uuid;

use super::{
    page::Page,
    posted::{Entry, Posted, Step},
};

/// Length, kind, step, distance, id and time.
const FIXED_BYTES: usize = 32;
/// Amount, two accounts of 17 bytes, two pointers.
const LEG_BYTES: usize = 58;
/// The deadline of a withdrawal that begins.
const DEADLINE_BYTES: usize = 8;
/// Set in the byte of the step when there is a second leg.
const SECOND_LEG: u8 = 0x80;

/// The most bytes that one step of a transfer takes.
pub(crate) const fn entry_bytes_max() -> usize {
    FIXED_BYTES + 2 * LEG_BYTES + DEADLINE_BYTES
}

/// The bytes of a record change before its key: two zeros in the place of a transfer's length, kind,
/// a zero, distance, the key's length and the value's.
pub(crate) const RECORD_FIXED_BYTES: usize = 2 + 2 + 4 + 2 + 4;
/// The kinds of record changes; those of transfers are below.
const PUT: u8 = 0x10;
const REMOVE: u8 = 0x11;

// Bytes 4 to 8 of both kinds of entry are the distance from the page's start.
const _: () = assert!(DISTANCE_END == 8 && FIXED_BYTES == 2 + 2 + 4 + 16 + 8);
const _: () = assert!(LEG_BYTES == 8 + 2 * 17 + 2 * 8);

/// An entry as it was read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LogEntry<'a> {
    /// A step of a transfer.
    Transfer(Posted, Pointers),
    /// A record's new value, or that the record is removed.
    Record(RecordChange<'a>),
}

/// A record's new value under its key, or `None` where the record is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordChange<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) value: Option<&'a [u8]>,
}

impl RecordChange<'_> {
    /// Returns the bytes that the change takes in a page.
    pub(crate) fn entry_bytes(&self) -> usize {
        RECORD_FIXED_BYTES + self.key.len() + self.value.map_or(0, <[u8]>::len)
    }

    /// Appends the change to `page`. The caller bounds the lengths of key and value.
    pub(crate) fn encode(&self, page: &mut Vec<u8>, page_start: usize) {
        let distance = u32::try_from(page.len() - page_start).unwrap_or(u32::MAX);
        let kind = if self.value.is_some() { PUT } else { REMOVE };
        let value = self.value.unwrap_or_default();
        page.extend_from_slice(&[0, 0, kind, 0]);
        page.extend_from_slice(&distance.to_be_bytes());
        page.extend_from_slice(&u16::try_from(self.key.len()).unwrap_or(u16::MAX).to_be_bytes());
        page.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
        page.extend_from_slice(self.key);
        page.extend_from_slice(value);
    }
}

impl<'a> LogEntry<'a> {
    /// Reads the entry that begins `bytes`, and returns it with its length in bytes. `None` when it
    /// makes no sense, which a page with a valid checksum never holds.
    pub(crate) fn decode(bytes: &'a [u8], sequence: u64) -> Option<(Self, usize)> {
        if bytes.get(..2)? != [0, 0] {
            let (posted, pointers, length) = decode(bytes, sequence)?;
            return Some((Self::Transfer(posted, pointers), length));
        }
        let mut fields = Fields::new(&bytes[2..]);
        let kind = fields.u8()?;
        fields.u8()?;
        fields.u32()?;
        let (key, value) = (usize::from(fields.u16()?), fields.u32()? as usize);
        let end = RECORD_FIXED_BYTES.checked_add(key)?.checked_add(value)?;
        let (key, value) = bytes.get(RECORD_FIXED_BYTES..end)?.split_at(key);
        let value = match kind {
            PUT => Some(value),
            REMOVE if value.is_empty() => None,
            _ => return None,
        };
        Some((Self::Record(RecordChange { key, value }), end))
    }
}

/// Where an entry is in the journal. Later entries have greater positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u64);

impl Position {
    pub(crate) fn new(segment: u32, offset: u32) -> Self {
        Self((u64::from(segment) << 32) | u64::from(offset))
    }

    /// The position behind this number, which came from [`Position::to_u64`]. Any number is a
    /// position, though not one where an entry is.
    #[must_use]
    pub fn from_u64(number: u64) -> Self {
        Self(number)
    }

    /// A number for cursors. Never zero for the position of an entry.
    #[must_use]
    pub fn to_u64(self) -> u64 {
        self.0
    }

    pub(crate) fn segment(self) -> u32 {
        // The upper half fits.
        u32::try_from(self.0 >> 32).unwrap_or(u32::MAX)
    }

    pub(crate) fn offset(self) -> u32 {
        u32::try_from(self.0 & u64::from(u32::MAX)).unwrap_or(u32::MAX)
    }
}

/// For each leg, the positions of the entries that its debited and its credited account saw last;
/// zero for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pointers(pub(crate) [[u64; 2]; 2]);

/// Appends an entry to `page`, which begins with the page's head.
pub(crate) fn encode(
    page: &mut Vec<u8>,
    page_start: usize,
    posted: &Posted,
    time_ms: u64,
    pointers: &Pointers,
) {
    let start = page.len();
    let second = if posted.second.is_some() { SECOND_LEG } else { 0 };
    // Lengths and distances are below a page's, which fits.
    let distance = u32::try_from(start - page_start).unwrap_or(u32::MAX);
    page.extend_from_slice(&[0, 0, posted.kind.to_byte(), posted.step.to_byte() | second]);
    page.extend_from_slice(&distance.to_be_bytes());
    page.extend_from_slice(posted.id.as_bytes());
    page.extend_from_slice(&posted.created_at_ms.unwrap_or(time_ms).to_be_bytes());
    for (entry, pointers) in posted.entries().zip(&pointers.0) {
        page.extend_from_slice(&entry.amount.to_be_bytes());
        for account in [entry.debit, entry.credit] {
            page.push(account.kind.to_byte());
            page.extend_from_slice(account.owner.as_bytes());
        }
        for pointer in pointers {
            page.extend_from_slice(&pointer.to_be_bytes());
        }
    }
    if posted.step == Step::Begin {
        page.extend_from_slice(&posted.expires_at_ms.unwrap_or(u64::MAX).to_be_bytes());
    }
    let length = u16::try_from(page.len() - start).unwrap_or(u16::MAX);
    page[start..start + 2].copy_from_slice(&length.to_be_bytes());
}

/// Takes the entry apart that begins `bytes`, and says how long it is. `None` when it makes no
/// sense, which a page with a valid checksum never holds.
fn decode(bytes: &[u8], sequence: u64) -> Option<(Posted, Pointers, usize)> {
    let length = usize::from(Fields::new(bytes).u16()?);
    let mut fields = Fields::new(bytes.get(2..length)?);
    let kind = TransferKind::from_byte(fields.u8()?)?;
    let step = fields.u8()?;
    fields.u32()?;
    let id = fields.uuid()?;
    let time_ms = fields.u64()?;
    let mut pointers = Pointers::default();
    let first = fields.leg(&mut pointers.0[0])?;
    let second = if step & SECOND_LEG == 0 { None } else { Some(fields.leg(&mut pointers.0[1])?) };
    let step = Step::from_byte(step & !SECOND_LEG)?;
    let expires_at_ms = if step == Step::Begin { Some(fields.u64()?) } else { None };
    let created_at_ms = Some(time_ms);
    let posted = Posted { sequence, id, kind, step, first, second, created_at_ms, expires_at_ms };
    fields.is_empty().then_some((posted, pointers, length))
}

/// How far behind its page's start the entry is that begins `bytes`.
pub(crate) fn distance(bytes: &[u8]) -> Option<u32> {
    Fields::new(bytes.get(4..)?).u32()
}

/// The bytes that an entry's distance needs.
pub(crate) const DISTANCE_END: usize = 8;

pub(crate) fn put_u32(bytes: &mut [u8], at: usize, number: u32) {
    bytes[at..at + 4].copy_from_slice(&number.to_be_bytes());
}

pub(crate) fn put_u64(bytes: &mut [u8], at: usize, number: u64) {
    bytes[at..at + 8].copy_from_slice(&number.to_be_bytes());
}

/// Takes big-endian fields off the front of bytes.
pub(crate) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }

    pub(crate) fn u128(&mut self) -> Option<u128> {
        self.take().map(u128::from_be_bytes)
    }

    pub(crate) fn uuid(&mut self) -> Option<Uuid> {
        self.take().map(Uuid::from_bytes)
    }

    pub(crate) fn account(&mut self) -> Option<AccountId> {
        let kind = AccountKind::from_byte(self.u8()?)?;
        Some(AccountId { kind, owner: self.uuid()? })
    }

    fn leg(&mut self, pointers: &mut [u64; 2]) -> Option<Entry> {
        let amount = self.u64()?;
        let (debit, credit) = (self.account()?, self.account()?);
        *pointers = [self.u64()?, self.u64()?];
        Some(Entry { debit, credit, amount })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Page<'_> {
    /// Calls `visit` with each entry, its sequence before it and its distance from the page's start
    /// after it. Returns false when an entry makes no sense, or their number isn't the one that the
    /// head gives.
    pub(crate) fn entries<E>(
        &self,
        mut visit: impl FnMut(u64, &LogEntry<'_>, u32) -> Result<(), E>,
    ) -> Result<bool, E> {
        let mut offset = self.entries_from;
        for sequence in (self.first_sequence..).take(self.count as usize) {
            let Some((entry, length)) = LogEntry::decode(&self.bytes[offset..], sequence) else {
                return Ok(false);
            };
            visit(sequence, &entry, u32::try_from(offset).unwrap_or(u32::MAX))?;
            offset += length;
        }
        Ok(offset == self.bytes.len())
    }
}
