//! The ages of exchange rates.

use std::fmt::Result;

use ilp_connector::rates::{RateInUse, Rates};
use interledger_packet::Timestamp;

use super::page::{Kind, Page};

/// The number of rates with an age of their own: first those that can expire, then by the codes.
/// The numbers of rates cover all of them.
const RATES_MAX: usize = 200;

pub(super) fn write(page: &mut Page<'_>, rates: &Rates, now: Timestamp) -> Result {
    let mut rates = rates.in_use();
    page.gauge("jirani_rates", "Exchange rates in use, one for each direction", rates.len())?;
    let stale = rates.iter().filter(|rate| rate.given.is_stale(now)).count();
    let help = "Those of them that are too old: packets that need one are answered T00";
    page.gauge("jirani_rates_stale", help, stale)?;
    // The sort is stable, and the rates are in the order of their codes.
    rates.sort_by_key(|rate| rate.given.good_until.is_none());
    rates.truncate(RATES_MAX);
    let help = "Time since a rate was given";
    let mut family = page.family(Kind::Gauge, "jirani_rate_age_seconds", help)?;
    for rate in &rates {
        let age_ms = now.saturating_ms_since(rate.given.updated_at);
        family.row(&labels(rate), age_ms as f64 / 1e3)?;
    }
    let help = "1 while a rate is too old";
    let mut family = page.family(Kind::Gauge, "jirani_rate_stale", help)?;
    rates.iter().try_for_each(|rate| family.row(&labels(rate), rate.given.is_stale(now)))
}

fn labels(rate: &RateInUse) -> [(&str, &str); 3] {
    [("base", &rate.base), ("quote", &rate.quote), ("origin", rate.origin.label())]
}

#[cfg(test)]
mod tests {
    use ilp_connector::rates::{Quote, RateOrigin};
    use prometheus_client::{
        collector::Collector,
        encoding::{DescriptorEncoder, text},
        registry::Registry,
    };

    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix_ms(1_800_000_000_000 + 1_000 * seconds)
    }

    #[derive(Debug)]
    struct At(Rates, Timestamp);

    impl Collector for At {
        fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result {
            write(&mut Page::new(encoder), &self.0, self.1)
        }
    }

    fn text_at(rates: Rates, seconds: u64) -> String {
        let (mut registry, mut text) = (Registry::default(), String::new());
        registry.register_collector(Box::new(At(rates, at(seconds))));
        text::encode(&mut text, &registry).unwrap();
        text
    }

    #[test]
    fn however_many_rates_there_are_the_text_is_bounded_and_those_that_get_old_come_first() {
        let rates = Rates::default();
        let rate = "1.5".parse().unwrap();
        let fixed = Quote { rate, updated_at: at(0), good_until: None };
        for index in 0..300 {
            rates.give(RateOrigin::Fixed, "AAA", &format!("B{index:03}"), fixed);
        }
        let told = Quote { good_until: Some(at(15)), ..fixed };
        rates.give(RateOrigin::Service, "YYY", "ZZZ", told);
        let text = text_at(rates, 20);
        let lines = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
        assert_eq!(lines("jirani_rate_age_seconds{"), RATES_MAX);
        assert_eq!(lines("jirani_rate_stale{"), RATES_MAX);
        for line in [
            "jirani_rates 602",
            "jirani_rates_stale 2",
            "jirani_rate_age_seconds{base=\"YYY\",quote=\"ZZZ\",origin=\"service\"} 20.0",
            "jirani_rate_stale{base=\"ZZZ\",quote=\"YYY\",origin=\"service\"} 1",
            "jirani_rate_stale{base=\"AAA\",quote=\"B000\",origin=\"fixed\"} 0",
        ] {
            assert!(text.lines().any(|told| told == line), "{line} in\n{text}");
        }
    }
}
