//! `jirani asset`: what the node counts in.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    Failure,
    admin_client::{AdminArgs, plain, print},
    edit::Edit,
    lookup::{all_assets, find_asset, scale_of, shown_amount},
    table::{Column, Table},
    terminal::confirm,
};

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  jirani asset add USD 2 && jirani asset list")]
pub(crate) enum AssetCommand {
    /// Add an asset
    #[command(after_help = "Example:\n  jirani asset add USD 2     amounts are in cents")]
    Add {
        /// The code people know it by, such as USD
        code: String,
        /// Decimal places of its smallest unit: 2 for cents
        scale: u8,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// List the assets
    #[command(after_help = "Example:\n  jirani asset list")]
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Change when an asset's events are due
    #[command(after_help = "Examples:\n  jirani asset update USD --liquidity-threshold 5000\n  \
        jirani asset update USD --liquidity-threshold none")]
    Update(UpdateArgs),
    /// Remove an asset that no peer and no wallet address uses
    #[command(after_help = "Example:\n  jirani asset remove USD")]
    Remove {
        /// Code or id
        asset: String,
        /// Don't ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    /// Code or id
    asset: String,
    /// An event is due when the node's stock falls to this, such as 5000; none for never
    #[arg(long, value_name = "AMOUNT", required_unless_present = "withdrawal_threshold")]
    liquidity_threshold: Option<Edit>,
    /// Withdrawals from wallets are suggested from this on, such as 100; none for never
    #[arg(long, value_name = "AMOUNT")]
    withdrawal_threshold: Option<Edit>,
    #[command(flatten)]
    admin: AdminArgs,
}

impl AssetCommand {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Add { code, scale, admin } => add(&code, scale, &admin),
            Self::List { admin } => list(&admin),
            Self::Update(args) => update(&args),
            Self::Remove { asset, yes, admin } => remove(&asset, yes, &admin),
        }
    }
}

fn add(code: &str, scale: u8, admin: &AdminArgs) -> Result<(), Failure> {
    let asset = create(admin, code, scale)?;
    let line = format!("added {} at scale {}: {}", code, scale, plain(&asset["id"]));
    print(admin, &asset, &[line])
}

pub(super) fn create(admin: &AdminArgs, code: &str, scale: u8) -> Result<Value, Failure> {
    let input = json!({ "code": code, "scale": scale });
    Ok(admin.mutate("createAsset", "asset { id code scale }", &input)?["asset"].take())
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
            plain(&asset["code"]),
            plain(&asset["scale"]),
            shown_amount(&asset["liquidity"], &asset["scale"]),
            shown_amount(&asset["liquidityThreshold"], &asset["scale"]),
            plain(&asset["id"]),
        ]);
    }
    let lines = table.lines("no assets yet; add one: jirani asset add USD 2");
    print(admin, &Value::Array(assets), &lines)
}

fn update(args: &UpdateArgs) -> Result<(), Failure> {
    let asset = find_asset(&args.admin, &args.asset)?;
    let scale = scale_of(&asset);
    let mut input = json!({ "id": asset["id"] });
    Edit::amount_into(&mut input, "liquidityThreshold", args.liquidity_threshold.as_ref(), scale)?;
    Edit::amount_into(
        &mut input,
        "withdrawalThreshold",
        args.withdrawal_threshold.as_ref(),
        scale,
    )?;
    let selection = "asset { id code scale liquidity liquidityThreshold withdrawalThreshold }";
    let asset = args.admin.mutate("updateAsset", selection, &input)?["asset"].take();
    print(&args.admin, &asset, &[format!("changed {}", plain(&asset["code"]))])
}

fn remove(name: &str, yes: bool, admin: &AdminArgs) -> Result<(), Failure> {
    let asset = find_asset(admin, name)?;
    let code = plain(&asset["code"]);
    confirm(&format!("Remove the asset {code}?"), yes, admin.json)?;
    admin.mutate("deleteAsset", "success", &json!({ "id": asset["id"] }))?;
    print(admin, &json!({ "id": asset["id"] }), &[format!("removed {code}")])
}
