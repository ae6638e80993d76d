use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    MAX_DATA_BYTES,
    fixtures::{FULFILL, any_data, any_extension, damaged, extended},
};

fn parse(bytes: &[u8]) -> Result<Fulfill, ParseError> {
    Fulfill::parse(Bytes::copy_from_slice(bytes))
}

fn rebuilt(fulfill: &Fulfill) -> Fulfill {
    FulfillBuilder { fulfillment: fulfill.fulfillment(), data: fulfill.data() }.build().unwrap()
}

/// Asserts that `bytes` begin with exactly the packet, in the form in which it would be written.
fn assert_is_beginning(fulfill: &Fulfill, bytes: &[u8]) {
    assert!(bytes.starts_with(fulfill.as_bytes()));
    assert_eq!(extended(rebuilt(fulfill).as_bytes(), fulfill.extension()), fulfill.as_bytes());
}

#[test]
fn the_shared_example() {
    let fulfill = parse(&FULFILL).unwrap();
    assert_eq!(fulfill.fulfillment(), &FULFILL[2..34]);
    assert_eq!(fulfill.data(), &FULFILL[35..]);
    assert_eq!(rebuilt(&fulfill), fulfill);
    assert_eq!(format!("{fulfill:?}"), "Fulfill { data_bytes: 32, .. }");
    assert_eq!(fulfill.clone().into_data(), &FULFILL[35..]);
    assert_eq!(fulfill.into_bytes(), &FULFILL[..]);
}

#[test]
fn every_truncation_is_refused_and_no_changed_byte_panics() {
    for end in 0..FULFILL.len() {
        assert!(parse(&FULFILL[..end]).is_err());
    }
    for place in 0..FULFILL.len() {
        for byte in 0..=u8::MAX {
            let bytes = damaged(&FULFILL, place, byte, 0);
            if let Ok(fulfill) = parse(&bytes) {
                assert_is_beginning(&fulfill, &bytes);
            }
        }
    }
}

#[test]
fn data_is_bounded() {
    let data = vec![0; MAX_DATA_BYTES + 1];
    assert!(FulfillBuilder { fulfillment: &[0; 32], data: &data }.build().is_err());
    assert!(FulfillBuilder { fulfillment: &[0; 32], data: &data[1..] }.build().is_ok());
}

#[test]
fn a_later_versions_fields_are_kept_and_bytes_behind_the_packet_are_not() {
    let later = extended(&FULFILL, b"later");
    let fulfill = parse(&[&later[..], b"junk"].concat()).unwrap();
    assert_eq!(fulfill.extension(), b"later");
    assert_eq!(fulfill.data(), &FULFILL[35..]);
    assert_eq!(fulfill.as_bytes(), later);
    assert_eq!(fulfill.clone().into_data(), &FULFILL[35..]);
    assert_eq!(fulfill.into_bytes(), &later[..]);
    assert_eq!(parse(&FULFILL).unwrap().extension(), b"");
}

proptest! {
    #[test]
    fn what_follows_the_last_field_or_the_packet_changes_no_field(
        fulfillment in any::<[u8; 32]>(),
        data in any_data(),
        extension in any_extension(),
        junk in any_extension(),
    ) {
        let fulfill = FulfillBuilder { fulfillment: &fulfillment, data: &data }.build()?;
        let later = extended(fulfill.as_bytes(), &extension);
        let parsed = parse(&[&later[..], &junk].concat())?;
        prop_assert_eq!(&rebuilt(&parsed), &fulfill);
        prop_assert_eq!(parsed.extension(), &extension[..]);
        prop_assert_eq!(parsed.as_bytes(), &later[..]);
    }

    #[test]
    fn what_is_built_parses(fulfillment in any::<[u8; 32]>(), data in any_data()) {
        let fulfill = FulfillBuilder { fulfillment: &fulfillment, data: &data }.build()?;
        prop_assert_eq!(fulfill.fulfillment(), &fulfillment);
        prop_assert_eq!(fulfill.data(), &data[..]);
        prop_assert_eq!(&parse(fulfill.as_bytes())?, &fulfill);
    }

    #[test]
    fn what_parses_is_written_the_same(
        data in any_data(),
        place in any::<usize>(),
        byte in any::<u8>(),
        kind in any::<u8>(),
        noise in vec(any::<u8>(), 0..100),
    ) {
        let fulfill = FulfillBuilder { fulfillment: &[9; 32], data: &data }.build()?;
        let noise = [&[13], &noise[..]].concat();
        for bytes in [damaged(fulfill.as_bytes(), place, byte, kind), noise] {
            if let Ok(parsed) = parse(&bytes) {
                assert_is_beginning(&parsed, &bytes);
            }
        }
    }
}
