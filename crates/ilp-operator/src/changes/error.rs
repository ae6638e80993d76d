//! Refusals that any change may meet: by its turn, its idempotency key, its version or its size.

use crate::vocabulary::{field::Field, reason::Reason};

/// Longest idempotency key, in bytes. Clients send a UUID.
pub(crate) const KEY_BYTES_MAX: usize = 255;

/// A refusal of a change, whatever its subject.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// Too many changes wait.
    #[error("more changes are waiting than the node takes: try again")]
    TooManyWaiting,
    /// The object was changed since the version that the edit is based on.
    #[error(
        "Version conflict: the edit was made of version {given} and the {object} is at version \
         {stored} since; read it again and edit that"
    )]
    VersionConflict {
        /// The kind of object that is edited.
        object: Versioned,
        /// The version that the edit is based on.
        given: u64,
        /// The version that is stored.
        stored: u64,
    },
    /// The record takes more bytes than one record may.
    #[error(
        "the record would take {bytes} bytes and may take {max}: give less, such as fewer routes or \
         tokens",
        max = ilp_store::RECORD_BYTES_MAX
    )]
    RecordTooLarge {
        /// The size of the record.
        bytes: usize,
    },
    /// The change as a whole takes more bytes than one change may.
    #[error("the change would take {bytes} bytes, more than one may: give less")]
    ChangeTooLarge {
        /// The size of the change.
        bytes: usize,
    },
    /// The idempotency key has this many bytes.
    #[error("invalid idempotencyKey: it has {0} bytes, at most {KEY_BYTES_MAX} are taken")]
    KeyTooLong(usize),
    /// The key was used for another input.
    #[error("Incoming arguments are different than the original request for idempotencyKey: {key}")]
    DifferentInput {
        /// The idempotency key.
        key: String,
    },
    /// The first request with the key still runs.
    #[error("Concurrent request for idempotencyKey: {key}")]
    Concurrent {
        /// The idempotency key.
        key: String,
    },
    /// The log has stopped before the first request with the key was durable.
    #[error(
        "whether the first request for idempotencyKey {key} was done shows after a restart of the node"
    )]
    OutcomeUnknown {
        /// The idempotency key.
        key: String,
    },
}

/// A kind of object whose edits are based on a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Versioned {
    /// An asset.
    Asset,
    /// A peer.
    Peer,
    /// A wallet address.
    #[strum(serialize = "wallet address")]
    WalletAddress,
}

impl ChangeError {
    /// Returns the reason.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::TooManyWaiting => Reason::TooManyChanges,
            Self::VersionConflict { .. } => Reason::VersionConflict,
            Self::RecordTooLarge { .. } => Reason::RecordTooLarge,
            Self::ChangeTooLarge { .. } => Reason::ChangeTooLarge,
            Self::KeyTooLong(_) => Reason::InvalidIdempotencyKey,
            Self::DifferentInput { .. } => Reason::IdempotencyKeyReused,
            Self::Concurrent { .. } => Reason::ConcurrentRequest,
            Self::OutcomeUnknown { .. } => Reason::OutcomeUnknown,
        }
    }

    /// Returns the input that the refusal is about.
    #[must_use]
    pub fn field(&self) -> Option<Field> {
        match self {
            Self::TooManyWaiting | Self::RecordTooLarge { .. } | Self::ChangeTooLarge { .. } => {
                None
            }
            Self::VersionConflict { .. } => Some(Field::Version),
            Self::KeyTooLong(_)
            | Self::DifferentInput { .. }
            | Self::Concurrent { .. }
            | Self::OutcomeUnknown { .. } => Some(Field::IdempotencyKey),
        }
    }
}
