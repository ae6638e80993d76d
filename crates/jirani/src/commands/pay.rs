//! `jirani pay`: what a payment costs, a question, and then the payment to its exact end.

mod progress;
pub(super) mod quote;
mod receiver_asset;

use clap::Args;
use ilp_net::ReceiverUrl;
use serde_json::{Value, json};
use uuid::Uuid;

use self::{progress::follow, quote::Quote};
use super::{
    Failure,
    admin_client::{AdminArgs, plain, print},
    lookup::find_wallet,
    terminal::confirm,
    wallet::shown_value,
};

#[derive(Debug, Args)]
pub(crate) struct PayArgs {
    /// Payment pointer or URL of whoever is paid
    receiver: String,
    /// Payment pointer, URL or id of the wallet that pays
    #[arg(long, value_name = "WALLET")]
    from: String,
    #[command(flatten)]
    amount: AmountArgs,
    /// What the receiver counts in, such as EUR:2, where its server doesn't say it
    #[arg(long, value_name = "CODE:SCALE", requires = "deliver", conflicts_with = "send")]
    receiver_asset: Option<String>,
    /// Don't ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    admin: AdminArgs,
}

/// How much. Neither is for a receiver that asks for an amount.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct AmountArgs {
    /// How much leaves the wallet, fees included, in its asset, such as 12.50
    #[arg(long, value_name = "AMOUNT")]
    send: Option<String>,
    /// How much arrives, in the receiver's asset, such as 12.50
    #[arg(long, value_name = "AMOUNT")]
    deliver: Option<String>,
}

/// What is asked of a payment.
const PAYMENT: &str = "id state error receiver liquidity createdAt packetCount \
    debitAmount { value assetCode assetScale } sentAmount { value assetCode assetScale } \
    receiveAmount { value assetCode assetScale } deliveredAmount { value assetCode assetScale } \
    amountInDoubt { value assetCode assetScale } \
    quote { packetCount maxPacketAmount feeAmount { value assetCode assetScale } }";

impl PayArgs {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let receiver = ReceiverUrl::parse(&self.receiver)
            .map_err(|error| Failure::Usage(format!("{}: {error}", self.receiver)))?;
        let wallet = find_wallet(&self.admin, &self.from)?;
        let quote =
            Quote::ask(&self.admin, &wallet, &receiver, self.quoted_amount(&wallet, &receiver)?)?;
        if !self.admin.json {
            print(&self.admin, &Value::Null, &quote.lines())?;
        }
        confirm("Pay?", self.yes, self.admin.json)?;
        let payment = pay(&self.admin, &wallet, &quote, self.admin.json)?;
        tell(&self.admin, payment)
    }

    /// Returns the members of the quote's input that say how much.
    fn quoted_amount(&self, wallet: &Value, receiver: &ReceiverUrl) -> Result<Value, Failure> {
        match (&self.amount.send, &self.amount.deliver) {
            (Some(send), _) => quote::send(send, &wallet["asset"]),
            (None, Some(deliver)) => {
                let said = self.receiver_asset.as_deref();
                let asset = receiver_asset::find(&self.admin, receiver, said)?;
                quote::deliver(deliver, &asset)
            }
            (None, None) => Ok(json!({})),
        }
    }
}

/// Makes a payment of a quote, funds it, and follows it to its end. What was not needed of the
/// funds goes back.
pub(super) fn pay(
    admin: &AdminArgs,
    wallet: &Value,
    quote: &Quote,
    is_quiet: bool,
) -> Result<Value, Failure> {
    let input = json!({
        "walletAddressId": wallet["id"],
        "quoteId": quote.id(),
        "idempotencyKey": Uuid::new_v4(),
    });
    let selection = format!("payment {{ {PAYMENT} }}");
    let payment = admin.mutate("createOutgoingPayment", &selection, &input)?["payment"].take();
    let funding = json!({ "outgoingPaymentId": payment["id"], "idempotencyKey": Uuid::new_v4() });
    admin.mutate("depositOutgoingPaymentLiquidity", "success", &funding)?;
    let mut ended = follow(admin, &payment, is_quiet)?;
    ended["packets"] = packets(&ended);
    if ended["liquidity"].as_str().is_some_and(|left| left != "0") {
        let rest = json!({
            "outgoingPaymentId": payment["id"],
            "idempotencyKey": Uuid::new_v4(),
            "timeoutSeconds": "0",
        });
        // The operator's own systems may have taken it out first, as they do at every end.
        if admin.mutate("createOutgoingPaymentWithdrawal", "success", &rest).is_ok() {
            ended["withdrawn"] = ended["liquidity"].clone();
        }
    }
    Ok(ended)
}

/// How many packets were fulfilled; null for a receiver of the same node, who is paid without packets,
/// and where the node doesn't know it.
fn packets(payment: &Value) -> Value {
    let is_local = payment["quote"]["packetCount"] == "0";
    let count = payment["packetCount"].as_str().filter(|_| !is_local);
    count.and_then(|count| count.parse::<u64>().ok()).into()
}

