//! Quotes: the receiver is asked for its STREAM credentials, and probe packets measure the path. No
//! packet of a quote can be fulfilled.

use ilp_connector::{Source, token::Secret};
use ilp_http::spsp::{PaymentDetails, SpspClient, SpspError};
use ilp_net::ReceiverUrl;
use ilp_operator::paying::{AssetName, Fraction, PayAmount, QuoteAsk, QuoteOffer, QuoteRefusal};
use ilp_stream::{Amount, Asset, EndReason, Path, Prober, ProberParameters, Rate, SharedSecret};
use interledger_packet::ErrorCode;
use tokio_util::sync::CancellationToken;

use super::drive::drive;
use crate::{clock, node::Node};

/// The largest change of a rate between the quote and the last packet, for a payment between two
/// assets.
pub(super) const SLIPPAGE_BASIS_POINTS: u16 = 100;

/// The fault of a receiver or of an amount, as far as this node finds it.
#[derive(Debug, thiserror::Error)]
pub(super) enum QuoteFault {
    #[error("it doesn't say what it counts in")]
    NoAsset,
    #[error("it would cost more than an amount can be")]
    TooExpensive,
    #[error("the receiver takes {outstanding} at most and not {amount}")]
    MoreThanOutstanding { outstanding: u64, amount: u64 },
    #[error("the receiver asks for no amount: name one to send or one to deliver")]
    NoAmount,
    #[error("{url}: {cause}")]
    Receiver { url: ReceiverUrl, cause: SpspError },
    #[error("the node is shutting down")]
    ShuttingDown,
}

/// Returns the terms for paying a receiver of another node.
pub(super) async fn quote(
    node: &Node,
    spsp: &SpspClient,
    ask: QuoteAsk,
    stop: CancellationToken,
) -> Result<QuoteOffer, QuoteRefusal> {
    let details = query(spsp, &ask.receiver).await?;
    let amount = amount_of(ask.amount, details.outstanding)?;
    let path = probe(node, &ask, &details, amount, stop).await?;
    let Some(asset) = path.asset.clone() else {
        return Err(QuoteRefusal::InvalidReceiver(QuoteFault::NoAsset.into()));
    };
    let Terms { rate, debit_amount, receive_amount, deliver_amount } =
        terms(&path, amount, &asset, &ask.source)?;
    let (delivered, sent) = rate.terms();
    Ok(QuoteOffer {
        debit_amount,
        receive_amount,
        deliver_amount,
        receive_asset: AssetName { code: asset.code, scale: asset.scale },
        max_packet_amount: path.packet_amount_max,
        packet_count: path
            .packet_amount_max
            .map_or(1, |maximum| debit_amount.div_ceil(maximum.max(1))),
        rate_min: Fraction { delivered: delivered.into(), sent: sent.into() },
        receiver_expires_at_ms: None,
        details: Secret::new(String::new()),
    })
}

/// The amounts and the rate of a payment.
#[derive(Debug, PartialEq, Eq)]
struct Terms {
    /// The worst rate at which packets are sent.
    rate: Rate,
    debit_amount: u64,
    receive_amount: u64,
    /// The amount to be delivered, where `receive_amount` is more.
    deliver_amount: Option<u64>,
}

fn terms(
    path: &Path,
    amount: Amount,
    asset: &Asset,
    source: &ilp_connector::peer::Asset,
) -> Result<Terms, QuoteRefusal> {
    let is_same = asset.code == source.code && asset.scale == source.scale;
    let lower = path.rate.lower();
    let rate = if is_same && path.is_lossless && lower == Rate::ONE {
        // A path in one asset has a constant rate.
        lower
    } else if is_same {
        // The probed amounts were rounded by chance in this way; another amount is rounded
        // differently.
        path.worst_rate().less(SLIPPAGE_BASIS_POINTS)
    } else {
        lower.less(SLIPPAGE_BASIS_POINTS)
    };
    let terms = match amount {
        Amount::Send(amount) => Terms {
            rate,
            debit_amount: amount,
            receive_amount: match is_same {
                true => path.delivered_for(amount),
                false => rate.delivered_for(amount),
            },
            deliver_amount: None,
        },
        Amount::Deliver { amount, .. } => {
            let too_much = || QuoteRefusal::InvalidAmount(QuoteFault::TooExpensive.into());
            let least = path.sent_for(amount).ok_or_else(too_much)?;
            let receive_amount = path.delivered_for(least).max(amount);
            Terms {
                rate,
                debit_amount: rate.sent_for(amount).ok_or_else(too_much)?.max(least),
                receive_amount,
                deliver_amount: (receive_amount > amount).then_some(amount),
            }
        }
    };
    if terms.receive_amount == 0 {
        return Err(QuoteRefusal::NonPositiveReceiveAmount { send_min: rate.sent_for(1) });
    }
    Ok(terms)
}

