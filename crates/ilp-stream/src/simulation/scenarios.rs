//! One trouble at a time.

use interledger_packet::ErrorCode;

use super::{
    Simulation,
    path::{Conditions, Lie},
};
use crate::{Amount, EndReason, Outcome, Rate};

pub(super) fn rate(delivered: u64, sent: u64) -> Rate {
    Rate::new(delivered, sent).unwrap()
}

pub(super) fn calm() -> Conditions {
    Conditions::default()
}

pub(super) fn completed(sent: u64, delivered: u64) -> Outcome {
    Outcome::Completed { sent, delivered }
}

pub(super) fn reason(outcome: &Outcome) -> &EndReason {
    outcome.reason().unwrap_or_else(|| panic!("{outcome:?}"))
}

#[test]
fn a_calm_path_takes_as_few_packets_as_can_be_and_ever_more_at_once() {
    let mut simulation = Simulation::new(1, Conditions { maximum: 1_000, ..calm() });
    let mut parameters = simulation.parameters(Amount::Send(10_000_000), Rate::ONE);
    parameters.packet_amount_max = Some(1_000);
    let outcome = simulation.pay_with(parameters);
    assert_eq!(outcome, completed(10_000_000, 10_000_000));
    assert_eq!(simulation.packets_sent, 10_000);
    assert_eq!(simulation.largest_sent, 1_000);
    assert_eq!(simulation.path.received, 10_000_000);
    assert!(simulation.packets_under_way_max > 900, "{}", simulation.packets_under_way_max);
    let took_ms = simulation.now.saturating_ms_since(super::start());
    // 7 round trips to double from 10 to 1,000, and 10 with 1,000 each.
    assert!(took_ms < 20 * 20, "{took_ms} ms");
}

#[test]
fn what_nobody_told_about_the_maximum_is_learnt_from_f08() {
    for tells_maximum in [true, false] {
        let mut simulation =
            Simulation::new(2, Conditions { maximum: 777, tells_maximum, ..calm() });
        let outcome = simulation.pay(Amount::Send(1_000_000), Rate::ONE);
        assert_eq!(outcome, completed(1_000_000, 1_000_000));
        let needed = 1_000_000_u64.div_ceil(777);
        let learning = if tells_maximum { 12 } else { 100 };
        assert!(simulation.packets_sent <= needed + learning, "{}", simulation.packets_sent);
    }
}

#[test]
fn a_maximum_lowered_in_the_middle_is_kept_from_then_on() {
    for tells_maximum in [true, false] {
        let mut simulation = Simulation::new(3, Conditions { maximum: 1_000, ..calm() });
        simulation.change_after(100, Conditions { maximum: 130, tells_maximum, ..calm() });
        let outcome = simulation.pay(Amount::Send(1_000_000), Rate::ONE);
        assert_eq!(outcome, completed(1_000_000, 1_000_000));
        assert_eq!(simulation.path.received, 1_000_000);
    }
}

#[test]
fn a_path_that_takes_nothing_ends_the_payment() {
    let mut simulation = Simulation::new(4, Conditions { maximum: 0, ..calm() });
    let outcome = simulation.pay(Amount::Send(1_000), Rate::ONE);
    assert_eq!(outcome, Outcome::Failed { reason: EndReason::PathTakesNothing });
}

#[test]
fn two_currencies_and_slippage() {
    let conditions = Conditions { rate: rate(92, 100), maximum: 1_000, ..calm() };
    let mut simulation = Simulation::new(5, conditions);
    let outcome = simulation.pay(Amount::Send(1_000_000), rate(92, 100).less(100));
    assert_eq!(outcome, completed(1_000_000, 920_000));
    let mut simulation = Simulation::new(5, conditions);
    let outcome = simulation.pay(Amount::Send(1_001), rate(92, 100).less(100));
    // 501 and 500, since a packet of one unit would bring nothing.
    assert_eq!(outcome, completed(1_001, 460 + 460));
}

