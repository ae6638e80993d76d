//! Times as packets carry them.

use std::fmt;

use crate::limits::EXPIRY_BYTES;

/// `HHMMSSmmm`, the part of the wire form that changes within a day.
const CLOCK_BYTES: usize = 9;
const MS_PER_SECOND: u32 = 1_000;
const MS_PER_DAY: u64 = 86_400_000;
/// Days from 0000-03-01 to 1970-01-01 in the proleptic Gregorian calendar.
const EPOCH_DAYS: u32 = 719_468;
/// Days in four hundred years, after which the Gregorian calendar repeats.
const DAYS_PER_400_YEARS: u32 = 146_097;

/// A moment in UTC, in whole milliseconds since 1970-01-01T00:00:00.000Z.
///
/// On the wire it is 17 digits, `YYYYMMDDHHMMSSmmm` (IL-RFC 30, "Fixed-length Timestamps"). The
/// range is 1970 to 9999: four digits can't go further, and no packet can expire before 1970.
/// There are no leap seconds, as the RFC demands them smeared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    unix_ms: u64,
}

/// Why 17 bytes are no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// A byte is no digit.
    #[error(
        "'{}' is no digit, position {position} of YYYYMMDDHHMMSSmmm",
        found.escape_ascii()
    )]
    NotADigit {
        /// The position of the byte, from 0 to 16.
        position: usize,
        /// The byte.
        found: u8,
    },
    /// A part is outside the calendar or the clock.
    #[error("{part} {found} is out of range, {minimum} to {maximum} allowed")]
    OutOfRange {
        /// `year`, `month`, `day`, `hour`, `minute` or `second`.
        part: &'static str,
        /// The number found.
        found: u16,
        /// The least one allowed.
        minimum: u16,
        /// The greatest one allowed, for `day` in that month of that year.
        maximum: u16,
    },
}

impl Timestamp {
    /// 1970-01-01T00:00:00.000Z.
    pub const MIN: Self = Self { unix_ms: 0 };

    /// 9999-12-31T23:59:59.999Z.
    pub const MAX: Self = Self { unix_ms: 253_402_300_799_999 };

    /// The moment `unix_ms` milliseconds after the start of 1970. What lies beyond
    /// [`Timestamp::MAX`] becomes it: it is as far as a packet can say.
    #[must_use]
    pub const fn from_unix_ms(unix_ms: u64) -> Self {
        if unix_ms > Self::MAX.unix_ms {
            return Self::MAX;
        }
        Self { unix_ms }
    }

    /// Milliseconds since the start of 1970.
    #[must_use]
    pub const fn unix_ms(self) -> u64 {
        self.unix_ms
    }

    /// The moment `ms` milliseconds later, at most [`Timestamp::MAX`].
    #[must_use]
    pub const fn saturating_add_ms(self, ms: u64) -> Self {
        Self::from_unix_ms(self.unix_ms.saturating_add(ms))
    }

    /// The moment `ms` milliseconds earlier, at least [`Timestamp::MIN`].
    #[must_use]
    pub const fn saturating_sub_ms(self, ms: u64) -> Self {
        Self { unix_ms: self.unix_ms.saturating_sub(ms) }
    }

    /// Milliseconds from `earlier` to this moment, 0 if it is not earlier.
    #[must_use]
    pub const fn saturating_ms_since(self, earlier: Self) -> u64 {
        self.unix_ms.saturating_sub(earlier.unix_ms)
    }

