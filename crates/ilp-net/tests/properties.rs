use ilp_net::{Endpoint, Host, HostPort, ReceiverUrl, ServiceUrl, WalletAddressUrl, WalletUrl};
use proptest::prelude::*;
use url::Url;

/// Texts that are often URLs, with the parts in them that programs understand differently.
fn url_like() -> impl Strategy<Value = String> {
    let scheme = prop_oneof![
        Just(""),
        Just("$"),
        Just("http://"),
        Just("https://"),
        Just("HTTPS://"),
        Just("https:"),
        Just("ftp://"),
    ];
    let user = prop_oneof![8 => Just(String::new()), 1 => "[a-z:%]{0,4}@"];
    let host = prop_oneof![
        "[a-zA-Z0-9_-]{1,6}(\\.[a-zA-Z0-9-]{1,4}){0,2}\\.?",
        "[0-9]{1,3}(\\.[0-9]{1,3}){3}",
        "\\[(::ffff:)?[0-9a-fA-F:.]{2,12}\\]",
        Just("localhost".to_owned()),
        Just("xn--wllet-gra.example".to_owned()),
    ];
    let port = prop_oneof![3 => Just(String::new()), 1 => ":[0-9]{0,5}"];
    let path = prop_oneof![
        Just(String::new()),
        "(/([a-zA-Z0-9~!@:;.]|%[0-9a-fA-F]{2}|%){0,5}){1,3}",
        Just("/%2e%2E/x".to_owned()),
        Just("/.".to_owned()),
    ];
    let rest = prop_oneof![6 => Just(String::new()), 1 => "[?#][a-z'%/?]{0,5}"];
    (scheme, user, host, port, path, rest).prop_map(|(scheme, user, host, port, path, rest)| {
        format!("{scheme}{user}{host}{port}{path}{rest}")
    })
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC*", "[$:/?#@%.a-z0-9\\[\\]\\PC]{0,40}", url_like()]
}

proptest! {
    #[test]
    fn no_text_panics_and_the_normal_form_parses_to_itself(text in any_text()) {
        if let Ok(host) = Host::parse(&text) {
            prop_assert_eq!(Host::parse(&host.to_string()), Ok(host));
        }
        if let Ok(authority) = HostPort::parse(&text) {
            prop_assert_eq!(HostPort::parse(&authority.to_string()), Ok(authority));
        }
        if let Ok(endpoint) = Endpoint::parse(&text) {
            prop_assert_eq!(Endpoint::parse(&endpoint.to_string()), Ok(endpoint.clone()));
            let key = endpoint.peering_key();
            prop_assert_eq!(Endpoint::parse(&key).map(|again| again.peering_key()), Ok(key));
        }
        if let Ok(receiver) = ReceiverUrl::parse(&text) {
            prop_assert_eq!(ReceiverUrl::parse(&receiver.to_string()), Ok(receiver.clone()));
            if let Some(pointer) = receiver.payment_pointer() {
                prop_assert_eq!(ReceiverUrl::parse(&pointer), Ok(receiver));
            }
        }
        if let Ok(wallet) = WalletUrl::parse(&text) {
            prop_assert_eq!(WalletUrl::parse(wallet.as_str()), Ok(wallet));
        }
        if let Ok(address) = WalletAddressUrl::parse(&text) {
            prop_assert_eq!(WalletUrl::parse(&text), Ok(address.as_wallet_url().clone()));
            prop_assert_eq!(WalletAddressUrl::parse(address.as_str()), Ok(address));
        }
        if let Ok(service) = ServiceUrl::parse(&text) {
            prop_assert_eq!(Some(service.reveal()), text.split('#').next());
            prop_assert_eq!(ServiceUrl::parse(service.reveal()), Ok(service.clone()));
        }
    }

    /// An accepted URL means the same to a library with the browsers' rules, which corrects texts
    /// that this crate refuses.
    #[test]
    fn another_library_understands_the_same(text in url_like()) {
        if let Ok(endpoint) = Endpoint::parse(&text) {
            let normal = endpoint.to_string();
            let other = Url::parse(&normal).unwrap();
            prop_assert_eq!(other.scheme(), endpoint.scheme().as_str());
            prop_assert_eq!(other.host_str().unwrap(), endpoint.host().to_string());
            prop_assert_eq!(other.port_or_known_default(), Some(endpoint.port()));
            prop_assert_eq!(other.path(), endpoint.path());
            // The library encodes an apostrophe in a query, which servers decode.
            prop_assert_eq!(other.as_str().replace("%27", "'"), normal.replace("%27", "'"));
        }
    }

    /// A text that both understand is not moved to another host by the way it is written.
    #[test]
    fn the_written_form_leads_to_the_same_host(text in url_like()) {
        if let (Ok(endpoint), Ok(other)) = (Endpoint::parse(&text), Url::parse(&text))
            && other.has_host()
        {
            let host = Host::parse(other.host_str().unwrap()).unwrap().dialled();
            prop_assert_eq!(&host, endpoint.host(), "{}", text);
            prop_assert_eq!(other.port_or_known_default(), Some(endpoint.port()));
        }
    }
}
