//! Any bytes as an address and as a prefix, against a plain second reading of IL-RFC 15.

#![no_main]

use interledger_packet::{Addr, AddressPrefix};
use libfuzzer_sys::fuzz_target;

const SCHEMES: [&[u8]; 10] = [
    b"g", b"private", b"example", b"peer", b"self", b"test", b"test1", b"test2", b"test3", b"local",
];

fuzz_target!(|bytes: &[u8]| {
    let segments: Vec<&[u8]> = bytes.split(|&byte| byte == b'.').collect();
    let is_segment = |segment: &&[u8]| {
        !segment.is_empty()
            && segment.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_~-".contains(byte))
    };
    let is_prefix =
        bytes.len() <= 1023 && SCHEMES.contains(&segments[0]) && segments.iter().all(is_segment);

    match Addr::try_from(bytes) {
        Ok(address) => {
            assert!(is_prefix && segments.len() > 1);
            assert_eq!(address.scheme().as_str().as_bytes(), segments[0]);
            assert!(address.segments().map(str::as_bytes).eq(segments.iter().copied()));
            for count in 1..=segments.len() {
                assert!(address.starts_with_segments(segments[..count].join(&b'.')));
            }
        }
        Err(error) => {
            assert!(!(is_prefix && segments.len() > 1));
            drop(error.to_string());
        }
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    assert_eq!(AddressPrefix::try_from(text).is_ok(), is_prefix);
});
