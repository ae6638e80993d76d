use bytes::{BufMut, BytesMut};
use proptest::{collection::vec, prelude::*};

use super::*;

fn length_of(bytes: &[u8]) -> Result<usize, ParseError> {
    Reader::new(bytes).length("x")
}

#[test]
fn lengths_are_read_in_their_shortest_form() {
    let cases: [(&[u8], usize); 7] = [
        (&[0x00], 0),
        (&[0x07], 7),
        (&[0x7f], 127),
        (&[0x81, 0x80], 128),
        (&[0x81, 0xff], 255),
        (&[0x82, 0x12, 0x34], 0x1234),
        (&[0x88, 0xac, 0x01, 0x05, 0x5a, 0x1d, 0xeb, 0xac, 0x1e], 12_394_193_534_107_495_454),
    ];
    for (bytes, length) in cases {
        assert_eq!(length_of(bytes), Ok(length), "{bytes:02x?}");
        let mut written = BytesMut::new();
        put_length(&mut written, length);
        assert_eq!(written, bytes);
        assert_eq!(length_bytes(length), bytes.len());
    }
}

#[test]
fn other_forms_of_a_length_are_refused() {
    let field = "x";
    let long = |value, found| Err(ParseError::LongLength { field, offset: 0, value, found });
    assert_eq!(length_of(&[0x80]), Err(ParseError::EmptyLength { field, offset: 0 }));
    assert_eq!(length_of(&[0x81, 0x00]), long(0, 2));
    assert_eq!(length_of(&[0x81, 0x7f]), long(127, 2));
    assert_eq!(length_of(&[0x82, 0x00, 0x80]), long(128, 3));
    assert_eq!(length_of(&[0x88, 0, 0, 0, 0, 0, 0, 1, 0]), long(256, 9));
    let oversized = ParseError::OversizedLength { field, offset: 0, found: 9 };
    assert_eq!(length_of(&[0x89, 1, 2, 3, 4, 5, 6, 7, 8, 9]), Err(oversized));
    let truncated = ParseError::Truncated { field, offset: 1, expected: 2, left: 1 };
    assert_eq!(length_of(&[0x82, 0x01]), Err(truncated));
    assert_eq!(truncated.to_string(), "x: 2 bytes expected at byte 1, 1 left");
}

#[test]
fn integers_have_no_leading_zero() {
    let cases: [(&[u8], Option<u64>); 8] = [
        (&[0x01, 0x00], Some(0)),
        (&[0x01, 0xff], Some(255)),
        (&[0x02, 0x01, 0x00], Some(256)),
        (&[0x08, 255, 255, 255, 255, 255, 255, 255, 255], Some(u64::MAX)),
        (&[0x00], None),
        (&[0x02, 0x00, 0x01], None),
        (&[0x02, 0x00, 0x00], None),
        (&[0x09, 1, 0, 0, 0, 0, 0, 0, 0, 0], None),
    ];
    for (bytes, value) in cases {
        assert_eq!(Reader::new(bytes).var_uint("x").ok(), value, "{bytes:02x?}");
    }
    let beyond = [0x09, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(Reader::new(&beyond).var_uint_saturating("x"), Ok(u64::MAX));
    assert!(Reader::new(&[0x02, 0x00, 0x01]).var_uint_saturating("x").is_err());
}

#[test]
fn octets_are_bounded_before_they_are_looked_for() {
    let too_long =
        ParseError::TooLong { field: "x", offset: 1, found: 5, maximum: 4, unit: "bytes" };
    assert_eq!(Reader::new(&[5]).var_octets("x", 4), Err(too_long));
}

proptest! {
    #[test]
    fn octets_and_integers_round_trip(
        octets in vec(any::<u8>(), 0..70_000),
        value in any::<u64>(),
        shift in 0..64_u32,
    ) {
        let value = value >> shift;
        let mut written = BytesMut::new();
        put_var_octets(&mut written, &octets);
        prop_assert_eq!(written.len(), var_octets_bytes(octets.len()));
        let octets_end = written.len();
        put_var_uint(&mut written, value);
        prop_assert_eq!(written.len() - octets_end, var_uint_bytes(value));
        written.put_u64(value);
        let mut reader = Reader::new(&written);
        prop_assert_eq!(reader.var_octets("octets", usize::MAX)?, &octets[..]);
        prop_assert_eq!(reader.offset(), octets_end);
        prop_assert_eq!(reader.var_uint("integer")?, value);
        prop_assert_eq!(reader.remaining(), 8);
        prop_assert!(reader.clone().limit("all", 9).is_err());
        let mut limited = reader.clone();
        limited.limit("all", 7)?;
        prop_assert_eq!((limited.offset(), limited.remaining()), (reader.offset(), 7));
        let error = limited.u64("fixed").unwrap_err().to_string();
        let offset = reader.offset();
        prop_assert_eq!(error, format!("fixed: 8 bytes expected at byte {offset}, 7 left"));
        prop_assert_eq!(reader.u64("fixed")?, value);
    }

    #[test]
    fn what_is_read_is_what_would_be_written(bytes in vec(any::<u8>(), 0..20)) {
        let mut reader = Reader::new(&bytes);
        if let Ok(length) = reader.length("x") {
            let mut written = BytesMut::new();
            put_length(&mut written, length);
            prop_assert_eq!(&written[..], &bytes[..reader.offset()]);
        }
        let mut reader = Reader::new(&bytes);
        if let Ok(value) = reader.var_uint("x") {
            let mut written = BytesMut::new();
            put_var_uint(&mut written, value);
            prop_assert_eq!(&written[..], &bytes[..reader.offset()]);
        }
    }
}
