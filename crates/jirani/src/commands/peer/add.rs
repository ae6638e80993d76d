//! `jirani peer add`: creates the other operator's node as a peer, and prints the configuration for
//! the other operator.

use std::{
    io,
    path::{Path, PathBuf},
};

use clap::Args;
use ilp_admin_client::{
    Patch,
    asset::Unit,
    node::Node,
    peer::{CreatePeerInput, HttpInput, NewPeer},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{interview::Interview, limits::LimitArgs, other_side::OtherSide};
use crate::{
    cli::variable,
    commands::{
        Failure,
        admin_client::{AdminArgs, plain, print},
        edit::Edit,
        init::fresh_token,
        lookup::{find_asset, optional_amount_in},
        secret_options,
        terminal::{Dialogue, somebody_is_there},
    },
    own_endpoint,
};

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// The peer's ILP address
    #[arg(long)]
    address: Option<String>,
    /// Code or id of the asset that both nodes keep the account in
    #[arg(long)]
    asset: Option<String>,
    /// URL at which the peer takes packets
    #[arg(long)]
    endpoint: Option<String>,
    /// The token that the peer's operator gave us; made and printed if left out
    #[arg(long, value_name = "TOKEN")]
    outgoing_token: Option<String>,
    /// A file with the token that the peer's operator gave us
    #[arg(long, value_name = "FILE", conflicts_with = "outgoing_token")]
    outgoing_token_file: Option<PathBuf>,
    /// The token that the peer is to show us; made and printed if left out
    #[arg(long, value_name = "TOKEN")]
    incoming_token: Option<String>,
    /// A file with the token that the peer is to show us
    #[arg(long, value_name = "FILE", conflicts_with = "incoming_token")]
    incoming_token_file: Option<PathBuf>,
    /// Name of the peer for people
    #[arg(long)]
    name: Option<String>,
    /// Largest amount of a packet, such as 12.50
    #[arg(long, value_name = "AMOUNT")]
    max_packet_amount: Option<String>,
    /// Initial liquidity: the amount that the peer may send before it must settle, such as 10000
    #[arg(long, value_name = "AMOUNT")]
    liquidity: Option<String>,
    /// A further address, or bare scheme such as g, that is reached through the peer
    #[arg(long = "route", value_name = "PREFIX")]
    routes: Vec<String>,
    #[command(flatten)]
    limits: LimitArgs,
    /// Charge on amounts that are converted for the peer, in hundredths of a percent
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    spread_basis_points: u16,
    /// URL at which the peer reaches this node, for the other operator; else JIRANI_ILP_PUBLIC_URL,
    /// else the one that the node reports
    #[arg(long, value_name = "URL")]
    our_endpoint: Option<String>,
    #[command(flatten)]
    admin: AdminArgs,
}

/// The terms of the peering, without its tokens. Amounts are in standard units.
#[derive(Debug)]
pub(super) struct Agreement {
    pub(super) address: String,
    pub(super) asset: Unit,
    pub(super) endpoint: String,
    pub(super) name: Option<String>,
    pub(super) max_packet_amount: Option<String>,
    pub(super) liquidity: Option<String>,
    pub(super) our_endpoint: Option<String>,
}

/// The tokens of both directions, and whether the other operator still needs to get them.
struct Tokens {
    incoming: String,
    outgoing: String,
    incoming_is_fresh: bool,
    outgoing_is_fresh: bool,
}

