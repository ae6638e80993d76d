//! `jirani peer`: the nodes that this one exchanges packets with.

mod add;
mod interview;
mod limits;
mod other_side;
mod token;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ilp_admin_client::{
    UInt64,
    peer::{
        DeletePeerInput, HttpIncomingInput, HttpInput, HttpOutgoingInput, Link, LinkFailure,
        OutgoingLink, Peer, Peers, UpdatePeerInput,
    },
};
use serde_json::json;

use self::limits::LimitArgs;
use super::{
    Failure,
    admin_client::{AdminArgs, name_of, plain, plain_or_dash, print},
    edit::Edit,
    lookup::{find_peer, shown_amount, shown_money},
    secret_options,
    table::{Column, Table, described},
    terminal::confirm,
};

#[derive(Debug, Subcommand)]
#[command(
    after_help = "Example:\n  jirani peer add --address g.othergreatwallet --asset USD \\\n    \
    --endpoint ilp.othergreatwallet.com --outgoing-token theirtoken\n  jirani peer list"
)]
pub(crate) enum PeerCommand {
    /// Add a peer; packets flow as soon as it is added
    #[command(
        long_about = "Add a peer; packets flow as soon as it is added.\n\n\
        Without options, on a terminal, it asks for what the two operators agreed on, and prints \
        what the other one has to enter.",
        after_help = "Examples:\n  jirani peer add\n  \
        jirani peer add --address g.othergreatwallet --asset USD \\\n    \
        --endpoint ilp.othergreatwallet.com --outgoing-token theirtoken \\\n    \
        --max-packet-amount 100 --liquidity 10000"
    )]
    Add(Box<add::AddArgs>),
    /// List the peers
    #[command(after_help = "Example:\n  jirani peer list")]
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Show the details of a peer
    #[command(after_help = "Example:\n  jirani peer show g.othergreatwallet")]
    Show {
        /// ILP address or id
        peer: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Change a peer; fields that are left out stay
    #[command(
        after_help = "Examples:\n  jirani peer update g.othergreatwallet --max-packet-amount 50\n  \
        jirani peer update g.othergreatwallet --endpoint ilp2.othergreatwallet.com\n  \
        jirani peer update g.othergreatwallet --liquidity-threshold none"
    )]
    Update(Box<UpdateArgs>),
    /// The tokens that a peer may show
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Remove a peer; its remaining liquidity goes to settlement
    #[command(after_help = "Example:\n  jirani peer remove g.othergreatwallet")]
    Remove {
        /// ILP address or id
        peer: String,
        /// Don't ask for confirmation
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    /// ILP address or id
    peer: String,
    /// New ILP address
    #[arg(long)]
    address: Option<String>,
    /// URL at which the peer takes packets
    #[arg(long)]
    endpoint: Option<String>,
    /// The token that the peer's operator gave us
    #[arg(long, value_name = "TOKEN")]
    outgoing_token: Option<String>,
    /// A file with the token that the peer's operator gave us
    #[arg(long, value_name = "FILE", conflicts_with = "outgoing_token")]
    outgoing_token_file: Option<PathBuf>,
    /// A token that the peer may show us, replacing all earlier ones; repeat it for several
    #[arg(long = "incoming-token", value_name = "TOKEN")]
    incoming_tokens: Vec<String>,
    /// A file with a token that the peer may show us; repeat it for several
    #[arg(long = "incoming-token-file", value_name = "FILE")]
    incoming_token_files: Vec<PathBuf>,
    /// Name of the peer for people, or none
    #[arg(long)]
    name: Option<Edit>,
    /// Largest amount of a packet, such as 12.50; none for the node's default
    #[arg(long, value_name = "AMOUNT")]
    max_packet_amount: Option<Edit>,
    /// An address, or bare scheme such as g, that is reached through the peer, replacing the
    /// earlier ones; repeat it for several, none for no further ones
    #[arg(long = "route", value_name = "PREFIX")]
    routes: Vec<Edit>,
    #[command(flatten)]
    limits: LimitArgs,
    /// Charge on amounts that are converted for the peer, in hundredths of a percent
    #[arg(long, value_name = "COUNT")]
    spread_basis_points: Option<u16>,
    /// Change the peer only if it still has this version, as jirani peer show --json shows it
    #[arg(long, value_name = "VERSION")]
    if_version: Option<u64>,
    #[command(flatten)]
    admin: AdminArgs,
}

impl PeerCommand {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Add(args) => args.run(),
            Self::List { admin } => list(&admin),
            Self::Show { peer, admin } => show(&peer, &admin),
            Self::Update(args) => update(&args),
            Self::Token(command) => command.run(),
            Self::Remove { peer, yes, admin } => remove(&peer, yes, &admin),
        }
    }
}

fn list(admin: &AdminArgs) -> Result<(), Failure> {
    let peers = admin.all_rows(|after| Peers { after })?;
    let mut table = Table::new(&[
        Column::Left("ADDRESS"),
        Column::Left("NAME"),
        Column::Right("LIQUIDITY"),
        Column::Left("ASSET"),
        Column::Right("PACKET MAX"),
        Column::Left("ID"),
    ]);
    for peer in &peers {
        table.row([
            plain(&peer.static_ilp_address),
            plain_or_dash(peer.name.as_ref()),
            shown_amount(peer.liquidity, peer.asset.scale),
            plain(&peer.asset.code),
            shown_amount(peer.max_packet_amount, peer.asset.scale),
            peer.id.to_string(),
        ]);
    }
    let lines = table.lines("no peers yet; add one: jirani peer add");
    print(admin, &peers, &lines)
}

