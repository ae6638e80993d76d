//! `jirani asset`: the assets that the node keeps accounts in.

use clap::{Args, Subcommand};
use ilp_admin_client::{
    UInt64,
    asset::{Asset, CreateAssetInput, DeleteAssetInput, UpdateAssetInput},
};
use serde_json::json;

use super::{
    Failure,
    admin_client::{AdminArgs, plain, print},
    edit::Edit,
    lookup::{all_assets, find_asset, optional_amount_in, shown_amount},
    table::{Column, Table},
    terminal::confirm,
};

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  jirani asset add USD 2 && jirani asset list")]
pub(crate) enum AssetCommand {
    /// Add an asset
    #[command(after_help = "Example:\n  jirani asset add USD 2     amounts are in cents")]
    Add(AddArgs),
    /// List the assets
    #[command(after_help = "Example:\n  jirani asset list")]
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Change the thresholds of an asset's events
    #[command(after_help = "Examples:\n  jirani asset update USD --liquidity-threshold 5000\n  \
        jirani asset update USD --liquidity-threshold none")]
    Update(UpdateArgs),
    /// Remove an asset that no peer and no wallet address uses
    #[command(after_help = "Example:\n  jirani asset remove USD")]
    Remove {
        /// Code or id
        asset: String,
        /// Don't ask for confirmation
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// The asset's code, such as USD
    code: String,
    /// Decimal places of its smallest unit: 2 for cents
    scale: u8,
    /// Send an event when the node's stock falls to this amount, such as 5000
    #[arg(long, value_name = "AMOUNT")]
    liquidity_threshold: Option<String>,
    /// Suggest withdrawals from wallet addresses from this balance on, such as 100
    #[arg(long, value_name = "AMOUNT")]
    withdrawal_threshold: Option<String>,
    #[command(flatten)]
    admin: AdminArgs,
}

#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    /// Code or id
    asset: String,
    /// Send an event when the node's stock falls to this amount, such as 5000; none for no event
    #[arg(long, value_name = "AMOUNT", required_unless_present = "withdrawal_threshold")]
    liquidity_threshold: Option<Edit>,
    /// Suggest withdrawals from wallet addresses from this balance on, such as 100; none for no
    /// suggestion
    #[arg(long, value_name = "AMOUNT")]
    withdrawal_threshold: Option<Edit>,
    /// Change the asset only if it still has this version, as jirani asset list --json shows it
    #[arg(long, value_name = "VERSION")]
    if_version: Option<u64>,
    #[command(flatten)]
    admin: AdminArgs,
}

impl AssetCommand {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Add(args) => add(&args),
            Self::List { admin } => list(&admin),
            Self::Update(args) => update(&args),
            Self::Remove { asset, yes, admin } => remove(&asset, yes, &admin),
        }
    }
}

fn add(args: &AddArgs) -> Result<(), Failure> {
    let AddArgs { code, scale, liquidity_threshold, withdrawal_threshold, admin } = args;
    let asset = admin.ask(CreateAssetInput {
        liquidity_threshold: optional_amount_in(liquidity_threshold.as_deref(), *scale)?,
        withdrawal_threshold: optional_amount_in(withdrawal_threshold.as_deref(), *scale)?,
        ..CreateAssetInput::new(code.clone(), *scale)
    })?;
    let line = format!("added {code} at scale {scale}: {}", asset.id);
    print(admin, &asset, &[line])
}

pub(super) fn create(admin: &AdminArgs, code: &str, scale: u8) -> Result<Asset, Failure> {
    admin.ask(CreateAssetInput::new(code.to_owned(), scale))
}

fn list(admin: &AdminArgs) -> Result<(), Failure> {
    let assets = all_assets(admin)?;
    let mut table = Table::new(&[
        Column::Left("CODE"),
        Column::Right("SCALE"),
        Column::Right("LIQUIDITY"),
        Column::Right("EVENT AT"),
        Column::Left("ID"),
    ]);
    for asset in &assets {
        table.row([
            plain(&asset.code),
            asset.scale.to_string(),
            shown_amount(asset.liquidity, asset.scale),
            shown_amount(asset.liquidity_threshold, asset.scale),
            asset.id.to_string(),
        ]);
    }
    let lines = table.lines("no assets yet; add one: jirani asset add USD 2");
    print(admin, &assets, &lines)
}

fn update(args: &UpdateArgs) -> Result<(), Failure> {
    let UpdateArgs { asset, liquidity_threshold, withdrawal_threshold, if_version, admin } = args;
    let asset = find_asset(admin, asset)?;
    let asset = admin.ask(UpdateAssetInput {
        liquidity_threshold: Edit::amount(liquidity_threshold.as_ref(), asset.scale)?,
        withdrawal_threshold: Edit::amount(withdrawal_threshold.as_ref(), asset.scale)?,
        version: if_version.map(UInt64),
        id: asset.id,
        idempotency_key: None,
    })?;
    print(admin, &asset, &[format!("changed {}", plain(&asset.code))])
}

fn remove(name: &str, yes: bool, admin: &AdminArgs) -> Result<(), Failure> {
    let Asset { id, code, .. } = find_asset(admin, name)?;
    let code = plain(&code);
    confirm(&format!("Remove the asset {code}?"), yes, admin.json)?;
    admin.ask(DeleteAssetInput { id: id.clone(), idempotency_key: None })?;
    print(admin, &json!({ "id": id }), &[format!("removed {code}")])
}
