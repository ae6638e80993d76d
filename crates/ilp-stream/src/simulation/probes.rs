//! Probes over paths of all kinds.

use interledger_packet::ErrorCode;

use super::{
    Simulation,
    path::Conditions,
    scenarios::{calm, completed, rate},
};
use crate::{Amount, EndReason, Rate};

#[test]
fn probes_find_rate_maximum_and_asset_and_are_no_larger_than_the_payment() {
    let amounts = [Amount::Send(50_000), Amount::Deliver { amount: 46_000, send_max: 50_505 }];
    for (amount, tells_maximum) in amounts.into_iter().flat_map(|one| [(one, true), (one, false)]) {
        let rate = rate(92, 100);
        let conditions = Conditions { rate, maximum: 20_000, tells_maximum, ..calm() };
        let mut simulation = Simulation::new(21, conditions);
        let path = simulation.probe(amount).unwrap();
        assert_eq!(path.asset, Some(super::asset()));
        assert!(path.rate.lower() <= rate && rate < path.rate.upper(), "{:?}", path.rate);
        let maximum = path.packet_amount_max.unwrap();
        if tells_maximum {
            assert_eq!(maximum, 20_000);
        } else {
            assert!((17_500..=20_000).contains(&maximum), "{maximum}");
        }
        assert!(simulation.largest_sent <= 50_000, "{}", simulation.largest_sent);
        assert!(simulation.packets_sent <= 20, "{}", simulation.packets_sent);
        assert_eq!(path.next_sequence, simulation.packets_sent + 1);
        assert_eq!(simulation.path.held, 0);
    }
}

#[test]
fn probes_that_fail_say_why() {
    let unreachable = Conditions { code: Some(ErrorCode::F02_UNREACHABLE), ..calm() };
    let reason = Simulation::new(22, unreachable).probe(Amount::Send(10)).unwrap_err();
    assert_eq!(reason.to_string(), "a packet was refused for good: F02 (Unreachable): so it is");
    let busy = Conditions { busy_per_mille: 1_000, ..calm() };
    let reason = Simulation::new(22, busy).probe(Amount::Send(10)).unwrap_err();
    assert!(matches!(reason, EndReason::Idle { last_rejection: Some(_), .. }), "{reason}");
    let worthless = Conditions { rate: rate(1, 1_000), ..calm() };
    let reason = Simulation::new(22, worthless).probe(Amount::Send(10)).unwrap_err();
    assert_eq!(reason, EndReason::NothingArrives);
    // The funds are less than one packet needs, and smaller probes show the rate as well.
    let mut simulation = Simulation::new(22, calm());
    simulation.path.set_funds(600);
    let path = simulation.probe(Amount::Send(1_000)).unwrap();
    assert_eq!((path.rate.lower(), path.packet_amount_max), (Rate::ONE, None));
}

/// Probes a path of one asset whose nodes count in another in between, so that each packet is
/// rounded to that asset's units and back.
#[test]
fn what_a_path_of_one_asset_rounds_away_is_known_before_money_is_sent() {
    let via_another = rate(92, 100);
    for maximum in [1_000, 86_205] {
        let rounding = Conditions { via: Some(via_another), maximum, ..calm() };
        for amount in [862_050, 500, 86_205, 1_001, 1_999, 86_206, 172_409] {
            let mut simulation = Simulation::new(24, rounding);
            let path = simulation.probe_of_one_asset(Amount::Send(amount)).unwrap();
            let minimum = if path.is_lossless { Rate::ONE } else { path.worst_rate().less(100) };
            let mut simulation = Simulation::new(24, rounding);
            let outcome = simulation.pay(Amount::Send(amount), minimum);
            assert_eq!(
                outcome,
                completed(amount, path.delivered_for(amount)),
                "{maximum} {amount}"
            );
            assert!(path.delivered_for(amount) + 2 * amount.div_ceil(maximum) >= amount);
        }
        // Packets of the largest amount lose nothing to rounding, but packets of other amounts do.
        let path = Simulation::new(24, Conditions { maximum: 50, ..rounding });
        let path = { path }.probe_of_one_asset(Amount::Send(1_030)).unwrap();
        assert_eq!((path.rate.lower(), path.is_lossless), (Rate::ONE, false));
    }
    for via in [None, Some(Rate::ONE), Some(rate(100, 1))] {
        let mut simulation = Simulation::new(24, Conditions { via, maximum: 1_000, ..calm() });
        let path = simulation.probe_of_one_asset(Amount::Send(50_500)).unwrap();
        assert!(path.is_lossless, "{via:?}");
        assert_eq!(simulation.path.refused, 1, "the first packet, which was too large");
    }
    // The node rejects the amount on its way instead of rounding it to nothing.
    let coarse = Conditions { via: Some(rate(1, 100)), maximum: 1_000, ..calm() };
    let path = Simulation::new(24, coarse).probe_of_one_asset(Amount::Send(50_500)).unwrap();
    assert!(!path.is_lossless);
    assert_eq!(path.delivered_for(50_500), 50_400);
    assert_eq!(path.sent_for(1_000), Some(1_000));
}