#[test]
fn a_small_payment_has_one_unit_of_slack() {
    let conditions = Conditions { rate: rate(92, 100), ..calm() };
    let outcome = Simulation::new(6, conditions).pay(Amount::Send(3), rate(92, 100).less(100));
    assert_eq!(outcome, completed(3, 2));
    // But not two, and no packet may do better than the whole.
    let conditions = Conditions { roundings: 1, ..conditions };
    let outcome = Simulation::new(6, conditions).pay(Amount::Send(3), rate(92, 100).less(100));
    assert!(matches!(reason(&outcome), EndReason::RateTooLow { .. }), "{outcome:?}");
    assert_eq!(outcome.sent(), 0);
}

#[test]
fn a_delivery_brings_what_is_wanted_and_hardly_more() {
    for (rate, wanted) in
        [(rate(92, 100), 500_000), (rate(100, 3), 1_000_003), (rate(3, 1_000), 77)]
    {
        for maximum in [1_000, 1_000_000_000] {
            let mut simulation = Simulation::new(7, Conditions { rate, maximum, ..calm() });
            let send_max = rate.less(100).sent_for(wanted).unwrap() + 1;
            let amount = Amount::Deliver { amount: wanted, send_max };
            let path = simulation.probe(amount).unwrap();
            let mut parameters = simulation.parameters(amount, path.rate.lower().less(100));
            parameters.first_sequence = path.next_sequence;
            parameters.rate = Some(path.rate);
            let outcome = simulation.pay_with(parameters);
            let (sent, delivered) = (outcome.sent(), outcome.delivered());
            assert_eq!(outcome, completed(sent, delivered));
            // At most what one more unit sent brings.
            let one_unit = rate.delivered_for(1) + 1;
            assert!((wanted..=wanted + one_unit).contains(&delivered), "{rate} {delivered}");
            assert!(sent <= send_max);
        }
    }
}

#[test]
fn a_delivery_without_a_known_rate_asks_for_it_first() {
    for rate in [rate(92, 100), rate(1, 100_000)] {
        let mut simulation = Simulation::new(8, Conditions { rate, ..calm() });
        let amount = Amount::Deliver { amount: 500, send_max: 100_000_000 };
        let outcome = simulation.pay(amount, rate.less(100));
        assert_eq!(outcome.delivered(), 500, "{outcome:?}");
    }
    let mut simulation = Simulation::new(8, Conditions { rate: Rate::ZERO, ..calm() });
    let outcome = simulation.pay(Amount::Deliver { amount: 5, send_max: 10_000 }, Rate::ZERO);
    assert_eq!(reason(&outcome), &EndReason::NothingArrives);
}

/// Receivers answer a packet that can't be fulfilled with F99 or F05, and one below its minimum
/// with F99 or F04. Only the STREAM packet inside counts.
#[test]
fn the_code_of_a_recipients_refusal_is_of_no_account() {
    for code in ["F99", "F05", "F04", "F00", "T00", "R01", "F08", "R00"] {
        let code = ErrorCode::from_bytes(code.as_bytes().try_into().unwrap()).unwrap();
        let path_rate = rate(92, 100);
        let conditions =
            Conditions { rate: path_rate, maximum: 1_000, recipient_code: Some(code), ..calm() };
        let mut simulation = Simulation::new(23, conditions);
        let amount = Amount::Deliver { amount: 50_000, send_max: 60_000 };
        let outcome = simulation.pay(amount, path_rate.less(100));
        assert!(matches!(outcome, Outcome::Completed { .. }), "{code} to a probe: {outcome:?}");
        let path = Simulation::new(23, conditions).probe(amount).unwrap();
        assert_eq!((path.rate.lower(), path.packet_amount_max), (path_rate, Some(1_000)), "{code}");

        // The packet is below its minimum. The payment ends because of the rate that the recipient
        // reports.
        let mut simulation = Simulation::new(23, conditions);
        let outcome = simulation.pay(Amount::Send(5_000), rate(93, 100));
        assert!(matches!(reason(&outcome), EndReason::RateTooLow { .. }), "{code}: {outcome:?}");
    }
}

