use ilp_net::{Endpoint, ReceiverUrl, WalletAddressUrl, WalletUrl};

/// The meaning of one text to each kind of URL; `None` where it is refused.
struct Answer {
    text: &'static str,
    endpoint: Option<&'static str>,
    receiver: Option<&'static str>,
    /// The URL of the wallet address that a payer means by the text.
    wallet: Option<&'static str>,
    /// Whether a new wallet address may have that URL.
    is_new_address: bool,
    why: &'static str,
}

const fn all(
    text: &'static str,
    endpoint: &'static str,
    receiver: &'static str,
    wallet: &'static str,
    why: &'static str,
) -> Answer {
    Answer {
        text,
        endpoint: Some(endpoint),
        receiver: Some(receiver),
        wallet: Some(wallet),
        is_new_address: true,
        why,
    }
}

const fn none(text: &'static str, why: &'static str) -> Answer {
    Answer { text, endpoint: None, receiver: None, wallet: None, is_new_address: false, why }
}

const fn only_endpoint(text: &'static str, endpoint: &'static str, why: &'static str) -> Answer {
    Answer { endpoint: Some(endpoint), ..none(text, why) }
}

/// A receiver and its wallet address, which a new one may have. No endpoint is a payment pointer.
const fn pointer(
    text: &'static str,
    receiver: &'static str,
    wallet: &'static str,
    why: &'static str,
) -> Answer {
    Answer { endpoint: None, ..all(text, "", receiver, wallet, why) }
}

