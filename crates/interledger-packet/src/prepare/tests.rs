use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    MAX_DATA_BYTES, MAX_PACKET_BYTES,
    address::Address,
    fixtures::{
        PREPARE, PREPARE_EXPIRY_MS, any_address, any_data, any_extension, any_timestamp, damaged,
        extended,
    },
};

fn parse(bytes: &[u8]) -> Result<Prepare, ParseError> {
    Prepare::parse(BytesMut::from(bytes))
}

/// Writes the packet anew from the fields that were read.
fn rebuilt(prepare: &Prepare) -> Prepare {
    let builder = PrepareBuilder {
        amount: prepare.amount(),
        expires_at: prepare.expires_at(),
        execution_condition: prepare.execution_condition(),
        destination: prepare.destination(),
        data: prepare.data(),
    };
    builder.build().unwrap()
}

/// Asserts that `bytes` begin with exactly the packet, in the form in which it would be written.
fn assert_is_beginning(prepare: &Prepare, bytes: &[u8]) {
    assert!(bytes.starts_with(prepare.as_bytes()));
    assert_eq!(extended(rebuilt(prepare).as_bytes(), prepare.extension()), prepare.as_bytes());
}

fn prepares() -> impl Strategy<Value = Prepare> {
    let condition = any::<[u8; 32]>();
    (any::<u64>(), any_timestamp(), condition, any_address(), any_data()).prop_map(
        |(amount, expires_at, condition, destination, data)| {
            let builder = PrepareBuilder {
                amount,
                expires_at,
                execution_condition: &condition,
                destination: destination.as_addr(),
                data: &data,
            };
            let prepare = builder.build().unwrap();
            assert_eq!(prepare.amount(), amount);
            assert_eq!(prepare.expires_at(), expires_at);
            assert_eq!(prepare.execution_condition(), &condition);
            assert_eq!(prepare.destination(), destination);
            assert_eq!(prepare.data(), data);
            prepare
        },
    )
}

#[test]
fn the_shared_example() {
    let prepare = parse(&PREPARE).unwrap();
    assert_eq!(prepare.amount(), 107);
    assert_eq!(prepare.expires_at(), Timestamp::from_unix_ms(PREPARE_EXPIRY_MS));
    assert_eq!(prepare.execution_condition(), &PREPARE[27..59]);
    assert_eq!(prepare.destination(), "example.alice");
    assert_eq!(prepare.data(), &PREPARE[74..]);
    assert_eq!(rebuilt(&prepare), prepare);
    let shown = "Prepare { amount: 107, expires_at: 2017-12-23T01:21:40.549Z, \
                 destination: \"example.alice\", data_bytes: 32, .. }";
    assert_eq!(format!("{prepare:?}"), shown);
    assert_eq!(prepare.clone().into_data(), &PREPARE[74..]);
    assert_eq!(prepare.into_bytes(), &PREPARE[..]);
}

#[test]
fn errors_name_the_field_and_the_byte() {
    let mut short = PREPARE[..5].to_vec();
    short[1] = 3;
    let mut condition = PREPARE[..40].to_vec();
    condition[1] = 38;
    let with = |place: usize, byte: u8| {
        let mut bytes = PREPARE.to_vec();
        bytes[place] = byte;
        bytes
    };
    let cases = [
        (vec![], "type: 1 bytes expected at byte 0, 0 left"),
        (vec![13], "type: 12 (Prepare) expected at byte 0, 13 found"),
        (
            vec![0x0c, 0x80],
            "packet: length 0x80 at byte 1 has no value, 0 to 127 is one byte 00 to 7f",
        ),
        (
            vec![0x0c, 0x81, 0x01, 0x00],
            "packet: length 1 at byte 1 takes 2 bytes, its shortest form fewer",
        ),
        (PREPARE[..105].to_vec(), "packet: 104 bytes expected at byte 2, 103 left"),
        (vec![0x0c, 0x82, 0x84, 0x3e], "packet: 33854 long at byte 4, at most 33853 bytes allowed"),
        (short, "amount: 8 bytes expected at byte 2, 3 left"),
        (condition, "executionCondition: 32 bytes expected at byte 27, 13 left"),
        (with(15, b'9'), "expiresAt: at byte 10, month 19 is out of range, 1 to 12 allowed"),
        (
            with(60, b'f'),
            "destination: at byte 60, segment 1 (7 bytes) is no allocation scheme; g, private, \
             example, peer, self, test, test1, test2, test3 and local are",
        ),
        (with(73, 0x21), "data: 33 bytes expected at byte 74, 32 left"),
    ];
    for (bytes, reason) in cases {
        assert_eq!(parse(&bytes).unwrap_err().to_string(), reason);
    }
}

