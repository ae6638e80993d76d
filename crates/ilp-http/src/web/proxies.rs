//! The HTTP proxies that the environment names.

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use ilp_net::{Host, HostPort};
use std::fmt;

/// The rules that say which proxy a request goes through, from `HTTP_PROXY`, `HTTPS_PROXY`,
/// `ALL_PROXY` and `NO_PROXY` in upper or lower case.
///
/// A request to this machine never goes through a proxy, and packets to peers never come here.
#[derive(Default)]
pub struct Proxies {
    matcher: Option<Matcher>,
}

/// The URLs are left out: a proxy's may hold a password.
impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies").field("some", &self.matcher.is_some()).finish()
    }
}

impl Proxies {
    /// Makes rules without a proxy.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Returns whether there is no proxy.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.matcher.is_none()
    }

    /// Reads the rules from the variables whose values `variable` returns. Also returns the names
    /// of variables with values that are not understood: these proxies are not used.
    #[must_use]
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> (Self, Vec<String>) {
        let mut not_understood = Vec::new();
        let find = |name: &str| {
            let lower_case = name.to_ascii_lowercase();
            let names = [name, lower_case.as_str()];
            names.into_iter().find_map(|name| {
                let value = variable(name).filter(|value| !value.trim().is_empty())?;
                Some((name.to_owned(), value.trim().to_owned()))
            })
        };
        let mut proxy = |name: &str| match find(name) {
            Some((_, value)) if is_understood(&value) => value,
            Some((name, _)) => {
                not_understood.push(name);
                String::new()
            }
            None => String::new(),
        };
        let (all, http, https) = (proxy("ALL_PROXY"), proxy("HTTP_PROXY"), proxy("HTTPS_PROXY"));
        let exempt = find("NO_PROXY").map(|(_, value)| exemptions(&value)).unwrap_or_default();
        if [&all, &http, &https].into_iter().all(String::is_empty) {
            return (Self::none(), not_understood);
        }
        let matcher = Matcher::builder().all(all).http(http).https(https).no(exempt).build();
        (Self { matcher: Some(matcher) }, not_understood)
    }

    /// Returns the proxy for a request, if it goes through one.
    pub(super) fn find(&self, uri: &Uri) -> Option<Intercept> {
        let matcher = self.matcher.as_ref()?;
        let host = Host::parse(uri.host()?).ok()?;
        if host.is_this_machine() {
            return None;
        }
        // An exemption names a host in its normal form, whichever way the request writes it.
        matcher.intercept(&format!("{}://{host}/", uri.scheme_str()?).parse().ok()?)
    }

    /// Returns the credentials for the proxy of a request, if it needs any.
    pub(super) fn credentials_for(&self, uri: &Uri) -> Option<HeaderValue> {
        self.find(uri)?.basic_auth().cloned()
    }
}

/// Returns whether a value is an HTTP proxy, with a scheme or without.
fn is_understood(value: &str) -> bool {
    value.parse::<Uri>().is_ok_and(|uri| {
        uri.authority().is_some() && matches!(uri.scheme_str(), None | Some("http" | "https"))
    })
}

