//! `jirani pay`: quotes a payment, asks for confirmation, and makes the payment.

mod progress;
pub(super) mod quote;
mod receiver_asset;

use clap::Args;
use ilp_admin_client::{
    Id, JsonObject, UInt64,
    payment::{
        Amount, CreateOutgoingPaymentInput, CreateOutgoingPaymentWithdrawalInput,
        DepositOutgoingPaymentLiquidityInput, OutgoingPayment, OutgoingPaymentState,
    },
    wallet::WalletAddress,
};
use ilp_net::ReceiverUrl;
use serde::Serialize;
use uuid::Uuid;

use self::{
    progress::follow,
    quote::{Quote, QuotedAmount},
};
use super::{
    Failure,
    admin_client::{AdminArgs, name_of, plain, plain_or_dash, print},
    lookup::find_wallet,
    terminal::confirm,
    wallet::shown_value,
};

#[derive(Debug, Args)]
pub(crate) struct PayArgs {
    /// Payment pointer or URL of the receiver
    receiver: String,
    /// Payment pointer, URL or id of the wallet address that pays
    #[arg(long, value_name = "WALLET")]
    from: String,
    #[command(flatten)]
    amount: AmountArgs,
    /// The receiver's asset, such as EUR:2, where its server doesn't state it
    #[arg(long, value_name = "CODE:SCALE", requires = "deliver", conflicts_with = "send")]
    receiver_asset: Option<String>,
    /// Metadata of the payment, a JSON object, which events and the API show
    #[arg(long, value_name = "JSON", value_parser = object)]
    metadata: Option<JsonObject>,
    /// Don't ask for confirmation
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    admin: AdminArgs,
}

/// The amount, sent or delivered. A receiver that requests an amount needs neither.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct AmountArgs {
    /// Amount that leaves the wallet address, fees included, in its asset, such as 12.50
    #[arg(long, value_name = "AMOUNT")]
    send: Option<String>,
    /// Amount that arrives, in the receiver's asset, such as 12.50
    #[arg(long, value_name = "AMOUNT")]
    deliver: Option<String>,
}

fn object(text: &str) -> Result<JsonObject, String> {
    match serde_json::from_str(text) {
        Ok(object @ JsonObject::Object(_)) => Ok(object),
        Ok(_) => Err("expected a JSON object, such as {\"invoice\": \"1207\"}".to_owned()),
        Err(error) => Err(format!("it is not JSON: {error}")),
    }
}

impl PayArgs {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let receiver = ReceiverUrl::parse(&self.receiver)
            .map_err(|error| Failure::Usage(format!("{}: {error}", self.receiver)))?;
        let wallet = find_wallet(&self.admin, &self.from)?;
        let quote =
            Quote::ask(&self.admin, &wallet, &receiver, self.quoted_amount(&wallet, &receiver)?)?;
        if !self.admin.json {
            print(&self.admin, &(), &quote.lines())?;
        }
        confirm("Pay?", self.yes, self.admin.json)?;
        let payment = pay(&self.admin, &wallet, &quote, self.metadata, self.admin.json)?;
        tell(&self.admin, &payment)
    }

    fn quoted_amount(
        &self,
        wallet: &WalletAddress,
        receiver: &ReceiverUrl,
    ) -> Result<QuotedAmount, Failure> {
        match (&self.amount.send, &self.amount.deliver) {
            (Some(send), _) => quote::send(send, &(&wallet.asset).into()),
            (None, Some(deliver)) => {
                let said = self.receiver_asset.as_deref();
                let asset = receiver_asset::find(&self.admin, receiver, said)?;
                quote::deliver(deliver, &asset)
            }
            (None, None) => Ok(QuotedAmount::AsRequested),
        }
    }
}

