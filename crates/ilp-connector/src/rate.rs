//! An exchange rate as people and services write it: a decimal number, kept to its last digit.

use std::{fmt, str::FromStr};

/// The most significant digits that a rate may have.
pub const RATE_DIGITS_MAX: u32 = 28;

/// The order of magnitude of the greatest rate, 10^18, and of the smallest, 10^-18.
const MAGNITUDE_MAX: i64 = 18;

/// The number of units of the quote asset that are paid for one unit of the base asset, both in
/// standard units: whole dollars and not cents, whatever the assets' scales are.
///
/// A rate is `mantissa` / 10^`scale`, or exactly one over that. Never zero, and never a float.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// At least 1 and below 10^28, or at most 10^18 where `scale` is 0.
    pub(crate) mantissa: u128,
    /// At most 18 + 28 decimal places.
    pub(crate) scale: u8,
    /// Whether the rate is one over the decimal number.
    pub(crate) is_inverted: bool,
}

/// The reason why a text is not a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// The text is not a decimal number.
    #[error("a rate is a decimal number in digits, such as 0.92")]
    NotDecimal,
    /// The number is zero or less.
    #[error("a rate is greater than zero")]
    NotPositive,
    /// The number has more digits than are kept, and rounding would make it another rate.
    #[error("a rate has at most {RATE_DIGITS_MAX} significant digits")]
    TooPrecise,
    /// The number is too great or too small to be intended.
    #[error("a rate lies between 0.000000000000000001 and 1000000000000000000")]
    OutOfRange,
}

impl Rate {
    /// One for one.
    pub const ONE: Self = Self { mantissa: 1, scale: 0, is_inverted: false };

    /// The rate of the opposite direction, exactly.
    #[must_use]
    pub fn inverse(self) -> Self {
        Self { is_inverted: !self.is_inverted, ..self }
    }

    /// Reads a number as JSON writes it (RFC 8259, section 6), exponents included. Digits beyond
    /// [`RATE_DIGITS_MAX`] are rounded to the nearest, because services print as many digits as
    /// their number type has.
    ///
    /// # Errors
    /// [`RateError`] says what is wrong with it.
    pub fn from_json_number(text: &str) -> Result<Self, RateError> {
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent_of(exponent)?),
            None => (text, 0),
        };
        parse(number, exponent, Excess::Rounded)
    }
}

/// Digits, and if there is a point, digits after it. No sign, exponent, blank or leading zero.
impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        parse(text, 0, Excess::Refused)
    }
}

/// The treatment of digits beyond [`RATE_DIGITS_MAX`].
#[derive(Clone, Copy, PartialEq, Eq)]
enum Excess {
    /// More digits are an error: a rate that a person wrote is taken exactly or not at all.
    Refused,
    Rounded,
}

/// The decimal number, or `1/` and the decimal number: both are exact.
impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_inverted && *self != Self::ONE.inverse() {
            formatter.write_str("1/")?;
        }
        // Below 10^47, since neither the mantissa nor the places are more.
        let unit = 10u128.checked_pow(u32::from(self.scale));
        let (whole, fraction) = match unit {
            Some(unit) => (self.mantissa / unit, self.mantissa % unit),
            None => (0, self.mantissa),
        };
        write!(formatter, "{whole}")?;
        match self.scale {
            0 => Ok(()),
            places => write!(formatter, ".{fraction:0places$}", places = usize::from(places)),
        }
    }
}

/// Digits with a sign or without. Far more than there is room for is as good as anything else far
/// out of range.
fn exponent_of(text: &str) -> Result<i64, RateError> {
    let (sign, digits) = match text.as_bytes().first() {
        Some(b'-') => (-1, &text[1..]),
        Some(b'+') => (1, &text[1..]),
        _ => (1, text),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(RateError::NotDecimal);
    }
    Ok(sign * digits.parse::<i64>().unwrap_or(i64::MAX / 2))
}