/// Each text that two places once understood differently.
const ANSWERS: &[Answer] = &[
    // Payment pointers.
    pointer(
        "$wallet.example/Bob",
        "https://wallet.example/Bob",
        "https://wallet.example/bob",
        "another node's path keeps its case, our own wallet addresses have none",
    ),
    pointer(
        "$wallet.example",
        "https://wallet.example/.well-known/pay",
        "https://wallet.example/.well-known/pay",
        "RFC 26: without a path a pointer means /.well-known/pay, also for a new address",
    ),
    pointer(
        "$127.0.0.1/bob",
        "http://127.0.0.1/bob",
        "http://127.0.0.1/bob",
        "a certificate is rare on a host nearby, so a pointer means what an endpoint means",
    ),
    none(
        "$127.0.0.1:3003/bob",
        "RFC 26 has no port and has all other forms refused, so other wallets refuse it; the error \
         tells the URL",
    ),
    none("$[::1]:3003/bob", "a pointer has no port"),
    none("$https://wallet.example/bob", "a pointer has no scheme"),
    none("$wallet.example/bob?x=1", "a payment endpoint has no query (RFC 9)"),
    // The scheme.
    all(
        "HTTPS://Wallet.Example/bob",
        "https://wallet.example/bob",
        "https://wallet.example/bob",
        "https://wallet.example/bob",
        "scheme and host have no case (RFC 3986)",
    ),
    only_endpoint(
        "wallet.example/bob",
        "https://wallet.example/bob",
        "an endpoint is typed without its scheme; a receiver without one may be meant as anything",
    ),
    only_endpoint("10.1.2.3/ilp", "http://10.1.2.3/ilp", "nearby no scheme means http"),
    only_endpoint(
        "http://wallet.example/bob",
        "http://wallet.example/bob",
        "the operator decides about a peer; a payment is not arranged in clear text",
    ),
    only_endpoint(
        "http://container/bob",
        "http://container/bob",
        "a name with one label may lead anywhere, so it is not nearby",
    ),
    none("https:wallet.example/bob", "some libraries would add the slashes, others read a port"),
    none("ftp://wallet.example/bob", "only http and https are supported"),
    // The host.
    all(
        "http://0.0.0.0:3003/bob",
        "http://127.0.0.1:3003/bob",
        "http://127.0.0.1:3003/bob",
        "http://127.0.0.1:3003/bob",
        "an unspecified address, copied from a listening one, stands for this machine",
    ),
    all(
        "http://[::]:3003/bob",
        "http://[::1]:3003/bob",
        "http://[::1]:3003/bob",
        "http://[::1]:3003/bob",
        "an unspecified address stands for this machine",
    ),
    all(
        "http://[::ffff:10.0.0.1]/bob",
        "http://10.0.0.1/bob",
        "http://10.0.0.1/bob",
        "http://10.0.0.1/bob",
        "an IPv4-mapped address is the IPv4 address: both lead to one socket",
    ),
    all(
        "http://[0:0:0:0:0:0:0:1]/bob",
        "http://[::1]/bob",
        "http://[::1]/bob",
        "http://[::1]/bob",
        "an IPv6 address has one spelling (RFC 5952)",
    ),
    all(
        "http://localhost./bob",
        "http://localhost/bob",
        "http://localhost/bob",
        "http://localhost/bob",
        "the final dot of a complete name changes nothing",
    ),
    all(
        "https://wallet.example./bob",
        "https://wallet.example/bob",
        "https://wallet.example/bob",
        "https://wallet.example/bob",
        "the final dot of a complete name changes nothing",
    ),
    all(
        "http://bob.localhost/bob",
        "http://bob.localhost/bob",
        "http://bob.localhost/bob",
        "http://bob.localhost/bob",
        "names below localhost are this machine (RFC 6761)",
    ),
    only_endpoint(
        "http://localhost.example/bob",
        "http://localhost.example/bob",
        "a name that begins with localhost may lead anywhere",
    ),
    all(
        "http://100.64.0.1/bob",
        "http://100.64.0.1/bob",
        "http://100.64.0.1/bob",
        "http://100.64.0.1/bob",
        "no public certificate exists for an address behind a provider's NAT: it is nearby",
    ),
    only_endpoint(
        "http://192.0.2.1/bob",
        "http://192.0.2.1/bob",
        "an address for documentation is neither nearby nor public",
    ),
    none("https://127.1/bob", "an address to some resolvers and a name to others"),
    none("https://0x7f.0x1/bob", "an address to some resolvers and a name to others"),
    none("https://2130706433/bob", "an address to some resolvers and a name to others"),
    none("https://w\u{e4}llet.example/bob", "two libraries may encode it differently"),
    all(
        "https://XN--WLLET-GRA.example/bob",
        "https://xn--wllet-gra.example/bob",
        "https://xn--wllet-gra.example/bob",
        "https://xn--wllet-gra.example/bob",
        "a name in another script is written in its xn-- form",
    ),
    none("https://wallet%2eexample/bob", "some libraries decode it, others resolve it as it is"),
    none("https://::1/bob", "an IPv6 address without brackets may end in a port"),
    none("https://[::1%25eth0]/bob", "a zone means something on one machine alone"),
    // The port.
    all(
        "https://wallet.example:443/bob",
        "https://wallet.example/bob",
        "https://wallet.example/bob",
        "https://wallet.example/bob",
        "the scheme's own port is left out",
    ),
    all(
        "https://wallet.example:080/bob",
        "https://wallet.example:80/bob",
        "https://wallet.example:80/bob",
        "https://wallet.example:80/bob",
        "a port is a number, and 80 is not the port of https",
    ),
    none("https://wallet.example:/bob", "an empty port is a typing error"),
    none("https://wallet.example:0/bob", "no connection leads to port 0"),
    // User info, query, fragment.
    none("https://me@wallet.example/bob", "a password in a URL ends up in logs"),
    none("https://@wallet.example/bob", "some libraries drop the @, others send it"),
    only_endpoint(
        "https://wallet.example/bob?key=1",
        "https://wallet.example/bob?key=1",
        "a peer may ask for a query, a payment endpoint has none",
    ),
    none("https://wallet.example/bob#1", "a fragment is never sent"),
    // The path.
    Answer {
        is_new_address: false,
        ..all(
            "https://wallet.example",
            "https://wallet.example/",
            "https://wallet.example/.well-known/pay",
            "https://wallet.example/.well-known/pay",
            "packets go to /, a payer asks at /.well-known/pay, and of a new address, as with \
             Rafiki, the path was forgotten",
        )
    },
    Answer {
        is_new_address: false,
        ..all(
            "https://wallet.example/",
            "https://wallet.example/",
            "https://wallet.example/.well-known/pay",
            "https://wallet.example/.well-known/pay",
            "a slash alone is no path",
        )
    },
    all(
        "https://wallet.example/bob/",
        "https://wallet.example/bob/",
        "https://wallet.example/bob/",
        "https://wallet.example/bob",
        "another node may tell the two apart; ours doesn't, since people add slashes at will",
    ),
    all(
        "https://wallet.example/%7Ebob",
        "https://wallet.example/~bob",
        "https://wallet.example/~bob",
        "https://wallet.example/~bob",
        "a character that needs no encoding is decoded (RFC 3986, section 6.2.2.2)",
    ),
    all(
        "https://wallet.example/b%c3%b6b%2f",
        "https://wallet.example/b%C3%B6b%2F",
        "https://wallet.example/b%C3%B6b%2F",
        "https://wallet.example/b%c3%b6b%2f",
        "other encodings stay, and their digits have no case",
    ),
    none("https://wallet.example/a/../bob", "some programs resolve the dots and others don't"),
    none("https://wallet.example/%2e%2E/bob", "encoded dots are dots"),
    none("https://wallet.example/b%", "what one program mends another refuses"),
    none("https://wallet.example/b\"b", "what one program mends another refuses"),
    none("https://wallet.example/b b", "what one program mends another refuses"),
    none("https://wallet.example\\bob", "browsers read a slash, other programs a host"),
    Answer {
        wallet: None,
        is_new_address: false,
        ..all(
            "https://wallet.example//bob",
            "https://wallet.example//bob",
            "https://wallet.example//bob",
            "",
            "another node may have such a path; no wallet address of ours has one",
        )
    },
    Answer {
        is_new_address: false,
        ..all(
            "https://wallet.example/%71uotes",
            "https://wallet.example/quotes",
            "https://wallet.example/quotes",
            "https://wallet.example/quotes",
            "the quotes of a wallet address are there",
        )
    },
];

#[test]
fn every_text_has_one_meaning() {
    for Answer { text, endpoint, receiver, wallet, is_new_address, why } in ANSWERS {
        let found = Endpoint::parse(text).map(|endpoint| endpoint.to_string());
        assert_eq!(found.as_deref().ok(), *endpoint, "endpoint {text}: {why}: {found:?}");
        let found = ReceiverUrl::parse(text).map(|receiver| receiver.to_string());
        assert_eq!(found.as_deref().ok(), *receiver, "receiver {text}: {why}: {found:?}");
        let found = WalletUrl::parse(text).map(|wallet| wallet.to_string());
        assert_eq!(found.as_deref().ok(), *wallet, "wallet {text}: {why}: {found:?}");
        let found = WalletAddressUrl::parse(text).map(|address| address.to_string());
        let expected = wallet.filter(|_| *is_new_address);
        assert_eq!(found.as_deref().ok(), expected, "wallet address {text}: {why}: {found:?}");
    }
}
