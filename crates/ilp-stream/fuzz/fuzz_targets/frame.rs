//! Any bytes as a STREAM packet. A packet that parses must have the same frames when it is encoded
//! again.

#![no_main]

use bytes::BytesMut;
use ilp_stream::{Frame, StreamPacket, StreamPacketBuilder};
use libfuzzer_sys::fuzz_target;

/// Version 1, a Prepare, sequence 0, amount 0; then the number of frames.
const HEAD: [u8; 6] = [1, 12, 1, 0, 1, 0];

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    check(&[&HEAD, bytes].concat());
});

fn check(bytes: &[u8]) {
    let packet = match StreamPacket::parse(bytes) {
        Ok(packet) => packet,
        Err(error) => return drop(error.to_string()),
    };
    let frames: Vec<Frame<'_>> = packet.frames().collect();
    drop(format!("{frames:?}"));
    // Each frame takes two bytes at the least.
    assert!(frames.len() * 2 <= bytes.len());
    let builder = StreamPacketBuilder {
        packet_type: packet.packet_type(),
        sequence: packet.sequence(),
        amount: packet.amount(),
        frames: &frames,
        padded_bytes: 0,
    };
    let mut again = BytesMut::new();
    builder.put(&mut again);
    assert_eq!(again.len(), builder.bytes());
    let read = StreamPacket::parse(&again).expect("what was written can be read");
    assert_eq!(read.packet_type(), packet.packet_type());
    assert_eq!((read.sequence(), read.amount()), (packet.sequence(), packet.amount()));
    assert!(read.frames().eq(frames.iter().copied()));
}
