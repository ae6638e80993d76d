//! The types of event.

use strum::VariantArray;

/// A type of event.
///
/// Types that Rafiki sends to the systems of an account servicing entity have Rafiki's meaning
/// here. Three further names of Rafiki's would mean something else than these notices:
/// `incoming_payment.partial_payment_received` asks for a decision, and `outgoing_payment.funded`
/// and `outgoing_payment.cancelled` go to its card service alone.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
pub enum EventKind {
    /// A peer's liquidity fell to its threshold.
    #[strum(serialize = "peer.liquidity_low")]
    PeerLiquidityLow,
    /// An asset's liquidity fell to its threshold.
    #[strum(serialize = "asset.liquidity_low")]
    AssetLiquidityLow,
    /// Several packets in a row could not reach a peer.
    #[strum(serialize = "peer.unreachable")]
    PeerUnreachable,
    /// A peer that could not be reached answers again.
    #[strum(serialize = "peer.reachable")]
    PeerReachable,
    /// A node asked to become a peer, and waits for the operator's approval.
    #[strum(serialize = "peering.requested")]
    PeeringRequested,
    /// An incoming payment was made.
    #[strum(serialize = "incoming_payment.created")]
    IncomingPaymentCreated,
    /// The first money of an incoming payment arrived.
    #[strum(serialize = "incoming_payment.processing")]
    IncomingPaymentProcessing,
    /// An incoming payment received all that it asks for.
    #[strum(serialize = "incoming_payment.completed")]
    IncomingPaymentCompleted,
    /// An incoming payment that had received something expired.
    #[strum(serialize = "incoming_payment.expired")]
    IncomingPaymentExpired,
    /// An outgoing payment was made and waits for its money.
    #[strum(serialize = "outgoing_payment.created")]
    OutgoingPaymentCreated,
    /// An outgoing payment has its money and is being sent.
    #[strum(serialize = "outgoing_payment.sending")]
    OutgoingPaymentSending,
    /// An outgoing payment was sent.
    #[strum(serialize = "outgoing_payment.completed")]
    OutgoingPaymentCompleted,
    /// An outgoing payment failed.
    #[strum(serialize = "outgoing_payment.failed")]
    OutgoingPaymentFailed,
    /// An outgoing payment was cancelled before it had its money.
    #[strum(serialize = "outgoing_payment.cancelled")]
    OutgoingPaymentCancelled,
}

impl EventKind {
    /// Every type.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// Returns the name under which the event is stored and sent. It never changes.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns the type of that name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// Returns whether Rafiki sends an event of this name, with this meaning, to an account
    /// servicing entity.
    #[must_use]
    pub const fn is_rafikis(self) -> bool {
        !matches!(
            self,
            Self::PeerUnreachable
                | Self::PeerReachable
                | Self::PeeringRequested
                | Self::IncomingPaymentProcessing
                | Self::OutgoingPaymentSending
                | Self::OutgoingPaymentCancelled
        )
    }
}

/// The events that are sent. The others are kept and listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SentEvents {
    /// Every event.
    All,
    /// Events of these types.
    Of(Vec<EventKind>),
}

impl SentEvents {
    /// Reads a list of types, separated by commas. `rafiki` stands for all that Rafiki sends, and
    /// `all` for every type. `None` if a name is unknown or the list is empty.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut kinds = Vec::new();
        for name in text.split(',').map(str::trim) {
            match name {
                "all" => return Some(Self::All),
                "rafiki" => kinds.extend(EventKind::ALL.iter().filter(|kind| kind.is_rafikis())),
                name => kinds.push(EventKind::of_name(name)?),
            }
        }
        kinds.sort_unstable();
        kinds.dedup();
        Some(Self::Of(kinds))
    }

    /// Returns whether events of that name are sent.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Of(kinds) => EventKind::of_name(name).is_some_and(|kind| kinds.contains(&kind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_one_by_one_or_all_that_rafiki_sends() {
        let rafikis = SentEvents::parse("rafiki").unwrap();
        for name in ["peer.liquidity_low", "outgoing_payment.created", "incoming_payment.expired"] {
            assert!(rafikis.has(name), "{name}");
        }
        for name in [
            "peer.unreachable",
            "peer.reachable",
            "peering.requested",
            "incoming_payment.processing",
            "outgoing_payment.sending",
            "outgoing_payment.cancelled",
            // These are names from older versions of this node.
            "incoming_payment.partial_payment_received",
            "outgoing_payment.funded",
        ] {
            assert!(!rafikis.has(name), "{name}");
        }
        let more = SentEvents::parse("outgoing_payment.sending, rafiki,outgoing_payment.sending");
        let more = more.unwrap();
        assert!(more.has("outgoing_payment.sending") && more.has("asset.liquidity_low"));
        assert!(!more.has("incoming_payment.processing"));
        let one = SentEvents::parse("peer.liquidity_low").unwrap();
        assert_eq!(one, SentEvents::Of(vec![EventKind::PeerLiquidityLow]));
        assert!(SentEvents::parse("peer.liquidity_low,all").unwrap().has("anything"));
        for wrong in ["", "rafiki,", "peer.liquidity", "ALL", "rafiki;all"] {
            assert_eq!(SentEvents::parse(wrong), None, "{wrong}");
        }
        for kind in EventKind::ALL {
            assert_eq!(EventKind::of_name(kind.name()), Some(*kind));
        }
    }
}
