//! The parser of a rates service's answers: numbers are read as their digits, never through a
//! float.
//!
//! Services in use differ from their documented form. A rate may be a string, a code may be in
//! lower case, and a number may have any length and is rounded to the stored precision. `NaN` and
//! `Infinity`, which are not JSON, stand for no rate. None of these makes a rate of another
//! currency unusable.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use ilp_connector::rate::{Rate, RateError};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The longest answer in bytes. All currencies of the world take a few thousand.
pub(super) const BYTES_MAX: usize = 1024 * 1024;

/// The longest part of a faulty value that a message repeats, in characters.
const SHOWN_CHARACTERS_MAX: usize = 40;

/// The answer's rates for the requested codes.
#[derive(Debug, Default)]
pub(super) struct GivenRates {
    /// Codes, with the number of units of each that one unit of the base buys.
    pub(super) rates: Vec<(String, Rate)>,
    /// Requested codes that the answer doesn't have.
    pub(super) missing: BTreeSet<String>,
    /// Codes whose rate can't be used, each with the reason.
    pub(super) refused: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Answer<'a> {
    base: String,
    #[serde(borrow)]
    rates: BTreeMap<String, &'a RawValue>,
}

/// Reads the rates from `base` to each of `quotes`. Rates of other currencies aren't read.
///
/// # Errors
/// The fault of the answer as a whole, in words.
pub(super) fn read(
    body: &[u8],
    base: &str,
    quotes: &BTreeSet<String>,
) -> Result<GivenRates, String> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let body = without_not_numbers(body);
    let answer: Answer<'_> = serde_json::from_slice(&body).map_err(|error| {
        format!(
            "its answer is not of the form {{\"base\": \"{base}\", \"rates\": {{...}}}} (line {}, \
             column {})",
            error.line(),
            error.column()
        )
    })?;
    if !answer.base.eq_ignore_ascii_case(base) {
        return Err(format!("asked for {base} it answers for {:?}", shown(&answer.base)));
    }
    let mut given = GivenRates::default();
    for quote in quotes.iter().filter(|quote| *quote != base) {
        let Some(number) = answer.rate_to(quote) else {
            given.missing.insert(quote.clone());
            continue;
        };
        match rate_of(number) {
            Ok(rate) => given.rates.push((quote.clone(), rate)),
            Err(error) => {
                let why = format!("its rate to {quote} is {}: {error}", shown(number));
                given.refused.insert(quote.clone(), why);
            }
        }
    }
    Ok(given)
}

impl Answer<'_> {
    /// Returns the text of the rate to a code. The exact code has priority over one in another
    /// case: both may be present.
    fn rate_to(&self, quote: &str) -> Option<&str> {
        let in_any_case = || {
            let mut found = self.rates.iter().filter(|(code, _)| code.eq_ignore_ascii_case(quote));
            found.next().map(|(_, number)| number)
        };
        self.rates.get(quote).or_else(in_any_case).map(|number| number.get())
    }
}

/// Reads a number, or a string that holds one.
fn rate_of(value: &str) -> Result<Rate, RateError> {
    if !value.starts_with('"') {
        return Rate::from_json_number(value);
    }
    let text: String = serde_json::from_str(value).map_err(|_| RateError::NotDecimal)?;
    Rate::from_json_number(text.trim())
}

