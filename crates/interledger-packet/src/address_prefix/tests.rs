use super::*;

#[test]
fn a_prefix_is_an_address_or_a_scheme() {
    for good in ["g", "test2", "local", "g.bob", "g.bob.alice"] {
        let prefix: AddressPrefix = good.parse().unwrap();
        assert_eq!(prefix, good);
        assert_eq!(prefix.to_address().is_some(), good.contains('.'));
        assert_eq!(prefix.segments().next(), Some(prefix.scheme().as_str()));
    }
    for bad in ["", "h", "g.", "g.bob.", ".", "g..bob", "g.b b"] {
        assert!(bad.parse::<AddressPrefix>().is_err(), "{bad:?}");
    }
}

#[test]
fn a_prefix_covers_whole_segments() {
    let bob: AddressPrefix = "g.bob".parse().unwrap();
    assert!(bob.is_prefix_of(Addr::try_from("g.bob").unwrap()));
    assert!(bob.is_prefix_of(Addr::try_from("g.bob.alice").unwrap()));
    assert!(!bob.is_prefix_of(Addr::try_from("g.bobby").unwrap()));
    let global: AddressPrefix = "g".parse().unwrap();
    assert!(global.is_prefix_of(Addr::try_from("g.bobby").unwrap()));
    assert!(bob.starts_with_segments(&global));
    assert!(!global.starts_with_segments(&bob));
}
