//! The URLs of wallet addresses, in the one form in which they are stored and compared.
//!
//! The whole URL is in lower case, as with Rafiki: people type wallet addresses, and two that
//! differ in nothing but case would be confused. Characters that need no percent-encoding are
//! decoded.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::vocabulary::url_form::decoded_unreserved;

/// Longest URL, in bytes: what every HTTP client and server takes.
const URL_BYTES_MAX: usize = 2048;

/// Where a payment pointer without a path leads (RFC 26).
const POINTER_PATH: &str = "/.well-known/pay";

/// What lies below a wallet address, so no wallet address may lie there itself.
const RESERVED: [&str; 3] = ["incoming-payments", "outgoing-payments", "quotes"];

/// Between a wallet address's URL and the id of an incoming payment.
const INCOMING_PAYMENTS: &str = "/incoming-payments/";

/// Returns the URL that a new wallet address gets.
///
/// # Errors
/// A sentence that says what is wrong and what would be right.
pub(crate) fn new_address(text: &str) -> Result<String, String> {
    let url = normalised(text)?;
    let (_, path) = split_authority(&url);
    let mut segments = path.split('/').skip(1);
    if path.is_empty() {
        return Err(format!("a path is expected, such as {url}/alice"));
    }
    if let Some(reserved) = segments.find(|segment| RESERVED.contains(segment)) {
        return Err(format!("/{reserved} is where a wallet address's own payments and quotes are"));
    }
    Ok(url)
}

/// Returns the URL that a client means by a URL or a payment pointer such as
/// `$wallet.example/alice`.
///
/// # Errors
/// A sentence that says what is wrong and what would be right.
pub(crate) fn of_receiver(text: &str) -> Result<String, String> {
    let Some(pointer) = text.strip_prefix('$') else { return normalised(text) };
    if pointer.contains(['?', '#', '@']) {
        return Err("a payment pointer is $ and a host, and a path where there is one".to_owned());
    }
    let (host, path) = pointer.split_at(pointer.find('/').unwrap_or(pointer.len()));
    let path = if path.trim_end_matches('/').is_empty() { POINTER_PATH } else { path };
    // A certificate is rare on a host of one's own, and no other node reaches it anyway.
    let (name, _) = split_port(host);
    let scheme = if is_near(name) { "http" } else { "https" };
    normalised(&format!("{scheme}://{host}{path}"))
}

/// Returns the URL of an incoming payment.
pub(crate) fn incoming_payment(wallet_address: &str, id: uuid::Uuid) -> String {
    format!("{wallet_address}{INCOMING_PAYMENTS}{id}")
}

/// Returns the id in the URL of an incoming payment, if it is one.
pub(crate) fn incoming_payment_id(url: &str) -> Option<uuid::Uuid> {
    let (_, id) = url.rsplit_once(INCOMING_PAYMENTS)?;
    crate::vocabulary::check::id(id)
}

fn normalised(text: &str) -> Result<String, String> {
    if text.len() > URL_BYTES_MAX {
        return Err(format!("it has {} bytes, at most {URL_BYTES_MAX} are taken", text.len()));
    }
    if let Some(stray) = text.chars().find(|&character| !stands_in_a_url(character)) {
        return Err(format!("{stray:?} can't stand in a URL as it is"));
    }
    let text = text.to_ascii_lowercase();
    let (scheme, rest) =
        text.split_once("://").ok_or("a URL that begins with https:// is expected")?;
    if rest.contains(['?', '#']) {
        return Err("a wallet address has no query and no fragment".to_owned());
    }
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err("a wallet address has no user name".to_owned());
    }
    let (host, port) = split_port(authority);
    if !is_host(host) {
        return Err("a host is expected, such as https://wallet.example/alice".to_owned());
    }
    let default_port = match scheme {
        "https" => 443,
        "http" if is_near(host) => 80,
        "http" => return Err(format!("https:// is expected, since {host} is not a host nearby")),
        _ => return Err("a URL that begins with https:// is expected".to_owned()),
    };
    let port = match port {
        None => String::new(),
        Some(port) => match number(port) {
            Some(port) if port == default_port => String::new(),
            Some(port) => format!(":{port}"),
            None => return Err("a port is a number from 1 to 65535".to_owned()),
        },
    };
    // A decoded character may be a letter in upper case.
    let path = decoded_unreserved(path).to_ascii_lowercase();
    let path = path.strip_suffix('/').unwrap_or(&path);
    if path.split('/').skip(1).any(|segment| matches!(segment, "" | "." | "..")) {
        return Err("a path has no empty parts and no dots alone".to_owned());
    }
    Ok(format!("{scheme}://{host}{port}{path}"))
}

/// Authority and path of a normalised URL.
fn split_authority(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split_at(rest.find('/').unwrap_or(rest.len()))
}

/// An address of IPv6 is in brackets.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

fn number(port: &str) -> Option<u16> {
    let plain = port.bytes().all(|byte| byte.is_ascii_digit());
    port.parse().ok().filter(|port| plain && *port > 0)
}

