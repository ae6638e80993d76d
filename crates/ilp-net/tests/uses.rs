use ilp_net::{Endpoint, ReceiverUrl, ServiceUrl, WalletAddressUrl, WalletUrl};

#[test]
fn one_node_has_one_place_however_its_endpoint_is_written() {
    let place = |text: &str| Endpoint::parse(text).unwrap().place();
    let bob = place("https://ilp.bob.example/ilp");
    for same in [
        "https://ilp.bob.example/ilp/",
        "ilp.bob.example/ilp",
        "https://ILP.Bob.Example.:443/ilp",
        "http://ilp.bob.example/ilp",
        "https://ilp.bob.example/%69lp//",
    ] {
        assert_eq!(place(same), bob, "{same}");
    }
    for other in [
        "https://ilp.bob.example/other",
        "https://ilp.bob.example/ILP",
        "https://ilp.bob.example",
        "https://ilp.bob.example:8443/ilp",
        "https://ilp.carol.example/ilp",
        "https://ilp.bob.example/ilp?x=1",
    ] {
        assert_ne!(place(other), bob, "{other}");
    }
    let key = |text: &str| Endpoint::parse(text).unwrap().peering_key();
    for url in [
        "https://peering.example",
        "https://peering.example/",
        "HTTPS://Peering.Example:443",
        "https://peering.example:443/",
    ] {
        assert_eq!(key(url), "https://peering.example", "{url}");
    }
    assert_eq!(key("http://[::1]:3005/"), "http://[::1]:3005");
    assert_eq!(key("http://a.example:80/%7Epeer/"), "http://a.example/~peer");
    assert_eq!(key("https://a.example/?x=/"), "https://a.example?x=/");
    assert_ne!(key("https://a.example/A"), key("https://a.example/a"));
    assert_ne!(key("http://a.example"), key("https://a.example"));
}

#[test]
fn pointers_are_given_where_there_is_one() {
    for (text, pointer) in [
        ("https://example.com/bob", Some("$example.com/bob")),
        ("https://example.com/.well-known/pay", Some("$example.com")),
        ("$127.0.0.1/bob", Some("$127.0.0.1/bob")),
        ("https://example.com:8443/bob", None),
        ("http://127.0.0.1:3003/bob", None),
        // Encrypted although near: the pointer would mean http.
        ("https://127.0.0.1/bob", None),
    ] {
        let found = ReceiverUrl::parse(text).unwrap().payment_pointer();
        assert_eq!(found.as_deref(), pointer, "{text}");
    }
}

#[test]
fn an_incoming_payment_lies_below_its_wallet_address() {
    let alice = WalletAddressUrl::parse("$wallet.example/Alice").unwrap();
    let url = WalletAddressUrl::incoming_payment(alice.as_str(), "7F");
    assert_eq!(url, "https://wallet.example/alice/incoming-payments/7F");
    assert_eq!(WalletUrl::parse(&url).unwrap().incoming_payment_id(), Some("7f"));
    assert_eq!(alice.as_wallet_url().incoming_payment_id(), None);
    assert_eq!(alice.as_wallet_url().earlier_form(), None);
    let tilde = WalletUrl::parse("$wallet.example/%7Ealice").unwrap();
    assert_eq!(tilde.earlier_form().as_deref(), Some("https://wallet.example/%7ealice"));
}

#[test]
fn a_service_url_keeps_its_text_and_shows_whom_it_names() {
    for (url, shown) in [
        ("https://hooks.example", "https://hooks.example"),
        ("https://hooks.example/", "https://hooks.example/"),
        ("http://127.0.0.1:80/webhooks", "http://127.0.0.1:80/(hidden)"),
        ("https://me:pass@Hooks.example/T0/secret?key=1", "https://hooks.example/(hidden)"),
        ("HTTPS://hooks.example?key=1", "https://hooks.example/(hidden)"),
    ] {
        let service = ServiceUrl::parse(url).unwrap();
        assert_eq!((service.reveal(), service.to_string().as_str()), (url, shown));
        assert_eq!(format!("{service:?}"), format!("ServiceUrl({shown})"));
    }
    assert_eq!(
        ServiceUrl::parse("http://a.example/x?y#z").unwrap().reveal(),
        "http://a.example/x?y"
    );
    for text in ["hooks.example", "", "https://", "ftp://x", "https://a b", "https://a:0", "//a"] {
        assert!(ServiceUrl::parse(text).is_err(), "{text}");
    }
}
