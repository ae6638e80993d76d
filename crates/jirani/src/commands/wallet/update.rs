//! `jirani wallet update`: changes a wallet address's public name and whether it takes payments.

use clap::{Args, ValueEnum};
use ilp_admin_client::{
    UInt64,
    wallet::{UpdateWalletAddressInput, WalletAddressStatus},
};

use super::PropertyArgs;
use crate::commands::{
    Failure,
    admin_client::{AdminArgs, plain, print},
    edit::Edit,
    lookup::find_wallet,
};

#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    /// Payment pointer, URL or id
    wallet: String,
    /// Name that payers see, or none
    #[arg(long)]
    name: Option<Edit>,
    /// Whether it takes new payments
    #[arg(long, value_enum)]
    status: Option<Status>,
    #[command(flatten)]
    properties: PropertyArgs,
    /// Change the wallet address only if it still has this version, as jirani wallet show --json shows
    /// it
    #[arg(long, value_name = "VERSION")]
    if_version: Option<u64>,
    #[command(flatten)]
    admin: AdminArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    /// The wallet address takes and makes payments
    Active,
    /// The wallet address takes no new payments and makes none
    Inactive,
}

impl UpdateArgs {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let additional_properties = self.properties.given();
        if self.name.is_none() && self.status.is_none() && additional_properties.is_none() {
            return Err(Failure::Usage(
                "nothing to change: name what is to change, such as --status inactive".to_owned(),
            ));
        }
        let wallet = find_wallet(&self.admin, &self.wallet)?;
        let status = self.status.map(|status| match status {
            Status::Active => WalletAddressStatus::Active,
            Status::Inactive => WalletAddressStatus::Inactive,
        });
        let wallet = self.admin.ask(UpdateWalletAddressInput {
            id: wallet.id,
            public_name: Edit::text(self.name.as_ref()),
            status,
            additional_properties,
            version: self.if_version.map(UInt64),
            idempotency_key: None,
        })?;
        print(&self.admin, &wallet, &[format!("changed {}", plain(&wallet.address))])
    }
}
