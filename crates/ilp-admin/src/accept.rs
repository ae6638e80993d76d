//! Content negotiation: the media types that a client asks for (`Accept`, RFC 9110, section
//! 12.5.1).

use axum::http::{HeaderMap, header::ACCEPT};

/// A client's preference for a media type. Of two types with the same quality, the one that the
/// header names is preferred to one that only a `*` covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Preference {
    /// The quality, from 1 to 1,000.
    quality: u16,
    /// Whether the header names the type, rather than covering it only by a `*`.
    pub(crate) is_named: bool,
}

/// Returns the client's preference for `media_type`, such as `text/plain`; `None` when the client
/// doesn't accept it. A client that sends no `Accept` takes everything. Parameters of a type don't
/// count.
pub(crate) fn preference(headers: &HeaderMap, media_type: &str) -> Option<Preference> {
    let mut values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut ranges = values.by_ref().flat_map(|value| value.split(',')).peekable();
    if ranges.peek().is_none() {
        return Some(Preference { quality: 1_000, is_named: false });
    }
    // The most specific range decides, whatever its quality.
    let fitting = ranges.filter_map(|range| {
        let (range, parameters) = range.split_once(';').unwrap_or((range, ""));
        Some((specificity(range.trim(), media_type)?, quality(parameters)))
    });
    let (specificity, quality) = fitting.max_by_key(|(specificity, _)| *specificity)?;
    (quality > 0).then_some(Preference { quality, is_named: specificity == Specificity::Named })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Specificity {
    /// `*/*`
    Everything,
    /// `text/*`
    Kind,
    Named,
}

/// Returns how closely a range fits a media type; `None` when it doesn't.
fn specificity(range: &str, media_type: &str) -> Option<Specificity> {
    if range == "*/*" {
        return Some(Specificity::Everything);
    }
    if range.eq_ignore_ascii_case(media_type) {
        return Some(Specificity::Named);
    }
    let (kind, _) = media_type.split_once('/')?;
    let range = range.strip_suffix("/*")?;
    range.eq_ignore_ascii_case(kind).then_some(Specificity::Kind)
}

/// Returns the quality among a range's parameters, in thousandths; 1,000 when there is no readable
/// one.
fn quality(parameters: &str) -> u16 {
    let named = |parameter: &str| {
        let (name, value) = parameter.split_once('=')?;
        let value = name.trim().eq_ignore_ascii_case("q").then(|| value.trim())?;
        let (whole, thousandths) = value.split_once('.').unwrap_or((value, ""));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(thousandths) || thousandths.len() > 3 {
            return None;
        }
        let thousandths: u16 = format!("{thousandths:0<3}").parse().ok()?;
        Some((whole.parse::<u16>().ok()?.min(1) * 1_000 + thousandths).min(1_000))
    };
    parameters.split(';').find_map(named).unwrap_or(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(accept: &str, media_type: &str) -> Option<(u16, bool)> {
        let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
        preference(&headers, media_type).map(|it| (it.quality, it.is_named))
    }

    #[test]
    fn the_range_that_names_most_decides() {
        for (accept, of_plain) in [
            ("text/plain", Some((1_000, true))),
            ("TEXT/Plain; version=0.0.4; Q=0.25", Some((250, true))),
            ("text/*;q=0.5, */*;q=0.9", Some((500, false))),
            ("text/html, */*;q=0.8", Some((800, false))),
            ("text/html, application/json", None),
            ("*/*, text/plain;q=0", None),
            ("text/plain;q=7", Some((1_000, true))),
            ("text/plain;q=nonsense", Some((1_000, true))),
            ("text/plain;q=0.0004", Some((1_000, true))),
            (",, ;;", None),
        ] {
            assert_eq!(wanted(accept, "text/plain"), of_plain, "{accept}");
        }
        let everything = preference(&HeaderMap::new(), "text/plain").unwrap();
        assert_eq!(everything, Preference { quality: 1_000, is_named: false });
    }

    #[test]
    fn a_type_that_is_named_is_wanted_more_than_one_that_is_covered() {
        let headers = HeaderMap::from_iter([(ACCEPT, "text/plain, */*".parse().unwrap())]);
        assert!(preference(&headers, "text/plain") > preference(&headers, "text/html"));
        let headers = HeaderMap::from_iter([(ACCEPT, "text/plain;q=0.9, */*".parse().unwrap())]);
        assert!(preference(&headers, "text/plain") < preference(&headers, "text/html"));
    }
}
