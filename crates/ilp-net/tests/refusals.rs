use ilp_net::{
    Endpoint, HostError, PathError, ReceiverError, ReceiverUrl, ServiceUrl, UrlError,
    WalletAddressError, WalletAddressUrl,
};

#[test]
fn an_endpoint_is_refused_by_name() {
    use UrlError as E;
    let host = |text: &str| E::Host(HostError::Name(text.to_owned()));
    let port = |text: &str| E::Host(HostError::Port(text.to_owned()));
    let (no_host, ipv6) = (E::Host(HostError::Missing), E::Host(HostError::Ipv6));
    for (written, why) in [
        ("", E::Empty),
        (" ", E::Character { character: ' ', at: 0 }),
        ("https://a b/", E::Character { character: ' ', at: 9 }),
        ("https://a/\r\nHost: b", E::Character { character: '\r', at: 10 }),
        ("https://a\\b", E::Character { character: '\\', at: 9 }),
        ("https://\u{e4}.example", E::Character { character: '\u{e4}', at: 8 }),
        ("https://a/\0", E::Character { character: '\0', at: 10 }),
        ("https://a/\u{7f}", E::Character { character: '\u{7f}', at: 10 }),
        ("ftp://a", E::Scheme("ftp".into())),
        ("WSS://a", E::Scheme("wss".into())),
        ("file:///etc/passwd", E::Scheme("file".into())),
        ("https:a", E::SchemeWithoutSlashes),
        ("https:/a", E::SchemeWithoutSlashes),
        ("http:443", E::SchemeWithoutSlashes),
        ("https://user:secret@a/", E::UserInfo),
        ("user@a", E::UserInfo),
        ("@a", E::UserInfo),
        ("https://a/#b", E::Fragment),
        ("a#", E::Fragment),
        ("https://", no_host.clone()),
        ("//a/b", no_host.clone()),
        ("/ilp", no_host.clone()),
        ("?a", no_host.clone()),
        (":3002", no_host.clone()),
        (".", no_host.clone()),
        ("https://:3002/", no_host),
        ("a..b", host("a..b")),
        ("-a.example", host("-a.example")),
        ("a%41.example", host("a%41.example")),
        ("127.1", host("127.1")),
        ("256.1.1.1", host("256.1.1.1")),
        ("a:", port("")),
        ("a:0", port("0")),
        ("a:65536", port("65536")),
        ("a:+80", port("+80")),
        ("a:80x/", port("80x")),
        ("::1", ipv6.clone()),
        ("fe80::1:3002", ipv6.clone()),
        ("[::1", ipv6.clone()),
        ("[::1]3002", ipv6.clone()),
        ("[fe80::1%25eth0]", ipv6.clone()),
        ("[127.0.0.1]", ipv6),
        ("a/{b}", E::Path(PathError::Character('{'))),
        ("a/b%2", E::Path(PathError::PercentEncoding)),
        ("a/b%zz", E::Path(PathError::PercentEncoding)),
        ("a/./b", E::Path(PathError::DotSegment)),
        ("a/%2E%2e", E::Path(PathError::DotSegment)),
        ("a?<b>", E::Path(PathError::QueryCharacter('<'))),
    ] {
        assert_eq!(Endpoint::parse(written), Err(why), "{written:?}");
    }
    assert_eq!(Endpoint::parse(&"a".repeat(3_000)), Err(E::TooLong(3_000)));
    let long_label = "a".repeat(64);
    assert_eq!(Endpoint::parse(&long_label), Err(host(&long_label)));
}

#[test]
fn a_receiver_is_refused_by_name() {
    for text in ["", "bob", "example.com/bob", "/https://example.com", "$https://example.com/bob"] {
        let refused = ReceiverUrl::parse(text);
        assert_eq!(refused, Err(ReceiverError::NeitherPointerNorUrl), "{text}");
    }
    let with_port = |url: &str| ReceiverError::PointerWithPort(url.to_owned());
    for (text, error) in [
        ("$example.com:443/bob", with_port("https://example.com/bob")),
        ("$127.0.0.1:3003/bob", with_port("http://127.0.0.1:3003/bob")),
        ("$alice:secret@example.com", ReceiverError::Url(UrlError::UserInfo)),
        ("$example.com/bob?x=1", ReceiverError::Query),
        ("$example.com?", ReceiverError::Query),
        ("https://example.com/bob#x", ReceiverError::Url(UrlError::Fragment)),
        ("http://example.com/bob", ReceiverError::Unencrypted),
        ("$", ReceiverError::Url(UrlError::Empty)),
        ("$/bob", ReceiverError::Url(UrlError::Host(HostError::Missing))),
        ("ftp://example.com/bob", ReceiverError::Url(UrlError::Scheme("ftp".to_owned()))),
    ] {
        assert_eq!(ReceiverUrl::parse(text), Err(error), "{text}");
    }
}

#[test]
fn a_wallet_address_is_refused_by_name() {
    for (text, error) in [
        ("https://a.example/", WalletAddressError::NoPath("https://a.example".to_owned())),
        ("https://a.example/b//c", WalletAddressError::EmptySegment),
        ("https://a.example/b/Quotes/c", WalletAddressError::Reserved("quotes")),
        ("http://a.example/b", WalletAddressError::Receiver(ReceiverError::Unencrypted)),
        ("a.example/b", WalletAddressError::Receiver(ReceiverError::NeitherPointerNorUrl)),
    ] {
        assert_eq!(WalletAddressUrl::parse(text), Err(error), "{text}");
    }
    let long = format!("https://a.example/{}", "x".repeat(2_048));
    assert!(WalletAddressUrl::parse(&long).is_err());
}

#[test]
fn no_error_and_no_debug_text_repeats_a_secret() {
    for text in [
        "https://bob:hunter2@a.example/",
        "bob:hunter2@a.example",
        "hunter2@a:99999",
        "https://bob:hunter2?@a.example/",
        "https://bob:hunter2/x@a.example/",
        "https://hunter2..x/@b",
        "https://a.example/hunter2/%2e%2e",
        "https://a.example/hunter2?hunter2<",
        "https://a.example/hunter2#",
        "https://a.example/hunter2?hunter2",
        "https://a.example/hunter2",
    ] {
        let mut shown = format!("{:?} {:?}", Endpoint::parse(text), ServiceUrl::parse(text));
        shown += &format!("{:?}", ReceiverUrl::parse(text));
        if let Ok(endpoint) = Endpoint::parse(text) {
            shown += &format!("{} {:?}", endpoint.origin(), endpoint.place());
        }
        for error in [
            Endpoint::parse(text).err().map(|error| error.to_string()),
            ServiceUrl::parse(text).err().map(|error| error.to_string()),
            ReceiverUrl::parse(text).err().map(|error| error.to_string()),
            WalletAddressUrl::parse(text).err().map(|error| error.to_string()),
        ] {
            shown += &error.unwrap_or_default();
        }
        assert!(!shown.contains("hunter2"), "{text}: {shown}");
    }
}
