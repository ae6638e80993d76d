use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    MAX_DATA_BYTES,
    fixtures::{FULFILL, any_data, damaged},
};

fn parse(bytes: &[u8]) -> Result<Fulfill, ParseError> {
    Fulfill::parse(Bytes::copy_from_slice(bytes))
}

fn rebuilt(fulfill: &Fulfill) -> Fulfill {
    FulfillBuilder { fulfillment: fulfill.fulfillment(), data: fulfill.data() }.build().unwrap()
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
                assert_eq!(rebuilt(&fulfill).as_bytes(), bytes);
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

proptest! {
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
                prop_assert_eq!(rebuilt(&parsed).into_bytes(), &bytes[..]);
            }
        }
    }
}
