//! JSON in the one form that two programs can agree to sign (RFC 8785).
//!
//! Keys are sorted by their UTF-16 units, there is no white space, strings have the shortest
//! escapes, and numbers look as ECMAScript prints them: as doubles. A double keeps integers up to
//! 2^53 only, so there is a second form for integers of 64 bits, which keeps all their digits.
//! [`canonical`] is the RFC's form, which every receiver computes alike, including one in
//! JavaScript. `canonical_to_the_digit` is the form that a client with integers of 64 bits signs.

use serde_json::{Map, Number, Value};

/// The ways to write integers above 2^53.
#[derive(Clone, Copy)]
enum Integers {
    /// Numbers are written like the nearest double.
    AsDoubles,
    /// With all their digits.
    ToTheDigit,
}

/// Returns the canonical text of `value` as RFC 8785 defines it. `9007199254740993` becomes
/// `9007199254740992`, the double next to it.
#[must_use]
pub fn canonical(value: &Value) -> String {
    written(value, Integers::AsDoubles)
}

/// Returns the canonical text of `value` in which an integer of 64 bits keeps all its digits.
/// Without integers above 2^53 the text is that of [`canonical`].
pub(crate) fn canonical_to_the_digit(value: &Value) -> String {
    written(value, Integers::ToTheDigit)
}

fn written(value: &Value, integers: Integers) -> String {
    let mut text = String::new();
    write_value(&mut text, value, integers);
    text
}

/// The recursion is bounded: `serde_json` refuses to read more than 128 levels.
fn write_value(text: &mut String, value: &Value, integers: Integers) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Number(number) => write_number(text, number, integers),
        Value::String(string) => write_string(text, string),
        Value::Array(values) => write_array(text, values, integers),
        Value::Object(fields) => write_object(text, fields, integers),
    }
}

fn write_array(text: &mut String, values: &[Value], integers: Integers) {
    text.push('[');
    for (position, value) in values.iter().enumerate() {
        if position > 0 {
            text.push(',');
        }
        write_value(text, value, integers);
    }
    text.push(']');
}

fn write_object(text: &mut String, fields: &Map<String, Value>, integers: Integers) {
    let mut sorted: Vec<_> = fields.iter().collect();
    // By UTF-16 units, as JavaScript sorts; UTF-8 would put U+FFFD before U+10000.
    sorted.sort_by(|(left, _), (right, _)| left.encode_utf16().cmp(right.encode_utf16()));
    text.push('{');
    for (position, (name, value)) in sorted.into_iter().enumerate() {
        if position > 0 {
            text.push(',');
        }
        write_string(text, name);
        text.push(':');
        write_value(text, value, integers);
    }
    text.push('}');
}

fn write_string(text: &mut String, string: &str) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            control if u32::from(control) < 0x20 => {
                text.push_str(&format!("\\u{:04x}", u32::from(control)));
            }
            other => text.push(other),
        }
    }
    text.push('"');
}

fn write_number(text: &mut String, number: &Number, integers: Integers) {
    match (integers, number.as_f64()) {
        (Integers::AsDoubles, Some(double)) => write_double(text, double),
        (Integers::ToTheDigit, Some(double)) if number.is_f64() => write_double(text, double),
        _ => text.push_str(&number.to_string()),
    }
}

/// Writes a double as ECMAScript's `Number::toString` does: the shortest digits that parse to the
/// same double, plain from 1e-6 up to 1e21 and with an exponent beyond.
fn write_double(text: &mut String, double: f64) {
    if double == 0.0 {
        // Minus zero prints as zero.
        return text.push('0');
    }
    // Rust finds the same shortest digits; its form is `d.ddde-7`.
    let shortest = format!("{:e}", double.abs());
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if double < 0.0 {
        text.push('-');
    }
    write_digits(text, &digits, exponent);
}

