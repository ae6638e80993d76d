use super::*;
use crate::fixtures::{FULFILL, PREPARE, REJECT};

#[test]
fn the_first_byte_decides() {
    let fulfill = Reply::parse(Bytes::copy_from_slice(&FULFILL)).unwrap();
    assert!(matches!(fulfill, Reply::Fulfill(_)));
    assert_eq!(fulfill.as_bytes(), FULFILL);
    assert_eq!(fulfill.into_bytes(), &FULFILL[..]);
    let reject = Reply::parse(Bytes::copy_from_slice(&REJECT)).unwrap();
    assert!(matches!(reject, Reply::Reject(_)));
    assert_eq!(reject.as_bytes(), REJECT);
    let error = Reply::parse(Bytes::copy_from_slice(&PREPARE)).unwrap_err();
    let expected = "type: 13 (Fulfill) or 14 (Reject) expected at byte 0, 12 found";
    assert_eq!(error.to_string(), expected);
    assert!(Reply::parse(Bytes::new()).is_err());
}