/// Replaces `NaN` and `Infinity`, with or without a sign, by `null`. Some libraries write them for
/// an unknown rate.
fn without_not_numbers(body: &[u8]) -> Cow<'_, [u8]> {
    const WORDS: [&[u8]; 4] = [b"-Infinity", b"Infinity", b"-NaN", b"NaN"];
    let mut mended: Vec<u8> = Vec::new();
    let (mut copied, mut at, mut is_in_string) = (0, 0, false);
    while let Some(byte) = body.get(at) {
        match byte {
            b'"' => is_in_string = !is_in_string,
            // An escaped character doesn't end the string.
            b'\\' if is_in_string => at += 1,
            b'-' | b'I' | b'N' if !is_in_string => {
                if let Some(word) = WORDS.iter().find(|word| body[at..].starts_with(word)) {
                    mended.extend_from_slice(&body[copied..at]);
                    mended.extend_from_slice(b"null");
                    at += word.len();
                    copied = at;
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    if copied == 0 {
        return Cow::Borrowed(body);
    }
    mended.extend_from_slice(&body[copied..]);
    Cow::Owned(mended)
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARACTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(body: &str) -> Result<GivenRates, String> {
        let quotes = ["USD", "EUR", "MXN"].map(str::to_owned).into();
        read(body.as_bytes(), "USD", &quotes)
    }

    fn with_rate(number: &str) -> String {
        format!(r#"{{"base": "USD", "rates": {{"EUR": {number}, "MXN": 17.3, "XAU": null}}}}"#)
    }

    fn shown_rates(given: &GivenRates) -> Vec<String> {
        given.rates.iter().map(|(code, rate)| format!("{code} {rate}")).collect()
    }

    #[test]
    fn numbers_and_strings_are_read_to_the_last_digit() {
        for (number, expected) in [
            ("0.92", "0.92"),
            ("9.2e-1", "0.92"),
            ("\"0.92\"", "0.92"),
            ("\" 9.2E-1 \"", "0.92"),
            ("0.1000000000000000055511151231", "0.1000000000000000055511151231"),
            ("9007199254740993", "9007199254740993"),
            // A number longer than a rate is rounded.
            ("0.92000000000000000000000000004999", "0.92"),
            ("0.91999999999999999999999999999", "0.92"),
            ("\"1.23456789012345678901234567891\"", "1.234567890123456789012345679"),
        ] {
            let given = given(&with_rate(number)).expect("an answer");
            assert_eq!(shown_rates(&given), [format!("EUR {expected}"), "MXN 17.3".to_owned()]);
            assert!(given.refused.is_empty() && given.missing.is_empty());
        }
    }

    #[test]
    fn codes_may_be_in_lower_case_and_the_right_one_comes_first() {
        let lower = r#"{"base": "usd", "rates": {"eur": 0.92, "mxn": 17.3}}"#;
        assert_eq!(shown_rates(&given(lower).unwrap()), ["EUR 0.92", "MXN 17.3"]);
        let both = r#"{"base": "USD", "rates": {"Eur": 1, "EUR": 0.92, "eur": 2, "MXN": 17.3}}"#;
        assert_eq!(shown_rates(&given(both).unwrap()), ["EUR 0.92", "MXN 17.3"]);
    }

    #[test]
    fn one_wrong_rate_leaves_the_others() {
        for number in
            ["0", "-0.92", "1e30", "1e-30", "\"\"", "\"0,92\"", "null", "[0.92]", "{}", "true"]
        {
            let given = given(&with_rate(number)).expect("an answer");
            assert_eq!(shown_rates(&given), ["MXN 17.3"], "{number}");
            let why = &given.refused["EUR"];
            assert!(why.starts_with(&format!("its rate to EUR is {number}: ")), "{why}");
        }
        for number in ["NaN", "Infinity", "-Infinity"] {
            let given = given(&with_rate(number)).expect("an answer");
            assert_eq!(shown_rates(&given), ["MXN 17.3"], "{number}");
            assert!(given.refused.contains_key("EUR"), "{number}");
        }
        let long = given(&with_rate(&format!("1{}", "0".repeat(100_000)))).expect("an answer");
        assert!(long.refused["EUR"].len() < 150);
    }

    #[test]
    fn words_in_texts_stay_and_a_mark_before_the_answer_is_skipped() {
        let body = "\u{feff}{\"note\": \"NaN \\\" -Infinity\", \"base\": \"USD\", \
                    \"rates\": {\"XAU\": NaN, \"EUR\": 0.92, \"MXN\": 17.3}}";
        assert_eq!(shown_rates(&given(body).unwrap()), ["EUR 0.92", "MXN 17.3"]);
        let plain = br#"{"a": "NaN\\", "b": "x"}"#;
        assert!(matches!(without_not_numbers(plain), Cow::Borrowed(_)));
    }

    #[test]
    fn what_is_no_answer_gives_nothing() {
        for body in [
            "",
            "<html>",
            "[]",
            "{}",
            "NaN",
            r#"{"base": "USD"}"#,
            r#"{"rates": {"EUR": 0.92}}"#,
            r#"{"base": "USD", "rates": [0.92]}"#,
            r#"{"base": "USD", "rates": {"EUR": nan}}"#,
            r#"{"base": "USD", "rates": {"EUR": 0.92}"#,
            r#"{"base": "USD", "rates": {"EUR": 0.92}} and more"#,
            r#"{"base": "EUR", "rates": {"EUR": 0.92}}"#,
        ] {
            assert!(given(body).is_err(), "{body}");
        }
        let nothing = given(r#"{"base": "USD", "rates": {}}"#).expect("an answer");
        assert_eq!((nothing.rates.len(), nothing.missing.len()), (0, 2));
    }
}
