//! Redirections, which are followed on one host only.

use http::{HeaderMap, StatusCode, Uri, header::LOCATION};
use ilp_net::Host;
use url::Url;

/// The target of a redirection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redirection {
    /// A URL of the same host, encrypted if the request's URL is.
    Within(Uri),
    /// The URL of another host, or of this one without encryption.
    Elsewhere(String),
    /// No URL.
    Nowhere,
}

/// Returns the target of an answer to a request for `from`; `None` for an answer that doesn't
/// redirect.
#[must_use]
pub fn redirection(from: &Uri, status: StatusCode, headers: &HeaderMap) -> Option<Redirection> {
    let is_redirection = [
        StatusCode::MOVED_PERMANENTLY,
        StatusCode::FOUND,
        StatusCode::SEE_OTHER,
        StatusCode::TEMPORARY_REDIRECT,
        StatusCode::PERMANENT_REDIRECT,
    ];
    if !is_redirection.contains(&status) {
        return None;
    }
    let location = headers.get(LOCATION).and_then(|location| location.to_str().ok());
    let to = location.and_then(|location| resolved(from, location));
    Some(match to {
        None => Redirection::Nowhere,
        Some(to) => {
            let is_downgrade = is_https(from) && !is_https(&to);
            if is_same_host(from, &to) && !is_downgrade {
                Redirection::Within(to)
            } else {
                Redirection::Elsewhere(to.to_string())
            }
        }
    })
}

/// Resolves a reference in an answer from `base` as browsers do, without its fragment.
fn resolved(base: &Uri, reference: &str) -> Option<Uri> {
    let mut to = Url::parse(&base.to_string()).ok()?.join(reference).ok()?;
    to.set_fragment(None);
    let to: Uri = to.as_str().parse().ok()?;
    let is_web = matches!(to.scheme_str(), Some("http" | "https"));
    (is_web && to.authority().is_some()).then_some(to)
}

fn is_https(uri: &Uri) -> bool {
    uri.scheme_str() == Some("https")
}

fn is_same_host(one: &Uri, other: &Uri) -> bool {
    let host = |uri: &Uri| Host::parse(uri.host()?).ok();
    host(one).is_some_and(|one| Some(one) == host(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirected(from: &str, location: &str) -> Redirection {
        let headers = HeaderMap::from_iter([(LOCATION, location.parse().unwrap())]);
        redirection(&from.parse().unwrap(), StatusCode::FOUND, &headers).unwrap()
    }

    fn within(from: &str, location: &str) -> String {
        match redirected(from, location) {
            Redirection::Within(to) => to.to_string(),
            other => panic!("{location}: {other:?}"),
        }
    }

    #[test]
    fn references_are_resolved_as_browsers_do() {
        let base = "http://a.example/b/c?q=1";
        for (reference, meant) in [
            ("/x", "http://a.example/x"),
            ("/x?y=1#z", "http://a.example/x?y=1"),
            ("x", "http://a.example/b/x"),
            ("../x", "http://a.example/x"),
            ("../../../x", "http://a.example/x"),
            ("./", "http://a.example/b/"),
            ("..", "http://a.example/"),
            ("?q=2", "http://a.example/b/c?q=2"),
            ("", "http://a.example/b/c?q=1"),
            ("/a/./b/../c", "http://a.example/a/c"),
            ("//a.example:8080/x", "http://a.example:8080/x"),
            ("http://A.example/x", "http://a.example/x"),
            ("/a/%2e%2e/c", "http://a.example/c"),
            ("https://a.example/x", "https://a.example/x"),
        ] {
            assert_eq!(within(base, reference), meant, "{reference}");
        }
    }

    #[test]
    fn another_host_and_a_loss_of_encryption_are_told_apart_from_the_same_host() {
        for (from, location) in [
            ("http://a.example/b", "http://b.example/b"),
            ("http://a.example/b", "//b.example/b"),
            // Browsers take a backslash for a slash, so that this is another host.
            ("http://a.example/b", "/\\b.example/b"),
            ("https://a.example/b", "http://a.example/b"),
            ("http://a.example/b", "http://a.example.evil.example/b"),
        ] {
            let found = redirected(from, location);
            assert!(matches!(found, Redirection::Elsewhere(_)), "{location}: {found:?}");
        }
        for location in ["ftp://a.example/b", "mailto:bob@a.example", "http://"] {
            let found = redirected("http://a.example/b", location);
            assert_eq!(found, Redirection::Nowhere, "{location}");
        }
        let from = "http://a.example/b".parse().unwrap();
        assert_eq!(redirection(&from, StatusCode::OK, &HeaderMap::new()), None);
        let nowhere = redirection(&from, StatusCode::FOUND, &HeaderMap::new());
        assert_eq!(nowhere, Some(Redirection::Nowhere));
    }
}
