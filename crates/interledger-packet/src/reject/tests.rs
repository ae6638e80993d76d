use proptest::{collection::vec, option, prelude::*};

use super::*;
use crate::{
    MAX_DATA_BYTES, MAX_REPLY_BYTES,
    address::Address,
    fixtures::{REJECT, any_address, any_code, any_data, any_extension, damaged, extended},
};

fn parse(bytes: &[u8]) -> Result<Reject, ParseError> {
    Reject::parse(Bytes::copy_from_slice(bytes))
}

fn rebuilt(reject: &Reject) -> Reject {
    let builder = RejectBuilder {
        code: reject.code(),
        triggered_by: reject.triggered_by(),
        message: reject.message(),
        data: reject.data(),
    };
    builder.build().unwrap()
}

/// Asserts that `bytes` begin with exactly the packet, in the form in which it would be written.
fn assert_is_beginning(reject: &Reject, bytes: &[u8]) {
    assert!(bytes.starts_with(reject.as_bytes()));
    assert_eq!(extended(rebuilt(reject).as_bytes(), reject.extension()), reject.as_bytes());
}

fn rejects() -> impl Strategy<Value = Reject> {
    let message = vec(any::<u8>(), 0..300);
    (any_code(), option::of(any_address()), message, any_data()).prop_map(
        |(code, triggered_by, message, data)| {
            let triggered_by = triggered_by.as_ref().map(Address::as_addr);
            let builder = RejectBuilder { code, triggered_by, message: &message, data: &data };
            let reject = builder.build().unwrap();
            assert_eq!(reject.code(), code);
            assert_eq!(reject.triggered_by(), triggered_by);
            assert_eq!(reject.message(), message);
            assert_eq!(reject.data(), data);
            reject
        },
    )
}

#[test]
fn the_shared_example() {
    let reject = parse(&REJECT).unwrap();
    assert_eq!(reject.code(), ErrorCode::F01_INVALID_PACKET);
    assert_eq!(reject.triggered_by().unwrap(), "example.us.bob");
    assert_eq!(reject.message_lossy(), "missing destination. ledger=example.us.");
    assert_eq!(reject.data(), [0, 0, 0, 4, 0x10, 0x41]);
    assert_eq!(rebuilt(&reject), reject);
    let shown = "Reject { code: F01, triggered_by: Some(\"example.us.bob\"), \
                 message: \"missing destination. ledger=example.us.\", data_bytes: 6, .. }";
    assert_eq!(format!("{reject:?}"), shown);
    assert_eq!(reject.clone().into_data(), &REJECT[61..]);
    assert_eq!(reject.into_bytes(), &REJECT[..]);
}

