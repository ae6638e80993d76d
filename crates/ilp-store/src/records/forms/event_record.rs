//! The record of an event for the operator's systems.

use uuid::Uuid;

/// How far the delivery of an event has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumDiscriminants)]
#[strum_discriminants(
    name(DeliveryState),
    vis(pub(crate)),
    derive(strum::EnumString, strum::IntoStaticStr),
    strum(serialize_all = "snake_case")
)]
pub enum Delivery {
    /// The event is to be sent from this time on, in milliseconds since 1970.
    Due {
        /// When.
        at_ms: u64,
    },
    /// The event was taken at this time, in milliseconds since 1970.
    Delivered {
        /// When.
        at_ms: u64,
    },
    /// The event was given up at this time, in milliseconds since 1970.
    Dead {
        /// When.
        at_ms: u64,
    },
    /// The event is of a type that isn't sent, as was found at this time, in milliseconds since
    /// 1970.
    Skipped {
        /// When the event was skipped.
        at_ms: u64,
    },
}

impl Delivery {
    /// Returns the name of the state, which is on disk and never changes.
    pub(crate) fn state(self) -> &'static str {
        DeliveryState::from(self).into()
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRecord {
    /// A UUID v7, so that the order of ids is the order of creation.
    pub id: Uuid,
    /// Such as `peer.liquidity_low`.
    pub kind: String,
    /// JSON, as it is to be sent.
    pub data: Vec<u8>,
    /// Milliseconds since 1970.
    pub created_at_ms: u64,
    /// How often it was tried.
    pub attempts: u32,
    /// How far it has come.
    pub delivery: Delivery,
}

impl EventRecord {
    /// An event that is due at once.
    #[must_use]
    pub fn new(id: Uuid, kind: &str, data: Vec<u8>, created_at_ms: u64) -> Self {
        let delivery = Delivery::Due { at_ms: created_at_ms };
        Self { id, kind: kind.to_owned(), data, created_at_ms, attempts: 0, delivery }
    }
}