fn parse(text: &str, exponent: i64, excess: Excess) -> Result<Rate, RateError> {
    let (is_negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = match text.split_once('.') {
        Some((_, "")) => return Err(RateError::NotDecimal),
        Some(parts) => parts,
        None => (text, ""),
    };
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let has_leading_zero = whole.len() > 1 && whole.starts_with('0');
    if whole.is_empty() || has_leading_zero || !is_digits(whole) || !is_digits(fraction) {
        return Err(RateError::NotDecimal);
    }
    let (mantissa, places) = significant(whole, fraction, excess)?;
    if mantissa == 0 || is_negative {
        return Err(RateError::NotPositive);
    }
    rate(mantissa, exponent.saturating_sub(places))
}

/// The digits without the zeros before and after them as a number, and how many of them are behind
/// the point; less than none where zeros before the point were left out.
fn significant(whole: &str, fraction: &str, excess: Excess) -> Result<(u128, i64), RateError> {
    let (mut mantissa, mut digits, mut left_out) = (0u128, 0, 0i64);
    let (mut rounds_up, mut is_exact) = (false, true);
    for digit in whole.bytes().chain(fraction.bytes()).map(|byte| byte - b'0') {
        if digits < RATE_DIGITS_MAX {
            mantissa = mantissa * 10 + u128::from(digit);
            digits += u32::from(mantissa > 0);
        } else {
            rounds_up |= left_out == 0 && digit >= 5;
            is_exact &= digit == 0;
            left_out += 1;
        }
    }
    if !is_exact && excess == Excess::Refused {
        return Err(RateError::TooPrecise);
    }
    mantissa += u128::from(rounds_up);
    let mut places = i64::try_from(fraction.len()).unwrap_or(i64::MAX).saturating_sub(left_out);
    while mantissa > 0 && mantissa.is_multiple_of(10) {
        (mantissa, places) = (mantissa / 10, places - 1);
    }
    Ok((mantissa, places))
}

/// The rate `mantissa` times ten to the `exponent`; the mantissa doesn't end in a zero.
fn rate(mantissa: u128, exponent: i64) -> Result<Rate, RateError> {
    let above = i64::from(mantissa.ilog10());
    let magnitude = exponent.saturating_add(above);
    let is_greatest = magnitude == MAGNITUDE_MAX && mantissa == 1;
    if magnitude < -MAGNITUDE_MAX || (magnitude >= MAGNITUDE_MAX && !is_greatest) {
        return Err(RateError::OutOfRange);
    }
    // Both conversions fit, since the magnitude does and there are 28 digits at the most.
    let out_of_range = |_| RateError::OutOfRange;
    if exponent >= 0 {
        let shift = 10u128.pow(u32::try_from(exponent).map_err(out_of_range)?);
        Ok(Rate { mantissa: mantissa * shift, scale: 0, is_inverted: false })
    } else {
        let scale = u8::try_from(-exponent).map_err(out_of_range)?;
        Ok(Rate { mantissa, scale, is_inverted: false })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Result<(u128, u8), RateError> {
        text.parse().map(|rate: Rate| (rate.mantissa, rate.scale))
    }

    #[test]
    fn decimals_are_kept_to_the_last_digit() {
        let most = "1234567890123456789.012345678";
        assert_eq!(parsed("0.92"), Ok((92, 2)));
        assert_eq!(parsed("17.30"), Ok((173, 1)));
        assert_eq!(parsed("100"), Ok((100, 0)));
        assert_eq!(parsed("1.000"), Ok((1, 0)));
        assert_eq!(parsed("0.000000000000000001"), Ok((1, 18)));
        assert_eq!(parsed("1000000000000000000"), Ok((10u128.pow(18), 0)));
        assert_eq!(parsed(&most[1..]), Ok((234_567_890_123_456_789_012_345_678, 9)));
        assert_eq!(parsed(most), Err(RateError::OutOfRange));
        assert_eq!(parsed("0.1000000000000000000000000001"), Ok((10u128.pow(27) + 1, 28)));
    }

    #[test]
    fn json_numbers_may_have_an_exponent() {
        let from_json = |text| Rate::from_json_number(text).map(|rate| (rate.mantissa, rate.scale));
        assert_eq!(from_json("0.92"), Ok((92, 2)));
        assert_eq!(from_json("9.2e-1"), Ok((92, 2)));
        assert_eq!(from_json("1.73E+1"), Ok((173, 1)));
        assert_eq!(from_json("5e3"), Ok((5_000, 0)));
        assert_eq!(from_json("250e-3"), Ok((25, 2)));
        // 28 digits are kept, and the last is rounded to the nearest.
        let kept = 1_234_567_890_123_456_789_012_345_678;
        assert_eq!(from_json("0.12345678901234567890123456784"), Ok((kept, 28)));
        assert_eq!(from_json("0.12345678901234567890123456785"), Ok((kept + 1, 28)));
        assert_eq!(from_json("0.99999999999999999999999999999"), Ok((1, 0)));
        assert_eq!(from_json("12345678901234567890123456789e-12"), Ok((kept + 1, 11)));
        for text in ["1e19", "1e999999999999999999999", "1e-19", "9e-999999999999999999999"] {
            assert_eq!(from_json(text), Err(RateError::OutOfRange), "{text}");
        }
        for text in ["0", "0.0", "0e99999", "-1", "-0.92", "-1e400"] {
            assert_eq!(from_json(text), Err(RateError::NotPositive), "{text}");
        }
        for text in ["", "NaN", "Infinity", "1e", "1e+", "1e1.5", "e5", "1ee5", "0x10", "1e--1"] {
            assert_eq!(from_json(text), Err(RateError::NotDecimal), "{text}");
        }
    }

    #[test]
    fn what_is_no_rate_says_why() {
        for text in
            ["", ".", ".5", "5.", "01", "00.5", "+1", " 1", "1 ", "1,5", "1e2", "١", "1.2.3"]
        {
            assert_eq!(parsed(text), Err(RateError::NotDecimal), "{text}");
        }
        for text in ["0", "0.000", "-1", "-0"] {
            assert_eq!(parsed(text), Err(RateError::NotPositive), "{text}");
        }
        assert_eq!(parsed("0.12345678901234567890123456789"), Err(RateError::TooPrecise));
        assert_eq!(parsed("1000000000000000000.1"), Err(RateError::OutOfRange));
        assert_eq!(parsed("0.0000000000000000009"), Err(RateError::OutOfRange));
        assert_eq!(parsed(&"9".repeat(40)), Err(RateError::TooPrecise));
    }

    #[test]
    fn an_inverse_is_exact_and_says_of_what() {
        let rate: Rate = "0.92".parse().expect("a rate");
        assert_eq!(rate.to_string(), "0.92");
        assert_eq!(rate.inverse().to_string(), "1/0.92");
        assert_eq!(rate.inverse().inverse(), rate);
        assert_eq!(Rate::ONE.inverse().to_string(), "1");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(mantissa in 1..10u128.pow(28), scale in 10..=46u8) {
            let text = Rate { mantissa, scale, is_inverted: false }.to_string();
            if let Ok(rate) = text.parse::<Rate>() {
                let zeros = u32::from(scale - rate.scale);
                prop_assert_eq!(rate.mantissa * 10u128.pow(zeros), mantissa);
                let trimmed = text.trim_end_matches('0').trim_end_matches('.');
                prop_assert_eq!(rate.to_string(), trimmed);
            } else {
                // All but the rates that are too small.
                prop_assert!(i64::from(mantissa.ilog10()) - i64::from(scale) < -18);
            }
        }

        #[test]
        fn what_is_rounded_is_off_by_half_a_digit_at_the_most(
            digits in "[1-9][0-9]{28,39}", scale in 20..=60usize,
        ) {
            let text = format!("{digits}e-{scale}");
            if let Ok(rate) = Rate::from_json_number(&text) {
                // Both numbers times ten to the 60th, as whole numbers of up to a hundred digits.
                let exact = format!("{digits}{}", "0".repeat(60 - scale));
                let kept = format!("{}{}", rate.mantissa, "0".repeat(60 - usize::from(rate.scale)));
                let exact: num_bigint::BigUint = exact.parse().unwrap();
                let kept: num_bigint::BigUint = kept.parse().unwrap();
                let off = if exact > kept { &exact - &kept } else { &kept - &exact };
                let last = num_bigint::BigUint::from(10u8).pow((exact.to_string().len() - 28) as u32);
                prop_assert!(off * 2u8 <= last, "{text} was read as {rate}");
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC*", number in "[-+]?[0-9]{0,40}\\.?[0-9]{0,40}([eE][-+]?[0-9]{0,30})?") {
            let _ = (text.parse::<Rate>(), Rate::from_json_number(&text));
            let _ = (number.parse::<Rate>(), Rate::from_json_number(&number));
        }
    }
}
