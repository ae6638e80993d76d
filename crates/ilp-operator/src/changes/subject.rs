//! The subject and the outcome of an operation, in the terms of the audit log.

use ilp_connector::rates::RateInUse;
use ilp_store::{BackupReport, EventRecord, FeeRecord};
use uuid::Uuid;

use crate::{
    assets::view::AssetView,
    payments::views::{IncomingPaymentView, OutgoingPaymentView, QuoteView},
    peering::{PeeringAnswer, by_url::PeeringByUrl},
    peers::{tokens::AddedToken, view::PeerView},
    wallets::views::{WalletAddressView, WithdrawnFromWalletAddress},
};

/// The outcome of an operation, as far as the audit log tells of it.
pub trait Subject {
    /// Returns the id of the object that was made or changed, where it has one.
    fn subject(&self) -> Option<String>;

    /// Returns the code and the message of an operation that succeeded, where they are not 200 and
    /// the operation's own message.
    fn ended(&self) -> Option<(&'static str, &'static str)> {
        None
    }
}

impl Subject for () {
    fn subject(&self) -> Option<String> {
        None
    }
}

/// The id of a deleted object.
impl Subject for String {
    fn subject(&self) -> Option<String> {
        Some(self.clone())
    }
}

/// A rate has no id of its own.
impl Subject for RateInUse {
    fn subject(&self) -> Option<String> {
        None
    }
}

/// A backup has no id.
impl Subject for BackupReport {
    fn subject(&self) -> Option<String> {
        None
    }
}

/// Implements [`Subject`] for types that have an id.
macro_rules! known_by {
    ($($subject:ty => $($field:ident).+;)+) => {$(
        impl Subject for $subject {
            fn subject(&self) -> Option<String> {
                Some(self.$($field).+.to_string())
            }
        }
    )+};
}

known_by! {
    AddedToken => peer.record.id;
    AssetView => record.id;
    PeerView => record.id;
    WalletAddressView => record.id;
    IncomingPaymentView => record.id;
    OutgoingPaymentView => record.id;
    QuoteView => record.id;
    WithdrawnFromWalletAddress => wallet_address.record.id;
    EventRecord => id;
    FeeRecord => id;
}

/// The peer, which may wait for the other node's operator.
impl Subject for PeeringByUrl {
    fn subject(&self) -> Option<String> {
        self.peer.subject()
    }

    fn ended(&self) -> Option<(&'static str, &'static str)> {
        self.is_pending.then_some(("200", WAITING_FOR_APPROVAL))
    }
}

/// The message to a client about a peer that the other node's operator has yet to approve.
pub const WAITING_FOR_APPROVAL: &str = "Waiting for approval: the other node's operator has yet to approve this peering, and its node \
     refuses packets until then";

/// The answer to a node that asks to become a peer, with the id of the peer or of the request.
impl Subject for (PeeringAnswer, Uuid) {
    fn subject(&self) -> Option<String> {
        Some(self.1.to_string())
    }

    fn ended(&self) -> Option<(&'static str, &'static str)> {
        self.0.is_pending.then_some(("202", "waits for approval"))
    }
}