impl AddArgs {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let agreement = self.agreement()?;
        let tokens = self.tokens()?;
        let peer = self.create(&agreement, &tokens)?;
        self.tell(&agreement, &tokens, peer)
    }

    /// Returns the terms: from the options, and for missing ones from a dialogue on the terminal.
    fn agreement(&self) -> Result<Agreement, Failure> {
        if let (Some(address), Some(asset), Some(endpoint)) =
            (&self.address, &self.asset, &self.endpoint)
        {
            return Ok(Agreement {
                address: address.clone(),
                asset: find_asset(&self.admin, asset)?.into(),
                endpoint: endpoint.clone(),
                name: self.name.clone(),
                max_packet_amount: self.max_packet_amount.clone(),
                liquidity: self.liquidity.clone(),
                our_endpoint: self.our_endpoint(),
            });
        }
        if self.admin.json || !somebody_is_there() {
            return Err(Failure::Usage(
                "jirani peer add needs --address, --asset and --endpoint where nobody can be asked; \
                 jirani peer add --help has an example"
                    .to_owned(),
            ));
        }
        let dialogue = Dialogue { input: io::stdin().lock(), output: io::stderr() };
        let mut interview = Interview { dialogue, admin: &self.admin };
        let asset = interview.asset(self.asset.as_deref())?;
        let scale = asset.scale;
        Ok(Agreement {
            address: interview.address(self.address.as_deref())?,
            endpoint: interview.endpoint(self.endpoint.as_deref())?,
            name: interview.name(self.name.as_deref())?,
            max_packet_amount: interview.amount(
                "the most that one packet may carry (empty: the node's default): ",
                self.max_packet_amount.as_deref(),
                scale,
            )?,
            liquidity: interview.amount(
                "their credit line, what they may send before settling (empty: none yet): ",
                self.liquidity.as_deref(),
                scale,
            )?,
            our_endpoint: interview
                .our_endpoint(self.our_endpoint().as_deref())?
                .map(|endpoint| own_endpoint::with_scheme(&endpoint)),
            asset,
        })
    }

    fn our_endpoint(&self) -> Option<String> {
        let from_environment = || variable("JIRANI_ILP_PUBLIC_URL")?.into_string().ok();
        let endpoint = self.our_endpoint.clone().or_else(from_environment)?;
        Some(own_endpoint::with_scheme(&endpoint))
    }

    fn tokens(&self) -> Result<Tokens, Failure> {
        let given_or_fresh = |token: Option<&str>, file: Option<&Path>| {
            Ok::<_, Failure>(match secret_options::given(token, file)? {
                Some(token) => (token, false),
                None => (fresh_token()?, true),
            })
        };
        let (incoming, incoming_is_fresh) =
            given_or_fresh(self.incoming_token.as_deref(), self.incoming_token_file.as_deref())?;
        let (outgoing, outgoing_is_fresh) =
            given_or_fresh(self.outgoing_token.as_deref(), self.outgoing_token_file.as_deref())?;
        Ok(Tokens { incoming, outgoing, incoming_is_fresh, outgoing_is_fresh })
    }

    fn create(&self, agreed: &Agreement, tokens: &Tokens) -> Result<NewPeer, Failure> {
        let scale = agreed.asset.scale;
        let Tokens { incoming, outgoing, .. } = tokens;
        let http = HttpInput::new(incoming.clone(), agreed.endpoint.clone(), outgoing.clone());
        let threshold = Edit::amount(self.limits.liquidity_threshold.as_ref(), scale)?;
        let limits = self.limits.read(scale)?;
        let new = CreatePeerInput::new(agreed.address.clone(), agreed.asset.id.clone(), http);
        self.admin.ask(CreatePeerInput {
            name: agreed.name.clone(),
            liquidity_threshold: threshold.and_then(Patch::set),
            initial_liquidity: optional_amount_in(agreed.liquidity.as_deref(), scale)?,
            max_packet_amount: optional_amount_in(agreed.max_packet_amount.as_deref(), scale)?,
            spread_basis_points: Some(i32::from(self.spread_basis_points)),
            routes: Some(self.routes.clone()),
            is_default_route: self.limits.default_route,
            ..new.with_limits(limits)
        })
    }

    fn tell(&self, agreed: &Agreement, tokens: &Tokens, peer: NewPeer) -> Result<(), Failure> {
        let mut lines = vec![format!("added {}: {}", agreed.address, peer.id)];
        let mut added = AddedPeer {
            peer,
            incoming_token: tokens.incoming_is_fresh.then(|| tokens.incoming.clone()),
            outgoing_token: tokens.outgoing_is_fresh.then(|| tokens.outgoing.clone()),
            other_side: None,
            advice: None,
        };
        let node = self.admin.ask(Node)?;
        let (ours, advice) = match &agreed.our_endpoint {
            Some(given) => (given.clone(), own_endpoint::advice(given)),
            None => (plain(&node.connector_url), node.connector_advice),
        };
        // A node that listens on all addresses has no address that could be entered elsewhere.
        if own_endpoint::is_unspecified(&ours) {
            if let Some(token) = &added.incoming_token {
                lines.push(format!("give the peer's operator this token for us: {token}"));
            }
            if let Some(token) = &added.outgoing_token {
                lines.push(format!("and this one, which we show them: {token}"));
            }
        } else {
            let other = OtherSide {
                our_address: plain(&node.address),
                our_endpoint: ours,
                incoming_token: tokens.outgoing.clone(),
                outgoing_token: tokens.incoming.clone(),
                asset: &agreed.asset,
                max_packet_amount: agreed.max_packet_amount.as_deref(),
            };
            added.other_side =
                Some(json!({ "command": other.command(), "variables": other.variables()? }));
            lines.extend(other.lines()?);
        }
        if let Some(advice) = advice {
            lines.extend([String::new(), format!("Note: {advice}.")]);
            added.advice = Some(advice);
        }
        print(&self.admin, &added, &lines)
    }
}

/// The created peer with the other operator's configuration, in the fields of the JSON output.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AddedPeer {
    #[serde(flatten)]
    peer: NewPeer,
    #[serde(skip_serializing_if = "Option::is_none")]
    incoming_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outgoing_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    other_side: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}