    /// Reads the wire form, `YYYYMMDDHHMMSSmmm`.
    ///
    /// # Errors
    /// [`TimestampError::NotADigit`], or [`TimestampError::OutOfRange`] for a date that does not
    /// exist, a year before 1970, hour 24 or second 60.
    pub fn from_digits(digits: &[u8; EXPIRY_BYTES]) -> Result<Self, TimestampError> {
        let values = digits.map(|byte| byte.wrapping_sub(b'0'));
        // Without an early exit the compiler checks all 17 in one or two vector operations.
        if values.iter().fold(false, |bad, &value| bad | (value > 9)) {
            return Err(first_non_digit(digits));
        }
        let [y1, y2, y3, y4, mo1, mo2, d1, d2, h1, h2, mi1, mi2, s1, s2, ms1, ms2, ms3] = values;
        let year = number(&[y1, y2, y3, y4]);
        let month = number(&[mo1, mo2]);
        let day = number(&[d1, d2]);
        let hour = number(&[h1, h2]);
        let minute = number(&[mi1, mi2]);
        let second = number(&[s1, s2]);
        in_range("year", year, 1970, 9999)?;
        in_range("month", month, 1, 12)?;
        in_range("day", day, 1, days_in_month(year, month))?;
        in_range("hour", hour, 0, 23)?;
        in_range("minute", minute, 0, 59)?;
        in_range("second", second, 0, 59)?;
        let days = u64::from(days_since_1970(year, month, day));
        let ms_of_day = u64::from(clock_ms(hour, minute, second, number(&[ms1, ms2, ms3])));
        Ok(Self { unix_ms: days.saturating_mul(MS_PER_DAY).saturating_add(ms_of_day) })
    }

    /// Writes the wire form, `YYYYMMDDHHMMSSmmm`.
    #[must_use]
    pub fn to_digits(self) -> [u8; EXPIRY_BYTES] {
        let (year, month, day) = self.date();
        let [y1, y2] = two_digits(year / 100);
        let [y3, y4] = two_digits(year % 100);
        let [mo1, mo2] = two_digits(month);
        let [d1, d2] = two_digits(day);
        let [h1, h2, mi1, mi2, s1, s2, ms1, ms2, ms3] = self.to_clock_digits();
        [y1, y2, y3, y4, mo1, mo2, d1, d2, h1, h2, mi1, mi2, s1, s2, ms1, ms2, ms3]
    }

    /// The last digits of the wire form, `HHMMSSmmm`; the others are the same all day.
    #[inline]
    pub(crate) fn to_clock_digits(self) -> [u8; CLOCK_BYTES] {
        let (hour, minute, second, ms) = self.clock();
        let [h1, h2] = two_digits(hour);
        let [mi1, mi2] = two_digits(minute);
        let [s1, s2] = two_digits(second);
        let [ms1, ms2] = two_digits(ms / 10);
        let [_, ms3] = two_digits(ms % 10);
        [h1, h2, mi1, mi2, s1, s2, ms1, ms2, ms3]
    }

    #[inline]
    pub(crate) const fn is_same_day(self, other: Self) -> bool {
        self.unix_ms / MS_PER_DAY == other.unix_ms / MS_PER_DAY
    }

    #[inline]
    const fn date(self) -> (u16, u16, u16) {
        // At most 2,932,896 days, and below 86,399,999 ms: both fit in the half that is taken, in
        // which divisions are cheaper.
        calendar_date(low_half(self.unix_ms / MS_PER_DAY))
    }

    #[inline]
    const fn clock(self) -> (u16, u16, u16, u16) {
        let ms_of_day = low_half(self.unix_ms % MS_PER_DAY);
        let seconds = ms_of_day / MS_PER_SECOND;
        (
            low_quarter(seconds / 3_600),
            low_quarter(seconds / 60 % 60),
            low_quarter(seconds % 60),
            low_quarter(ms_of_day % MS_PER_SECOND),
        )
    }
}

/// ISO 8601 with milliseconds, such as `2026-11-23T12:00:00.000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        let (hour, minute, second, ms) = self.clock();
        write!(
            formatter,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z"
        )
    }
}

#[cold]
fn first_non_digit(digits: &[u8; EXPIRY_BYTES]) -> TimestampError {
    let bad = digits.iter().enumerate().find(|(_, byte)| !byte.is_ascii_digit());
    let (position, &found) = bad.unwrap_or((0, &0));
    TimestampError::NotADigit { position, found }
}