/// Asks a receiver for its STREAM credentials.
pub(super) async fn query(
    spsp: &SpspClient,
    receiver: &str,
) -> Result<PaymentDetails, QuoteRefusal> {
    let url = ReceiverUrl::parse(receiver)
        .map_err(|error| QuoteRefusal::InvalidReceiver(error.into()))?;
    spsp.query(&url).await.map_err(|cause| {
        let is_no_receiver = matches!(
            cause,
            SpspError::Unknown
                | SpspError::Over
                | SpspError::NotSpsp
                | SpspError::NotPublic
                | SpspError::Answer(_)
        );
        let fault = QuoteFault::Receiver { url, cause }.into();
        if is_no_receiver {
            QuoteRefusal::InvalidReceiver(fault)
        } else {
            QuoteRefusal::Unreachable(fault)
        }
    })
}

fn amount_of(amount: PayAmount, outstanding: Option<u64>) -> Result<Amount, QuoteRefusal> {
    let deliver = |amount| Amount::Deliver { amount, send_max: u64::MAX };
    match (amount, outstanding) {
        (PayAmount::Send(amount), _) => Ok(Amount::Send(amount)),
        (PayAmount::Deliver(amount), Some(outstanding)) if amount > outstanding => {
            let fault = QuoteFault::MoreThanOutstanding { outstanding, amount };
            Err(QuoteRefusal::InvalidAmount(fault.into()))
        }
        (PayAmount::Deliver(amount), _) => Ok(deliver(amount)),
        (PayAmount::DeliverWhatIsAsked, Some(outstanding)) => Ok(deliver(outstanding)),
        (PayAmount::DeliverWhatIsAsked, None) => {
            Err(QuoteRefusal::InvalidAmount(QuoteFault::NoAmount.into()))
        }
    }
}

async fn probe(
    node: &Node,
    ask: &QuoteAsk,
    details: &PaymentDetails,
    amount: Amount,
    stop: CancellationToken,
) -> Result<Path, QuoteRefusal> {
    let credentials = &details.credentials;
    let (destination, now) = (credentials.destination.clone(), clock::now());
    let secret = SharedSecret::new(credentials.shared_secret);
    let mut parameters = ProberParameters::new(destination, secret, amount);
    parameters.packet_amount_max =
        node.packet_amount_max(&ask.source, credentials.destination.as_addr());
    parameters.asset =
        details.asset.as_ref().map(|asset| Asset { code: asset.code.clone(), scale: asset.scale });
    let source = &ask.source;
    parameters.source_asset = Some(Asset { code: source.code.clone(), scale: source.scale });
    let mut prober = Prober::new(parameters, now);
    let ended = drive(node, Source::Probe(&ask.source), &mut prober, stop, |_| {}).await;
    match ended {
        Some(Ok(path)) => Ok(path),
        Some(Err(reason)) => Err(refusal(reason)),
        None => Err(QuoteRefusal::Unreachable(QuoteFault::ShuttingDown.into())),
    }
}

fn refusal(reason: EndReason) -> QuoteRefusal {
    match reason {
        EndReason::NothingArrives => QuoteRefusal::NonPositiveReceiveAmount { send_min: None },
        EndReason::Refused(rejection) if rejection.code == ErrorCode::F07_CANNOT_RECEIVE => {
            QuoteRefusal::NoRate(rejection.to_string().into())
        }
        reason => QuoteRefusal::Unreachable(reason.to_string().into()),
    }
}
