//! All troubles at once, hundreds of times.

use super::{Chance, Simulation, path::Conditions};
use crate::{Amount, EndReason, Outcome, Rate};

/// `SIMULATION_SEED=123` runs that one alone, `SIMULATION_SEEDS=100000` that many.
fn seeds() -> std::ops::Range<u64> {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match (number("SIMULATION_SEED"), number("SIMULATION_SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, count) => 0..count.unwrap_or(300),
    }
}

fn any_conditions(chance: &mut Chance, rate: Rate) -> Conditions {
    let often =
        |chance: &mut Chance, most: u64| if chance.happens(300) { chance.below(most) } else { 0 };
    let delay = 1 + chance.below(100);
    Conditions {
        rate,
        roundings: 0,
        maximum: if chance.happens(700) { 200 + chance.below(100_000) } else { u64::MAX },
        tells_maximum: chance.happens(700),
        lost_prepares_per_mille: often(chance, 60),
        lost_replies_per_mille: often(chance, 60),
        busy_per_mille: often(chance, 500),
        delay_ms: (delay, delay + 1 + chance.below(300)),
        packets_per_second_max: if chance.happens(100) {
            20 + chance.below(1_000)
        } else {
            u64::MAX
        },
        ..Conditions::default()
    }
}

/// A rate between 1/1000 and 1000, as two amounts in different scales may have.
fn any_rate(chance: &mut Chance) -> Rate {
    let digits = |chance: &mut Chance| 1 + chance.below(1_000);
    let (delivered, sent) = (digits(chance), digits(chance));
    if chance.happens(300) { Rate::ONE } else { Rate::new(delivered, sent).unwrap() }
}

/// A little better or worse.
fn drifted(rate: Rate, chance: &mut Chance) -> Rate {
    let (delivered, sent) = rate.terms();
    Rate::new(delivered * (9_900 + chance.below(200)), sent * 10_000).unwrap()
}

struct Storm {
    simulation: Simulation,
    rate: Rate,
    rate_changes: bool,
}

impl Storm {
    fn new(seed: u64) -> Self {
        let mut chance = Chance(seed ^ 0x5707_0000);
        let rate = any_rate(&mut chance);
        let mut simulation = Simulation::new(seed, any_conditions(&mut chance, rate));
        let rate_changes = chance.happens(300);
        for change in 1..chance.below(5) {
            let rate = if rate_changes { drifted(rate, &mut chance) } else { rate };
            let conditions = any_conditions(&mut chance, rate);
            simulation.change_after(change * (50 + chance.below(2_000)), conditions);
        }
        if chance.happens(200) {
            simulation.path.set_funds(chance.below(2_000_000));
            let refill = Conditions {
                deposit: chance.below(3_000_000),
                ..any_conditions(&mut chance, rate)
            };
            simulation.change_after(chance.below(40_000), refill);
        }
        Self { simulation, rate, rate_changes }
    }

    /// Checks the recipient's amount and the sender's view of it, exactly.
    fn check(&self, outcome: &Outcome) {
        let path = &self.simulation.path;
        let told = path.received - path.received_unpaid;
        assert_eq!(outcome.delivered(), told, "{outcome:?}");
        if let Outcome::PartlyDelivered { reason, .. } | Outcome::Failed { reason } = outcome {
            let is_expected = matches!(
                reason,
                EndReason::Idle { .. }
                    | EndReason::RateTooLow { .. }
                    | EndReason::TooSmall { .. }
                    | EndReason::SendMaxReached { .. }
                    | EndReason::NothingArrives
                    | EndReason::PathTakesNothing
            );
            assert!(is_expected, "{reason:?}");
        }
    }
}

#[test]
fn sends_through_storms() {
    let (mut completed, mut partly) = (0, 0);
    for seed in seeds() {
        let mut storm = Storm::new(seed);
        let amount = 1 + Chance(seed).below(1_000_000);
        let minimum_rate = storm.rate.less(100);
        let outcome = storm.simulation.pay(Amount::Send(amount), minimum_rate);
        storm.check(&outcome);
        // One unit of slack, and no more, below what the rate asks for.
        let least = minimum_rate.delivered_for_rounded_up(outcome.sent().saturating_sub(1));
        assert!(outcome.delivered() >= least, "{outcome:?}");
        match outcome {
            Outcome::Completed { sent, .. } => {
                assert_eq!(sent, amount);
                completed += 1;
            }
            _ => partly += 1,
        }
    }
    println!("{completed} completed, {partly} partly or not");
}

#[test]
fn delivers_through_storms() {
    let (mut completed, mut partly) = (0, 0);
    for seed in seeds() {
        let mut storm = Storm::new(seed);
        let wanted = 1 + Chance(seed).below(1_000_000);
        let minimum_rate = storm.rate.less(100);
        let Some(send_max) = minimum_rate.sent_for(wanted) else { continue };
        let amount = Amount::Deliver { amount: wanted, send_max };
        let outcome = storm.simulation.pay(amount, minimum_rate);
        storm.check(&outcome);
        if !storm.rate_changes {
            // At most what one more unit sent brings, and rounding.
            let most = wanted + storm.rate.delivered_for(1) + 2;
            assert!(outcome.delivered() <= most, "{wanted} wanted: {outcome:?}");
        }
        match outcome {
            Outcome::Completed { delivered, .. } => {
                assert!(delivered >= wanted);
                completed += 1;
            }
            _ => partly += 1,
        }
    }
    println!("{completed} completed, {partly} partly or not");
}
