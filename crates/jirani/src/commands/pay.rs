//! `jirani pay`: what a payment costs, a question, and then the payment to its exact end.

mod progress;
pub(super) mod quote;
mod receiver_asset;

use clap::Args;
use ilp_http::ReceiverUrl;
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
    #[arg(long, value_name = "CODE:SCALE", requires = "deliver")]
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
const PAYMENT: &str = "id state error receiver liquidity createdAt \
    debitAmount { value assetCode assetScale } sentAmount { value assetCode assetScale } \
    receiveAmount { value assetCode assetScale }";

impl PayArgs {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let receiver = ReceiverUrl::parse(&self.receiver)
            .map_err(|error| Failure::Usage(format!("{}: {error}", self.receiver)))?;
        let wallet = find_wallet(&self.admin, &self.from)?;
        let quote =
            Quote::ask(&self.admin, &wallet, &receiver, self.quoted_amount(&wallet, &receiver)?)?;
        if !self.admin.json {
            print(&self.admin, &Value::Null, &quote.lines());
        }
        confirm("Pay?", self.yes, self.admin.json)?;
        let payment = pay(&self.admin, &wallet, &quote, self.admin.json)?;
        tell(&self.admin, payment)
    }

    /// The members of the quote's input that say how much.
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
    if ended["liquidity"].as_str().is_some_and(|left| left != "0") {
        let back = json!({
            "outgoingPaymentId": payment["id"],
            "idempotencyKey": Uuid::new_v4(),
            "timeoutSeconds": "0",
        });
        // The operator's own systems may have taken it out first, as they do at every end.
        if admin.mutate("createOutgoingPaymentWithdrawal", "success", &back).is_ok() {
            ended["returned"] = ended["liquidity"].clone();
        }
    }
    Ok(ended)
}

/// Prints how a payment ended; anything but all of it is a failure.
fn tell(admin: &AdminArgs, payment: Value) -> Result<(), Failure> {
    let sent = shown_value(&payment["sentAmount"]);
    let mut lines = Vec::new();
    if payment["state"] == "COMPLETED" {
        lines.push(format!("paid {}: sent {sent}", plain(&payment["receiver"])));
    }
    if payment["returned"].is_string() {
        let mut returned = payment["debitAmount"].clone();
        returned["value"] = payment["returned"].clone();
        lines.push(format!("{} was not needed and went back", shown_value(&returned)));
    }
    lines.push(format!("payment {}", plain(&payment["id"])));
    print(admin, &payment, &lines);
    if payment["state"] == "COMPLETED" {
        return Ok(());
    }
    let debit = shown_value(&payment["debitAmount"]);
    let ended = plain(&payment["state"]).to_lowercase();
    let why = plain(&payment["error"]);
    Err(Failure::Refused(format!("the payment {ended} with {sent} sent of {debit}: {why}")))
}