/// Places the decimal point. `digits` is 1 to 17 digits, of which the first has the weight
/// 10^`exponent`.
fn write_digits(text: &mut String, digits: &str, exponent: i32) {
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    match exponent {
        0..=20 => {
            let whole_digits = usize::try_from(exponent).unwrap_or(0) + 1;
            if let Some((whole, fraction)) = digits.split_at_checked(whole_digits)
                && !fraction.is_empty()
            {
                text.push_str(&format!("{whole}.{fraction}"));
            } else {
                text.push_str(digits);
                text.push_str(&"0".repeat(whole_digits.saturating_sub(digits.len())));
            }
        }
        -6..=-1 => text.push_str(&format!("0.{}{digits}", zeros(-exponent - 1))),
        _ => {
            let (first, rest) = digits.split_at(1);
            let point = if rest.is_empty() { "" } else { "." };
            let sign = if exponent < 0 { '-' } else { '+' };
            text.push_str(&format!("{first}{point}{rest}e{sign}{}", exponent.unsigned_abs()));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn canonical_of(json: &str) -> String {
        canonical(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn the_rfcs_own_example_comes_out_byte_for_byte() {
        // RFC 8785, section 3.2.2 and the result in 3.2.3.
        let input = r#"{
            "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
            "literals": [null, true, false]
        }"#;
        assert_eq!(
            canonical_of(input),
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
             \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
        );
    }

    #[test]
    fn keys_are_sorted_by_utf_16_units() {
        // RFC 8785, section 3.2.3: the pair U+D83D U+DE00 sorts before U+FB33.
        let input =
            r#"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}"#;
        let sorted = "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\u{fb33}\":3}";
        assert_eq!(canonical_of(input), sorted);
    }

    #[test]
    fn numbers_print_as_in_javascript() {
        // RFC 8785, appendix B, and the limits around 2^53 and 2^64.
        for (input, expected) in [
            ("0", "0"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("5e-324", "5e-324"),
            ("-1.7976931348623157e308", "-1.7976931348623157e+308"),
            ("295147905179352830000", "295147905179352830000"),
            ("9007199254740991", "9007199254740991"),
            ("9007199254740992", "9007199254740992"),
            ("9007199254740993", "9007199254740992"),
            ("-9007199254740993", "-9007199254740992"),
            // Doubles print with the fewest digits that parse to them, even where they are
            // integers.
            ("1152921504606846976", "1152921504606847000"),
            ("18446744073709551615", "18446744073709552000"),
            ("18446744073709552000", "18446744073709552000"),
            ("1e21", "1e+21"),
            ("999999999999999700000", "999999999999999700000"),
            ("0.000001", "0.000001"),
            ("0.0000001", "1e-7"),
            ("123.456e-2", "1.23456"),
            ("-333.5", "-333.5"),
            ("1.0", "1"),
            ("100e0", "100"),
        ] {
            assert_eq!(canonical_of(input), expected, "{input}");
        }
    }

    #[test]
    fn the_second_form_differs_in_integers_above_2_to_the_53_alone() {
        let to_the_digit =
            |json: &str| canonical_to_the_digit(&serde_json::from_str(json).unwrap());
        for integer in ["9007199254740993", "1152921504606846976", "18446744073709551615"] {
            assert_eq!(to_the_digit(integer), integer);
        }
        assert_eq!(to_the_digit("-9223372036854775807"), "-9223372036854775807");
        let plain = r#"{"b":[9007199254740991,-0.0,1e21,4.50],"a":18446744073709552000}"#;
        assert_eq!(to_the_digit(plain), canonical_of(plain));
    }

    proptest! {
        #[test]
        fn the_canonical_text_means_the_same_and_is_canonical(bits in any::<u64>(), text: String) {
            let double = f64::from_bits(bits);
            prop_assume!(double.is_finite());
            let value = serde_json::json!({ "number": double, "text": text });
            let once = canonical(&value);
            let read: Value = serde_json::from_str(&once).unwrap();
            prop_assert_eq!(read["number"].as_f64(), Some(double));
            prop_assert_eq!(&read["text"], &value["text"]);
            prop_assert_eq!(canonical(&read), once);
        }

        /// Checks that the text of any integer stays the same for a program that reads it as a
        /// double and writes it again.
        #[test]
        fn an_integer_survives_a_reader_of_doubles(integer: u64, negative: i64) {
            for number in [Number::from(integer), Number::from(negative)] {
                let once = canonical(&Value::from(number));
                let double: f64 = once.parse().unwrap();
                prop_assert_eq!(canonical(&Value::from(double)), once);
            }
        }
    }
}
