//! Parses any bytes as a packet of each kind. A parsed packet must be written the same again,
//! except for the fields of a later version, which stay in the packet, and bytes behind the packet,
//! which are dropped.

#![no_main]

use bytes::{Bytes, BytesMut};
use interledger_packet::{
    AmountTooLarge, FulfillBuilder, MAX_PACKET_BYTES, MAX_REPLY_BYTES, Prepare, PrepareBuilder,
    RejectBuilder, Reply, Timestamp, ildcp,
    oer::{Reader, put_var_octets},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match Prepare::parse(BytesMut::from(bytes)) {
        Ok(prepare) => check_prepare(prepare, bytes),
        Err(error) => drop(error.to_string()),
    }
    match Reply::parse(Bytes::copy_from_slice(bytes)) {
        Ok(reply) => check_reply(&reply, bytes),
        Err(error) => drop(error.to_string()),
    }
    check_data(bytes);
});

fn check_prepare(mut prepare: Prepare, bytes: &[u8]) {
    let bytes = packet_of(bytes, prepare.as_bytes(), MAX_PACKET_BYTES);
    assert_eq!(prepare.destination().as_str().as_bytes(), prepare.destination().as_bytes());
    let builder = PrepareBuilder {
        amount: prepare.amount(),
        expires_at: prepare.expires_at(),
        execution_condition: prepare.execution_condition(),
        destination: prepare.destination(),
        data: prepare.data(),
    };
    let built = builder.build().expect("what parses can be built");
    assert_eq!(extended(built.as_bytes(), prepare.extension()), bytes);
    let (amount, expires_at) = (prepare.amount(), prepare.expires_at());
    for other in [expires_at.saturating_sub_ms(1_000), Timestamp::MAX, Timestamp::MIN] {
        prepare.set_amount(!amount);
        prepare.set_expires_at(other);
        let parsed = Prepare::parse(BytesMut::from(prepare.as_bytes()));
        assert_eq!(parsed.as_ref(), Ok(&prepare));
    }
    prepare.set_amount(amount);
    prepare.set_expires_at(expires_at);
    assert_eq!(prepare.as_bytes(), bytes);
}

fn check_reply(reply: &Reply, bytes: &[u8]) {
    let bytes = packet_of(bytes, reply.as_bytes(), MAX_REPLY_BYTES);
    let (built, extension): (Reply, _) = match reply {
        Reply::Fulfill(fulfill) => {
            let builder =
                FulfillBuilder { fulfillment: fulfill.fulfillment(), data: fulfill.data() };
            (builder.build().expect("what parses can be built").into(), fulfill.extension())
        }
        Reply::Reject(reject) => {
            let builder = RejectBuilder {
                code: reject.code(),
                triggered_by: reject.triggered_by(),
                message: reject.message(),
                data: reject.data(),
            };
            drop(format!("{reject:?} {:?}", reject.code().name()));
            (builder.build().expect("what parses can be built").into(), reject.extension())
        }
    };
    assert_eq!(extended(built.as_bytes(), extension), bytes);
    if extension.is_empty() {
        assert_eq!(&built, reply);
    }
}

/// Returns the packet at the beginning of `bytes`, which must be the bytes that were kept.
fn packet_of<'a>(bytes: &'a [u8], kept: &[u8], bytes_max: usize) -> &'a [u8] {
    assert!(kept.len() <= bytes_max);
    let packet = &bytes[..kept.len()];
    assert_eq!(packet, kept);
    packet
}

/// Returns a packet with more fields behind its last one.
fn extended(packet: &[u8], extension: &[u8]) -> Vec<u8> {
    let mut reader = Reader::new(&packet[1..]);
    let length = reader.length("packet").expect("a built packet has a length");
    let contents = reader.octets("packet", length).expect("and as many bytes");
    let mut bytes = vec![packet[0]];
    put_var_octets(&mut bytes, &[contents, extension].concat());
    bytes
}

fn check_data(bytes: &[u8]) {
    if let Some(details) = AmountTooLarge::from_data(bytes) {
        assert_eq!(details.to_data(), bytes[..16]);
    }
    if let Ok(response) = ildcp::Response::from_data(bytes) {
        // Bytes of a later version may follow, so only the beginning is the same.
        assert!(bytes.starts_with(&response.to_data().expect("what parses can be built")));
    }
}
