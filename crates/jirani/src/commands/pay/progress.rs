//! Follows a payment to its end, with a bar for whoever watches.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::commands::{
    Failure,
    admin_client::{AdminArgs, plain},
};
use ilp_admin_client::payment::{
    Amount, OutgoingPayment, OutgoingPaymentById, OutgoingPaymentState,
};
use ilp_connector::amount::format_amount;
use indicatif::{ProgressBar, ProgressStyle};

/// How often the node is asked: more often than anybody sees, and no burden to it.
const INTERVAL: Duration = Duration::from_millis(100);

/// How long a node may not answer, as when it is started anew: the payment goes on after that.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks the node until the payment has ended, and returns it as it then is.
pub(super) fn follow(
    admin: &AdminArgs,
    payment: &OutgoingPayment,
    is_quiet: bool,
) -> Result<OutgoingPayment, Failure> {
    let id = &payment.id;
    let bar = if is_quiet { ProgressBar::hidden() } else { bar(payment) };
    let mut answered_at = Instant::now();
    loop {
        match admin.ask(OutgoingPaymentById { id: id.clone() }) {
            Ok(payment) => {
                answered_at = Instant::now();
                show(&bar, &payment);
                if !is_under_way(payment.state) {
                    bar.finish();
                    return Ok(payment);
                }
            }
            Err(error) if answered_at.elapsed() > PATIENCE => {
                bar.abandon();
                return Err(Failure::Refused(format!(
                    "what became of the payment {id} is not known: {error}"
                )));
            }
            Err(_) => bar.set_message("the node doesn't answer; the payment goes on once it does"),
        }
        thread::sleep(INTERVAL);
    }
}

fn is_under_way(state: OutgoingPaymentState) -> bool {
    matches!(state, OutgoingPaymentState::Funding | OutgoingPaymentState::Sending)
}

/// The bar counts in the smallest unit of what the wallet is in. It is drawn on the standard error,
/// and only on a terminal.
fn bar(payment: &OutgoingPayment) -> ProgressBar {
    let bar = ProgressBar::new(payment.debit_amount.value.0);
    // A template of our own making is well-formed; without one the bar is only plainer.
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent:>3}%  {msg}") {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, payment: &OutgoingPayment) {
    bar.set_position(payment.sent_amount.value.0);
    let elapsed_ms = u64::try_from(bar.elapsed().as_millis()).unwrap_or(u64::MAX);
    bar.set_message(message(payment, elapsed_ms));
}

/// Returns how much is sent of how much, and in how many packets.
fn message(payment: &OutgoingPayment, elapsed_ms: u64) -> String {
    let (sent, debit) = (&payment.sent_amount, &payment.debit_amount);
    let shown = |money: &Amount| format_amount(u128::from(money.value.0), debit.asset_scale);
    let money = format!("{} of {} {}", shown(sent), shown(debit), plain(&debit.asset_code));
    let packets = payment.packet_count.map(|count| count.0);
    let Some(packets) = packets.filter(|packets| *packets > 0) else { return money };
    let a_second = u128::from(packets) * 1_000 / u128::from(elapsed_ms.max(1));
    format!("{money}, {packets} packets, {a_second}/s")
}

#[cfg(test)]
mod tests {
    use ilp_admin_client::UInt64;

    use super::*;
    use crate::commands::pay::tests::payment;

    #[test]
    fn progress_is_said_in_standard_units() {
        let mut payment = payment(OutgoingPaymentState::Sending, 5);
        payment.packet_count = None;
        assert_eq!(message(&payment, 0), "0.05 of 100.00 USD");
        payment.packet_count = Some(UInt64(3));
        assert_eq!(message(&payment, 1_500), "0.05 of 100.00 USD, 3 packets, 2/s");
    }
}
