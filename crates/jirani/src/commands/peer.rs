//! `jirani peer`: the nodes that this one exchanges packets with.

mod add;
mod interview;
mod other_side;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    Failure,
    admin_client::{AdminArgs, all_rows, plain, print},
    edit::Edit,
    lookup::{PEER, find_peer, scale_of, shown_amount, shown_money},
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
    /// Show all that is known of a peer
    #[command(after_help = "Example:\n  jirani peer show g.othergreatwallet")]
    Show {
        /// ILP address or id
        peer: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Change a peer; what is left out stays
    #[command(
        after_help = "Examples:\n  jirani peer update g.othergreatwallet --max-packet-amount 50\n  \
        jirani peer update g.othergreatwallet --endpoint ilp2.othergreatwallet.com\n  \
        jirani peer update g.othergreatwallet --liquidity-threshold none"
    )]
    Update(Box<UpdateArgs>),
    /// Remove a peer; what liquidity it has left goes to settlement
    #[command(after_help = "Example:\n  jirani peer remove g.othergreatwallet")]
    Remove {
        /// ILP address or id
        peer: String,
        /// Don't ask
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
    /// Another ILP address
    #[arg(long)]
    address: Option<String>,
    /// Where the peer takes packets
    #[arg(long)]
    endpoint: Option<String>,
    /// The token that the peer's operator gave us
    #[arg(long, value_name = "TOKEN")]
    outgoing_token: Option<String>,
    /// A file with the token that the peer's operator gave us
    #[arg(long, value_name = "FILE", conflicts_with = "outgoing_token")]
    outgoing_token_file: Option<PathBuf>,
    /// A token that the peer may show us, in place of all those before; repeat it for several
    #[arg(long = "incoming-token", value_name = "TOKEN")]
    incoming_tokens: Vec<String>,
    /// A file with a token that the peer may show us; repeat it for several
    #[arg(long = "incoming-token-file", value_name = "FILE")]
    incoming_token_files: Vec<PathBuf>,
    /// What people call the peer, or none
    #[arg(long)]
    name: Option<Edit>,
    /// The most that one packet may carry, such as 12.50; none for the node's default
    #[arg(long, value_name = "AMOUNT")]
    max_packet_amount: Option<Edit>,
    /// An event is due when liquidity falls to this, such as 500; none for never
    #[arg(long, value_name = "AMOUNT")]
    liquidity_threshold: Option<Edit>,
    /// An address, or bare scheme such as g, that is reached through the peer, in place of those
    /// before; repeat it for several, none for no further ones
    #[arg(long = "route", value_name = "PREFIX")]
    routes: Vec<Edit>,
    /// Packets that the peer may send within a minute; none for the node's default
    #[arg(long, value_name = "COUNT")]
    packets_per_minute_max: Option<Edit>,
    /// How much the peer may send within a second, such as 1000; none for no limit
    #[arg(long, value_name = "AMOUNT")]
    amount_per_second_max: Option<Edit>,
    /// What is kept of amounts that are converted for the peer, in hundredths of a percent
    #[arg(long, value_name = "COUNT")]
    spread_basis_points: Option<u16>,
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
            Self::Remove { peer, yes, admin } => remove(&peer, yes, &admin),
        }
    }
}

fn list(admin: &AdminArgs) -> Result<(), Failure> {
    let query = format!(
        "query($after: String) {{
            peers(first: 100, after: $after) {{
                pageInfo {{ hasNextPage endCursor }}
                edges {{ node {{ {PEER} }} }}
            }}
        }}"
    );
    let peers = all_rows(admin, &query, "peers")?;
    let mut table = Table::new(&[
        Column::Left("ADDRESS"),
        Column::Left("NAME"),
        Column::Right("LIQUIDITY"),
        Column::Left("ASSET"),
        Column::Right("PACKET MAX"),
        Column::Left("ID"),
    ]);
    for peer in &peers {
        let scale = &peer["asset"]["scale"];
        table.row([
            plain(&peer["staticIlpAddress"]),
            plain(&peer["name"]),
            shown_amount(&peer["liquidity"], scale),
            plain(&peer["asset"]["code"]),
            shown_amount(&peer["maxPacketAmount"], scale),
            plain(&peer["id"]),
        ]);
    }
    let lines = table.lines("no peers yet; add one: jirani peer add");
    print(admin, &Value::Array(peers), &lines)
}

