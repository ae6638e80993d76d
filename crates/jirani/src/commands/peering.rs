//! `jirani peering`: the nodes that asked to become peers and wait for approval.

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::{
    Failure,
    admin_client::{AdminArgs, all_rows, plain, print},
    lookup::{all_assets, amount_in, scale_of},
    table::{Column, Table},
};

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  jirani peering list && jirani peering approve ID")]
pub(crate) enum PeeringCommand {
    /// List the nodes that wait for approval
    #[command(after_help = "Example:\n  jirani peering list")]
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Make a peer of a node that waits
    #[command(after_help = "Example:\n  jirani peering approve ID --initial-liquidity 1000")]
    Approve(ApproveArgs),
    /// Forget a node that waits; it may ask again
    #[command(after_help = "Example:\n  jirani peering reject ID")]
    Reject {
        /// The request's id, as jirani peering list shows it
        id: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    /// The request's id, as jirani peering list shows it
    id: String,
    /// What you call the peer; else what it calls itself
    #[arg(long)]
    name: Option<String>,
    /// What the peer may send from the start, such as 1000.00; else auto_peering.liquidity
    #[arg(long, value_name = "AMOUNT")]
    initial_liquidity: Option<String>,
    /// The most that one packet may carry, such as 10.00; else what the node asked for
    #[arg(long, value_name = "AMOUNT")]
    max_packet_amount: Option<String>,
    #[command(flatten)]
    admin: AdminArgs,
}

impl PeeringCommand {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::List { admin } => list(&admin),
            Self::Approve(args) => approve(&args),
            Self::Reject { id, admin } => reject(&id, &admin),
        }
    }
}

/// Returns all waiting requests; a node keeps at most 256.
fn waiting(admin: &AdminArgs) -> Result<Vec<Value>, Failure> {
    let query = "query($after: String) {
        peeringRequests(first: 100, after: $after) {
            pageInfo { hasNextPage endCursor }
            edges { node {
                id createdAt assetId staticIlpAddress name endpoint maxPacketAmount origin warnings
            } }
        }
    }";
    all_rows(admin, query, "peeringRequests")
}

fn list(admin: &AdminArgs) -> Result<(), Failure> {
    let (requests, assets) = (waiting(admin)?, all_assets(admin)?);
    let mut table = Table::new(&[
        Column::Left("ADDRESS"),
        Column::Left("NAME"),
        Column::Left("ASSET"),
        Column::Left("ENDPOINT"),
        Column::Left("ASKED"),
        Column::Left("ID"),
    ]);
    for request in &requests {
        let asset = assets.iter().find(|asset| asset["id"] == request["assetId"]);
        table.row([
            plain(&request["staticIlpAddress"]),
            plain(&request["name"]),
            asset.map(|asset| plain(&asset["code"])).unwrap_or_default(),
            plain(&request["endpoint"]),
            plain(&request["createdAt"]),
            plain(&request["id"]),
        ]);
    }
    let mut lines = table.lines("no node waits for approval");
    for request in &requests {
        for warning in request["warnings"].as_array().into_iter().flatten() {
            let address = plain(&request["staticIlpAddress"]);
            lines.push(format!("warning: {address}: {}", plain(warning)));
        }
    }
    print(admin, &Value::Array(requests), &lines)
}

fn approve(args: &ApproveArgs) -> Result<(), Failure> {
    let ApproveArgs { id, name, initial_liquidity, max_packet_amount, admin } = args;
    let mut input = Map::new();
    input.insert("id".to_owned(), json!(id));
    if let Some(name) = name {
        input.insert("name".to_owned(), json!(name));
    }
    let amounts = [("initialLiquidity", initial_liquidity), ("maxPacketAmount", max_packet_amount)];
    if amounts.iter().any(|(_, amount)| amount.is_some()) {
        let asset = asset_of(admin, id)?;
        for (field, amount) in amounts {
            if let Some(amount) = amount {
                input.insert(field.to_owned(), amount_in(amount, scale_of(&asset))?);
            }
        }
    }
    let selection = "peer { id staticIlpAddress name liquidity }";
    let peer =
        admin.mutate("approvePeeringRequest", selection, &Value::Object(input))?["peer"].take();
    let line =
        format!("{} is a peer now: {}", plain(&peer["staticIlpAddress"]), plain(&peer["id"]));
    print(admin, &peer, &[line])
}

/// Returns the asset of a peering request.
fn asset_of(admin: &AdminArgs, id: &str) -> Result<Value, Failure> {
    let request = waiting(admin)?.into_iter().find(|request| request["id"] == *id);
    let request = request.ok_or_else(|| {
        Failure::Refused(format!("no request {id} waits; jirani peering list shows those that do"))
    })?;
    let asset = all_assets(admin)?.into_iter().find(|asset| asset["id"] == request["assetId"]);
    asset.ok_or_else(|| Failure::Refused("the asset of the request is gone".to_owned()))
}

fn reject(id: &str, admin: &AdminArgs) -> Result<(), Failure> {
    let input = json!({ "id": id });
    admin.mutate("rejectPeeringRequest", "success", &input)?;
    print(admin, &input, &[format!("rejected the request {id}; the node may ask again")])
}
