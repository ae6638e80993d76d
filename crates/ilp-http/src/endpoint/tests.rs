use super::*;
use proptest::prelude::*;

#[test]
fn endpoints_as_people_write_them() {
    let table = [
        ("ilp.othergreatwallet.com", "https://ilp.othergreatwallet.com/"),
        ("ilp.othergreatwallet.com/", "https://ilp.othergreatwallet.com/"),
        ("HTTPS://ILP.Example.COM/Ilp", "https://ilp.example.com/Ilp"),
        ("http://ilp.example.com", "http://ilp.example.com/"),
        ("https://ilp.example.com:443/x", "https://ilp.example.com/x"),
        ("https://ilp.example.com:80/x", "https://ilp.example.com:80/x"),
        ("http://ilp.example.com:80", "http://ilp.example.com/"),
        ("ilp.example.com.", "https://ilp.example.com/"),
        ("host:3002/path", "https://host:3002/path"),
        ("host:3002/path?x=http://other/", "https://host:3002/path?x=http://other/"),
        ("host?x=1", "https://host/?x=1"),
        ("host/a@b:c", "https://host/a@b:c"),
        ("rafiki-backend:3002", "https://rafiki-backend:3002/"),
        ("my_node:3002", "https://my_node:3002/"),
        ("host.docker.internal:3002", "https://host.docker.internal:3002/"),
        ("http://host.docker.internal:3002", "http://host.docker.internal:3002/"),
        ("localhost:3002", "http://localhost:3002/"),
        ("LocalHost", "http://localhost/"),
        ("alice.localhost:1/ilp", "http://alice.localhost:1/ilp"),
        ("notlocalhost", "https://notlocalhost/"),
        ("localhost.example.com", "https://localhost.example.com/"),
        ("https://localhost:3002", "https://localhost:3002/"),
        ("127.0.0.1:3002", "http://127.0.0.1:3002/"),
        ("127.9.9.9", "http://127.9.9.9/"),
        ("10.1.2.3", "http://10.1.2.3/"),
        ("172.16.0.1", "http://172.16.0.1/"),
        ("172.32.0.1", "https://172.32.0.1/"),
        ("192.168.1.1:8080/ilp?a=b", "http://192.168.1.1:8080/ilp?a=b"),
        ("169.254.1.1", "http://169.254.1.1/"),
        ("8.8.8.8", "https://8.8.8.8/"),
        ("0.0.0.0:3002", "http://127.0.0.1:3002/"),
        ("https://0.0.0.0:3002", "https://127.0.0.1:3002/"),
        ("[::1]:3002", "http://[::1]:3002/"),
        ("[::]:3002/x", "http://[::1]:3002/x"),
        ("[fd00::1]", "http://[fd00::1]/"),
        ("[fe80::1]", "http://[fe80::1]/"),
        ("[::ffff:10.0.0.1]", "http://[::ffff:10.0.0.1]/"),
        ("[2001:db8::1]:443", "https://[2001:db8::1]/"),
        ("http://[2001:DB8::1]:3002/ilp", "http://[2001:db8::1]:3002/ilp"),
    ];
    for (written, meant) in table {
        let endpoint = Endpoint::parse(written).unwrap_or_else(|e| panic!("{written}: {e}"));
        assert_eq!(endpoint.to_string(), meant, "{written}");
    }
}

#[test]
fn endpoints_that_are_refused() {
    use EndpointError as E;
    let host = |text: &str| E::Host(text.to_owned());
    let port = |text: &str| E::Port(text.to_owned());
    let table = [
        ("", E::Empty),
        (" ", E::Character { character: ' ', at: 0 }),
        ("https://a b/", E::Character { character: ' ', at: 9 }),
        ("https://a/\r\nHost: b", E::Character { character: '\r', at: 10 }),
        ("https://a\\b", E::Character { character: '\\', at: 9 }),
        ("https://\u{e4}.example", E::Character { character: '\u{e4}', at: 8 }),
        ("https://a/\0", E::Character { character: '\0', at: 10 }),
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
        ("https://", E::NoHost),
        ("//a/b", E::NoHost),
        ("/ilp", E::NoHost),
        ("?a", E::NoHost),
        (":3002", E::NoHost),
        (".", E::NoHost),
        ("https://:3002/", E::NoHost),
        ("a..b", host("a..b")),
        ("-a.example", host("-a.example")),
        ("a%41.example", host("a%41.example")),
        ("127.1", host("127.1")),
        ("2130706433", host("2130706433")),
        ("0x7f.0x1", host("0x7f.0x1")),
        ("256.1.1.1", host("256.1.1.1")),
        ("a:", port("")),
        ("a:0", port("0")),
        ("a:65536", port("65536")),
        ("a:+80", port("+80")),
        ("a:80x/", port("80x")),
        ("::1", E::Ipv6),
        ("fe80::1:3002", E::Ipv6),
        ("[::1", E::Ipv6),
        ("[::1]3002", E::Ipv6),
        ("[fe80::1%25eth0]", E::Ipv6),
        ("[127.0.0.1]", E::Ipv6),
        ("https://a/\u{7f}", E::Character { character: '\u{7f}', at: 10 }),
    ];
    for (written, why) in table {
        assert_eq!(Endpoint::parse(written), Err(why), "{written:?}");
    }
    assert_eq!(Endpoint::parse(&"a".repeat(3_000)), Err(E::TooLong(3_000)));
    let long_label = "a".repeat(64);
    assert_eq!(Endpoint::parse(&long_label), Err(host(&long_label)));
}

#[test]
fn a_refusal_never_repeats_a_password() {
    for written in ["https://bob:hunter2@a/", "bob:hunter2@a", "hunter2@a:99999"] {
        let refusal = Endpoint::parse(written).unwrap_err();
        assert!(!format!("{refusal} {refusal:?}").contains("hunter2"), "{refusal}");
    }
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(text in "\\PC*") {
        let _ = Endpoint::parse(&text);
    }

    #[test]
    fn anything_like_a_url_is_parsed_or_refused(
        text in "(https?://|ftp:|)[a-z0-9@:\\[\\]./?#%-]{0,40}"
    ) {
        let _ = Endpoint::parse(&text);
    }

    #[test]
    fn what_is_displayed_parses_to_the_same(
        text in "(https?://|)([a-z]{1,5}|[0-9]{1,3}(\\.[0-9]{1,3}){3}|\\[::[0-9]\\])(:[0-9]{1,5}|)(/[a-z?=&]{0,9}|)"
    ) {
        if let Ok(endpoint) = Endpoint::parse(&text) {
            prop_assert_eq!(Endpoint::parse(&endpoint.to_string()), Ok(endpoint));
        }
    }
}
