use super::*;

#[test]
fn a_code_is_a_class_and_two_digits() {
    for (bytes, class) in [
        (b"F08", ErrorClass::Final),
        (b"T42", ErrorClass::Temporary),
        (b"R99", ErrorClass::Relative),
    ] {
        let code = ErrorCode::from_bytes(*bytes).unwrap();
        assert_eq!(code.class(), class);
        assert_eq!(code.to_bytes(), *bytes);
        assert_eq!(code.to_string().as_bytes(), bytes);
    }
    for bad in [b"X00", b"f00", b"F0a", b"F 0", b"F\x000", b"\0\0\0", b"\xc6\x30\x30"] {
        assert_eq!(ErrorCode::from_bytes(*bad), None, "{bad:?}");
    }
}

#[test]
fn names_are_those_of_the_rfc() {
    assert_eq!(ErrorCode::F08_AMOUNT_TOO_LARGE.name(), Some("Amount Too Large"));
    assert_eq!(ErrorCode::R99_APPLICATION_ERROR.name(), Some("Application Error"));
    assert_eq!(ErrorCode::from_bytes(*b"T42").unwrap().name(), None);
    assert_eq!(format!("{:?} {0:>5}", ErrorCode::F02_UNREACHABLE), "F02   F02");
}