#[test]
fn the_largest_packet_fits_and_no_larger_one() {
    let destination = Address::try_from(format!("g.{}", "a".repeat(1021))).unwrap();
    let data = vec![7; MAX_DATA_BYTES + 1];
    let mut builder = PrepareBuilder {
        amount: u64::MAX,
        expires_at: Timestamp::MAX,
        execution_condition: &[0; 32],
        destination: destination.as_addr(),
        data: &data,
    };
    let error = builder.build().unwrap_err();
    assert_eq!(error.to_string(), "data: 32768 long, at most 32767 bytes allowed");
    // What the builder refuses can still be written, and must not parse.
    let error = parse(builder.write().as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "packet: 33854 long at byte 4, at most 33853 bytes allowed");
    builder.destination = Addr::try_from("g.a").unwrap();
    let error = parse(builder.write().as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "data: 32768 long at byte 68, at most 32767 bytes allowed");
    builder.destination = destination.as_addr();
    builder.data = &data[1..];
    let largest = builder.build().unwrap();
    assert_eq!(largest.as_bytes().len(), MAX_PACKET_BYTES);
    // A packet of the maximum length has no room for a later version's fields.
    let error = parse(&extended(largest.as_bytes(), &[0])).unwrap_err();
    assert_eq!(error.to_string(), "packet: 33854 long at byte 4, at most 33853 bytes allowed");
    assert_eq!(parse(largest.as_bytes()), Ok(largest));
}

#[test]
fn every_truncation_is_refused_and_no_changed_byte_panics() {
    for end in 0..PREPARE.len() {
        assert!(parse(&PREPARE[..end]).is_err());
    }
    for place in 0..PREPARE.len() {
        for byte in 0..=u8::MAX {
            let bytes = damaged(&PREPARE, place, byte, 0);
            if let Ok(prepare) = parse(&bytes) {
                assert_is_beginning(&prepare, &bytes);
            }
        }
    }
}

#[test]
fn a_later_versions_fields_are_kept_and_bytes_behind_the_packet_are_not() {
    let later = extended(&PREPARE, b"later");
    assert_eq!(later[..2], [12, 0x68 + 5]);
    let mut prepare = parse(&[&later[..], b"junk"].concat()).unwrap();
    assert_eq!(prepare.extension(), b"later");
    assert_eq!(prepare.data(), &PREPARE[74..]);
    assert_eq!(prepare.as_bytes(), later);
    // Changes by a connector leave these fields as they are.
    prepare.set_amount(1);
    prepare.set_expires_at(Timestamp::MAX);
    assert_eq!(parse(prepare.as_bytes()).as_ref(), Ok(&prepare));
    assert!(prepare.as_bytes().ends_with(b"later"));
    assert_eq!(prepare.clone().into_data(), &PREPARE[74..]);
    assert_eq!(prepare.into_bytes().len(), later.len());
}

proptest! {
    #[test]
    fn what_follows_the_last_field_or_the_packet_changes_no_field(
        prepare in prepares(),
        extension in any_extension(),
        junk in any_extension(),
    ) {
        let later = extended(prepare.as_bytes(), &extension);
        match parse(&[&later[..], &junk].concat()) {
            Ok(parsed) => {
                prop_assert_eq!(&rebuilt(&parsed), &prepare);
                prop_assert_eq!(parsed.extension(), &extension[..]);
                prop_assert_eq!(parsed.as_bytes(), &later[..]);
                prop_assert_eq!(parsed.into_data(), prepare.data());
            }
            Err(error) => {
                let is_too_long = matches!(error, ParseError::TooLong { field: "packet", .. });
                prop_assert!(is_too_long && later.len() > MAX_PACKET_BYTES, "{}", error);
            }
        }
    }

    #[test]
    fn what_is_built_parses(prepare in prepares()) {
        prop_assert_eq!(&parse(prepare.as_bytes())?, &prepare);
    }

    #[test]
    fn setting_changes_only_the_fields_own_bytes(
        prepare in prepares(),
        amount in any::<u64>(),
        expires_at in any_timestamp(),
        less_ms in 0..100_000_000_u64,
    ) {
        for expires_at in [expires_at, prepare.expires_at().saturating_sub_ms(less_ms)] {
            let mut changed = prepare.clone();
            changed.set_amount(amount);
            changed.set_expires_at(expires_at);
            prop_assert_eq!(changed.amount(), amount);
            prop_assert_eq!(changed.expires_at(), expires_at);
            prop_assert_eq!(&parse(changed.as_bytes())?, &changed);
            let begin = prepare.contents_offset;
            prop_assert_eq!(&changed.as_bytes()[..begin], &prepare.as_bytes()[..begin]);
            prop_assert_eq!(&changed.as_bytes()[begin + 25..], &prepare.as_bytes()[begin + 25..]);
        }
    }

    #[test]
    fn what_parses_is_written_the_same(
        prepare in prepares(),
        place in any::<usize>(),
        byte in any::<u8>(),
        kind in any::<u8>(),
        noise in vec(any::<u8>(), 0..200),
    ) {
        let noise = [&[12], &noise[..]].concat();
        for bytes in [damaged(prepare.as_bytes(), place, byte, kind), noise] {
            if let Ok(parsed) = parse(&bytes) {
                assert_is_beginning(&parsed, &bytes);
            }
        }
    }
}
