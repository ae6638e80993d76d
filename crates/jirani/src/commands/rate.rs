//! `jirani rate`: the exchange rates at which packets are converted.

use clap::{Args, Subcommand};
use ilp_admin_client::rate::{DeleteRateInput, Rate, Rates, SetRateInput};
use serde_json::json;

use super::{
    Failure,
    admin_client::{AdminArgs, name_of, plain, plain_or_dash, print},
    table::{Column, Table},
};

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  jirani rate set USD EUR 0.92 && jirani rate list")]
pub(crate) enum RateCommand {
    /// Set the rate between two assets; where only one direction is set, the other is its exact
    /// inverse
    #[command(
        after_help = "Example:\n  jirani rate set USD EUR 0.92     one dollar is worth 0.92 euros"
    )]
    Set {
        #[command(flatten)]
        pair: Pair,
        /// Units of the second asset for one of the first, whatever their scales, such as 0.92
        rate: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Delete a rate that was set; the rates service's rate, if there is one, applies again
    #[command(after_help = "Example:\n  jirani rate delete USD EUR")]
    Delete {
        #[command(flatten)]
        pair: Pair,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// List the rates that packets are converted at
    #[command(after_help = "Example:\n  jirani rate list")]
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Pair {
    /// The asset that is converted, such as USD
    base: String,
    /// The asset that it is converted to, such as EUR
    quote: String,
}

impl RateCommand {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Set { pair, rate, admin } => set(&pair, &rate, &admin),
            Self::Delete { pair, admin } => delete(&pair, &admin),
            Self::List { admin } => list(&admin),
        }
    }
}

fn set(pair: &Pair, rate: &str, admin: &AdminArgs) -> Result<(), Failure> {
    let rate = create(admin, &pair.base, &pair.quote, rate)?;
    let line = format!("1 {} is worth {} {}", pair.base, plain(&rate.rate), pair.quote);
    print(admin, &rate, &[line])
}

pub(super) fn create(
    admin: &AdminArgs,
    base: &str,
    quote: &str,
    rate: &str,
) -> Result<Rate, Failure> {
    let [base, quote, rate] = [base, quote, rate].map(str::to_owned);
    admin.ask(SetRateInput { base, quote, rate, idempotency_key: None })
}

fn delete(pair: &Pair, admin: &AdminArgs) -> Result<(), Failure> {
    let Pair { base, quote } = pair;
    admin.ask(DeleteRateInput {
        base: base.clone(),
        quote: quote.clone(),
        idempotency_key: None,
    })?;
    let deleted = json!({ "base": base, "quote": quote });
    print(admin, &deleted, &[format!("deleted the rate from {base} to {quote}")])
}

fn list(admin: &AdminArgs) -> Result<(), Failure> {
    let rates = admin.ask(Rates { base: None, quote: None })?;
    let mut table = Table::new(&[
        Column::Left("FROM"),
        Column::Left("TO"),
        Column::Right("RATE"),
        Column::Left("SOURCE"),
        Column::Left("SINCE"),
        Column::Left("UNTIL"),
    ]);
    for rate in &rates {
        table.row([
            plain(&rate.base),
            plain(&rate.quote),
            plain(&rate.rate),
            name_of(rate.source),
            plain(&rate.updated_at),
            plain_or_dash(rate.expires_at.as_ref()),
        ]);
    }
    let lines = table.lines("no rates yet; set one: jirani rate set USD EUR 0.92");
    print(admin, &rates, &lines)
}
