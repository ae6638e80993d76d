//! `jirani fee`: what the node keeps of a payment.

use clap::{Args, Subcommand, ValueEnum};
use ilp_connector::amount::{format_amount, parse_amount};
use serde_json::{Value, json};

use super::{
    Failure,
    admin_client::{AdminArgs, plain, print},
    lookup::{amount_in, find_asset, scale_of, shown_money},
};

/// Decimal places of a percentage: a basis point is a hundredth of a percent.
const PERCENT_SCALE: u8 = 2;

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  jirani fee set USD --percent 1.5")]
pub(crate) enum FeeCommand {
    /// Set what payments from, or to, wallets of an asset cost from now on
    #[command(after_help = "Examples:\n  jirani fee set USD --percent 1.5 --fixed 0.10\n  \
        jirani fee set USD --percent 0     payments cost nothing again")]
    Set(SetArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    /// Code or id of the asset
    asset: String,
    /// Whose payments
    #[arg(long = "type", value_enum, default_value_t = FeeKind::Sending)]
    kind: FeeKind,
    /// How much of each payment, in percent with at most two decimal places
    #[arg(long, value_name = "PERCENT", required_unless_present = "fixed")]
    percent: Option<String>,
    /// How much for each payment beside that, such as 0.10
    #[arg(long, value_name = "AMOUNT")]
    fixed: Option<String>,
    #[command(flatten)]
    admin: AdminArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum FeeKind {
    /// Payments that leave
    Sending,
    /// Payments that arrive
    Receiving,
}

impl FeeCommand {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Set(args) => set(&args),
        }
    }
}

fn set(args: &SetArgs) -> Result<(), Failure> {
    let asset = find_asset(&args.admin, &args.asset)?;
    let input = args.input(&asset)?;
    let fee =
        args.admin.mutate("setFee", "fee { id type fixed basisPoints }", &input)?["fee"].take();
    let basis_points = u128::from(fee["basisPoints"].as_u64().unwrap_or(0));
    let line = format!(
        "payments {} {} cost {}% and {}",
        if matches!(args.kind, FeeKind::Sending) { "from wallets in" } else { "to wallets in" },
        plain(&asset["code"]),
        format_amount(basis_points, PERCENT_SCALE),
        shown_money(&fee["fixed"], &asset),
    );
    print(&args.admin, &fee, &[line])
}

impl SetArgs {
    fn input(&self, asset: &Value) -> Result<Value, Failure> {
        let percent = self.percent.as_deref().unwrap_or("0");
        let basis_points = parse_amount(percent, PERCENT_SCALE)
            .ok()
            .filter(|basis_points| *basis_points <= 10_000)
            .ok_or_else(|| {
                Failure::Refused(format!(
                    "{percent:?} is no percentage: expected a number from 0 to 100 with at most two \
                     decimal places, such as 1.5"
                ))
            })?;
        Ok(json!({
            "assetId": asset["id"],
            "type": match self.kind {
                FeeKind::Sending => "SENDING",
                FeeKind::Receiving => "RECEIVING",
            },
            "fee": {
                "fixed": amount_in(self.fixed.as_deref().unwrap_or("0"), scale_of(asset))?,
                "basisPoints": basis_points,
            },
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(percent: &str, fixed: &str) -> Result<Value, Failure> {
        let args = SetArgs {
            asset: "USD".to_owned(),
            kind: FeeKind::Sending,
            percent: Some(percent.to_owned()),
            fixed: Some(fixed.to_owned()),
            admin: AdminArgs::at(String::new()),
        };
        args.input(&json!({ "id": "usd", "code": "USD", "scale": 2 }))
    }

    #[test]
    fn percentages_become_basis_points_exactly() {
        let fee = input("1.5", "0.10").unwrap();
        assert_eq!(fee["fee"], json!({ "fixed": "10", "basisPoints": 150 }));
        assert_eq!((&fee["assetId"], &fee["type"]), (&json!("usd"), &json!("SENDING")));
        assert_eq!(input("100", "0").unwrap()["fee"]["basisPoints"], 10_000);
        for percent in ["100.01", "0.001", "-1", "five", ""] {
            assert!(input(percent, "0").unwrap_err().to_string().contains("percentage"));
        }
        assert!(input("1", "0.001").unwrap_err().to_string().contains("decimal places"));
    }
}