#[test]
fn a_delivery_that_costs_more_than_allowed_ends_with_what_was_allowed() {
    let mut simulation = Simulation::new(9, Conditions { rate: rate(1, 2), ..calm() });
    let outcome = simulation.pay(Amount::Deliver { amount: 500, send_max: 800 }, Rate::ZERO);
    let reason = EndReason::SendMaxReached { sent: 800 };
    assert_eq!(outcome, Outcome::PartlyDelivered { sent: 800, delivered: 400, reason });
}

#[test]
fn lost_packets_are_sent_again_and_lost_replies_cost_the_payer_nothing() {
    let lossy = Conditions {
        maximum: 1_000,
        lost_prepares_per_mille: 30,
        lost_replies_per_mille: 30,
        delay_ms: (20, 120),
        ..calm()
    };
    let mut simulation = Simulation::new(10, lossy);
    let outcome = simulation.pay(Amount::Send(1_000_000), Rate::ONE);
    assert_eq!(outcome, completed(1_000_000, 1_000_000));
    let path = &simulation.path;
    assert!(path.received_unpaid > 0);
    assert_eq!(path.received - path.received_unpaid, 1_000_000);
}

#[test]
fn a_busy_path_is_sent_less_and_the_payment_completes() {
    let busy = Conditions { maximum: 1_000, busy_per_mille: 200, delay_ms: (5, 50), ..calm() };
    let mut simulation = Simulation::new(11, busy);
    let outcome = simulation.pay(Amount::Send(500_000), Rate::ONE);
    assert_eq!(outcome, completed(500_000, 500_000));
}

#[test]
fn a_path_with_a_packet_rate_is_used_to_the_full_and_not_flooded() {
    let limited = Conditions { maximum: 1_000, packets_per_second_max: 50, ..calm() };
    let mut simulation = Simulation::new(12, limited);
    let outcome = simulation.pay(Amount::Send(1_000_000), Rate::ONE);
    assert_eq!(outcome, completed(1_000_000, 1_000_000));
    let took_ms = simulation.now.saturating_ms_since(super::start());
    // 1,000 packets at 50 a second are 20 s; a sender that is refused by the second can't take
    // exactly that.
    assert!((19_000..40_000).contains(&took_ms), "{took_ms} ms");
    assert!(simulation.path.refused < 1_000, "{} refused", simulation.path.refused);
}

#[test]
fn liquidity_is_used_to_the_last_unit_and_waited_for() {
    let mut simulation = Simulation::new(13, Conditions { maximum: 1_000, ..calm() });
    simulation.path.set_funds(123_457);
    let outcome = simulation.pay(Amount::Send(1_000_000), Rate::ONE);
    assert_eq!((outcome.sent(), outcome.delivered()), (123_457, 123_457));
    let text = reason(&outcome).to_string();
    let told = "nothing has got through for 30000 ms; last came T04 (Insufficient Liquidity): ";
    assert!(text.starts_with(told), "{text}");

    let mut simulation = Simulation::new(13, Conditions { maximum: 1_000, ..calm() });
    simulation.path.set_funds(123_457);
    let refilled = Conditions { maximum: 1_000, deposit: 2_000_000, ..calm() };
    simulation.change_after(20_000, refilled);
    let outcome = simulation.pay(Amount::Send(1_000_000), Rate::ONE);
    assert_eq!(outcome, completed(1_000_000, 1_000_000));
    let took_ms = simulation.now.saturating_ms_since(super::start());
    assert!(took_ms < 27_000, "{took_ms} ms");
}

#[test]
fn a_rate_that_falls_a_little_is_borne_and_one_that_falls_more_ends_the_payment() {
    let before = Conditions { rate: rate(92, 100), maximum: 1_000, ..calm() };
    for seed in 0..20 {
        let mut simulation = Simulation::new(seed, before);
        simulation.change_after(100, Conditions { rate: rate(915, 1_000), ..before });
        let outcome = simulation.pay(Amount::Send(1_000_000), rate(92, 100).less(100));
        assert_eq!(outcome, completed(1_000_000, outcome.delivered()));
        assert_eq!(simulation.path.received, outcome.delivered());

        let mut simulation = Simulation::new(seed, before);
        simulation.change_after(100, Conditions { rate: rate(90, 100), ..before });
        let outcome = simulation.pay(Amount::Send(1_000_000), rate(92, 100).less(100));
        assert!(matches!(reason(&outcome), EndReason::RateTooLow { .. }), "{outcome:?}");
        assert_eq!(simulation.path.received, outcome.delivered());
        assert_eq!(outcome.delivered(), outcome.sent() / 100 * 92);
        assert!(outcome.sent() > 0);
    }
}

