//! Packets and strategies that the tests of several modules share.

use proptest::{collection::vec, prelude::*, sample::select};

use crate::{
    Address, ErrorCode, MAX_DATA_BYTES, Timestamp,
    oer::{Reader, put_var_octets},
};

/// A Prepare that other implementations also carry in their tests: 107 units, until
/// 2017-12-23T01:21:40.549Z, to `example.alice`, 32 bytes of data.
pub(crate) const PREPARE: [u8; 106] = *b"\
    \x0c\x68\x00\x00\x00\x00\x00\x00\x00\x6b20171223012140549\
    \x74\xe1\x13\x6d\xc7\x1c\x9e\x5f\x28\x3b\xec\x83\x46\x1c\xbf\x12\
    \x61\xc4\x01\x4f\x72\xd4\x8f\x8d\xd6\x54\x53\xa0\xb8\x4e\x7d\xe1\
    \x0dexample.alice\x20\
    \x5d\xb3\x43\xfd\xc4\x18\x98\xf6\xdf\x42\x02\x32\x91\x39\xdc\x24\
    \x2d\xd0\xf5\x58\xa8\x11\xb4\x6b\x28\x91\x8f\xda\xb3\x7c\x6c\xb0";
pub(crate) const PREPARE_EXPIRY_MS: u64 = 1_513_992_100_549;

/// A Fulfill with 32 bytes of data.
pub(crate) const FULFILL: [u8; 67] = *b"\
    \x0d\x41\xc3\x86\x6b\x48\x74\x9c\xcf\x11\x3b\x2e\x15\xc2\x5d\x24\
    \x07\xfb\xfc\x14\x47\x6f\xe7\x29\x6b\xb1\xbf\x1b\xcd\x9e\x6e\x41\
    \x66\x50\x20\x67\x3f\xeb\xd7\x8a\x33\xb2\x8e\x1c\x0d\xb1\x4c\x9a\
    \x06\x25\x1a\x05\xfa\x83\x1e\xd4\xed\x91\xeb\xcd\x15\x0e\x72\x49\
    \xc2\xe6\x00";

/// An F01 from `example.us.bob` with a message of 39 bytes and six bytes of data.
pub(crate) const REJECT: [u8; 67] = *b"\
    \x0e\x41F01\x0eexample.us.bob\
    \x27missing destination. ledger=example.us.\
    \x06\x00\x00\x00\x04\x10\x41";

const SCHEMES: [&str; 10] =
    ["g", "private", "example", "peer", "self", "test", "test1", "test2", "test3", "local"];

pub(crate) fn any_address() -> impl Strategy<Value = Address> {
    (select(&SCHEMES[..]), vec("[A-Za-z0-9_~-]{1,40}", 1..8)).prop_map(|(scheme, segments)| {
        Address::try_from(format!("{scheme}.{}", segments.join("."))).unwrap()
    })
}

pub(crate) fn any_timestamp() -> impl Strategy<Value = Timestamp> {
    (0..=Timestamp::MAX.unix_ms()).prop_map(Timestamp::from_unix_ms)
}

pub(crate) fn any_code() -> impl Strategy<Value = ErrorCode> {
    "[FTR][0-9]{2}"
        .prop_map(|code| ErrorCode::from_bytes(code.as_bytes().try_into().unwrap()).unwrap())
}

const LENGTH_STEPS: [usize; 10] =
    [0, 1, 127, 128, 129, 255, 256, 257, MAX_DATA_BYTES - 1, MAX_DATA_BYTES];

/// Data of lengths around each step of the length encoding, and anything between.
pub(crate) fn any_data() -> impl Strategy<Value = Vec<u8>> {
    let lengths = prop_oneof![
        8 => 0..400_usize,
        1 => select(&LENGTH_STEPS[..]),
    ];
    (lengths, any::<u8>()).prop_map(|(length, seed)| {
        (0..length).map(|index| seed.wrapping_add(index as u8).wrapping_mul(31)).collect()
    })
}

/// Returns `packet` as a later version may write it: with more fields behind its data.
pub(crate) fn extended(packet: &[u8], extension: &[u8]) -> Vec<u8> {
    let mut reader = Reader::new(&packet[1..]);
    let length = reader.length("packet").unwrap();
    let contents = reader.octets("packet", length).unwrap();
    let mut bytes = vec![packet[0]];
    put_var_octets(&mut bytes, &[contents, extension].concat());
    bytes
}

/// Generates bytes that may be the fields of a later version, or follow a packet.
pub(crate) fn any_extension() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![Just(Vec::new()), vec(any::<u8>(), 1..200)]
}

/// A packet with one thing wrong: a byte changed, put in or taken out, an end cut off, or bytes
/// behind it.
pub(crate) fn damaged(packet: &[u8], place: usize, byte: u8, kind: u8) -> Vec<u8> {
    let mut bytes = packet.to_vec();
    let place = place % packet.len();
    match kind % 5 {
        0 => bytes[place] = byte,
        1 => bytes.insert(place, byte),
        2 => drop(bytes.remove(place)),
        3 => bytes.truncate(place),
        _ => bytes.extend_from_slice(&packet[..=place]),
    }
    bytes
}