/// A payment that has ended, with the fields of the JSON output.
#[derive(Clone, Debug, Serialize)]
pub(super) struct EndedPayment {
    #[serde(flatten)]
    pub(super) payment: OutgoingPayment,
    /// The number of fulfilled packets; `None` for a receiver of the same node, who is paid without
    /// packets, and where the node doesn't know the number.
    pub(super) packets: Option<u64>,
    /// The funds that were not sent and were withdrawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawn: Option<UInt64>,
}

/// Creates a payment from a quote, funds it, and follows it to its end. Unused funds are withdrawn.
pub(super) fn pay(
    admin: &AdminArgs,
    wallet: &WalletAddress,
    quote: &Quote,
    metadata: Option<JsonObject>,
    is_quiet: bool,
) -> Result<EndedPayment, Failure> {
    let payment = admin.ask(CreateOutgoingPaymentInput {
        wallet_address_id: wallet.id.clone(),
        quote_id: quote.id().clone(),
        metadata,
        idempotency_key: Some(Uuid::new_v4().to_string()),
    })?;
    let fresh_id = || Id::new(Uuid::new_v4().to_string());
    admin.ask(DepositOutgoingPaymentLiquidityInput {
        outgoing_payment_id: payment.id.clone(),
        data_to_transmit: None,
        idempotency_key: fresh_id(),
    })?;
    let payment = follow(admin, &payment, is_quiet)?;
    let rest = payment.liquidity.filter(|left| left.0 != 0);
    // The operator's own systems may have withdrawn the rest first, as they do after every payment.
    let withdrawn = rest.filter(|_| {
        let withdrawal = CreateOutgoingPaymentWithdrawalInput {
            outgoing_payment_id: payment.id.clone(),
            timeout_seconds: UInt64(0),
            idempotency_key: fresh_id(),
        };
        admin.ask(withdrawal).is_ok()
    });
    Ok(EndedPayment { packets: packets(&payment), payment, withdrawn })
}

/// Returns the number of fulfilled packets, as [`EndedPayment::packets`] has it.
fn packets(payment: &OutgoingPayment) -> Option<u64> {
    let is_local = payment.quote.as_ref().is_some_and(|quote| quote.packet_count.0 == 0);
    payment.packet_count.filter(|_| !is_local).map(|count| count.0)
}

/// Prints the result of a payment. A payment that was not completed is a failure.
fn tell(admin: &AdminArgs, ended: &EndedPayment) -> Result<(), Failure> {
    let outcome = outcome(ended);
    let mut lines = Vec::new();
    lines.extend(outcome.as_ref().ok().cloned());
    lines.extend(rest(ended));
    lines.push(format!("payment {}", ended.payment.id));
    print(admin, ended, &lines)?;
    outcome.map(drop).map_err(Failure::Refused)
}

fn outcome(ended: &EndedPayment) -> Result<String, String> {
    let payment = &ended.payment;
    let (sent, delivered) =
        (shown_value(&payment.sent_amount), shown_value(&payment.delivered_amount));
    let packets = match ended.packets {
        Some(packets) => format!(", in {packets} packets"),
        None => String::new(),
    };
    if payment.state == OutgoingPaymentState::Completed {
        let receiver = plain(&payment.receiver);
        let paid = format!("paid {receiver}: sent {sent}, {delivered} arrived{packets}");
        return Ok(match &payment.amount_in_doubt {
            Some(in_doubt) => format!(
                "{paid}; the node was killed meanwhile, and up to {} more may have arrived",
                shown_value(in_doubt)
            ),
            None => paid,
        });
    }
    let state = name_of(payment.state).to_lowercase();
    let (debit, why) = (shown_value(&payment.debit_amount), plain_or_dash(payment.error.as_ref()));
    Err(format!(
        "the payment {state}: of {debit}, {sent} were sent and {delivered} arrived{packets}: {why}"
    ))
}

