//! Refusals of operations on webhook events.

use crate::vocabulary::{field::Field, reason::Reason};

/// A refusal of an operation on a webhook event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// The event doesn't exist.
    #[error("unknown webhook event")]
    Unknown,
    /// The event's receiver has confirmed it.
    #[error("Webhook event already delivered: its receiver has confirmed it")]
    Delivered,
    /// Events of this type are not sent.
    #[error("Webhook event is not sent: its type is not among those that webhook.types names")]
    NotSent,
}

impl EventError {
    /// Returns the reason.
    #[must_use]
    pub fn reason(self) -> Reason {
        match self {
            Self::Unknown => Reason::UnknownEvent,
            Self::Delivered => Reason::EventDelivered,
            Self::NotSent => Reason::EventNotSent,
        }
    }

    /// Returns the input that the refusal is about.
    #[must_use]
    pub fn field(self) -> Option<Field> {
        Some(Field::Id)
    }
}
