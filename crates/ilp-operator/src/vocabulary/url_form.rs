//! Normalization of URLs' paths to one of the forms that RFC 3986 calls equivalent.

/// Decodes each percent-encoded character that needs no encoding (RFC 3986, section 6.2.2.2), so that
/// `/%7Ealice` and `/~alice` are one path. All other encodings stay as they are.
pub(crate) fn decoded_unreserved(path: &str) -> String {
    let mut parts = path.split('%');
    let mut decoded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.get(..2).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code.filter(|code| is_unreserved(*code)) {
            Some(code) => {
                decoded.push(char::from(code));
                decoded.push_str(&part[2..]);
            }
            None => {
                decoded.push('%');
                decoded.push_str(part);
            }
        }
    }
    decoded
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Returns the form of a peering URL under which the peer that was made there is noted: scheme and
/// host in lower case, no default port, no slash at the end. Operators write these with a slash or
/// without, and mean one node.
pub(crate) fn peering_key(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let scheme = scheme.to_ascii_lowercase();
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let authority = authority.to_ascii_lowercase();
    let default_port = if scheme == "https" { ":443" } else { ":80" };
    let authority = authority.strip_suffix(default_port).unwrap_or(&authority);
    let (path, query) = path.split_at(path.find('?').unwrap_or(path.len()));
    let path = decoded_unreserved(path);
    format!("{scheme}://{authority}{}{query}", path.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_no_encoding_is_decoded_and_all_else_stays() {
        for (path, meant) in [
            ("/~alice", "/~alice"),
            ("/%7Ealice", "/~alice"),
            ("/%7ealice%2Fbob", "/~alice%2Fbob"),
            ("/%61%6C%69ce", "/alice"),
            ("/%2E%2e/x", "/../x"),
            ("/%C3%A9", "/%C3%A9"),
            ("/%", "/%"),
            ("/%7", "/%7"),
            ("/%7g%7E", "/%7g~"),
            ("/%%7E", "/%~"),
            ("/%\u{e9}", "/%\u{e9}"),
        ] {
            assert_eq!(decoded_unreserved(path), meant, "{path}");
        }
    }

    #[test]
    fn a_peering_url_has_one_form_however_it_is_written() {
        for url in [
            "https://peering.example",
            "https://peering.example/",
            "HTTPS://Peering.Example:443",
            "https://peering.example:443/",
        ] {
            assert_eq!(peering_key(url), "https://peering.example", "{url}");
        }
        assert_eq!(peering_key("http://[::1]:3005/"), "http://[::1]:3005");
        assert_eq!(peering_key("http://a.example:80/%7Epeer/"), "http://a.example/~peer");
        assert_ne!(peering_key("https://a.example/A"), peering_key("https://a.example/a"));
        assert_ne!(peering_key("http://a.example"), peering_key("https://a.example"));
        assert_eq!(peering_key("https://a.example/?x=/"), "https://a.example?x=/");
    }
}
