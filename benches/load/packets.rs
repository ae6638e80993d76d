//! The bytes of packets: Prepares, Fulfills and Rejects.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use interledger_packet::{Address, ErrorCode, FulfillBuilder, PrepareBuilder, Reject, Timestamp};
use ring::digest::{SHA256, digest};

const FULFILLMENT: [u8; 32] = *b"the preimage of all these packet";
/// Data of the length of a STREAM packet with one money frame.
const DATA: [u8; 60] = [7; 60];

/// Returns a Prepare that expires a minute from now.
pub(crate) fn prepare(destination: &str, amount: u64) -> Bytes {
    #[expect(clippy::disallowed_methods, reason = "a benchmark has no clock to ask")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let destination: Address = destination.parse().expect("an address");
    PrepareBuilder {
        amount,
        expires_at: Timestamp::from_unix_ms(now.as_millis() as u64 + 60_000),
        execution_condition: digest(&SHA256, &FULFILLMENT).as_ref().try_into().expect("32 bytes"),
        destination: destination.as_addr(),
        data: &DATA,
    }
    .build()
    .expect("a packet")
    .into_bytes()
}

pub(crate) fn fulfill() -> Bytes {
    FulfillBuilder { fulfillment: &FULFILLMENT, data: &DATA }
        .build()
        .expect("a packet")
        .into_bytes()
}

/// Returns a Fulfill almost as long as a reply may be.
pub(crate) fn long_fulfill() -> Bytes {
    FulfillBuilder { fulfillment: &FULFILLMENT, data: &[7; 32_000] }
        .build()
        .expect("a packet")
        .into_bytes()
}

/// Returns a Reject of the length of the node's own answer to a packet without a route.
pub(crate) fn reject() -> Bytes {
    let triggered_by: Address = "test.node".parse().expect("an address");
    let message = "no route to the destination";
    Reject::new(ErrorCode::F02_UNREACHABLE, Some(triggered_by.as_addr()), message).into_bytes()
}
