//! The names of payments' states and initiators towards clients.

use ilp_store::{IncomingPaymentState, Initiator, OutgoingPaymentState};

/// Returns the name of an outgoing payment's state towards clients.
#[must_use]
pub fn outgoing_state_name(state: OutgoingPaymentState) -> &'static str {
    match state {
        OutgoingPaymentState::Funding => "FUNDING",
        OutgoingPaymentState::Sending => "SENDING",
        OutgoingPaymentState::Completed => "COMPLETED",
        OutgoingPaymentState::Failed => "FAILED",
        OutgoingPaymentState::Cancelled => "CANCELLED",
    }
}

/// Returns the name of an incoming payment's state towards clients.
#[must_use]
pub fn incoming_state_name(state: IncomingPaymentState) -> &'static str {
    match state {
        IncomingPaymentState::Pending => "PENDING",
        IncomingPaymentState::Processing => "PROCESSING",
        IncomingPaymentState::Completed => "COMPLETED",
        IncomingPaymentState::Expired => "EXPIRED",
    }
}

/// Returns the name of the kind of client that had a payment made.
pub(crate) fn initiator_name(initiator: Initiator) -> &'static str {
    match initiator {
        Initiator::Admin => "ADMIN",
        Initiator::Card => "CARD",
    }
}