#[inline]
const fn in_range(
    part: &'static str,
    found: u16,
    minimum: u16,
    maximum: u16,
) -> Result<(), TimestampError> {
    if found < minimum || found > maximum {
        return Err(TimestampError::OutOfRange { part, found, minimum, maximum });
    }
    Ok(())
}

/// The number that up to four digits, each 0 to 9, stand for: 9,999 at most.
#[inline]
fn number(digits: &[u8]) -> u16 {
    digits.iter().fold(0_u16, |value, &digit| value.wrapping_mul(10).wrapping_add(u16::from(digit)))
}

#[inline]
fn two_digits(value: u16) -> [u8; 2] {
    let [_, tens] = (value / 10).to_be_bytes();
    let [_, ones] = (value % 10).to_be_bytes();
    [b'0' | tens, b'0' | ones]
}

/// The value of a number that is known to fit in 32 bits.
#[inline]
const fn low_half(value: u64) -> u32 {
    let [.., a, b, c, d] = value.to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// The value of a number that is known to fit in 16 bits.
#[inline]
const fn low_quarter(value: u32) -> u16 {
    let [.., high, low] = value.to_be_bytes();
    u16::from_be_bytes([high, low])
}

#[inline]
const fn days_in_month(year: u16, month: u16) -> u16 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap_year(year) => 29,
        2 => 28,
        _ => 31,
    }
}

#[inline]
const fn is_leap_year(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

#[inline]
#[expect(clippy::arithmetic_side_effects, reason = "a clock's parts give 86,399,999 at most")]
fn clock_ms(hour: u16, minute: u16, second: u16, ms: u16) -> u32 {
    let seconds = (u32::from(hour) * 60 + u32::from(minute)) * 60 + u32::from(second);
    seconds * MS_PER_SECOND + u32::from(ms)
}

/// Days from the start of 1970 to a day that exists.
///
/// Years are counted from 1 March, which puts the leap day at a year's end. From there the months
/// are 31, 30, 31, 30, 31 days long, and again; so the days before month `m` are (153 m + 2) / 5.
#[inline]
#[expect(
    clippy::arithmetic_side_effects,
    reason = "the year is 1970 to 9999, so no difference is negative and no sum passes 4 million"
)]
fn days_since_1970(year: u16, month: u16, day: u16) -> u32 {
    let before_march = month < 3;
    let year = u32::from(year) - u32::from(before_march);
    let month = u32::from(month);
    let months_since_march = if before_march { month + 9 } else { month - 3 };
    let leap_days = year / 4 - year / 100 + year / 400;
    let day_of_year = (153 * months_since_march + 2) / 5 + u32::from(day) - 1;
    365 * year + leap_days + day_of_year - EPOCH_DAYS
}

/// The date `days` days after 1970-01-01: year, month, day. The inverse of [`days_since_1970`].
#[inline]
#[expect(
    clippy::arithmetic_side_effects,
    reason = "days is 2,932,896 at most (the end of 9999), and every subtrahend is a part of its minuend"
)]
const fn calendar_date(days: u32) -> (u16, u16, u16) {
    let days = days + EPOCH_DAYS;
    let day_of_cycle = days % DAYS_PER_400_YEARS;
    // Take away the leap days passed, and all years are 365 days long: one each 1,460 days, none
    // each 36,524, and one again at the cycle's very last day.
    let leap_days = day_of_cycle / 1_460 - day_of_cycle / 36_524 + day_of_cycle / 146_096;
    let year_of_cycle = (day_of_cycle - leap_days) / 365;
    let day_of_year =
        day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let months_since_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months_since_march + 2) / 5 + 1;
    let year = days / DAYS_PER_400_YEARS * 400 + year_of_cycle;
    let (year, month) = match months_since_march {
        0..=9 => (year, months_since_march + 3),
        _ => (year + 1, months_since_march - 9),
    };
    (low_quarter(year), low_quarter(month), low_quarter(day))
}

#[cfg(test)]
mod tests;
