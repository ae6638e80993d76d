//! The subject and the outcome of an operation, in the terms of the audit log.

use ilp_connector::rates::RateInUse;
use ilp_store::{BackupReport, EventRecord, FeeRecord};

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
        impl $crate::changes::subject::Subject for $subject {
            fn subject(&self) -> Option<String> {
                Some(self.$($field).+.to_string())
            }
        }
    )+};
}

pub(crate) use known_by;

known_by! {
    EventRecord => id;
    FeeRecord => id;
}
