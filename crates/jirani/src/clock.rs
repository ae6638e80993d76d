//! The one place that asks what time it is.

use std::time::SystemTime;

use interledger_packet::Timestamp;

/// The time by the system's clock. A clock before 1970 reads as 1970, at which every packet is
/// still to expire and none is lost.
pub(crate) fn now() -> Timestamp {
    let since_1970 = system_time().duration_since(SystemTime::UNIX_EPOCH);
    let ms = since_1970.map_or(0, |since| since.as_millis());
    Timestamp::from_unix_ms(u64::try_from(ms).unwrap_or(u64::MAX))
}

/// The same in the system's own form, for libraries that want it.
#[expect(clippy::disallowed_methods, reason = "everything else is told the time by this module")]
pub(crate) fn system_time() -> SystemTime {
    SystemTime::now()
}