#[test]
fn final_errors_end_the_payment_once_what_is_under_way_is_answered() {
    let codes = ["F00", "F01", "F02", "F05", "F06", "F07", "F09", "R02", "R99"];
    for code in codes {
        let code = ErrorCode::from_bytes(code.as_bytes().try_into().unwrap()).unwrap();
        let slow = Conditions { maximum: 1_000, delay_ms: (1, 200), ..calm() };
        let mut simulation = Simulation::new(14, slow);
        simulation.change_after(1_000, Conditions { code: Some(code), ..slow });
        let outcome = simulation.pay(Amount::Send(1_000_000), Rate::ONE);
        let EndReason::Refused(rejection) = reason(&outcome) else { panic!("{outcome:?}") };
        assert_eq!((rejection.code, rejection.message.as_str()), (code, "so it is"));
        assert_eq!(simulation.path.received, outcome.delivered());
        assert!(outcome.sent() > 0);
        // Those under way when it came, and no more.
        let refused = simulation.path.refused;
        assert!(refused <= 1_000, "{refused}");
    }
}

#[test]
fn a_path_that_goes_silent_ends_the_payment_with_exact_amounts() {
    let mut simulation = Simulation::new(15, Conditions { maximum: 1_000, ..calm() });
    let silent = Conditions { lost_prepares_per_mille: 1_000, ..calm() };
    simulation.change_after(150, silent);
    let outcome = simulation.pay(Amount::Send(1_000_000), Rate::ONE);
    assert!(matches!(reason(&outcome), EndReason::Idle { idle_ms: 30_000, .. }));
    assert_eq!(simulation.path.received, outcome.delivered());
    assert!((1..1_000_000).contains(&outcome.sent()));
}

#[test]
fn lies_end_the_payment_and_change_no_count_but_the_liars() {
    let before = Conditions { maximum: 1_000, ..calm() };
    let lies = [
        (Lie::OldData, EndReason::ProtocolViolation),
        (Lie::WrongType, EndReason::ProtocolViolation),
        (Lie::NoData, EndReason::ProtocolViolation),
        (Lie::LessThanMinimum, EndReason::ProtocolViolation),
        (Lie::WrongFulfillment, EndReason::WrongFulfillment),
        (Lie::OtherAsset, EndReason::AssetChanged),
    ];
    for (lie, expected) in lies {
        let mut simulation = Simulation::new(16, before);
        simulation.change_after(100, Conditions { lie: Some(lie), ..before });
        let mut parameters = simulation.parameters(Amount::Send(1_000_000), Rate::ONE);
        parameters.asset = Some(super::asset());
        let outcome = simulation.pay_with(parameters);
        assert_eq!(reason(&outcome), &expected, "{lie:?}");
        // Each packet counts as its minimum at the least, which here is all of it.
        assert_eq!(outcome.delivered(), outcome.sent(), "{lie:?}");
        assert!((1..1_000_000).contains(&outcome.sent()), "{lie:?}");
    }
}

#[test]
fn noise_in_place_of_replies_is_trouble_that_may_pass() {
    let noise = Conditions { lie: Some(Lie::Noise), ..calm() };
    let mut simulation = Simulation::new(17, noise);
    simulation.change_after(5_000, calm());
    let outcome = simulation.pay(Amount::Send(1_000_000), Rate::ONE);
    assert_eq!(outcome, completed(1_000_000, 1_000_000));
}

