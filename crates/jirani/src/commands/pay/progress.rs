//! Follows a payment to its end, with a bar for whoever watches.

use std::{
    thread,
    time::{Duration, Instant},
};

use ilp_connector::amount::format_amount;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::PAYMENT;
use crate::commands::{
    Failure,
    admin_client::{AdminArgs, plain},
};

/// How often the node is asked: more often than anybody sees, and no burden to it.
const INTERVAL: Duration = Duration::from_millis(100);

/// How long a node may not answer, as when it is started anew: the payment goes on after that.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks the node until the payment has ended, and returns it as it then is.
pub(super) fn follow(admin: &AdminArgs, payment: &Value, is_quiet: bool) -> Result<Value, Failure> {
    let query = format!("query($id: String!) {{ outgoingPayment(id: $id) {{ {PAYMENT} }} }}");
    let variables = json!({ "id": payment["id"] });
    let bar = if is_quiet { ProgressBar::hidden() } else { bar(payment) };
    let mut answered_at = Instant::now();
    loop {
        match admin.query(&query, &variables) {
            Ok(mut answer) => {
                let payment = answer["outgoingPayment"].take();
                answered_at = Instant::now();
                show(&bar, &payment);
                if !matches!(payment["state"].as_str(), Some("FUNDING" | "SENDING")) {
                    bar.finish();
                    return Ok(payment);
                }
            }
            Err(error) if answered_at.elapsed() > PATIENCE => {
                bar.abandon();
                let id = plain(&payment["id"]);
                return Err(Failure::Refused(format!(
                    "what became of the payment {id} is not known: {error}"
                )));
            }
            Err(_) => bar.set_message("the node doesn't answer; the payment goes on once it does"),
        }
        thread::sleep(INTERVAL);
    }
}

/// The bar counts in the smallest unit of what the wallet is in. It is drawn on the standard error,
/// and only on a terminal.
fn bar(payment: &Value) -> ProgressBar {
    let bar = ProgressBar::new(amount(&payment["debitAmount"]));
    // A template of our own making is well-formed; without one the bar is only plainer.
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent:>3}%  {msg}") {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, payment: &Value) {
    let sent = amount(&payment["sentAmount"]);
    bar.set_position(sent);
    let elapsed_ms = u64::try_from(bar.elapsed().as_millis()).unwrap_or(u64::MAX);
    bar.set_message(message(payment, elapsed_ms));
}

/// How much of how much, and in how many packets.
fn message(payment: &Value, elapsed_ms: u64) -> String {
    let (sent, debit) = (&payment["sentAmount"], &payment["debitAmount"]);
    let scale = debit["assetScale"].as_u64().and_then(|scale| u8::try_from(scale).ok());
    let shown = |money: &Value| format_amount(u128::from(amount(money)), scale.unwrap_or(0));
    let money = format!("{} of {} {}", shown(sent), shown(debit), plain(&debit["assetCode"]));
    let packets = payment["packetCount"].as_str().and_then(|text| text.parse().ok());
    let Some(packets) = packets.filter(|packets: &u64| *packets > 0) else { return money };
    let a_second = u128::from(packets) * 1_000 / u128::from(elapsed_ms.max(1));
    format!("{money}, {packets} packets, {a_second}/s")
}

fn amount(money: &Value) -> u64 {
    money["value"].as_str().and_then(|text| text.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_said_in_standard_units() {
        let money = |value: &str| json!({ "value": value, "assetCode": "USD", "assetScale": 2 });
        let mut payment = json!({ "sentAmount": money("5"), "debitAmount": money("1000") });
        assert_eq!(message(&payment, 0), "0.05 of 10.00 USD");
        payment["packetCount"] = json!("3");
        assert_eq!(message(&payment, 1_500), "0.05 of 10.00 USD, 3 packets, 2/s");
    }
}
