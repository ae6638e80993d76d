use proptest::prelude::*;

use super::*;

fn rate(delivered: u64, sent: u64) -> Rate {
    Rate::new(delivered, sent).unwrap()
}

#[test]
fn conversions_round_as_they_say() {
    let rate = rate(92, 100);
    assert_eq!(rate.delivered_for(10), 9);
    assert_eq!(rate.delivered_for_rounded_up(10), 10);
    assert_eq!(rate.sent_for(9), Some(10));
    assert_eq!(rate.sent_for(10), Some(11));
    assert_eq!(Rate::ZERO.sent_for(1), None);
    assert_eq!(Rate::ZERO.sent_for(0), Some(0));
    assert_eq!(Rate::new(u64::MAX, 1).unwrap().delivered_for(2), u64::MAX);
    assert_eq!(Rate::new(1, 2).unwrap().sent_for(u64::MAX), None);
    assert_eq!(Rate::new(1, 0), None);
}

#[test]
fn slippage_is_taken_exactly() {
    assert_eq!(rate(92, 100).less(100), rate(9_108, 10_000));
    assert_eq!(rate(92, 100).less(0), rate(92, 100));
    assert_eq!(rate(92, 100).less(10_000), Rate::ZERO);
    assert_eq!(rate(92, 100).less(u16::MAX), Rate::ZERO);
}

#[test]
fn wide_terms_are_reduced_or_rounded_down() {
    let wide = 92 * (1_u128 << 100);
    assert_eq!(Rate::rounded_down(wide, 100 << 100).unwrap(), rate(92, 100));
    assert_eq!(Rate::rounded_down(1, 0), None);
    assert_eq!(Rate::rounded_down(0, 0), None);
    assert_eq!(Rate::rounded_down(u128::MAX, u128::MAX).unwrap(), Rate::ONE);
    assert_eq!(Rate::rounded_down(1, u128::MAX).unwrap(), Rate::ZERO);
    // Beyond what 64 bits can say, the greatest that can be said.
    assert!(Rate::rounded_down(u128::MAX, 1).unwrap() >= rate(1 << 62, 1));
}

#[test]
fn packets_narrow_the_bounds_and_a_changed_rate_replaces_them() {
    let mut bounds = RateBounds::of_packet(10, 9).unwrap();
    bounds.observe(1_000, 920);
    assert_eq!((bounds.lower(), bounds.upper()), (rate(920, 1_000), rate(921, 1_000)));
    // A small packet knows less, and takes nothing away.
    bounds.observe(3, 2);
    assert_eq!((bounds.lower(), bounds.upper()), (rate(920, 1_000), rate(921, 1_000)));
    assert_eq!(bounds.most_delivered_for(1_000), 920);
    bounds.observe(100, 80);
    assert_eq!((bounds.lower(), bounds.upper()), (rate(80, 100), rate(81, 100)));
    bounds.observe(0, 0);
    assert_eq!(bounds.lower(), rate(80, 100));
}

proptest! {
    #[test]
    fn rounding_down_never_gives_more(delivered in any::<u128>(), sent in 1..u128::MAX, shift in 0..128_u32) {
        let sent = (sent >> shift).max(1);
        let rounded = Rate::rounded_down(delivered, sent).unwrap();
        let (d, s) = rounded.terms();
        // d/s <= delivered/sent, compared by long division: the whole parts, then the rests.
        let whole = delivered / sent;
        let ours = u128::from(d / s);
        prop_assert!(ours <= whole);
        if let (Some(left), Some(right)) =
            (u128::from(d).checked_mul(sent), delivered.checked_mul(u128::from(s)))
        {
            prop_assert!(left <= right);
        }
    }

    #[test]
    fn what_is_needed_suffices(delivered in 1..=u64::MAX, sent in 1..=u64::MAX, wanted in any::<u64>()) {
        let rate = rate(delivered, sent);
        if let Some(needed) = rate.sent_for(wanted) {
            prop_assert!(rate.delivered_for(needed) >= wanted);
            if needed > 0 {
                prop_assert!(rate.delivered_for(needed - 1) < wanted);
            }
        }
    }

    /// A path with one true rate, which rounds down: it always lies within the bounds.
    #[test]
    fn the_true_rate_is_within_the_bounds(
        delivered in 1..1_000_000_000_u64,
        sent in 1..1_000_000_000_u64,
        amounts in proptest::collection::vec(1..1_000_000_u64, 1..20),
        asked in 1..1_000_000_u64,
    ) {
        let truth = rate(delivered, sent);
        let mut bounds = RateBounds::of_packet(amounts[0], truth.delivered_for(amounts[0])).unwrap();
        for &amount in &amounts {
            bounds.observe(amount, truth.delivered_for(amount));
            prop_assert!(bounds.lower() <= truth && truth < bounds.upper());
        }
        prop_assert!(truth.delivered_for(asked) <= bounds.most_delivered_for(asked));
        let wanted = truth.delivered_for(asked);
        prop_assert!(truth.delivered_for(bounds.sent_at_most_for(wanted)) <= wanted);
        if let Some(needed) = bounds.sent_for(wanted) {
            prop_assert!(truth.delivered_for(needed) >= wanted);
        }
    }
}
