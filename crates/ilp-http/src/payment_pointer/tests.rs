use super::*;
use proptest::prelude::*;

fn url(text: &str) -> String {
    ReceiverUrl::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).to_string()
}

fn refused(text: &str) -> ReceiverError {
    ReceiverUrl::parse(text).expect_err(text)
}

#[test]
fn the_rfcs_examples_mean_their_urls() {
    for (pointer, meant) in [
        ("$example.com", "https://example.com/.well-known/pay"),
        ("$example.com/", "https://example.com/.well-known/pay"),
        ("$example.com/invoices/12345", "https://example.com/invoices/12345"),
        ("$bob.example.com", "https://bob.example.com/.well-known/pay"),
        ("$example.com/bob", "https://example.com/bob"),
        ("$EXAMPLE.com/Bob", "https://example.com/Bob"),
        ("$example.com/@bob", "https://example.com/@bob"),
        ("$example.com/b%C3%B6b", "https://example.com/b%C3%B6b"),
        ("$example.com/b%c3%b6b", "https://example.com/b%C3%B6b"),
        ("$example.com/%7Ebob", "https://example.com/~bob"),
        ("$example.com/%7ebob%2Fx", "https://example.com/~bob%2Fx"),
    ] {
        assert_eq!(url(pointer), meant);
    }
}

#[test]
fn urls_are_taken_as_they_are() {
    for (written, meant) in [
        ("https://example.com/bob", "https://example.com/bob"),
        ("HTTPS://Example.com:443/bob", "https://example.com/bob"),
        ("https://example.com:8443/bob/", "https://example.com:8443/bob/"),
        ("https://example.com", "https://example.com/.well-known/pay"),
        ("http://127.0.0.1:3003/bob", "http://127.0.0.1:3003/bob"),
        ("http://[::1]:3003/bob", "http://[::1]:3003/bob"),
        ("http://wallet.localhost/bob", "http://wallet.localhost/bob"),
        // A pointer to a host that is near, where certificates are rare.
        ("$127.0.0.1/bob", "http://127.0.0.1/bob"),
        ("$[::1]/bob", "http://[::1]/bob"),
    ] {
        assert_eq!(url(written), meant);
    }
}

#[test]
fn what_is_neither_is_refused_by_name() {
    for text in ["", "bob", "example.com/bob", "/https://example.com", "$https://example.com/bob"] {
        assert_eq!(refused(text), ReceiverError::NeitherPointerNorUrl, "{text}");
    }
    for (text, error) in [
        ("$example.com:443/bob", ReceiverError::PointerWithPort("example.com:443/bob".to_owned())),
        ("$[::1]:3003/bob", ReceiverError::PointerWithPort("[::1]:3003/bob".to_owned())),
        ("$alice:secret@example.com", ReceiverError::UserInfo),
        ("https://alice@example.com/bob", ReceiverError::UserInfo),
        ("$example.com/bob?x=1", ReceiverError::Query),
        ("$example.com?x=1", ReceiverError::Query),
        ("https://example.com/bob#x", ReceiverError::Fragment),
        ("http://example.com/bob", ReceiverError::Unencrypted),
        ("http://container/bob", ReceiverError::Unencrypted),
        ("$example.com/b b", ReceiverError::PathCharacter(' ')),
        ("$example.com/b\u{f6}b", ReceiverError::PathCharacter('\u{f6}')),
        ("https://example.com/b\"b", ReceiverError::PathCharacter('"')),
        ("$example.com/b%", ReceiverError::PercentEncoding),
        ("$example.com/b%2", ReceiverError::PercentEncoding),
        ("$example.com/b%zz", ReceiverError::PercentEncoding),
        ("$example.com/a/../bob", ReceiverError::DotSegment),
        ("$example.com/%2e%2E/bob", ReceiverError::DotSegment),
        ("$", ReceiverError::Url(EndpointError::NoHost)),
        ("$/bob", ReceiverError::Url(EndpointError::NoHost)),
        ("ftp://example.com/bob", ReceiverError::Url(EndpointError::Scheme("ftp".to_owned()))),
    ] {
        assert_eq!(refused(text), error, "{text}");
    }
    let host = refused("$ex\u{e4}mple.com/bob");
    assert!(matches!(host, ReceiverError::Url(EndpointError::Character { .. })), "{host:?}");
}

#[test]
fn no_refusal_repeats_a_password() {
    let refusal = refused("https://alice:hunter2@example.com/bob").to_string();
    assert!(!refusal.contains("hunter2"), "{refusal}");
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

proptest! {
    #[test]
    fn no_text_panics_and_what_is_taken_is_normal(text in "[$:/?#@%.a-z0-9\\[\\]\\PC]{0,40}") {
        for text in [text.clone(), format!("${text}"), format!("https://{text}")] {
            if let Ok(receiver) = ReceiverUrl::parse(&text) {
                let again = ReceiverUrl::parse(&receiver.to_string());
                prop_assert_eq!(again, Ok(receiver));
            }
        }
    }
}