#[test]
fn a_recipient_that_takes_less_is_paid_nothing_in_vain() {
    let limited = Conditions { maximum: 1_000, receive_max: Some(5_000), ..calm() };
    let mut simulation = Simulation::new(18, limited);
    let outcome = simulation.pay(Amount::Send(100_000), Rate::ONE);
    let limit = EndReason::RecipientLimit { receive_max: 5_000, wanted: 100_000 };
    assert_eq!(reason(&outcome), &limit);
    assert_eq!(simulation.path.received, outcome.delivered());
    let outcome = Simulation::new(18, limited).pay(Amount::Send(5_000), Rate::ONE);
    assert_eq!(outcome, completed(5_000, 5_000));
}

#[test]
fn a_payment_goes_on_where_another_sender_has_ended() {
    let mut simulation = Simulation::new(19, Conditions { maximum: 1_000, ..calm() });
    simulation.change_after(60, Conditions { code: Some(ErrorCode::F02_UNREACHABLE), ..calm() });
    let first = simulation.pay(Amount::Send(100_000), Rate::ONE);
    assert!((1..100_000).contains(&first.sent()));
    let mut simulation = Simulation::new(20, Conditions { maximum: 1_000, ..calm() });
    let mut parameters = simulation.parameters(Amount::Send(100_000), Rate::ONE);
    parameters.sent_before = first.sent();
    parameters.delivered_before = first.delivered();
    assert_eq!(simulation.pay_with(parameters), completed(100_000, 100_000));
    assert_eq!(simulation.path.received, 100_000 - first.sent());
}

/// A next hop that takes one unit at once makes 28,213 packets of a payment that was quoted as 29.
#[test]
fn a_path_that_takes_next_to_nothing_ends_the_payment_instead_of_flooding_it() {
    const QUOTED: u64 = 29;
    const PACKETS_MAX: u64 = 10 * QUOTED;
    let before = Conditions { maximum: 1_000, ..calm() };
    for tells_maximum in [true, false] {
        for begins_after_ms in [0, 35] {
            let stingy = Conditions { maximum: 1, tells_maximum, ..before };
            let mut simulation = Simulation::new(25, before);
            simulation.change_after(begins_after_ms, stingy);
            let mut parameters = simulation.parameters(Amount::Send(28_213), Rate::ONE);
            parameters.packets_max = Some(PACKETS_MAX);
            let outcome = simulation.pay_with(parameters);
            let EndReason::TooManyPackets { needed, packets_max } = reason(&outcome) else {
                panic!("{outcome:?}")
            };
            assert!(*needed > PACKETS_MAX && *packets_max == PACKETS_MAX, "{outcome:?}");
            assert!(simulation.packets_sent < 120, "{}", simulation.packets_sent);
        }
    }
    // A path that never has liquidity for more than a unit ends the payment too.
    let mut simulation = Simulation::new(25, Conditions { liquidity_max: 1, ..before });
    let mut parameters = simulation.parameters(Amount::Send(28_213), Rate::ONE);
    parameters.packets_max = Some(PACKETS_MAX);
    let outcome = simulation.pay_with(parameters);
    assert!(matches!(reason(&outcome), EndReason::TooManyPackets { .. }), "{outcome:?}");
    assert_eq!(simulation.path.received, PACKETS_MAX);
    // A path that takes a third of what it took before doesn't end the payment.
    let mut simulation = Simulation::new(25, before);
    simulation.change_after(35, Conditions { maximum: 300, ..before });
    let mut parameters = simulation.parameters(Amount::Send(28_213), Rate::ONE);
    parameters.packets_max = Some(PACKETS_MAX);
    assert_eq!(simulation.pay_with(parameters), completed(28_213, 28_213));
}

#[test]
fn a_limit_of_the_recipients_that_falls_is_ignored() {
    let before = Conditions { maximum: 1_000, receive_max: Some(50_000), ..calm() };
    let mut simulation = Simulation::new(26, before);
    // The limit falls as if another payer had paid a part of it; the recipient still takes what it
    // named first.
    let fallen = Conditions { told_receive_max: Some(40_000), ..before };
    simulation.change_after(35, fallen);
    let outcome = simulation.pay(Amount::Send(50_000), Rate::ONE);
    assert_eq!(outcome, completed(50_000, 50_000));
}
