//! Times as clients write them: RFC 3339, such as `2026-11-23T12:00:00Z`.

use interledger_packet::Timestamp;

/// The moment that `text` means; `None` when it means none, or one before 1970 or after 9999.
/// Fractions of a second are taken to the millisecond, and the rest is dropped.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let (date_time, rest) = bytes.split_at_checked(19)?;
    let [
        y1,
        y2,
        y3,
        y4,
        b'-',
        mo1,
        mo2,
        b'-',
        d1,
        d2,
        b'T' | b't' | b' ',
        h1,
        h2,
        b':',
        mi1,
        mi2,
        b':',
        s1,
        s2,
    ] = *date_time
    else {
        return None;
    };
    let (ms, zone) = fraction(rest)?;
    let [ms1, ms2, ms3] = ms;
    let digits = [y1, y2, y3, y4, mo1, mo2, d1, d2, h1, h2, mi1, mi2, s1, s2, ms1, ms2, ms3];
    let local = Timestamp::from_digits(&digits).ok()?;
    Some(match zone {
        b"Z" | b"z" => local,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (two_digits(*h1, *h2)?, two_digits(*m1, *m2)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let offset_ms = (hours * 60 + minutes) * 60_000;
            match sign {
                // East of Greenwich, the same moment is earlier there than the clock says.
                b'+' => Timestamp::from_unix_ms(local.unix_ms().checked_sub(offset_ms)?),
                _ => local.saturating_add_ms(offset_ms),
            }
        }
        _ => return None,
    })
}

/// Three digits of milliseconds, and what comes after the fraction.
fn fraction(rest: &[u8]) -> Option<([u8; 3], &[u8])> {
    let Some((b'.', rest)) = rest.split_first() else { return Some((*b"000", rest)) };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return None;
    }
    let (fraction, zone) = rest.split_at(digits);
    let digit = |index| fraction.get(index).copied().unwrap_or(b'0');
    Some(([digit(0), digit(1), digit(2)], zone))
}

fn two_digits(tens: u8, ones: u8) -> Option<u64> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
    Some(digit(tens)? * 10 + digit(ones)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_many_spellings() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
            ("2026-11-23T12:00:00.5z", "2026-11-23T12:00:00.500Z"),
            ("2026-11-23 12:00:00.123456Z", "2026-11-23T12:00:00.123Z"),
            ("2026-11-23T12:00:00+03:00", "2026-11-23T09:00:00.000Z"),
            ("2026-12-31T23:30:00-01:30", "2027-01-01T01:00:00.000Z"),
        ] {
            assert_eq!(
                parse(text).map(|time| time.to_string()).as_deref(),
                Some(expected),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in [
            "",
            "tomorrow",
            "2026-11-23",
            "2026-11-23T12:00:00",
            "2026-11-23T12:00Z",
            "2026-02-30T12:00:00Z",
            "2026-11-23T24:00:00Z",
            "2026-11-23T12:00:00.Z",
            "2026-11-23T12:00:00+3",
            "2026-11-23T12:00:00+24:00",
            "1970-01-01T00:00:00+01:00",
            "2026-11-23T12:00:0é",
            "+026-11-23T12:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
