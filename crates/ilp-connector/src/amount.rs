//! Amounts as people write them, exact in both directions.

/// Why a text is no amount of an asset.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// The text is not a decimal number.
    #[error("{0:?} is no amount: expected digits with an optional decimal point, such as 12.50")]
    NotANumber(String),
    /// The text has more decimal places than the asset.
    #[error("{text} has more than {scale} decimal places, which is all that the asset has")]
    TooFine {
        /// The text that was given.
        text: String,
        /// How many decimal places the asset has.
        scale: u8,
    },
    /// The amount is above 2^64 - 1.
    #[error("{0} is more than fits: the largest amount is 2^64 - 1 of the asset's smallest units")]
    TooLarge(String),
}

/// The amount in the asset's smallest unit: `12.5` at scale 2 is 1250.
///
/// # Errors
/// When the text is no amount, or none that the asset can have.
pub fn parse_amount(text: &str, scale: u8) -> Result<u64, AmountError> {
    let not_a_number = || AmountError::NotANumber(text.to_owned());
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) {
        return Err(not_a_number());
    }
    let fraction = fraction.trim_end_matches('0');
    let scale_places = usize::from(scale);
    if fraction.len() > scale_places {
        return Err(AmountError::TooFine { text: text.to_owned(), scale });
    }
    let digits = format!("{whole}{fraction:0<scale_places$}");
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Ok(0);
    }
    digits.parse().map_err(|_| AmountError::TooLarge(text.to_owned()))
}

/// The amount in standard units: 1250 at scale 2 is `12.50`.
#[must_use]
pub fn format_amount(amount: u128, scale: u8) -> String {
    let places = usize::from(scale);
    if places == 0 {
        return amount.to_string();
    }
    let digits = format!("{amount:0>width$}", width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    format!("{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly() {
        let read = [
            ("12.50", 2, 1_250),
            ("12.5", 2, 1_250),
            ("12", 2, 1_200),
            ("0.01", 2, 1),
            ("0", 9, 0),
            ("12.500", 1, 125),
            ("18446744073709551615", 0, u64::MAX),
            ("18446744073.709551615", 9, u64::MAX),
            ("0.000000000000000000000000000000000000000000000000001", 51, 1),
        ];
        for (text, scale, amount) in read {
            assert_eq!(parse_amount(text, scale), Ok(amount), "{text} at {scale}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in ["", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", " 1", "NaN", "\u{0661}"] {
            let refused = parse_amount(text, 2);
            assert!(matches!(refused, Err(AmountError::NotANumber(_))), "{text}");
        }
        assert!(matches!(parse_amount("0.001", 2), Err(AmountError::TooFine { .. })));
        assert!(matches!(parse_amount("18446744073709551616", 0), Err(AmountError::TooLarge(_))));
        assert!(matches!(parse_amount("1", 255), Err(AmountError::TooLarge(_))));
    }

    #[test]
    fn amounts_are_written_as_they_are_read() {
        assert_eq!(format_amount(1_250, 2), "12.50");
        assert_eq!(format_amount(5, 2), "0.05");
        assert_eq!(format_amount(5, 0), "5");
        for amount in [0, 1, 99, 100, 101, u64::MAX] {
            for scale in [0, 1, 2, 9, 18, 19, 20] {
                let text = format_amount(u128::from(amount), scale);
                assert_eq!(parse_amount(&text, scale), Ok(amount), "{text}");
            }
        }
    }
}
