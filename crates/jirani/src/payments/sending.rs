//! Sends a payment's money, in packets.

use std::time::Duration;

use ilp_admin::operator::{
    Operator,
    paying::{Ended, Progress, QuoteRefusal, SendOrder},
};
use ilp_connector::Source;
use ilp_http::spsp::{PaymentDetails, SpspClient};
use ilp_stream::{Amount, Asset, Outcome, Rate, Sender, SenderParameters, SharedSecret};
use tokio::sync::watch;
use uuid::Uuid;

use super::{drive::drive, quoting, random};
use crate::{clock, node::Node};

/// The pauses between attempts to ask a receiver how it is paid. Half a minute in all, in which a
/// server restarts.
const PAUSES: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(15),
];

/// Sends what is left of a payment and tells the operator how it ended. When the node stops
/// meanwhile nothing is told, and the payment goes on after the next start.
pub(super) async fn send(
    node: &Node,
    spsp: &SpspClient,
    operator: &Operator,
    order: SendOrder,
    stop: watch::Receiver<()>,
) {
    let id = order.payment_id;
    let Some((ended, progress)) = attempt(node, spsp, operator, order, stop).await else { return };
    if let Err(error) = operator.payment_ended(id, ended, progress).await {
        tracing::error!(payment = %id, %error, "how a payment ended is noted at the next start");
    }
}

async fn attempt(
    node: &Node,
    spsp: &SpspClient,
    operator: &Operator,
    order: SendOrder,
    stop: watch::Receiver<()>,
) -> Option<(Ended, Progress)> {
    let so_far = Progress { sent: order.sent, delivered: order.delivered, packets: 0 };
    let failed = |reason: String| Some((Ended::Failed { reason }, so_far));
    // A quote was made for the receiver, so it has answered before.
    let spsp = spsp.of_known_receivers();
    let details = match ask(&spsp, &order.receiver, stop.clone()).await? {
        Ok(details) => details,
        Err(refusal) => return failed(words(refusal)),
    };
    let Some(parameters) = parameters(node, &order, &details) else {
        return failed("the quote's rate can't be kept to".to_owned());
    };
    let mut sender = Sender::new(parameters, clock::now());
    let outcome = drive(node, Source::Local(&order.payer), &mut sender, stop, |sender| {
        operator.payment_progress(order.payment_id, progress(sender));
    });
    let Some(outcome) = outcome.await else {
        pause(operator, order.payment_id, progress(&sender)).await;
        return None;
    };
    if let Some(farewell) = sender.farewell(clock::now(), &mut random) {
        // It moves no money, and nothing depends on its answer.
        node.forward(Source::Own, farewell).await;
    }
    let ended = match &outcome {
        Outcome::Completed { .. } => Ended::Completed,
        Outcome::PartlyDelivered { reason, .. } | Outcome::Failed { reason } => {
            Ended::Failed { reason: reason.to_string() }
        }
    };
    Some((ended, progress(&sender)))
}

async fn pause(operator: &Operator, id: Uuid, progress: Progress) {
    if let Err(error) = operator.payment_paused(id, progress).await {
        tracing::warn!(payment = %id, %error, "how far it has come goes by an earlier note");
    }
}

/// Asks a receiver how it is paid, for as long as another try may help. `None` when the node stops.
async fn ask(
    spsp: &SpspClient,
    receiver: &str,
    mut stop: watch::Receiver<()>,
) -> Option<Result<PaymentDetails, QuoteRefusal>> {
    for pause in PAUSES {
        let asked = tokio::select! {
            asked = quoting::query(spsp, receiver) => asked,
            _ = stop.changed() => return None,
        };
        if !matches!(asked, Err(QuoteRefusal::Unreachable(_))) {
            return Some(asked);
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.changed() => return None,
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
        Amount::Deliver { amount: order.receive_amount, send_max: order.debit_max }
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
        ..SenderParameters::new(credentials.destination.clone(), secret, amount, rate)
    })
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
        QuoteRefusal::InvalidReceiver(words)
        | QuoteRefusal::InvalidAmount(words)
        | QuoteRefusal::NoRate(words)
        | QuoteRefusal::Unreachable(words) => words,
        QuoteRefusal::NonPositiveReceiveAmount { .. } => "nothing would arrive".to_owned(),
    }
}
