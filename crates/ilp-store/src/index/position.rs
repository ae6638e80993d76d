//! Up to where in which log an index goes.

use uuid::Uuid;

use super::Sums;
use crate::journal::{Fields, Place};

/// Up to where in which log an index goes, and the sums of its entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IndexPosition {
    pub(crate) journal: Uuid,
    pub(crate) place: Place,
    /// When the last page before the place was written, in milliseconds since 1970.
    pub(crate) time_ms: u64,
    /// The last entry that was durable when the index was moved to the place. What follows from the
    /// entries before the place, such as the events of low accounts, is among the entries up to here.
    pub(crate) durable: u64,
    pub(crate) sums: Sums,
}

impl IndexPosition {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let Place { segment, offset, page_offset, link, next_sequence } = self.place;
        let mut bytes = self.journal.as_bytes().to_vec();
        for number in [segment, offset, page_offset] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(&link.to_be_bytes());
        bytes.extend_from_slice(&next_sequence.to_be_bytes());
        bytes.extend_from_slice(&self.time_ms.to_be_bytes());
        bytes.extend_from_slice(&self.durable.to_be_bytes());
        bytes.extend_from_slice(&self.sums.to_bytes());
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields::new(bytes);
        let journal = fields.uuid()?;
        let place = Place {
            segment: fields.u32()?,
            offset: fields.u32()?,
            page_offset: fields.u32()?,
            link: fields.u128()?,
            next_sequence: fields.u64()?,
        };
        let (time_ms, durable) = (fields.u64()?, fields.u64()?);
        Some(Self { journal, place, time_ms, durable, sums: Sums::from_fields(fields)? })
    }
}
