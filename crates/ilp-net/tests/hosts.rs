use std::net::IpAddr;

use ilp_net::{DialTarget, Endpoint, Host, HostPort, Reach};

#[test]
fn every_address_has_one_reach() {
    for (reach, addresses) in [
        (Reach::Unspecified, &["0.0.0.0", "::", "::ffff:0.0.0.0"][..]),
        (Reach::Loopback, &["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"]),
        (
            Reach::Private,
            &[
                "10.1.2.3",
                "172.16.0.1",
                "192.168.1.1",
                "::ffff:10.0.0.1",
                "100.64.0.1",
                "169.254.1.1",
                "fc00::1",
                "fd00::1",
                "fe80::1",
                // Metadata services: most clouds, Alibaba, Azure, AWS over IPv6.
                "169.254.169.254",
                "100.100.100.200",
                "168.63.129.16",
                "fd00:ec2::254",
            ],
        ),
        (
            Reach::Reserved,
            &[
                "0.1.2.3",
                "192.0.0.192",
                "192.0.2.1",
                "198.18.0.1",
                "198.51.100.1",
                "224.0.0.1",
                "240.0.0.1",
                "255.255.255.255",
                "::2",
                "64:ff9b::7f00:1",
                "fec0::1",
                "ff02::1",
                "2001:0:7f00:1::",
                "2001:db8::1",
                "2002:7f00:1::",
                "3fff::1",
            ],
        ),
        (
            Reach::Public,
            &[
                "1.1.1.1",
                "100.128.0.1",
                "172.15.0.1",
                "172.32.0.1",
                "192.1.0.1",
                "2606:4700::1",
                "2001:4860:4860::8888",
                "::ffff:1.1.1.1",
            ],
        ),
    ] {
        for text in addresses {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(Reach::of(address), reach, "{text}");
            assert_eq!(Host::from(address).reach(), Some(reach), "{text}");
        }
    }
    assert!(Reach::Private.is_near() && !Reach::Reserved.is_near() && !Reach::Public.is_near());
}

#[test]
fn a_host_is_dialled_and_judged_in_one_way() {
    let host = |text: &str| Host::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    for (text, dialled) in [
        ("0.0.0.0", DialTarget::Address("127.0.0.1".parse().unwrap())),
        ("[::]", DialTarget::Address("::1".parse().unwrap())),
        ("[::ffff:0.0.0.0]", DialTarget::Address("127.0.0.1".parse().unwrap())),
        ("Bob.Localhost.", DialTarget::Name("localhost")),
        ("Ilp.Example.Com", DialTarget::Name("ilp.example.com")),
        ("notlocalhost", DialTarget::Name("notlocalhost")),
    ] {
        assert_eq!(host(text).dial_target(), dialled, "{text}");
    }
    for here in ["localhost", "a.LOCALHOST.", "127.1.2.3", "[::1]", "0.0.0.0", "[::ffff:127.0.0.1]"]
    {
        assert!(host(here).is_this_machine(), "{here}");
    }
    for there in ["10.0.0.1", "localhost.example", "container", "[fe80::1]"] {
        assert!(!host(there).is_this_machine(), "{there}");
    }
    for outside in ["ilp.mywallet.com", "1.1.1.1", "[2606:4700::1]"] {
        assert!(host(outside).is_of_the_internet(), "{outside}");
    }
    for inside in
        ["container", "a.local", "a.test", "x.localhost", "10.0.0.1", "192.0.2.1", "[::1]"]
    {
        assert!(!host(inside).is_of_the_internet(), "{inside}");
    }
    let written = |text: &str| Endpoint::written_host(text).unwrap().reach();
    assert_eq!(written("http://0.0.0.0:3002"), Some(Reach::Unspecified));
    assert_eq!(written("127.0.0.1:3002/ilp"), Some(Reach::Loopback));
}

#[test]
fn a_host_header_has_a_host_and_maybe_a_port() {
    for (text, host, port) in [
        ("LocalHost:3001", "localhost", Some(3_001)),
        ("localhost.", "localhost", None),
        ("[::1]:3001", "[::1]", Some(3_001)),
        ("[::ffff:127.0.0.1]", "127.0.0.1", None),
    ] {
        let found = HostPort::parse(text).unwrap();
        assert_eq!((found.host.to_string().as_str(), found.port.map(u16::from)), (host, port));
    }
    for text in ["", ":1", "a:", "a:b", "::1", "[::1]1", "me@a", "a/b", "a b"] {
        assert!(HostPort::parse(text).is_err(), "{text}");
    }
}