/// What RFC 3986 lets stand in a URL; a space or a quote has to be percent-encoded.
fn stands_in_a_url(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(character)
}

fn is_host(host: &str) -> bool {
    if let Some(address) = bracketed(host) {
        return address.parse::<Ipv6Addr>().is_ok();
    }
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let ends_in_a_number = host
        .rsplit('.')
        .next()
        .is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
    host.len() <= 253
        && host.split('.').all(is_label)
        // `127.1` is an address to some resolvers and a name to others.
        && (!ends_in_a_number || host.parse::<Ipv4Addr>().is_ok())
}

/// Returns whether a host is this machine or in a private network.
fn is_near(host: &str) -> bool {
    let near_v4 = |address: Ipv4Addr| {
        address.is_loopback() || address.is_private() || address.is_link_local()
    };
    if let Some(address) = bracketed(host) {
        return address.parse::<Ipv6Addr>().is_ok_and(|address| match address.to_ipv4_mapped() {
            Some(mapped) => near_v4(mapped),
            None => {
                address.is_loopback()
                    || address.is_unique_local()
                    || address.is_unicast_link_local()
            }
        });
    }
    let host = host.to_ascii_lowercase();
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<Ipv4Addr>().is_ok_and(near_v4)
}

fn bracketed(host: &str) -> Option<&str> {
    host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wallet_address_has_one_form() {
        for (text, url) in [
            ("https://wallet.example/alice", "https://wallet.example/alice"),
            ("HTTPS://Wallet.Example:443/Alice/", "https://wallet.example/alice"),
            ("https://wallet.example:8443/a/b", "https://wallet.example:8443/a/b"),
            ("http://localhost:3003/bob", "http://localhost:3003/bob"),
            ("http://alice.localhost:80/bob", "http://alice.localhost/bob"),
            ("http://127.0.0.1:3003/bob", "http://127.0.0.1:3003/bob"),
            ("http://[::1]:3003/bob", "http://[::1]:3003/bob"),
            ("http://10.1.2.3/bob", "http://10.1.2.3/bob"),
            ("https://wallet.example/%C3%A9", "https://wallet.example/%c3%a9"),
            ("https://wallet.example/%7Ealice", "https://wallet.example/~alice"),
            ("https://wallet.example/%41lice%2Fx", "https://wallet.example/alice%2fx"),
        ] {
            assert_eq!(new_address(text).as_deref(), Ok(url), "{text}");
        }
    }

    #[test]
    fn what_is_no_wallet_address_is_refused() {
        for text in [
            "",
            "alice",
            "$wallet.example/alice",
            "https://wallet.example",
            "https://wallet.example/",
            "http://wallet.example/alice",
            "http://8.8.8.8/alice",
            "ftp://wallet.example/alice",
            "https:///alice",
            "https://wallet.example/a lice",
            "https://wallet.example/alice?x=1",
            "https://wallet.example/alice#x",
            "https://me:secret@wallet.example/alice",
            "https://wallet.example:0/alice",
            "https://wallet.example:99999/alice",
            "https://wallet.example:+1/alice",
            "https://wallet..example/alice",
            "https://127.1/alice",
            "https://[::1/alice",
            "https://wallet.example/../alice",
            "https://wallet.example/%2E%2e/alice",
            "https://wallet.example/%71uotes",
            "https://wallet.example//alice",
            "https://wallet.example/alice/incoming-payments/x",
            "https://wallet.example/quotes",
            "https://wället.example/alice",
            &format!("https://wallet.example/{}", "x".repeat(URL_BYTES_MAX)),
        ] {
            let refused = new_address(text);
            assert!(
                refused.as_ref().is_err_and(|why| !why.contains("secret")),
                "{text}: {refused:?}"
            );
        }
    }

    #[test]
    fn a_payment_pointer_is_a_url_in_short() {
        for (text, url) in [
            ("$wallet.example/alice", "https://wallet.example/alice"),
            ("$Wallet.Example", "https://wallet.example/.well-known/pay"),
            ("$wallet.example/", "https://wallet.example/.well-known/pay"),
            ("$127.0.0.1:3003/bob", "http://127.0.0.1:3003/bob"),
            ("https://wallet.example/alice", "https://wallet.example/alice"),
            ("https://wallet.example", "https://wallet.example"),
        ] {
            assert_eq!(of_receiver(text).as_deref(), Ok(url), "{text}");
        }
        for text in ["$", "$/x", "$me@wallet.example/x", "$wallet.example/x?y", "wallet.example"] {
            assert!(of_receiver(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_incoming_payments_url_leads_back_to_its_id() {
        let id = uuid::Uuid::now_v7();
        let url = incoming_payment("https://wallet.example/alice", id);
        assert_eq!(incoming_payment_id(&url), Some(id));
        assert_eq!(incoming_payment_id("https://wallet.example/alice"), None);
        assert_eq!(incoming_payment_id("https://wallet.example/incoming-payments/x"), None);
    }
}
