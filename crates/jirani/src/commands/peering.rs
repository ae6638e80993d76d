//! `jirani peering`: the nodes that asked to become peers and wait for approval.

use clap::{Args, Subcommand};
use ilp_admin_client::{
    Id,
    asset::Asset,
    peering::{
        ApprovePeeringRequestInput, CreateOrUpdatePeerByUrlInput, PeeringRequest, PeeringRequests,
        RejectPeeringRequestInput,
    },
};
use serde_json::json;

use super::{
    Failure,
    admin_client::{AdminArgs, plain, plain_or_dash, print},
    lookup::{all_assets, find_asset, optional_amount_in},
    table::{Column, Table},
};

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  jirani peering list && jirani peering approve ID")]
pub(crate) enum PeeringCommand {
    /// Ask another node to become a peer; its operator may have to approve
    #[command(
        after_help = "Example:\n  jirani peering ask https://peering.othergreatwallet.com \\\n    \
        --asset USD --liquidity 1000"
    )]
    Ask(AskArgs),
    /// List the nodes that wait for approval
    #[command(after_help = "Example:\n  jirani peering list")]
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Accept a waiting node as a peer
    #[command(after_help = "Example:\n  jirani peering approve ID --initial-liquidity 1000")]
    Approve(ApproveArgs),
    /// Remove a waiting request; the node may ask again
    #[command(after_help = "Example:\n  jirani peering reject ID")]
    Reject {
        /// The request's id, as jirani peering list shows it
        id: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AskArgs {
    /// URL at which the node takes peering requests
    #[arg(value_name = "URL")]
    peer_url: String,
    /// Code or id of the asset that both nodes keep the account in
    #[arg(long)]
    asset: String,
    /// Your name for the peer; else the node's own name for itself
    #[arg(long)]
    name: Option<String>,
    /// Liquidity to add to what the peer has, such as 1000.00
    #[arg(long, value_name = "AMOUNT")]
    liquidity: Option<String>,
    /// Send an event when liquidity falls to this amount, such as 500
    #[arg(long, value_name = "AMOUNT")]
    liquidity_threshold: Option<String>,
    /// Largest amount of a packet, such as 10.00; the other node learns it too
    #[arg(long, value_name = "AMOUNT")]
    max_packet_amount: Option<String>,
    #[command(flatten)]
    admin: AdminArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    /// The request's id, as jirani peering list shows it
    id: String,
    /// Your name for the peer; else the node's own name for itself
    #[arg(long)]
    name: Option<String>,
    /// Initial liquidity of the peer, such as 1000.00; else auto_peering.liquidity
    #[arg(long, value_name = "AMOUNT")]
    initial_liquidity: Option<String>,
    /// Largest amount of a packet, such as 10.00; else the one that the node asked for
    #[arg(long, value_name = "AMOUNT")]
    max_packet_amount: Option<String>,
    #[command(flatten)]
    admin: AdminArgs,
}

impl PeeringCommand {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Ask(args) => ask(&args),
            Self::List { admin } => list(&admin),
            Self::Approve(args) => approve(&args),
            Self::Reject { id, admin } => reject(&id, &admin),
        }
    }
}

fn ask(args: &AskArgs) -> Result<(), Failure> {
    let asset = find_asset(&args.admin, &args.asset)?;
    let amount = |text: &Option<String>| optional_amount_in(text.as_deref(), asset.scale);
    let answer = args.admin.ask(CreateOrUpdatePeerByUrlInput {
        peer_url: args.peer_url.clone(),
        name: args.name.clone(),
        liquidity_to_deposit: amount(&args.liquidity)?,
        liquidity_threshold: amount(&args.liquidity_threshold)?,
        max_packet_amount: amount(&args.max_packet_amount)?,
        asset_id: asset.id,
        idempotency_key: None,
    })?;
    let address = plain_or_dash(answer.peer.as_ref().map(|peer| &peer.static_ilp_address));
    let mut lines = vec![format!("{address} is a peer now")];
    if answer.is_pending == Some(true) {
        lines.push(
            "its operator has yet to approve; its node refuses packets until then".to_owned(),
        );
    }
    print(&args.admin, &answer, &lines)
}

/// Returns all waiting requests; a node keeps at most 256.
fn waiting(admin: &AdminArgs) -> Result<Vec<PeeringRequest>, Failure> {
    admin.all_rows(|after| PeeringRequests { after })
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
        let asset = assets.iter().find(|asset| asset.id == request.asset_id);
        table.row([
            plain(&request.static_ilp_address),
            plain_or_dash(request.name.as_ref()),
            asset.map(|asset| plain(&asset.code)).unwrap_or_default(),
            plain(&request.endpoint),
            plain(&request.created_at),
            request.id.to_string(),
        ]);
    }
    let mut lines = table.lines("no node waits for approval");
    for request in &requests {
        let address = plain(&request.static_ilp_address);
        let warnings = request.warnings.iter();
        lines.extend(warnings.map(|text| format!("warning: {address}: {}", plain(text))));
    }
    print(admin, &requests, &lines)
}

fn approve(args: &ApproveArgs) -> Result<(), Failure> {
    let ApproveArgs { id, name, initial_liquidity, max_packet_amount, admin } = args;
    let id = Id::new(id);
    // Only amounts need the scale.
    let scale = match (initial_liquidity, max_packet_amount) {
        (None, None) => 0,
        _ => asset_of(admin, &id)?.scale,
    };
    let peer = admin.ask(ApprovePeeringRequestInput {
        id,
        name: name.clone(),
        initial_liquidity: optional_amount_in(initial_liquidity.as_deref(), scale)?,
        max_packet_amount: optional_amount_in(max_packet_amount.as_deref(), scale)?,
        idempotency_key: None,
    })?;
    let line = format!("{} is a peer now: {}", plain(&peer.static_ilp_address), peer.id);
    print(admin, &peer, &[line])
}

/// Returns the asset of a peering request.
fn asset_of(admin: &AdminArgs, id: &Id) -> Result<Asset, Failure> {
    let request = waiting(admin)?.into_iter().find(|request| request.id == *id);
    let request = request.ok_or_else(|| {
        Failure::Refused(format!("no request {id} waits; jirani peering list shows those that do"))
    })?;
    let asset = all_assets(admin)?.into_iter().find(|asset| asset.id == request.asset_id);
    asset.ok_or_else(|| Failure::Refused("the asset of the request is gone".to_owned()))
}

fn reject(id: &str, admin: &AdminArgs) -> Result<(), Failure> {
    admin.ask(RejectPeeringRequestInput { id: Id::new(id), idempotency_key: None })?;
    let line = format!("rejected the request {id}; the node may ask again");
    print(admin, &json!({ "id": id }), &[line])
}
