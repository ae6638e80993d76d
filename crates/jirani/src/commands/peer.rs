//! `jirani peer`: the nodes that this one exchanges packets with.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    Failure,
    admin_client::{AdminArgs, all_rows, plain, print},
    asset::{all_assets, shown_amount},
    init::fresh_token,
};
use crate::amount::parse_amount;

#[derive(Debug, Subcommand)]
#[command(
    after_help = "Example:\n  jirani peer add --address g.othergreatwallet --asset USD \\\n    \
    --endpoint ilp.othergreatwallet.com --outgoing-token theirtoken\n  jirani peer list"
)]
pub(crate) enum PeerCommand {
    /// Add a peer; packets flow as soon as it is added
    #[command(
        after_help = "Example:\n  jirani peer add --address g.othergreatwallet --asset USD \\\n    \
        --endpoint ilp.othergreatwallet.com --outgoing-token theirtoken \\\n    \
        --max-packet-amount 100 --liquidity 10000"
    )]
    Add(Box<AddArgs>),
    /// List the peers
    #[command(after_help = "Example:\n  jirani peer list")]
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// The peer's ILP address
    #[arg(long)]
    address: String,
    /// Code or id of the asset that both sides count in
    #[arg(long)]
    asset: String,
    /// Where the peer takes packets
    #[arg(long)]
    endpoint: String,
    /// The token that the peer's operator gave us
    #[arg(long)]
    outgoing_token: String,
    /// The token that the peer is to show us; made and printed if left out
    #[arg(long)]
    incoming_token: Option<String>,
    /// What people call the peer
    #[arg(long)]
    name: Option<String>,
    /// The most that one packet may carry, such as 12.50
    #[arg(long, value_name = "AMOUNT")]
    max_packet_amount: Option<String>,
    /// The credit line to begin with, such as 10000
    #[arg(long, value_name = "AMOUNT")]
    liquidity: Option<String>,
    /// A further address, or bare scheme such as g, that is reached through the peer
    #[arg(long = "route", value_name = "PREFIX")]
    routes: Vec<String>,
    #[command(flatten)]
    admin: AdminArgs,
}

impl PeerCommand {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Add(args) => add(&args),
            Self::List { admin } => list(&admin),
        }
    }
}

fn add(args: &AddArgs) -> Result<(), Failure> {
    let asset = find_asset(&args.admin, &args.asset)?;
    let scale = asset["scale"].as_u64().and_then(|scale| u8::try_from(scale).ok()).unwrap_or(0);
    let amount = |text: &Option<String>| match text {
        None => Ok(Value::Null),
        Some(text) => parse_amount(text, scale)
            .map(|amount| Value::from(amount.to_string()))
            .map_err(|error| Failure::Refused(error.to_string())),
    };
    let incoming_token = match &args.incoming_token {
        Some(token) => token.clone(),
        None => fresh_token()?,
    };
    let created = args.admin.query(
        "mutation($input: CreatePeerInput!) {
            createPeer(input: $input) { peer { id staticIlpAddress name routes liquidity } }
        }",
        &json!({ "input": {
            "staticIlpAddress": args.address,
            "name": args.name,
            "assetId": asset["id"],
            "maxPacketAmount": amount(&args.max_packet_amount)?,
            "initialLiquidity": amount(&args.liquidity)?,
            "routes": args.routes,
            "http": {
                "incoming": { "authTokens": [incoming_token] },
                "outgoing": { "endpoint": args.endpoint, "authToken": args.outgoing_token },
            },
        }}),
    )?;
    let mut peer = created["createPeer"]["peer"].clone();
    let mut lines = vec![format!("added {}: {}", args.address, plain(&peer["id"]))];
    if args.incoming_token.is_none() {
        lines.push(format!("give the peer's operator this token for us: {incoming_token}"));
        peer["incomingToken"] = Value::from(incoming_token);
    }
    print(&args.admin, &peer, &lines);
    Ok(())
}

/// The asset of that code or id. Two assets may share a code at different scales, and then only
/// the id will do.
pub(super) fn find_asset(admin: &AdminArgs, name: &str) -> Result<Value, Failure> {
    let assets = all_assets(admin)?;
    let is_meant = |asset: &&Value| asset["id"] == *name || asset["code"] == *name;
    let found: Vec<&Value> = assets.iter().filter(is_meant).collect();
    match found.as_slice() {
        [asset] => Ok((*asset).clone()),
        [] => Err(Failure::Refused(format!(
            "there is no asset {name}; add it first: jirani asset add CODE SCALE"
        ))),
        _ => Err(Failure::Refused(format!(
            "several assets are called {name}; give the id, as jirani asset list shows it"
        ))),
    }
}

/// The peer of that ILP address or id. One address may be several peers', of an asset each, and
/// then only the id will do.
pub(super) fn find_peer(admin: &AdminArgs, name: &str) -> Result<Value, Failure> {
    let peers = all_peers(admin)?;
    let is_meant = |peer: &&Value| peer["id"] == *name || peer["staticIlpAddress"] == *name;
    let found: Vec<&Value> = peers.iter().filter(is_meant).collect();
    match found.as_slice() {
        [peer] => Ok((*peer).clone()),
        [] => Err(Failure::Refused(format!(
            "there is no peer {name}; jirani peer list shows those that there are"
        ))),
        _ => Err(Failure::Refused(format!(
            "several peers are at {name}; give the id, as jirani peer list shows it"
        ))),
    }
}

fn all_peers(admin: &AdminArgs) -> Result<Vec<Value>, Failure> {
    let query = "query($after: String) {
        peers(first: 100, after: $after) {
            pageInfo { hasNextPage endCursor }
            edges { node {
                id name staticIlpAddress routes liquidity maxPacketAmount asset { code scale }
                http { outgoing { endpoint } }
            } }
        }
    }";
    all_rows(admin, query, "peers")
}

fn list(admin: &AdminArgs) -> Result<(), Failure> {
    let peers = all_peers(admin)?;
    let mut lines = vec![format!("{:<32} {:>24} {:<8} {}", "ADDRESS", "LIQUIDITY", "ASSET", "ID")];
    lines.extend(peers.iter().map(|peer| {
        format!(
            "{:<32} {:>24} {:<8} {}",
            plain(&peer["staticIlpAddress"]),
            shown_amount(&peer["liquidity"], &peer["asset"]["scale"]),
            plain(&peer["asset"]["code"]),
            plain(&peer["id"])
        )
    }));
    print(admin, &Value::Array(peers), &lines);
    Ok(())
}