/// Returns a line about the funds that were not sent.
fn rest(ended: &EndedPayment) -> Option<String> {
    let payment = &ended.payment;
    let value = ended.withdrawn?;
    let all = shown_value(&Amount { value, ..payment.debit_amount.clone() });
    let fee = payment.quote.as_ref().map(|quote| &quote.fee_amount);
    Some(match fee.filter(|fee| fee.value.0 != 0) {
        Some(fee) => {
            let shown = shown_value(&Amount { value: fee.value, ..payment.debit_amount.clone() });
            if fee.value == value {
                format!("took out the fee of {shown}")
            } else {
                format!("took out {all}, the fee of {shown} and what was not needed")
            }
        }
        None if payment.state == OutgoingPaymentState::Completed => {
            format!("took out {all}, which were not needed")
        }
        None => format!("took out {all}, which were not sent"),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use ilp_admin_client::payment::PaidQuote;

    use super::*;

    fn money(value: u64, code: &str) -> Amount {
        Amount { value: UInt64(value), asset_code: code.to_owned(), asset_scale: 2 }
    }

    /// A payment of 100.00 USD that has ended.
    pub(in super::super) fn payment(state: OutgoingPaymentState, sent: u64) -> OutgoingPayment {
        OutgoingPayment {
            id: Id::new("7"),
            state,
            error: None,
            receiver: "https://a.example/bob".to_owned(),
            liquidity: None,
            created_at: "2026-11-24T07:00:00.000Z".to_owned(),
            packet_count: Some(UInt64(200)),
            debit_amount: money(10_000, "USD"),
            sent_amount: money(sent, "USD"),
            receive_amount: money(9_200, "EUR"),
            delivered_amount: money(9_200, "EUR"),
            amount_in_doubt: None,
            quote: Some(PaidQuote {
                packet_count: UInt64(200),
                max_packet_amount: None,
                fee_amount: money(150, "USD"),
            }),
        }
    }

    fn ended(payment: OutgoingPayment, packets: Option<u64>) -> EndedPayment {
        EndedPayment { payment, packets, withdrawn: None }
    }

    #[test]
    fn all_of_it_is_done_and_a_part_is_a_failure_with_its_amounts() {
        let completed = payment(OutgoingPaymentState::Completed, 9_850);
        assert_eq!(
            outcome(&ended(completed.clone(), Some(200))).unwrap(),
            "paid https://a.example/bob: sent 98.50 USD, 92.00 EUR arrived, in 200 packets"
        );
        let killed = OutgoingPayment { amount_in_doubt: Some(money(120, "USD")), ..completed };
        assert_eq!(
            outcome(&ended(killed, Some(200))).unwrap(),
            "paid https://a.example/bob: sent 98.50 USD, 92.00 EUR arrived, in 200 packets; the node \
             was killed meanwhile, and up to 1.20 USD more may have arrived"
        );
        let failed = OutgoingPayment {
            error: Some("no route".to_owned()),
            ..payment(OutgoingPaymentState::Failed, 5)
        };
        assert_eq!(
            outcome(&ended(failed, None)).unwrap_err(),
            "the payment failed: of 100.00 USD, 0.05 USD were sent and 92.00 EUR arrived: no route"
        );
    }

    #[test]
    fn packets_are_as_many_as_the_node_says_and_none_within_it() {
        let counted = |count: Option<u64>, least: u64| {
            let mut payment = payment(OutgoingPaymentState::Completed, 1);
            payment.packet_count = count.map(UInt64);
            payment.quote.as_mut().unwrap().packet_count = UInt64(least);
            packets(&payment)
        };
        assert_eq!(counted(Some(1_250), 1_200), Some(1_250));
        assert_eq!(counted(Some(0), 0), None);
        assert_eq!(counted(None, 1_200), None);
    }

    #[test]
    fn what_was_not_sent_is_accounted_for() {
        let mut ended = ended(payment(OutgoingPaymentState::Completed, 9_850), None);
        assert_eq!(rest(&ended), None);
        ended.withdrawn = Some(UInt64(160));
        assert_eq!(
            rest(&ended).unwrap(),
            "took out 1.60 USD, the fee of 1.50 USD and what was not needed"
        );
    }
}
