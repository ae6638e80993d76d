//! The endpoint at which peers reach this node, judged as another operator will read it.

use std::net::IpAddr;

use http::Uri;
use ilp_net::{Endpoint, Reach};
fn is_public(a: IpAddr) -> bool {
    Reach::of(a) == Reach::Public
}

/// Returns an endpoint with its scheme: some nodes, Rafiki's among them, accept no other form. A
/// text that is not an endpoint stays as it is.
pub(crate) fn with_scheme(endpoint: &str) -> String {
    match Endpoint::parse(endpoint) {
        Ok(_) if endpoint.contains("://") => endpoint.to_owned(),
        Ok(known) if known.is_tls() => format!("https://{endpoint}"),
        Ok(_) => format!("http://{endpoint}"),
        Err(_) => endpoint.to_owned(),
    }
}

/// Returns the reason why the operator of another machine can't use an endpoint of this node, and
/// what to set; `None` for an endpoint on the Internet, as far as its text shows.
pub(crate) fn advice(endpoint: &str) -> Option<String> {
    let uri: Uri = with_scheme(endpoint).parse().ok()?;
    let host = uri.host()?.trim_start_matches('[').trim_end_matches(']');
    let place = match host.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(address) if address.is_unspecified() => "stands for every address of this machine",
        Ok(address) if address.is_loopback() => "is reached from this machine alone",
        Ok(address) if !is_public(address) => "is in a private network",
        Ok(_) => return None,
        Err(_) if host == "localhost" || host.ends_with(".localhost") => {
            "is reached from this machine alone"
        }
        Err(_) => return None,
    };
    Some(format!(
        "{} {place}, so an operator elsewhere can't send packets there: set ilp.public_url to the URL \
         that reaches this node from outside, such as https://ilp.example.com, and restart the node",
        with_scheme(endpoint)
    ))
}

/// Returns whether an endpoint is the unspecified address, which can't be reached from another
/// machine.
pub(crate) fn is_unspecified(endpoint: &str) -> bool {
    let uri = with_scheme(endpoint).parse::<Uri>().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.is_ok_and(|address| address.to_canonical().is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_told_with_its_scheme() {
        for (given, told) in [
            ("ilp.example.com", "https://ilp.example.com"),
            ("ilp.example.com:444/a", "https://ilp.example.com:444/a"),
            ("127.0.0.1:3002", "http://127.0.0.1:3002"),
            ("http://ilp.example.com/a?b", "http://ilp.example.com/a?b"),
            ("no endpoint", "no endpoint"),
        ] {
            assert_eq!(with_scheme(given), told);
        }
    }

    #[test]
    fn an_endpoint_that_others_cant_use_is_told_with_the_key_to_set() {
        for (endpoint, words) in [
            ("http://0.0.0.0:3002", "every address of this machine"),
            ("http://[::]:3002", "every address of this machine"),
            ("127.0.0.1:3002", "from this machine alone"),
            ("http://localhost:3002", "from this machine alone"),
            ("http://[::1]:3002/", "from this machine alone"),
            ("http://[::ffff:127.0.0.1]:1", "from this machine alone"),
            ("10.1.2.3:3002", "private network"),
            ("http://192.168.1.5", "private network"),
            ("http://[fd00::1]:3002", "private network"),
        ] {
            let told = advice(endpoint).unwrap();
            assert!(told.contains(words) && told.contains("ilp.public_url"), "{told}");
        }
        for endpoint in ["https://ilp.example.com", "http://1.1.1.1:3002", "http://[2606:4700::1]"]
        {
            assert_eq!(advice(endpoint), None, "{endpoint}");
        }
        assert!(is_unspecified("http://0.0.0.0:1") && is_unspecified("http://[::]:1"));
        assert!(!is_unspecified("http://127.0.0.1:1"));
    }
}
