//! Against big integers, which know no width.

use num_bigint::BigUint;
use proptest::prelude::*;

use super::*;

/// The definition: a numerator and a denominator, however long.
fn exact(rate: Rate, scale_in: u8, scale_out: u8, spread: Spread) -> (BigUint, BigUint) {
    let power = |places: u8| BigUint::from(10u8).pow(u32::from(places));
    let mut rate_parts = (BigUint::from(rate.mantissa), power(rate.scale));
    if rate.is_inverted {
        rate_parts = (rate_parts.1, rate_parts.0);
    }
    let passes = BigUint::from(10_000 - spread.basis_points());
    (rate_parts.0 * power(scale_out) * passes, rate_parts.1 * power(scale_in) * 10_000u16)
}

fn rate() -> impl Strategy<Value = Rate> {
    let mantissa = prop_oneof![
        1..10u128.pow(28),
        1..10u128.pow(6),
        (0..28u32).prop_map(|power| 10u128.pow(power)),
        Just(10u128.pow(28) - 1),
    ];
    (mantissa, 0..=46u8, any::<bool>()).prop_map(|(mantissa, scale, is_inverted)| Rate {
        mantissa,
        scale,
        is_inverted,
    })
}

fn amount() -> impl Strategy<Value = u64> {
    prop_oneof![any::<u64>(), 0..100_000u64, Just(u64::MAX), (0..64u32).prop_map(|bit| 1 << bit)]
}

fn spread() -> impl Strategy<Value = Spread> {
    prop_oneof![0..=10_000u16, Just(0), 9_990..=10_000u16].prop_map(Spread)
}

/// Scales anywhere, and scales as near to each other as they are in use.
fn scales() -> impl Strategy<Value = (u8, u8)> {
    prop_oneof![(any::<u8>(), any::<u8>()), (0..20u8, 0..20u8), (200..=255u8, 190..=255u8)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn converts_to_the_floor_of_the_exact_value(
        rate in rate(), (scale_in, scale_out) in scales(), spread in spread(),
        amount in amount(), maximum_out in amount(),
    ) {
        let conversion = Conversion::new(rate, scale_in, scale_out, spread);
        let (numerator, denominator) = exact(rate, scale_in, scale_out, spread);
        let floor = numerator * amount / denominator;
        let converted = conversion.convert(amount, maximum_out);
        if floor > BigUint::from(maximum_out) {
            prop_assert!(matches!(converted, Err(Inconvertible::TooMuch { .. })), "{:?}", converted);
        } else if amount > 0 && floor == BigUint::ZERO {
            prop_assert_eq!(converted, Err(Inconvertible::ToZero));
        } else {
            prop_assert_eq!(converted.map(BigUint::from), Ok(floor));
        }
    }

    #[test]
    fn the_maximum_passes_and_one_more_does_not(
        rate in rate(), (scale_in, scale_out) in scales(), spread in spread(), maximum_out in amount(),
    ) {
        let conversion = Conversion::new(rate, scale_in, scale_out, spread);
        let maximum = conversion.max_input(maximum_out);
        prop_assert!(conversion.convert(maximum, maximum_out).is_ok());
        if let Some(more) = maximum.checked_add(1) {
            prop_assert!(conversion.convert(more, maximum_out).is_err());
        }
    }

    /// There and back again by the exact inverse never brings more than there was.
    #[test]
    fn a_round_trip_wins_nothing(
        rate in rate(), (scale_in, scale_out) in scales(), spread in spread(), amount in amount(),
    ) {
        let there = Conversion::new(rate, scale_in, scale_out, spread);
        let back = Conversion::new(rate.inverse(), scale_out, scale_in, Spread::NONE);
        if let Ok(out) = there.convert(amount, u64::MAX)
            && let Ok(returned) = back.convert(out, u64::MAX)
        {
            prop_assert!(returned <= amount, "{} came back of {}", returned, amount);
        }
    }
}

fn conversion(rate: &str, scale_in: u8, scale_out: u8, basis_points: u16) -> Conversion {
    let rate = rate.parse().expect("a rate");
    Conversion::new(rate, scale_in, scale_out, Spread::new(basis_points).expect("a spread"))
}

#[test]
fn what_floats_get_wrong_is_right() {
    assert_eq!(conversion("1.15", 2, 2, 0).convert(100, u64::MAX), Ok(115));
    let odd = 9_007_199_254_740_993;
    assert_eq!(conversion("1.0", 2, 2, 0).convert(odd, u64::MAX), Ok(odd));
    assert_eq!(conversion("0.92", 2, 9, 50).convert(10_000, u64::MAX), Ok(91_540_000_000));
}

#[test]
fn scales_far_apart_are_nothing_or_too_much() {
    let (up, down) = (conversion("1", 0, 255, 0), conversion("1", 255, 0, 0));
    assert_eq!(up.convert(0, 0), Ok(0));
    assert_eq!(up.convert(1, u64::MAX), Err(Inconvertible::TooMuch { maximum: 0 }));
    assert_eq!(down.convert(u64::MAX, u64::MAX), Err(Inconvertible::ToZero));
    assert_eq!(conversion("1", 255, 255, 0).convert(7, u64::MAX), Ok(7));
    assert_eq!(conversion("1", 0, 19, 0).convert(1, u64::MAX), Ok(10u64.pow(19)));
    let too_much = conversion("1", 0, 19, 0).convert(2, u64::MAX);
    assert_eq!(too_much, Err(Inconvertible::TooMuch { maximum: 1 }));
}

#[test]
fn a_maximum_is_in_the_unit_of_what_was_sent() {
    let half = conversion("0.5", 2, 2, 0);
    assert_eq!(half.convert(202, 100), Err(Inconvertible::TooMuch { maximum: 201 }));
    // Where what fits is worth nothing, nothing passes.
    assert_eq!(half.convert(2, 0), Err(Inconvertible::TooMuch { maximum: 0 }));
    assert_eq!(half.convert(1, 0), Err(Inconvertible::ToZero));
    let triple = conversion("3", 2, 2, 0);
    assert_eq!(triple.convert(34, 100), Err(Inconvertible::TooMuch { maximum: 33 }));
    assert_eq!(triple.convert(1, 2), Err(Inconvertible::TooMuch { maximum: 0 }));
}

#[test]
fn a_whole_spread_lets_nothing_pass() {
    assert_eq!(conversion("3", 0, 255, 10_000).convert(9, u64::MAX), Err(Inconvertible::ToZero));
    assert_eq!(Spread::new(10_001), None);
    assert_eq!(conversion("1", 2, 2, 1).convert(10_000, u64::MAX), Ok(9_999));
}
