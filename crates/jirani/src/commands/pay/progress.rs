//! Follows a payment to its end, with a progress bar.

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

/// The interval at which the node is asked: short enough for a smooth bar, and no burden to the
/// node.
const INTERVAL: Duration = Duration::from_millis(100);

/// The time for which a node may give no answer, such as during a restart, after which it continues
/// the payment.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks the node until the payment has ended, and returns its final state.
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

/// Returns the bar. It counts in the smallest unit of the wallet address's asset, and is drawn on
/// the standard error, only on a terminal.
fn bar(payment: &OutgoingPayment) -> ProgressBar {
    let bar = ProgressBar::new(payment.debit_amount.value.0);
    // The template is well-formed; without a template the bar only looks plainer.
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

/// Returns the sent share of the amount, and the number of packets.
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
