//! What a rates service says, read with care: numbers as their digits, never through a float.

use std::collections::{BTreeMap, BTreeSet};

use ilp_connector::rate::Rate;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The longest answer, in bytes. All currencies there are take a few thousand.
pub(super) const BYTES_MAX: u64 = 1024 * 1024;

/// How much of what is wrong is repeated, in characters.
const SHOWN_CHARACTERS_MAX: usize = 40;

/// What a service told.
#[derive(Debug)]
pub(super) struct Told {
    /// Codes, and how many units of each are paid for one unit of the base.
    pub(super) rates: Vec<(String, Rate)>,
    /// Codes that were asked for and of which nothing is said.
    pub(super) untold: BTreeSet<String>,
    /// The first of those rates that are none.
    pub(super) wrong: Option<String>,
}

#[derive(Deserialize)]
struct Answer<'a> {
    base: String,
    #[serde(borrow)]
    rates: BTreeMap<String, &'a RawValue>,
}

/// The rates from `base` to each of `quotes`. Rates that nobody needs aren't looked at.
///
/// # Errors
/// What is wrong with the answer as a whole.
pub(super) fn read(body: &[u8], base: &str, quotes: &BTreeSet<String>) -> Result<Told, String> {
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(|error| {
        format!(
            "its answer is not of the form {{\"base\": \"{base}\", \"rates\": {{...}}}} (line {}, \
             column {})",
            error.line(),
            error.column()
        )
    })?;
    if answer.base != base {
        return Err(format!("asked for {base} it answers for {:?}", shown(&answer.base)));
    }
    let mut told = Told { rates: Vec::new(), untold: BTreeSet::new(), wrong: None };
    for quote in quotes.iter().filter(|quote| *quote != base) {
        let Some(number) = answer.rates.get(quote) else {
            told.untold.insert(quote.clone());
            continue;
        };
        match Rate::from_json_number(number.get()) {
            Ok(rate) => told.rates.push((quote.clone(), rate)),
            Err(error) => {
                let number = shown(number.get());
                told.wrong.get_or_insert(format!("its rate to {quote} is {number}: {error}"));
            }
        }
    }
    Ok(told)
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARACTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(body: &str) -> Result<Told, String> {
        let quotes = ["USD", "EUR", "MXN"].map(str::to_owned).into();
        read(body.as_bytes(), "USD", &quotes)
    }

    fn with_rate(number: &str) -> String {
        format!(r#"{{"base": "USD", "rates": {{"EUR": {number}, "MXN": 17.3, "XAU": null}}}}"#)
    }

    #[test]
    fn numbers_are_read_to_the_last_digit() {
        for (number, expected) in [
            ("0.92", "0.92"),
            ("9.2e-1", "0.92"),
            ("0.1000000000000000055511151231", "0.1000000000000000055511151231"),
            ("9007199254740993", "9007199254740993"),
        ] {
            let told = told(&with_rate(number)).expect("an answer");
            let rates: Vec<_> =
                told.rates.iter().map(|(code, rate)| format!("{code} {rate}")).collect();
            assert_eq!(rates, [format!("EUR {expected}"), "MXN 17.3".to_owned()]);
            assert!(told.wrong.is_none() && told.untold.is_empty());
        }
    }

    #[test]
    fn one_wrong_rate_leaves_the_others() {
        for number in ["0", "-0.92", "1e30", "1e-30", "\"0.92\"", "null", "[0.92]", "{}", "true"] {
            let told = told(&with_rate(number)).expect("an answer");
            assert_eq!(told.rates.len(), 1, "{number}");
            let wrong = told.wrong.expect("a reason");
            assert!(wrong.starts_with(&format!("its rate to EUR is {number}: ")), "{wrong}");
        }
        let long = told(&with_rate(&"9".repeat(100_000))).expect("an answer");
        assert!(long.wrong.expect("a reason").len() < 150);
    }

    #[test]
    fn what_is_no_answer_tells_nothing() {
        for body in [
            "",
            "<html>",
            "[]",
            "{}",
            r#"{"base": "USD"}"#,
            r#"{"rates": {"EUR": 0.92}}"#,
            r#"{"base": "USD", "rates": [0.92]}"#,
            r#"{"base": "USD", "rates": {"EUR": NaN}}"#,
            r#"{"base": "USD", "rates": {"EUR": 0.92}"#,
            r#"{"base": "USD", "rates": {"EUR": 0.92}} and more"#,
            r#"{"base": "EUR", "rates": {"EUR": 0.92}}"#,
        ] {
            assert!(told(body).is_err(), "{body}");
        }
        let nothing = told(r#"{"base": "USD", "rates": {}}"#).expect("an answer");
        assert_eq!((nothing.rates.len(), nothing.untold.len()), (0, 2));
    }
}