fn show(name: &str, admin: &AdminArgs) -> Result<(), Failure> {
    let peer = find_peer(admin, name)?;
    let routes = peer["routes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let routes: Vec<String> = routes.iter().map(plain).collect();
    let money = |field: &str| shown_money(&peer[field], &peer["asset"]);
    let lines = described([
        ("address", plain(&peer["staticIlpAddress"])),
        ("name", plain(&peer["name"])),
        ("id", plain(&peer["id"])),
        ("endpoint", plain(&peer["http"]["outgoing"]["endpoint"])),
        ("routes", routes.join(" ")),
        ("liquidity", money("liquidity")),
        ("event at", money("liquidityThreshold")),
        ("packet max", money("maxPacketAmount")),
        ("packets a minute", plain(&peer["packetsPerMinuteMax"])),
        ("amount a second", money("amountPerSecondMax")),
        ("spread", format!("{} basis points", plain(&peer["spreadBasisPoints"]))),
        ("state", plain(&peer["state"]).to_lowercase()),
        ("last answer", plain(&peer["lastSeenAt"])),
        ("last failure", last_failure(&peer["lastFailure"])),
        ("tokens it may show", plain(&peer["incomingTokenCount"])),
        ("added", plain(&peer["createdAt"])),
    ]);
    print(admin, &peer, &lines)
}

/// Returns the reason why a packet to a peer last got no reply, in one line.
fn last_failure(failure: &Value) -> String {
    if failure.is_null() {
        return plain(failure);
    }
    let [message, at, count] = ["message", "at", "count"].map(|field| plain(&failure[field]));
    format!("{message} (at {at}; {count} packets without a reply)")
}

fn update(args: &UpdateArgs) -> Result<(), Failure> {
    let peer = find_peer(&args.admin, &args.peer)?;
    let input = args.input(&peer)?;
    if input.as_object().is_some_and(|input| input.len() < 2) {
        return Err(Failure::Usage(
            "nothing to change: name what is to change, such as --max-packet-amount 50".to_owned(),
        ));
    }
    let answer = args.admin.mutate("updatePeer", &format!("peer {{ {PEER} }}"), &input)?;
    let line = format!("changed {}", plain(&answer["peer"]["staticIlpAddress"]));
    print(&args.admin, &answer["peer"], &[line])
}

impl UpdateArgs {
    fn input(&self, peer: &Value) -> Result<Value, Failure> {
        let scale = scale_of(&peer["asset"]);
        let mut input = json!({ "id": peer["id"] });
        if let Some(address) = &self.address {
            input["staticIlpAddress"] = address.as_str().into();
        }
        Edit::text_into(&mut input, "name", self.name.as_ref());
        let packets = self.packets_per_minute_max.as_ref();
        Edit::text_into(&mut input, "packetsPerMinuteMax", packets);
        if let Some(spread) = self.spread_basis_points {
            input["spreadBasisPoints"] = spread.into();
        }
        for (field, edit) in [
            ("maxPacketAmount", &self.max_packet_amount),
            ("liquidityThreshold", &self.liquidity_threshold),
            ("amountPerSecondMax", &self.amount_per_second_max),
        ] {
            Edit::amount_into(&mut input, field, edit.as_ref(), scale)?;
        }
        if !self.routes.is_empty() {
            let routes = self.routes.iter().filter_map(|route| match route {
                Edit::Clear => None,
                Edit::Set(route) => Some(Value::from(route.as_str())),
            });
            input["routes"] = routes.collect();
        }
        let outgoing = secret_options::given(
            self.outgoing_token.as_deref(),
            self.outgoing_token_file.as_deref(),
        )?;
        let mut incoming = self.incoming_tokens.clone();
        for file in &self.incoming_token_files {
            incoming.push(secret_options::from_file(file)?);
        }
        if self.endpoint.is_some() || outgoing.is_some() || !incoming.is_empty() {
            input["http"] = self.http(peer, outgoing.as_deref(), &incoming)?;
        }
        Ok(input)
    }

    /// Returns the tokens and the endpoint. The API takes endpoint and outgoing token only
    /// together, so the unchanged one is read from the node.
    fn http(
        &self,
        peer: &Value,
        outgoing_token: Option<&str>,
        incoming_tokens: &[String],
    ) -> Result<Value, Failure> {
        let mut outgoing = match (&self.endpoint, outgoing_token) {
            (Some(_), Some(_)) => json!({}),
            _ => {
                let query = "query($id: String!) {
                    peer(id: $id) { http { outgoing { endpoint authToken } } }
                }";
                let mut answer = self.admin.query(query, &json!({ "id": peer["id"] }))?;
                answer["peer"]["http"]["outgoing"].take()
            }
        };
        if let Some(endpoint) = &self.endpoint {
            outgoing["endpoint"] = endpoint.as_str().into();
        }
        if let Some(token) = outgoing_token {
            outgoing["authToken"] = token.into();
        }
        let mut http = json!({ "outgoing": outgoing });
        if !incoming_tokens.is_empty() {
            http["incoming"] = json!({ "authTokens": incoming_tokens });
        }
        Ok(http)
    }
}

fn remove(name: &str, yes: bool, admin: &AdminArgs) -> Result<(), Failure> {
    let peer = find_peer(admin, name)?;
    let address = plain(&peer["staticIlpAddress"]);
    let liquidity = shown_money(&peer["liquidity"], &peer["asset"]);
    let question =
        format!("Remove the peer {address}? Its liquidity of {liquidity} goes to settlement.");
    confirm(&question, yes, admin.json)?;
    admin.mutate("deletePeer", "success", &json!({ "id": peer["id"] }))?;
    let told = json!({ "id": peer["id"], "liquidity": peer["liquidity"] });
    print(admin, &told, &[format!("removed {address}; {liquidity} went to settlement")])
}
