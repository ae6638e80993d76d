//! `jirani peer token`: the tokens that a peer may show. Several are valid at once while one
//! replaces another.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ilp_admin_client::{
    Id,
    peer::{AddPeerTokenInput, RevokePeerTokenInput},
};

use crate::commands::{
    Failure,
    admin_client::{AdminArgs, plain, print},
    lookup::find_peer,
    secret_options,
};

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  jirani peer token add g.othergreatwallet")]
pub(crate) enum TokenCommand {
    /// Add a token that the peer may show, beside its present ones; made and printed if none is
    /// given
    #[command(after_help = "Example:\n  jirani peer token add g.othergreatwallet")]
    Add {
        /// ILP address or id
        peer: String,
        #[command(flatten)]
        token: TokenArgs,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Revoke a token; the peer's packets with it are refused from then on
    #[command(after_help = "Example:\n  jirani peer token revoke g.othergreatwallet \
            --id 019926a0-3b5c-7def-8123-456789abcdef")]
    Revoke {
        /// ILP address or id
        peer: String,
        /// The token's id, as it was printed when the token was added
        #[arg(long, required_unless_present_any = ["token", "token_file"],
            conflicts_with_all = ["token", "token_file"])]
        id: Option<String>,
        #[command(flatten)]
        token: TokenArgs,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    /// The token itself
    #[arg(long)]
    token: Option<String>,
    /// A file with the token
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
}

impl TokenArgs {
    fn given(&self) -> Result<Option<String>, Failure> {
        secret_options::given(self.token.as_deref(), self.token_file.as_deref())
    }
}

impl TokenCommand {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Add { peer, token, admin } => add(&peer, &token, &admin),
            Self::Revoke { peer, id, token, admin } => revoke(&peer, id.as_deref(), &token, &admin),
        }
    }
}

fn add(name: &str, token: &TokenArgs, admin: &AdminArgs) -> Result<(), Failure> {
    let peer = find_peer(admin, name)?;
    let added = admin.ask(AddPeerTokenInput {
        peer_id: peer.id,
        auth_token: token.given()?,
        idempotency_key: None,
    })?;
    let id = added.incoming_token.as_ref().map(|token| token.id.to_string()).unwrap_or_default();
    let mut lines = vec![format!("added the token {id} for {}", plain(&peer.static_ilp_address))];
    lines.extend(
        added.auth_token.as_ref().map(|token| format!("give it to the peer's operator: {token}")),
    );
    print(admin, &added, &lines)
}

fn revoke(
    name: &str,
    id: Option<&str>,
    token: &TokenArgs,
    admin: &AdminArgs,
) -> Result<(), Failure> {
    let peer = find_peer(admin, name)?;
    let peer = admin.ask(RevokePeerTokenInput {
        peer_id: peer.id,
        token_id: id.map(Id::new),
        auth_token: token.given()?,
        idempotency_key: None,
    })?;
    let (address, left) = (plain(&peer.static_ilp_address), peer.incoming_token_count);
    print(admin, &peer, &[format!("revoked a token of {address}, which has {left} left")])
}
