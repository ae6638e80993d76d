//! The types that a request's `Accept` header asks for.

use super::SPSP_TYPE;
use http::{HeaderMap, header::ACCEPT};

/// The answer of a receiver's URL that a client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The credentials for a payment.
    Spsp,
    /// The public description of the wallet address or payment.
    Json,
    /// Something else.
    Neither,
}

/// Returns the wanted answer. SPSP has priority wherever it is named: payers' libraries put
/// `application/json` first, for the answers of other servers. A wildcard means JSON, since a
/// browser that merely looks should not get a secret.
pub(super) fn wanted(headers: &HeaderMap) -> Wanted {
    if !headers.contains_key(ACCEPT) {
        return Wanted::Json;
    }
    let mut wanted = Wanted::Neither;
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    for range in values.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        if parts.any(is_zero_quality) {
            continue;
        }
        if kind.eq_ignore_ascii_case(SPSP_TYPE) {
            return Wanted::Spsp;
        }
        let jsons = ["application/json", "application/*", "*/*"];
        if jsons.iter().any(|json| kind.eq_ignore_ascii_case(json)) {
            wanted = Wanted::Json;
        }
    }
    wanted
}

/// `q=0`, with any number of decimal places: the type that is not wanted.
fn is_zero_quality(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    name.trim().eq_ignore_ascii_case("q") && value.trim().bytes().all(|b| matches!(b, b'0' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spsp_is_answered_when_it_is_named() {
        for (header, meant) in [
            ("application/spsp4+json", Wanted::Spsp),
            ("application/spsp4+json, application/spsp+json", Wanted::Spsp),
            // The header of @interledger/pay.
            ("application/json, application/spsp4+json", Wanted::Spsp),
            ("APPLICATION/SPSP4+JSON;q=0.5;x=1, */*", Wanted::Spsp),
            ("application/spsp4+json;q=0, application/json", Wanted::Json),
            ("application/spsp4+json; q=0.000", Wanted::Neither),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Wanted::Json),
            ("application/*", Wanted::Json),
            ("image/png", Wanted::Neither),
            ("application/spsp+json", Wanted::Neither),
            ("", Wanted::Neither),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, header.parse().unwrap())]);
            assert_eq!(wanted(&headers), meant, "{header}");
        }
        assert_eq!(wanted(&HeaderMap::new()), Wanted::Json);
    }
}
