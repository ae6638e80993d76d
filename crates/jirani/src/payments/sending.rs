//! Sends a payment's amount, in packets.

use std::time::Duration;

use super::{drive::drive, quoting, random};
use crate::{clock, node::Node};
use ilp_connector::Source;
use ilp_http::spsp::{PaymentDetails, SpspClient};
use ilp_operator::paying::{Ended, PaymentReports, Progress, QuoteRefusal, SendOrder};
use ilp_stream::{Amount, Asset, Outcome, Rate, Sender, SenderParameters, SharedSecret};
use interledger_packet::Prepare;
use tokio_util::sync::CancellationToken;

/// The pauses between attempts to ask a receiver for its credentials: half a minute in all, in
/// which a server restarts.
const PAUSES: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(15),
];

/// The number of packets that a payment may have for each one in its quote.
const PACKETS_PER_QUOTED: u64 = 10;
/// Further packets, so that a short payment over a path with little liquidity is still possible.
const PACKETS_MORE: u64 = 100;

/// Sends the rest of a payment and reports its end to the operator. When the node stops meanwhile,
/// the payment's progress is noted, and the payment continues after the next start.
pub(super) async fn send(
    node: &Node,
    spsp: &SpspClient,
    reports: &dyn PaymentReports,
    order: SendOrder,
    stop: CancellationToken,
) {
    let id = order.payment_id;
    let attempted = attempt(node, spsp, reports, order, stop).await;
    let noted = match attempted.end {
        Some(ended) => reports.ended(id, ended, attempted.progress).await,
        None => reports.paused(id, attempted.progress).await,
    };
    if let Err(error) = noted {
        tracing::error!(payment = %id, %error, "how far a payment came is noted at the next start");
    }
    // The closing packet goes after the progress has been recorded, since its answer may take as
    // long as a packet lives, and the node may be killed meanwhile. It moves no money, and nothing
    // depends on its answer.
    if let Some(farewell) = attempted.farewell {
        node.forward(Source::Own, farewell).await;
    }
}

/// The result of an attempt.
struct Attempt {
    /// The end of the payment; `None` when the node stopped meanwhile.
    end: Option<Ended>,
    progress: Progress,
    farewell: Option<Prepare>,
}

async fn attempt(
    node: &Node,
    spsp: &SpspClient,
    reports: &dyn PaymentReports,
    order: SendOrder,
    stop: CancellationToken,
) -> Attempt {
    let progress = Progress { sent: order.sent, delivered: order.delivered, packets: 0 };
    let unsent = |end| Attempt { end, progress, farewell: None };
    let failed = |reason: String| unsent(Some(Ended::Failed { reason }));
    // The receiver is known: it answered when the quote was made.
    let spsp = spsp.of_known_receivers();
    let details = match ask(&spsp, &order.receiver, stop.clone()).await {
        Some(Ok(details)) => details,
        Some(Err(refusal)) => return failed(words(refusal)),
        None => return unsent(None),
    };
    let Some(parameters) = parameters(node, &order, &details) else {
        return failed("the quote's rate can't be kept to".to_owned());
    };
    let under_way_max = under_way_max(&order, &parameters);
    if let Err(error) = reports.begins(order.payment_id, under_way_max).await {
        tracing::error!(payment = %order.payment_id, %error, "it goes on at the next start");
        return unsent(None);
    }
    let mut sender = Sender::new(parameters, clock::now());
    let outcome = drive(node, Source::Local(&order.payer), &mut sender, stop, |sender| {
        reports.progress(order.payment_id, self::progress(sender));
    });
    let end = outcome.await.map(|outcome| match &outcome {
        Outcome::Completed { .. } => Ended::Completed,
        Outcome::PartlyDelivered { reason, .. } | Outcome::Failed { reason } => {
            Ended::Failed { reason: reason.to_string() }
        }
    });
    let farewell = end.as_ref().and_then(|_| sender.farewell(clock::now(), &mut random));
    Attempt { end, progress: self::progress(&sender), farewell }
}

/// Returns the most that packets in flight together can carry: the largest number of packets, each
/// of the greatest amount, but never more than what is left to be sent.
fn under_way_max(order: &SendOrder, parameters: &SenderParameters) -> u64 {
    let left = order.debit_max.saturating_sub(order.sent);
    let packets = u64::from(parameters.packets_in_flight_max);
    let amount = parameters.packet_amount_max.unwrap_or(u64::MAX);
    left.min(amount.saturating_mul(packets))
}

/// Asks a receiver for its credentials, for as long as another attempt may help. `None` when the
/// node stops.
async fn ask(
    spsp: &SpspClient,
    receiver: &str,
    stop: CancellationToken,
) -> Option<Result<PaymentDetails, QuoteRefusal>> {
    for pause in PAUSES {
        let asked = tokio::select! {
            asked = quoting::query(spsp, receiver) => asked,
            () = stop.cancelled() => return None,
        };
        if !matches!(asked, Err(QuoteRefusal::Unreachable(_))) {
            return Some(asked);
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return None,
        }
    }
    Some(quoting::query(spsp, receiver).await)
}

fn parameters(
    node: &Node,
    order: &SendOrder,
    details: &PaymentDetails,
) -> Option<SenderParameters> {
    let rate = Rate::rounded_down(order.rate_min.delivered, order.rate_min.sent)?;
    let amount = if order.is_fixed_send {
        Amount::Send(order.debit_max)
    } else {
        Amount::Deliver { amount: delivery(order, details), send_max: order.debit_max }
    };
    let credentials = &details.credentials;
    let secret = SharedSecret::new(credentials.shared_secret);
    let asset = &order.receive_asset;
    Some(SenderParameters {
        sent_before: order.sent,
        delivered_before: order.delivered,
        packet_amount_max: node
            .packet_amount_max(&order.payer.asset, credentials.destination.as_addr()),
        asset: Some(Asset { code: asset.code.clone(), scale: asset.scale }),
        packets_max: Some(packets_max(order)),
        ..SenderParameters::new(credentials.destination.clone(), secret, amount, rate)
    })
}

/// Returns the amount to be delivered over all attempts. After a kill the delivered amount isn't
/// known exactly, and a receiver that states its outstanding amount takes no more than that.
fn delivery(order: &SendOrder, details: &PaymentDetails) -> u64 {
    match details.outstanding {
        Some(outstanding) if order.in_doubt > 0 => {
            order.receive_amount.min(order.delivered.saturating_add(outstanding))
        }
        _ => order.receive_amount,
    }
}

/// Returns how many packets a payment may have. A path that takes far smaller packets than when it
/// was quoted ends the payment, since every node on it pays for each packet.
fn packets_max(order: &SendOrder) -> u64 {
    order.packet_count.max(1).saturating_mul(PACKETS_PER_QUOTED).saturating_add(PACKETS_MORE)
}

fn progress(sender: &Sender) -> Progress {
    let progress = sender.progress();
    Progress {
        sent: progress.sent,
        delivered: progress.delivered,
        packets: progress.packets_fulfilled,
    }
}

fn words(refusal: QuoteRefusal) -> String {
    match refusal {
        QuoteRefusal::InvalidReceiver(cause)
        | QuoteRefusal::InvalidAmount(cause)
        | QuoteRefusal::NoRate(cause)
        | QuoteRefusal::Unreachable(cause) => cause.to_string(),
        QuoteRefusal::NonPositiveReceiveAmount { .. } => "nothing would arrive".to_owned(),
    }
}