/// Converts `NO_PROXY` to the form that the library reads: entries divided by commas; names, which
/// stand for all names below them too; addresses; networks such as `10.0.0.0/8`. Blanks between
/// entries, `*.example.com`, brackets around addresses and ports are accepted too; a port is
/// ignored.
fn exemptions(value: &str) -> String {
    let entries = value.split([',', ' ', '\t', ';']).filter(|entry| !entry.is_empty());
    let entries: Vec<String> = entries
        .map(|entry| {
            let name = entry.strip_prefix("*.").or_else(|| entry.strip_prefix('.'));
            match HostPort::parse(name.unwrap_or(entry)).map(|named| named.host) {
                Ok(host) => host.address().map_or(host.to_string(), |address| address.to_string()),
                // A network, an address without brackets, or `*` for all hosts.
                Err(_) => entry.to_owned(),
            }
        })
        .collect();
    entries.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        let find = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let (proxies, not_understood) = Proxies::from_variables(find);
        assert!(not_understood.is_empty(), "{not_understood:?}");
        proxies
    }

    fn through(proxies: &Proxies, uri: &str) -> Option<String> {
        let found = proxies.find(&uri.parse().unwrap())?;
        Some(found.uri().authority().unwrap().to_string())
    }

    #[test]
    fn each_scheme_has_its_proxy() {
        let both = proxies(&[("http_proxy", "http://a:1"), ("HTTPS_PROXY", "b:2")]);
        assert_eq!(through(&both, "http://x.example/").as_deref(), Some("a:1"));
        assert_eq!(through(&both, "https://x.example/").as_deref(), Some("b:2"));
        let one = proxies(&[("HTTPS_PROXY", "https://b:2/"), ("HTTP_PROXY", "")]);
        assert_eq!(through(&one, "http://x.example/"), None);
        let all = proxies(&[("ALL_PROXY", "c:3"), ("HTTP_PROXY", "a:1")]);
        assert_eq!(through(&all, "http://x.example/").as_deref(), Some("a:1"));
        assert_eq!(through(&all, "https://x.example/").as_deref(), Some("c:3"));
        assert_eq!(through(&proxies(&[]), "https://x.example/"), None);
    }

    #[test]
    fn this_machine_is_never_reached_through_a_proxy_and_exempt_hosts_are_not() {
        let no = "internal.example, *.svc.cluster.local .corp,10.0.0.0/8,fd00::/8,[2001:db8::1]:80,\
                  192.0.2.7,db:5432";
        let some = proxies(&[("ALL_PROXY", "http://proxy:3128"), ("NO_PROXY", no)]);
        for direct in [
            "http://localhost/",
            "https://LOCALHOST:3001/",
            "http://wallet.localhost/",
            "http://127.0.0.1:3001/",
            "http://127.9.9.9/",
            "http://[::1]/",
            "http://0.0.0.0:3001/",
            "http://[::ffff:127.0.0.1]/",
            "https://internal.example/",
            "https://a.internal.example/",
            "http://rates.default.svc.cluster.local/",
            "http://x.corp/",
            "http://10.1.2.3:8080/",
            "http://[fd12::1]/",
            "http://[2001:db8::1]/",
            "http://192.0.2.7/",
            "http://db/",
            "http://DB./",
            "http://[::ffff:10.1.2.3]/",
        ] {
            assert_eq!(through(&some, direct), None, "{direct}");
        }
        for indirect in [
            "http://192.168.1.1/",
            "https://notinternal.example/",
            "http://11.0.0.1/",
            "http://[2001:db8::2]/",
            "https://localhost.example/",
        ] {
            assert_eq!(through(&some, indirect).as_deref(), Some("proxy:3128"), "{indirect}");
        }
        let none = proxies(&[("ALL_PROXY", "http://proxy:3128"), ("NO_PROXY", "*")]);
        assert_eq!(through(&none, "https://x.example/"), None);
    }

    #[test]
    fn what_is_no_proxy_is_named_and_no_password_shown() {
        let find = |name: &str| match name {
            "HTTPS_PROXY" => Some("socks5://user:hush@proxy:1080".to_owned()),
            "http_proxy" => Some("not a url".to_owned()),
            "ALL_PROXY" => Some("http://user:hush@proxy:3128".to_owned()),
            _ => None,
        };
        let (proxies, not_understood) = Proxies::from_variables(find);
        assert_eq!(not_understood, ["http_proxy", "HTTPS_PROXY"]);
        let uri = "http://x.example/".parse().unwrap();
        let found = proxies.find(&uri).unwrap();
        assert_eq!(found.uri().authority().unwrap().as_str(), "proxy:3128");
        assert_eq!(proxies.credentials_for(&uri).unwrap(), "Basic dXNlcjpodXNo");
        assert!(!format!("{proxies:?} {found:?}").contains("hush"));
    }
}
