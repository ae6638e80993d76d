use proptest::{collection::vec, prelude::*};

use super::*;
use crate::fixtures::any_address;

#[test]
fn the_request_is_that_of_the_rfc() {
    let expires_at = Timestamp::from_unix_ms(1_795_435_200_000);
    let prepare = request(expires_at);
    assert_eq!(prepare.amount(), 0);
    assert_eq!(prepare.expires_at(), expires_at);
    assert_eq!(prepare.destination(), "peer.config");
    assert_eq!(prepare.data(), []);
    assert!(is_request(&prepare));
    let other = PrepareBuilder {
        amount: 0,
        expires_at,
        execution_condition: &[0; 32],
        destination: DESTINATION,
        data: &[],
    };
    assert!(!is_request(&other.build().unwrap()));
}

#[test]
fn a_response_byte_by_byte() {
    let response = Response {
        client_address: Addr::try_from("test.parent.child").unwrap(),
        asset_scale: 9,
        asset_code: "XRP",
    };
    let data = b"\x11test.parent.child\x09\x03XRP";
    assert_eq!(response.to_data().unwrap(), &data[..]);
    assert_eq!(Response::from_data(data), Ok(response));
    // A later version may say more.
    assert_eq!(Response::from_data(&[&data[..], &[1, 2]].concat()), Ok(response));
    let fulfill = response.to_fulfill().unwrap();
    assert_eq!(fulfill.fulfillment(), &FULFILLMENT);
    assert_eq!(fulfill.data(), data);
    let error = Response::from_data(b"\x11test.parent.child\x09\x03X\xffP").unwrap_err();
    assert_eq!(error.to_string(), "assetCode: at byte 21, UTF-8 expected");
    let asset_code = "X".repeat(MAX_DATA_BYTES);
    assert!(Response { asset_code: &asset_code, ..response }.to_data().is_err());
}

proptest! {
    #[test]
    fn responses_round_trip(
        address in any_address(),
        asset_scale in any::<u8>(),
        asset_code in "\\PC{0,200}",
        noise in vec(any::<u8>(), 0..60),
    ) {
        let response =
            Response { client_address: address.as_addr(), asset_scale, asset_code: &asset_code };
        let data = response.to_data()?;
        prop_assert_eq!(Response::from_data(&data)?, response);
        for end in 0..data.len() {
            prop_assert!(Response::from_data(&data[..end]).is_err());
        }
        let _ = Response::from_data(&noise);
    }
}
