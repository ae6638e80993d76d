//! `jirani fee`: the operator's charges on payments.

use clap::{Args, Subcommand, ValueEnum};
use ilp_admin_client::{
    asset::Unit,
    rate::{FeeDetails, FeeType, SetFeeInput},
};
use ilp_connector::amount::{format_amount, parse_amount};

use super::{
    Failure,
    admin_client::{AdminArgs, plain, print},
    lookup::{amount_in, find_asset, shown_money},
};

/// Decimal places of a percentage: a basis point is a hundredth of a percent.
const PERCENT_SCALE: u8 = 2;

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  jirani fee set USD --percent 1.5")]
pub(crate) enum FeeCommand {
    /// Set the fee of payments from, or to, wallet addresses of an asset
    #[command(after_help = "Examples:\n  jirani fee set USD --percent 1.5 --fixed 0.10\n  \
        jirani fee set USD --percent 0     payments cost nothing again")]
    Set(SetArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    /// Code or id of the asset
    asset: String,
    /// The direction of the payments
    #[arg(long = "type", value_enum, default_value_t = FeeKind::Sending)]
    kind: FeeKind,
    /// Percentage of each payment, with at most two decimal places
    #[arg(long, value_name = "PERCENT", required_unless_present = "fixed")]
    percent: Option<String>,
    /// Fixed amount for each payment, such as 0.10
    #[arg(long, value_name = "AMOUNT")]
    fixed: Option<String>,
    #[command(flatten)]
    admin: AdminArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum FeeKind {
    /// Payments that wallet addresses send
    Sending,
    /// Payments that wallet addresses receive
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
    let asset = Unit::from(find_asset(&args.admin, &args.asset)?);
    let fee = args.admin.ask(args.input(&asset)?)?;
    let basis_points = u128::try_from(fee.basis_points).unwrap_or_default();
    let line = format!(
        "payments {} {} cost {}% and {}",
        if matches!(args.kind, FeeKind::Sending) { "from wallets in" } else { "to wallets in" },
        plain(&asset.code),
        format_amount(basis_points, PERCENT_SCALE),
        shown_money(Some(fee.fixed), &asset),
    );
    print(&args.admin, &fee, &[line])
}

impl SetArgs {
    fn input(&self, asset: &Unit) -> Result<SetFeeInput, Failure> {
        let percent = self.percent.as_deref().unwrap_or("0");
        let basis_points = parse_amount(percent, PERCENT_SCALE)
            .ok()
            .and_then(|basis_points| i32::try_from(basis_points).ok())
            .filter(|basis_points| *basis_points <= 10_000)
            .ok_or_else(|| {
                Failure::Refused(format!(
                    "{percent:?} is not a percentage: expected a number from 0 to 100 with at most two \
                     decimal places, such as 1.5"
                ))
            })?;
        Ok(SetFeeInput {
            asset_id: asset.id.clone(),
            kind: match self.kind {
                FeeKind::Sending => FeeType::Sending,
                FeeKind::Receiving => FeeType::Receiving,
            },
            fee: FeeDetails {
                fixed: amount_in(self.fixed.as_deref().unwrap_or("0"), asset.scale)?,
                basis_points,
            },
            idempotency_key: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use ilp_admin_client::{Id, UInt64};

    use super::*;

    fn input(percent: &str, fixed: &str) -> Result<SetFeeInput, Failure> {
        let args = SetArgs {
            asset: "USD".to_owned(),
            kind: FeeKind::Sending,
            percent: Some(percent.to_owned()),
            fixed: Some(fixed.to_owned()),
            admin: AdminArgs::at(String::new()),
        };
        args.input(&Unit { id: Id::new("usd"), code: "USD".to_owned(), scale: 2 })
    }

    #[test]
    fn percentages_become_basis_points_exactly() {
        let set = input("1.5", "0.10").unwrap();
        assert_eq!(set.fee, FeeDetails { fixed: UInt64(10), basis_points: 150 });
        assert_eq!((set.asset_id.as_str(), set.kind), ("usd", FeeType::Sending));
        assert_eq!(input("100", "0").unwrap().fee.basis_points, 10_000);
        for percent in ["100.01", "0.001", "-1", "five", ""] {
            assert!(input(percent, "0").unwrap_err().to_string().contains("percentage"));
        }
        assert!(input("1", "0.001").unwrap_err().to_string().contains("decimal places"));
    }
}
