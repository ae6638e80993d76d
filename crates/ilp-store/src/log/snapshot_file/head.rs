//! The head of a snapshot file: the journal and the place in it that the snapshot belongs to.

use std::path::Path;

use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128;

use super::{FORMAT_VERSION, error::SnapshotError, take};
use crate::journal::Place;

/// The bytes of a head.
pub(super) const HEAD_BYTES: usize = 96;

/// The offset of the head's checksum, which covers all bytes before it.
const CHECKSUM_AT: usize = 80;

const MAGIC: [u8; 8] = *b"JIRANIS\0";

/// The origin of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SnapshotHead {
    /// The journal's id, so that a snapshot of another node is noticed.
    pub(crate) journal: Uuid,
    /// The place behind the last page whose entries are in the snapshot.
    pub(crate) place: Place,
    /// The time at which the snapshot was begun, in milliseconds since 1970.
    pub(crate) time_ms: u64,
}

impl SnapshotHead {
    /// Returns the bytes of the head and their checksum.
    pub(super) fn to_bytes(self) -> (Vec<u8>, u128) {
        let mut bytes = Vec::with_capacity(HEAD_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&FORMAT_VERSION.to_be_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(self.journal.as_bytes());
        put_place(&mut bytes, self.place);
        bytes.extend_from_slice(&self.time_ms.to_be_bytes());
        debug_assert_eq!(bytes.len(), CHECKSUM_AT, "the layout is fixed");
        let checksum = xxh3_128(&bytes);
        bytes.extend_from_slice(&checksum.to_be_bytes());
        (bytes, checksum)
    }

    /// Reads a head, and returns its checksum as well.
    ///
    /// # Errors
    /// [`SnapshotError::UnknownFormat`] for the head of a newer program, whose first 96 bytes have
    /// the same checksum, and [`SnapshotError::Damaged`] for everything else that isn't a head.
    pub(super) fn read(
        path: &Path,
        bytes: &[u8; HEAD_BYTES],
    ) -> Result<(Self, u128), SnapshotError> {
        let damaged = |detail| SnapshotError::damaged(path, 0, detail);
        let (covered, checksum) = bytes.split_at(CHECKSUM_AT);
        let Some(mut fields) = covered.strip_prefix(&MAGIC) else {
            return Err(damaged("it doesn't begin like a snapshot"));
        };
        let computed = xxh3_128(covered);
        if computed.to_be_bytes() != checksum {
            return Err(damaged("the checksum of its head is wrong"));
        }
        let version = take(&mut fields).map(u32::from_be_bytes);
        if let Some(found) = version.filter(|found| *found != FORMAT_VERSION) {
            let path = path.to_owned();
            return Err(SnapshotError::UnknownFormat { path, found, known: FORMAT_VERSION });
        }
        let head = (|| {
            take::<4>(&mut fields)?;
            let journal = Uuid::from_bytes(take(&mut fields)?);
            let place = take_place(&mut fields)?;
            let time_ms = u64::from_be_bytes(take(&mut fields)?);
            Some(Self { journal, place, time_ms })
        })();
        head.map(|head| (head, computed)).ok_or_else(|| damaged("its place can't be in a journal"))
    }
}

fn put_place(bytes: &mut Vec<u8>, place: Place) {
    bytes.extend_from_slice(&place.segment.to_be_bytes());
    bytes.extend_from_slice(&place.offset.to_be_bytes());
    bytes.extend_from_slice(&place.page_offset.to_be_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&place.link.to_be_bytes());
    bytes.extend_from_slice(&place.next_sequence.to_be_bytes());
}

fn take_place(fields: &mut &[u8]) -> Option<Place> {
    let segment = u32::from_be_bytes(take(fields)?);
    let offset = u32::from_be_bytes(take(fields)?);
    let page_offset = u32::from_be_bytes(take(fields)?);
    take::<4>(fields)?;
    let link = u128::from_be_bytes(take(fields)?);
    let next_sequence = u64::from_be_bytes(take(fields)?);
    Some(Place { segment, offset, page_offset, link, next_sequence })
}
