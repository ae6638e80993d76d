use std::collections::HashMap;

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::fixtures::any_address;

/// The grammar of IL-RFC 15 once more, in the slowest and plainest way.
fn is_address(bytes: &[u8]) -> bool {
    let schemes = "g private example peer self test test1 test2 test3 local";
    let Ok(text) = from_utf8(bytes) else { return false };
    let mut segments = text.split('.');
    let scheme = segments.next().unwrap_or_default();
    let rest: Vec<&str> = segments.collect();
    let is_segment = |segment: &&str| {
        !segment.is_empty()
            && segment
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || "_~-".contains(letter))
    };
    schemes.split(' ').any(|known| known == scheme)
        && !rest.is_empty()
        && rest.iter().all(is_segment)
        && bytes.len() <= 1023
}

#[test]
fn errors_name_the_segment_and_the_byte() {
    let cases = [
        ("", "the address is empty, an allocation scheme and a segment are expected"),
        ("g", "the allocation scheme stands alone, at least one segment must follow it"),
        ("g.", "segment 2 is empty at byte 2 of the address"),
        (".g", "segment 1 is empty at byte 0 of the address"),
        ("g.a..b", "segment 3 is empty at byte 4 of the address"),
        ("test1.a b", "segment 2 has ' ' at byte 7 of the address; A-Z a-z 0-9 _ ~ - are allowed"),
        ("g.é", "segment 2 has '\\xc3' at byte 2 of the address; A-Z a-z 0-9 _ ~ - are allowed"),
        (
            "test4.a",
            "segment 1 (5 bytes) is no allocation scheme; g, private, example, peer, self, test, \
             test1, test2, test3 and local are",
        ),
    ];
    for (text, reason) in cases {
        assert_eq!(Address::try_from(text).unwrap_err().to_string(), reason, "{text:?}");
    }
    let longest = format!("g.{}", "a".repeat(1021));
    assert!(Address::try_from(longest.as_str()).is_ok());
    let error = Address::try_from(format!("{longest}a")).unwrap_err();
    assert_eq!(error.to_string(), "the address has 1024 bytes, at most 1023 are allowed");
}

#[test]
fn schemes_are_told_apart() {
    for (text, scheme, is_test) in [
        ("g.a", Scheme::Global, false),
        ("private.a", Scheme::Private, false),
        ("example.a", Scheme::Example, false),
        ("peer.a", Scheme::Peer, false),
        ("self.a", Scheme::Loopback, false),
        ("test.a", Scheme::Test, true),
        ("test1.a", Scheme::Test1, true),
        ("test2.a", Scheme::Test2, true),
        ("test3.a", Scheme::Test3, true),
        ("local.a", Scheme::Local, false),
    ] {
        let address = Address::try_from(text).unwrap();
        assert_eq!(address.scheme(), scheme);
        assert_eq!(address.segments().next(), Some(scheme.as_str()));
        assert_eq!(scheme.is_test(), is_test);
    }
    // The case matters, for schemes too.
    assert!(Address::try_from("G.a").is_err());
}

#[test]
fn prefixes_end_where_segments_do() {
    let bob = Address::try_from("g.bob").unwrap();
    assert!(bob.starts_with_segments("g"));
    assert!(bob.starts_with_segments("g.bob"));
    assert!(bob.starts_with_segments(&bob));
    assert!(Address::try_from("g.bob.alice").unwrap().starts_with_segments("g.bob"));
    assert!(!Address::try_from("g.bobby").unwrap().starts_with_segments("g.bob"));
    assert!(!bob.starts_with_segments("g.bob.alice"));
    assert!(!bob.starts_with_segments("g."));
    assert!(!bob.starts_with_segments(""));
}

#[test]
fn suffixes_are_segments() {
    let bob = Address::try_from("g.bob").unwrap();
    assert_eq!(bob.with_suffix("alice").unwrap(), "g.bob.alice");
    assert_eq!(bob.with_suffix("alice.1").unwrap(), "g.bob.alice.1");
    assert_eq!(bob.with_suffix(""), Err(AddressError::EmptySegment { segment: 3, offset: 6 }));
    let found = b' ';
    let error = AddressError::InvalidByte { segment: 3, offset: 7, found };
    assert_eq!(bob.with_suffix("a b"), Err(error));
    assert_eq!(bob.with_suffix(&"a".repeat(1018)), Err(AddressError::TooLong { found: 1024 }));
}

#[test]
fn a_map_is_searched_by_text() {
    let mut map = HashMap::new();
    map.insert(Address::try_from("g.bob").unwrap(), 1);
    assert_eq!(map.get("g.bob"), Some(&1));
}

proptest! {
    #[test]
    fn text_round_trips(address in any_address()) {
        prop_assert_eq!(&address.to_string().parse::<Address>()?, &address);
        prop_assert_eq!(&address.as_addr().to_address(), &address);
        prop_assert_eq!(address.segments().collect::<Vec<_>>().join("."), address.as_str());
        prop_assert!(address.starts_with_segments(address.scheme().as_str()));
        prop_assert!(address.with_suffix("x")?.starts_with_segments(&address));
    }

    #[test]
    fn the_quick_check_agrees_with_the_plain_one(
        text in "(g|test|test3|local|x|)[.a-zA-Z~_-]{0,70}",
        address in any_address(),
        bytes in vec(any::<u8>(), 0..40),
        place in any::<usize>(),
        byte in prop_oneof![Just(b'.'), any::<u8>()],
    ) {
        let mut changed = address.as_bytes().to_vec();
        let place = place % changed.len();
        changed[place] = byte;
        for bytes in [text.as_bytes(), &changed, &bytes] {
            prop_assert_eq!(Addr::try_from(bytes).is_ok(), is_address(bytes), "{:?}", bytes);
        }
    }

    #[test]
    fn the_order_and_equality_are_those_of_the_text(one in any_address(), two in any_address()) {
        prop_assert_eq!(one.cmp(&two), one.as_str().cmp(two.as_str()));
        prop_assert_eq!(one.as_addr() == two.as_addr(), one.as_str() == two.as_str());
    }
}