/// Prints how a payment ended; anything but all of it is a failure.
fn tell(admin: &AdminArgs, payment: Value) -> Result<(), Failure> {
    let outcome = outcome(&payment);
    let mut lines = Vec::new();
    lines.extend(outcome.as_ref().ok().cloned());
    lines.extend(rest(&payment));
    lines.push(format!("payment {}", plain(&payment["id"])));
    print(admin, &payment, &lines)?;
    outcome.map(drop).map_err(Failure::Refused)
}

fn outcome(payment: &Value) -> Result<String, String> {
    let (sent, delivered) =
        (shown_value(&payment["sentAmount"]), shown_value(&payment["deliveredAmount"]));
    let packets = match payment["packets"].as_u64() {
        Some(packets) => format!(", in {packets} packets"),
        None => String::new(),
    };
    if payment["state"] == "COMPLETED" {
        let receiver = plain(&payment["receiver"]);
        let paid = format!("paid {receiver}: sent {sent}, {delivered} arrived{packets}");
        let in_doubt = &payment["amountInDoubt"];
        return Ok(match in_doubt.is_object() {
            true => format!(
                "{paid}; the node was killed meanwhile, and up to {} more may have arrived",
                shown_value(in_doubt)
            ),
            false => paid,
        });
    }
    let ended = plain(&payment["state"]).to_lowercase();
    let (debit, why) = (shown_value(&payment["debitAmount"]), plain(&payment["error"]));
    Err(format!(
        "the payment {ended}: of {debit}, {sent} were sent and {delivered} arrived{packets}: {why}"
    ))
}

/// What became of the funds that were not sent.
fn rest(payment: &Value) -> Option<String> {
    let withdrawn = payment["withdrawn"].as_str()?;
    let (fee, source) = (&payment["quote"]["feeAmount"], &payment["debitAmount"]);
    let shown = |value: &str| {
        let mut money = source.clone();
        money["value"] = value.into();
        shown_value(&money)
    };
    let fee = fee["value"].as_str().filter(|fee| *fee != "0");
    let all = shown(withdrawn);
    Some(match fee.map(|fee| (fee, shown(fee))) {
        Some((fee, shown)) if fee == withdrawn => format!("took out the fee of {shown}"),
        Some((_, shown)) => format!("took out {all}, the fee of {shown} and what was not needed"),
        None if payment["state"] == "COMPLETED" => {
            format!("took out {all}, which were not needed")
        }
        None => format!("took out {all}, which were not sent"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payment(state: &str, sent: &str, more: Value) -> Value {
        let money =
            |value: &str, code: &str| json!({ "value": value, "assetCode": code, "assetScale": 2 });
        let mut payment = json!({
            "id": "7", "state": state, "receiver": "https://a.example/bob", "error": null,
            "debitAmount": money("10000", "USD"), "sentAmount": money(sent, "USD"),
            "deliveredAmount": money("9200", "EUR"), "packets": 200,
            "quote": { "packetCount": "200", "feeAmount": money("150", "USD") },
        });
        for (name, value) in more.as_object().unwrap() {
            payment[name] = value.clone();
        }
        payment
    }

    #[test]
    fn all_of_it_is_done_and_a_part_is_a_failure_with_its_amounts() {
        assert_eq!(
            outcome(&payment("COMPLETED", "9850", json!({}))).unwrap(),
            "paid https://a.example/bob: sent 98.50 USD, 92.00 EUR arrived, in 200 packets"
        );
        let in_doubt = json!({ "value": "120", "assetCode": "USD", "assetScale": 2 });
        let killed = payment("COMPLETED", "9850", json!({ "amountInDoubt": in_doubt }));
        assert_eq!(
            outcome(&killed).unwrap(),
            "paid https://a.example/bob: sent 98.50 USD, 92.00 EUR arrived, in 200 packets; the node \
             was killed meanwhile, and up to 1.20 USD more may have arrived"
        );
        let failed = payment("FAILED", "5", json!({ "error": "no route", "packets": null }));
        assert_eq!(
            outcome(&failed).unwrap_err(),
            "the payment failed: of 100.00 USD, 0.05 USD were sent and 92.00 EUR arrived: no route"
        );
    }

    #[test]
    fn packets_are_as_many_as_the_node_says_and_none_within_it() {
        let counted = |count: Value, least: &str| {
            packets(&json!({ "packetCount": count, "quote": { "packetCount": least } }))
        };
        assert_eq!(counted(json!("1250"), "1200"), 1_250);
        assert_eq!(counted(json!("0"), "0"), Value::Null);
        assert_eq!(counted(json!(null), "1200"), Value::Null);
    }

    #[test]
    fn what_was_not_sent_is_accounted_for() {
        let completed = |more: Value| rest(&payment("COMPLETED", "9850", more));
        assert_eq!(completed(json!({})), None);
        assert_eq!(
            completed(json!({ "withdrawn": "160" })).unwrap(),
            "took out 1.60 USD, the fee of 1.50 USD and what was not needed"
        );
    }
}
