use proptest::prelude::*;

use super::*;
use crate::fixtures::any_timestamp;

fn parse(digits: &str) -> Result<Timestamp, String> {
    Timestamp::from_digits(digits.as_bytes().try_into().unwrap()).map_err(|error| error.to_string())
}

#[test]
fn known_moments() {
    let cases = [
        (0, "19700101000000000", "1970-01-01T00:00:00.000Z"),
        (951_782_400_000, "20000229000000000", "2000-02-29T00:00:00.000Z"),
        (951_868_800_000, "20000301000000000", "2000-03-01T00:00:00.000Z"),
        (1_514_132_072_279, "20171224161432279", "2017-12-24T16:14:32.279Z"),
        (1_795_435_200_000, "20261123120000000", "2026-11-23T12:00:00.000Z"),
        (4_107_542_399_999, "21000228235959999", "2100-02-28T23:59:59.999Z"),
        (4_107_542_400_000, "21000301000000000", "2100-03-01T00:00:00.000Z"),
        (253_402_300_799_999, "99991231235959999", "9999-12-31T23:59:59.999Z"),
    ];
    for (unix_ms, digits, text) in cases {
        let timestamp = Timestamp::from_unix_ms(unix_ms);
        assert_eq!(parse(digits), Ok(timestamp));
        assert_eq!(timestamp.to_digits(), digits.as_bytes());
        assert_eq!(timestamp.to_string(), text);
    }
}

#[test]
fn what_is_no_moment_is_refused_with_its_reason() {
    let cases = [
        ("20171324161432200", "month 13 is out of range, 1 to 12 allowed"),
        ("20170024161432200", "month 0 is out of range, 1 to 12 allowed"),
        ("20171200161432200", "day 0 is out of range, 1 to 31 allowed"),
        ("20170229161432200", "day 29 is out of range, 1 to 28 allowed"),
        ("20000230161432200", "day 30 is out of range, 1 to 29 allowed"),
        ("21000229161432200", "day 29 is out of range, 1 to 28 allowed"),
        ("20170431161432200", "day 31 is out of range, 1 to 30 allowed"),
        ("20171224240000000", "hour 24 is out of range, 0 to 23 allowed"),
        ("20171224236000000", "minute 60 is out of range, 0 to 59 allowed"),
        ("20161231235960852", "second 60 is out of range, 0 to 59 allowed"),
        ("19691231235959999", "year 1969 is out of range, 1970 to 9999 allowed"),
        ("00001231235959999", "year 0 is out of range, 1970 to 9999 allowed"),
        ("2017122423000000.", "'.' is no digit, position 16 of YYYYMMDDHHMMSSmmm"),
        ("+2017122416143220", "'+' is no digit, position 0 of YYYYMMDDHHMMSSmmm"),
        ("2017 224161432200", "' ' is no digit, position 4 of YYYYMMDDHHMMSSmmm"),
        ("2017122416143220\n", "'\\n' is no digit, position 16 of YYYYMMDDHHMMSSmmm"),
    ];
    for (digits, reason) in cases {
        assert_eq!(parse(digits), Err(reason.to_owned()), "{digits}");
    }
}

#[test]
fn every_day_follows_the_one_before() {
    let mut before = Timestamp::MIN.date();
    for days in 1..=low_half(Timestamp::MAX.unix_ms / MS_PER_DAY) {
        let (year, month, day) = calendar_date(days);
        let expected = match before {
            (year, month, day) if day < days_in_month(year, month) => (year, month, day + 1),
            (year, 12, _) => (year + 1, 1, 1),
            (year, month, _) => (year, month + 1, 1),
        };
        assert_eq!((year, month, day), expected);
        assert_eq!(days_since_1970(year, month, day), days);
        before = (year, month, day);
    }
    assert_eq!(before, (9999, 12, 31));
}

#[test]
fn beyond_the_range_is_its_end() {
    assert_eq!(Timestamp::from_unix_ms(u64::MAX), Timestamp::MAX);
    assert_eq!(Timestamp::MAX.saturating_add_ms(1), Timestamp::MAX);
    assert_eq!(Timestamp::MIN.saturating_sub_ms(1), Timestamp::MIN);
    assert_eq!(Timestamp::from_unix_ms(5).saturating_ms_since(Timestamp::from_unix_ms(3)), 2);
    assert_eq!(Timestamp::from_unix_ms(3).saturating_ms_since(Timestamp::from_unix_ms(5)), 0);
}

proptest! {
    #[test]
    fn digits_round_trip(timestamp in any_timestamp()) {
        prop_assert_eq!(Timestamp::from_digits(&timestamp.to_digits()), Ok(timestamp));
    }

    #[test]
    fn what_parses_is_written_the_same(digits in any::<[u8; 17]>(), text in "[0-9]{17}") {
        for bytes in [digits, text.as_bytes().try_into().unwrap()] {
            if let Ok(timestamp) = Timestamp::from_digits(&bytes) {
                prop_assert_eq!(timestamp.to_digits(), bytes);
            }
        }
    }
}
