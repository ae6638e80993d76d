use super::*;
use std::net::IpAddr;

fn control() -> Control {
    Control::new(Source::from(IpAddr::from([192, 0, 2, 1])))
}

#[test]
fn an_answer_is_late_after_one_whole_epoch() {
    let control = Arc::new(control());
    let mut running = Running::begin(&control, true);
    assert!(!control.turn_epoch(), "the handler is at work");
    running.reply_waits();
    assert!(!control.turn_epoch(), "it has waited for a part of an epoch");
    assert!(control.turn_epoch(), "it has waited for a whole one");
    drop(running);
    assert!(!control.turn_epoch());
    assert!(control.is_quiet());
}

#[test]
fn a_stronger_order_stays() {
    let control = control();
    assert!(control.give(Order::CutIfQuiet));
    assert!(!control.give(Order::Finish));
    control.countermand();
    assert_eq!(control.order(), Order::Finish);
    assert!(control.give(Order::Cut));
    control.countermand();
    assert_eq!(control.order(), Order::Cut);
}