#[test]
fn triggered_by_is_an_address_or_nothing() {
    let nobody = parse(b"\x0e\x06T01\0\0\0").unwrap();
    assert_eq!(nobody.triggered_by(), None);
    assert_eq!(nobody, Reject::new(ErrorCode::T01_PEER_UNREACHABLE, None, ""));
    let error = parse(b"\x0e\x07T01\x01g\0\0").unwrap_err();
    let expected = "triggeredBy: at byte 6, the allocation scheme stands alone, at least one \
                    segment must follow it";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_code_must_have_its_form() {
    let error = parse(b"\x0e\x06X\xff0\0\0\0").unwrap_err();
    let expected = "code: 'X\\xff0' at byte 2, F, T or R and two digits expected";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_message_need_not_be_text() {
    let reject = parse(b"\x0e\x08F00\0\x02\xffa\0").unwrap();
    assert_eq!(reject.message(), b"\xffa");
    assert_eq!(reject.message_lossy(), "\u{fffd}a");
}

#[test]
fn a_message_is_bounded_in_characters() {
    let code = ErrorCode::F00_BAD_REQUEST;
    let triggered_by = Address::try_from(format!("g.{}", "a".repeat(1021))).unwrap();
    let triggered_by = Some(triggered_by.as_addr());
    let data = vec![0; MAX_DATA_BYTES];
    let longest = "𝄞".repeat(MAX_MESSAGE_CHARACTERS);
    let builder = RejectBuilder { code, triggered_by, message: longest.as_bytes(), data: &data };
    let largest = builder.build().unwrap();
    assert_eq!(largest.as_bytes().len(), MAX_REPLY_BYTES);
    // A packet of the maximum length has no room for a later version's fields.
    let error = parse(&extended(largest.as_bytes(), &[0])).unwrap_err();
    let expected = "packet: 66567 long at byte 5, at most 66566 bytes allowed";
    assert_eq!(error.to_string(), expected);
    assert_eq!(parse(largest.as_bytes()), Ok(largest));

    let message = "é".repeat(MAX_MESSAGE_CHARACTERS + 1);
    let builder = RejectBuilder { message: message.as_bytes(), data: &[], ..builder };
    let error = builder.build().unwrap_err();
    assert_eq!(error.to_string(), "message: 8192 long, at most 8191 characters allowed");
    // What the builder refuses can still be written, and must not parse.
    let error = parse(builder.write().as_bytes()).unwrap_err();
    let expected = "message: 8192 long at byte 1036, at most 8191 characters allowed";
    assert_eq!(error.to_string(), expected);
    let cut = Reject::new(code, None, &message);
    assert_eq!(cut.message_lossy(), "é".repeat(MAX_MESSAGE_CHARACTERS));
    // Bytes that only continue characters count as none, so a bound in bytes is needed too.
    let continued = vec![0x80; MAX_MESSAGE_BYTES + 1];
    assert!(RejectBuilder { message: &continued, ..builder }.build().is_err());
}

#[test]
fn amount_too_large_carries_both_amounts() {
    let details = AmountTooLarge { received: 1000, maximum: 10 };
    let reject = Reject::amount_too_large(None, details);
    assert_eq!(reject.code(), ErrorCode::F08_AMOUNT_TOO_LARGE);
    assert_eq!(AmountTooLarge::from_data(reject.data()), Some(details));
    assert_eq!(parse(reject.as_bytes()), Ok(reject));
}

#[test]
fn every_truncation_is_refused_and_no_changed_byte_panics() {
    for end in 0..REJECT.len() {
        assert!(parse(&REJECT[..end]).is_err());
    }
    for place in 0..REJECT.len() {
        for byte in 0..=u8::MAX {
            let bytes = damaged(&REJECT, place, byte, 0);
            if let Ok(reject) = parse(&bytes) {
                assert_is_beginning(&reject, &bytes);
            }
        }
    }
}

#[test]
fn a_later_versions_fields_are_kept_and_bytes_behind_the_packet_are_not() {
    let later = extended(&REJECT, b"later");
    let reject = parse(&[&later[..], b"junk"].concat()).unwrap();
    assert_eq!(reject.extension(), b"later");
    assert_eq!(reject.data(), [0, 0, 0, 4, 0x10, 0x41]);
    assert_eq!(reject.as_bytes(), later);
    assert_eq!(reject.clone().into_data(), &REJECT[61..]);
    assert_eq!(reject.into_bytes(), &later[..]);
    assert_eq!(parse(&REJECT).unwrap().extension(), b"");
}

proptest! {
    #[test]
    fn what_follows_the_last_field_or_the_packet_changes_no_field(
        reject in rejects(),
        extension in any_extension(),
        junk in any_extension(),
    ) {
        let later = extended(reject.as_bytes(), &extension);
        let parsed = parse(&[&later[..], &junk].concat())?;
        prop_assert_eq!(&rebuilt(&parsed), &reject);
        prop_assert_eq!(parsed.extension(), &extension[..]);
        prop_assert_eq!(parsed.as_bytes(), &later[..]);
    }

    #[test]
    fn what_is_built_parses(reject in rejects()) {
        prop_assert_eq!(&parse(reject.as_bytes())?, &reject);
    }

    #[test]
    fn what_parses_is_written_the_same(
        reject in rejects(),
        place in any::<usize>(),
        byte in any::<u8>(),
        kind in any::<u8>(),
        noise in vec(any::<u8>(), 0..100),
    ) {
        let noise = [&[14], &noise[..]].concat();
        for bytes in [damaged(reject.as_bytes(), place, byte, kind), noise] {
            if let Ok(parsed) = parse(&bytes) {
                assert_is_beginning(&parsed, &bytes);
            }
        }
    }
}
