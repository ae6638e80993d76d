//! The endpoint at which peers reach this node, judged as another operator will read it.

use ilp_net::{Endpoint, Reach};

/// Returns an endpoint with its scheme: some nodes, Rafiki's among them, accept no other form. A
/// text that is not an endpoint stays as it is.
pub(crate) fn with_scheme(endpoint: &str) -> String {
    let Ok(known) = Endpoint::parse(endpoint) else { return endpoint.to_owned() };
    let prefix = format!("{}://", known.scheme());
    match endpoint.get(..prefix.len()) {
        Some(written) if written.eq_ignore_ascii_case(&prefix) => endpoint.to_owned(),
        _ => format!("{prefix}{endpoint}"),
    }
}

/// Returns the reason why the operator of another machine can't use an endpoint of this node, and
/// what to set; `None` for an endpoint on the Internet, as far as its text shows.
pub(crate) fn advice(endpoint: &str) -> Option<String> {
    let place = match reach(endpoint)? {
        Reach::Unspecified => "stands for every address of this machine",
        Reach::Loopback => "is reached from this machine alone",
        Reach::Private => "is in a private network",
        Reach::Reserved => "is not an address on the Internet",
        Reach::Public => return None,
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
    reach(endpoint) == Some(Reach::Unspecified)
}

/// Returns the reach of the host as it is written, since an unspecified address is dialled as
/// another one.
fn reach(endpoint: &str) -> Option<Reach> {
    Endpoint::written_host(endpoint).ok()?.reach()
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
            ("HTTPS://ilp.example.com", "HTTPS://ilp.example.com"),
            ("ilp.example.com?a=b://c", "https://ilp.example.com?a=b://c"),
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
            ("http://100.64.0.1:3002", "private network"),
            ("http://LocalHost.:3002", "from this machine alone"),
            ("http://192.0.2.1:3002", "not an address on the Internet"),
        ] {
            let told = advice(endpoint).unwrap();
            assert!(told.contains(words) && told.contains("ilp.public_url"), "{told}");
        }
        for endpoint in ["https://ilp.example.com", "http://1.1.1.1:3002", "http://[2606:4700::1]"]
        {
            assert_eq!(advice(endpoint), None, "{endpoint}");
        }
        assert!(is_unspecified("http://0.0.0.0:1") && is_unspecified("[::]:1"));
        assert!(!is_unspecified("http://127.0.0.1:1"));
    }
}
