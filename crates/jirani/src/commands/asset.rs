//! `jirani asset`: what the node counts in.

use clap::Subcommand;
use serde_json::{Value, json};

use super::{
    Failure,
    admin_client::{AdminArgs, all_rows, plain, print},
};
use crate::amount::format_amount;

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
}

impl AssetCommand {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Add { code, scale, admin } => add(&code, scale, &admin),
            Self::List { admin } => list(&admin),
        }
    }
}

fn add(code: &str, scale: u8, admin: &AdminArgs) -> Result<(), Failure> {
    let created = admin.query(
        "mutation($input: CreateAssetInput!) {
            createAsset(input: $input) { asset { id code scale } }
        }",
        &json!({ "input": { "code": code, "scale": scale } }),
    )?;
    let asset = &created["createAsset"]["asset"];
    let line = format!("added {} at scale {}: {}", code, scale, plain(&asset["id"]));
    print(admin, asset, &[line]);
    Ok(())
}

fn list(admin: &AdminArgs) -> Result<(), Failure> {
    let assets = all_assets(admin)?;
    let mut lines = vec![format!("{:<12} {:>5} {:>24}  {}", "CODE", "SCALE", "LIQUIDITY", "ID")];
    lines.extend(assets.iter().map(|asset| {
        format!(
            "{:<12} {:>5} {:>24}  {}",
            plain(&asset["code"]),
            plain(&asset["scale"]),
            shown_amount(&asset["liquidity"], &asset["scale"]),
            plain(&asset["id"])
        )
    }));
    print(admin, &Value::Array(assets), &lines);
    Ok(())
}

pub(crate) fn all_assets(admin: &AdminArgs) -> Result<Vec<Value>, Failure> {
    let query = "query($after: String) {
        assets(first: 100, after: $after) {
            pageInfo { hasNextPage endCursor }
            edges { node { id code scale liquidity } }
        }
    }";
    all_rows(admin, query, "assets")
}

/// An amount in standard units, as the asset's scale has it.
pub(crate) fn shown_amount(amount: &Value, scale: &Value) -> String {
    let number = amount.as_str().and_then(|text| text.parse().ok());
    let scale = scale.as_u64().and_then(|scale| u8::try_from(scale).ok());
    match (number, scale) {
        (Some(number), Some(scale)) => format_amount(number, scale),
        _ => plain(amount),
    }
}
