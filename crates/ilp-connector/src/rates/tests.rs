use super::*;

fn at(ms: u64) -> Timestamp {
    Timestamp::from_unix_ms(1_800_000_000_000 + ms)
}

fn quote(rate: &str, good_until: Option<Timestamp>) -> Quote {
    Quote { rate: rate.parse().expect("a rate"), updated_at: at(0), good_until }
}

impl Rates {
    fn told(&self, base: &str, quote: &str, now_ms: u64) -> Result<String, Refusal> {
        self.find(base, quote, at(now_ms)).map(|rate| rate.to_string())
    }
}

#[test]
fn one_direction_is_enough_and_the_other_is_its_exact_inverse() {
    let rates = Rates::default();
    assert_eq!(rates.told("USD", "EUR", 0), Err(Refusal::NoRate));
    rates.give(RateOrigin::Set, "USD", "EUR", quote("0.92", None));
    assert_eq!(rates.told("USD", "EUR", 0).as_deref(), Ok("0.92"));
    assert_eq!(rates.told("EUR", "USD", 0).as_deref(), Ok("1/0.92"));
    rates.give(RateOrigin::Set, "EUR", "USD", quote("1.09", None));
    assert_eq!(rates.told("EUR", "USD", 0).as_deref(), Ok("1.09"));
    assert!(rates.take_back(RateOrigin::Set, "USD", "EUR"));
    assert_eq!(rates.told("USD", "EUR", 0).as_deref(), Ok("1/1.09"));
    assert!(!rates.take_back(RateOrigin::Set, "USD", "EUR"));
    assert!(rates.take_back(RateOrigin::Set, "EUR", "USD"));
    assert_eq!(rates.told("USD", "EUR", 0), Err(Refusal::NoRate));
    assert!(rates.in_use().is_empty());
}

#[test]
fn a_rate_that_the_service_may_still_tell_is_no_reason_to_give_up() {
    let rates = Rates::default();
    for awaited in ["USD", "EUR"] {
        rates.set_awaited(awaited, true);
        assert_eq!(rates.told("USD", "EUR", 0), Err(Refusal::AwaitedRate));
        assert_eq!(rates.told("MXN", "GBP", 0), Err(Refusal::NoRate));
        rates.set_awaited(awaited, false);
    }
    assert_eq!(rates.told("USD", "EUR", 0), Err(Refusal::NoRate));
}

#[test]
fn one_code_is_worth_itself() {
    assert_eq!(Rates::default().told("USD", "USD", 0).as_deref(), Ok("1"));
}

#[test]
fn what_an_operator_set_wins_in_both_directions_and_the_configuration_comes_last() {
    let rates = Rates::default();
    rates.give(RateOrigin::Fixed, "USD", "EUR", quote("0.5", None));
    assert_eq!(rates.told("USD", "EUR", 0).as_deref(), Ok("0.5"));
    rates.give(RateOrigin::Service, "USD", "EUR", quote("0.93", Some(at(10))));
    rates.give(RateOrigin::Service, "EUR", "USD", quote("1.07", Some(at(10))));
    assert_eq!(rates.told("EUR", "USD", 0).as_deref(), Ok("1.07"));
    rates.give(RateOrigin::Set, "USD", "EUR", quote("0.92", None));
    assert_eq!(rates.told("USD", "EUR", 0).as_deref(), Ok("0.92"));
    assert_eq!(rates.told("EUR", "USD", 0).as_deref(), Ok("1/0.92"));
    let listed = rates.in_use();
    let listed: Vec<_> = listed
        .iter()
        .map(|rate| (rate.base.as_str(), rate.quote.as_str(), rate.origin, rate.is_inverse))
        .collect();
    let set = RateOrigin::Set;
    assert_eq!(listed, [("EUR", "USD", set, true), ("USD", "EUR", set, false)]);
}

#[test]
fn a_rate_is_good_until_its_lifetime_ends_and_nothing_older_takes_its_place() {
    let rates = Rates::default();
    rates.give(RateOrigin::Fixed, "USD", "EUR", quote("0.5", None));
    rates.give(RateOrigin::Service, "USD", "EUR", quote("0.93", Some(at(10))));
    assert_eq!(rates.told("USD", "EUR", 9).as_deref(), Ok("0.93"));
    assert_eq!(rates.told("USD", "EUR", 10), Err(Refusal::StaleRate));
    assert_eq!(rates.told("EUR", "USD", 10), Err(Refusal::StaleRate));
    assert_eq!((rates.stale(at(9)).len(), rates.stale(at(10)).len()), (0, 2));
    rates.give(RateOrigin::Service, "USD", "EUR", quote("0.94", Some(at(20))));
    assert_eq!(rates.told("USD", "EUR", 10).as_deref(), Ok("0.94"));
    rates.give(RateOrigin::Set, "USD", "EUR", quote("0.9", None));
    assert_eq!(rates.told("USD", "EUR", 1_000_000).as_deref(), Ok("0.9"));
}

#[test]
fn packets_never_see_a_pair_without_a_rate_while_it_changes() {
    let rates = Rates::default();
    rates.give(RateOrigin::Set, "USD", "EUR", quote("1", None));
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            for _ in 0..100_000 {
                assert!(rates.find("EUR", "USD", at(0)).is_ok());
            }
        });
        for cents in 1..2_000 {
            let rate = format!("1.{cents:04}1");
            rates.give(RateOrigin::Set, "USD", "EUR", quote(&rate, None));
        }
        reader.join().expect("a rate each time");
    });
}

#[test]
fn a_rate_is_as_old_as_it_is_wherever_the_clock_is_set() {
    const HOUR_MS: u64 = 3_600_000;
    let rates = Rates::default();
    rates.give(RateOrigin::Service, "USD", "EUR", quote("0.92", Some(at(15_000))));
    // The clock goes a day forward, back again, and an hour further back.
    rates.clock_stepped(24 * 3_600_000);
    assert_eq!(rates.told("USD", "EUR", 24 * HOUR_MS + 14_999).as_deref(), Ok("0.92"));
    assert_eq!(rates.told("EUR", "USD", 24 * HOUR_MS + 15_000), Err(Refusal::StaleRate));
    rates.clock_stepped(-25 * 3_600_000);
    let hour_back = |ms: u64| {
        let now = Timestamp::from_unix_ms(at(ms).unix_ms() - HOUR_MS);
        rates.find("USD", "EUR", now).map(|rate| rate.to_string())
    };
    assert_eq!(hour_back(14_999).as_deref(), Ok("0.92"));
    assert_eq!(hour_back(15_000), Err(Refusal::StaleRate));
    let kept = &rates.in_use()[0].given;
    assert_eq!(kept.updated_at.unix_ms(), at(0).unix_ms() - HOUR_MS);
}
