//! Good packets of all kinds, as our builders write them.

use interledger_packet::{
    Address, ErrorCode, FulfillBuilder, MAX_DATA_BYTES, PrepareBuilder, RejectBuilder, Timestamp,
};
use proptest::{collection::vec, option, prelude::*, sample::select};

pub(crate) fn addresses() -> impl Strategy<Value = Address> {
    let schemes = ["g", "private", "example", "peer", "self", "test", "test1", "test3", "local"];
    (select(schemes.to_vec()), vec("[A-Za-z0-9_~-]{1,30}", 1..6)).prop_map(|(scheme, segments)| {
        Address::try_from(format!("{scheme}.{}", segments.join("."))).unwrap()
    })
}

fn data() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..300), Just(vec![3; MAX_DATA_BYTES])]
}

pub(crate) fn prepares() -> impl Strategy<Value = Vec<u8>> {
    let expiry = 0..=Timestamp::MAX.unix_ms();
    (any::<u64>(), expiry, any::<[u8; 32]>(), addresses(), data()).prop_map(
        |(amount, unix_ms, condition, destination, data)| {
            let builder = PrepareBuilder {
                amount,
                expires_at: Timestamp::from_unix_ms(unix_ms),
                execution_condition: &condition,
                destination: destination.as_addr(),
                data: &data,
            };
            builder.build().unwrap().as_bytes().to_vec()
        },
    )
}

pub(crate) fn replies() -> impl Strategy<Value = Vec<u8>> {
    let fulfills = (any::<[u8; 32]>(), data()).prop_map(|(fulfillment, data)| {
        let builder = FulfillBuilder { fulfillment: &fulfillment, data: &data };
        builder.build().unwrap().as_bytes().to_vec()
    });
    let message = vec(any::<u8>(), 0..200);
    let rejects = ("[FTR][0-9]{2}", option::of(addresses()), message, data()).prop_map(
        |(code, triggered_by, message, data)| {
            let builder = RejectBuilder {
                code: ErrorCode::from_bytes(code.as_bytes().try_into().unwrap()).unwrap(),
                triggered_by: triggered_by.as_ref().map(Address::as_addr),
                message: &message,
                data: &data,
            };
            builder.build().unwrap().as_bytes().to_vec()
        },
    );
    prop_oneof![fulfills, rejects]
}

pub(crate) fn packets() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![prepares(), replies()]
}