fn show(name: &str, admin: &AdminArgs) -> Result<(), Failure> {
    let peer = find_peer(admin, name)?;
    let routes: Vec<String> = peer.routes.iter().map(|route| plain(route)).collect();
    let money = |amount: Option<UInt64>| shown_money(amount, &peer.asset);
    let mut lines = vec![
        ("address", plain(&peer.static_ilp_address)),
        ("name", plain_or_dash(peer.name.as_ref())),
        ("id", peer.id.to_string()),
        ("endpoint", plain(&peer.http.outgoing.endpoint)),
        ("routes", routes.join(" ")),
        ("default route", if peer.is_default_route { "yes" } else { "no" }.to_owned()),
        ("liquidity", money(peer.liquidity)),
        ("event at", money(peer.liquidity_threshold)),
        ("packet max", money(peer.max_packet_amount)),
    ];
    lines.extend(limits::shown(&peer));
    lines.extend([
        ("spread", format!("{} basis points", peer.spread_basis_points)),
        ("state", name_of(peer.state).to_lowercase()),
        ("last answer", plain_or_dash(peer.last_seen_at.as_ref())),
        ("last failure", last_failure(peer.last_failure.as_ref())),
        ("tokens it may show", peer.incoming_token_count.to_string()),
        ("added", plain(&peer.created_at)),
    ]);
    print(admin, &peer, &described(lines))
}

/// Returns a line with the reason why the last packet to a peer got no reply.
fn last_failure(failure: Option<&LinkFailure>) -> String {
    failure.map_or_else(
        || "-".to_owned(),
        |LinkFailure { message, at, count }| {
            let (message, at) = (plain(message), plain(at));
            format!("{message} (at {at}; {count} packets without a reply)")
        },
    )
}

fn update(args: &UpdateArgs) -> Result<(), Failure> {
    let peer = find_peer(&args.admin, &args.peer)?;
    let input = args.input(peer)?;
    let is_empty = serde_json::to_value(&input)
        .is_ok_and(|input| input.as_object().is_some_and(|input| input.len() < 2));
    if is_empty {
        return Err(Failure::Usage(
            "nothing to change: name what is to change, such as --max-packet-amount 50".to_owned(),
        ));
    }
    let peer = args.admin.ask(input)?;
    let line = format!("changed {}", plain(&peer.static_ilp_address));
    print(&args.admin, &peer, &[line])
}

impl UpdateArgs {
    fn input(&self, peer: Peer) -> Result<UpdatePeerInput, Failure> {
        let scale = peer.asset.scale;
        let routes = self.routes.iter().filter_map(|route| match route {
            Edit::Clear => None,
            Edit::Set(route) => Some(route.clone()),
        });
        let liquidity_threshold = Edit::amount(self.limits.liquidity_threshold.as_ref(), scale)?;
        let limits = self.limits.read(scale)?;
        Ok(UpdatePeerInput {
            static_ilp_address: self.address.clone(),
            http: self.http(&peer)?,
            name: Edit::text(self.name.as_ref()),
            liquidity_threshold,
            max_packet_amount: Edit::amount(self.max_packet_amount.as_ref(), scale)?,
            spread_basis_points: self.spread_basis_points.map(i32::from),
            routes: Some(routes.collect()).filter(|_| !self.routes.is_empty()),
            is_default_route: self.limits.default_route,
            version: self.if_version.map(UInt64),
            ..UpdatePeerInput::limits(peer.id, limits)
        })
    }

    /// Returns the tokens and the endpoint, where one of them changes. The API takes endpoint and
    /// outgoing token only together, so the unchanged one is read from the node.
    fn http(&self, peer: &Peer) -> Result<Option<HttpInput>, Failure> {
        let outgoing_token = secret_options::given(
            self.outgoing_token.as_deref(),
            self.outgoing_token_file.as_deref(),
        )?;
        let mut incoming_tokens = self.incoming_tokens.clone();
        for file in &self.incoming_token_files {
            incoming_tokens.push(secret_options::from_file(file)?);
        }
        let endpoint = self.endpoint.clone();
        if endpoint.is_none() && outgoing_token.is_none() && incoming_tokens.is_empty() {
            return Ok(None);
        }
        let (endpoint, auth_token) = match (endpoint, outgoing_token) {
            (Some(endpoint), Some(token)) => (endpoint, token),
            (endpoint, token) => {
                let Link { endpoint: old_endpoint, auth_token } =
                    self.admin.ask(OutgoingLink { id: peer.id.clone() })?;
                (endpoint.unwrap_or(old_endpoint), token.unwrap_or(auth_token))
            }
        };
        let incoming = (!incoming_tokens.is_empty())
            .then_some(HttpIncomingInput { auth_tokens: incoming_tokens });
        Ok(Some(HttpInput { incoming, outgoing: HttpOutgoingInput { endpoint, auth_token } }))
    }
}

fn remove(name: &str, yes: bool, admin: &AdminArgs) -> Result<(), Failure> {
    let peer = find_peer(admin, name)?;
    let address = plain(&peer.static_ilp_address);
    let liquidity = shown_money(peer.liquidity, &peer.asset);
    let question =
        format!("Remove the peer {address}? Its liquidity of {liquidity} goes to settlement.");
    confirm(&question, yes, admin.json)?;
    admin.ask(DeletePeerInput { id: peer.id.clone(), idempotency_key: None })?;
    let removed = json!({ "id": peer.id, "liquidity": peer.liquidity });
    print(admin, &removed, &[format!("removed {address}; {liquidity} went to settlement")])
}
