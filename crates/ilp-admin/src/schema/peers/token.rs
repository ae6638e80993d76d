//! The tokens that peers show us, in the schema.

use async_graphql::{ID, InputObject, SimpleObject};
use ilp_connector::token::Secret;
use ilp_operator::{AddedToken, PeerError, PeerView, TokenName, token_id};
use ilp_store::IncomingToken as KeptToken;
use interledger_packet::Timestamp;

use crate::schema::{
    forms::response::{MutationResponse, Status},
    peers::peer::Peer,
};

/// A token that a peer may show. The node keeps its SHA-256 digest and not the token itself.
#[derive(SimpleObject)]
pub(crate) struct IncomingToken {
    /// The id of the token among those of its peer: the first 16 hexadecimal digits of its SHA-256.
    id: ID,
    /// Since when the peer may show it, such as `2026-11-23T12:00:00.000Z`.
    created_at: String,
}

impl From<&KeptToken> for IncomingToken {
    fn from(token: &KeptToken) -> Self {
        Self {
            id: token_id(&token.digest).into(),
            created_at: Timestamp::from_unix_ms(token.created_at_ms).to_string(),
        }
    }
}

/// One more token for a peer to show, beside those that it has.
#[derive(InputObject)]
pub(crate) struct AddPeerTokenInput {
    /// The peer's id.
    pub(crate) peer_id: String,
    /// The token: visible ASCII characters, used by no peer. The node makes one when it is left
    /// out.
    auth_token: Option<String>,
    /// The idempotency key: a request that is repeated with it is done once. A token that the node
    /// made is shown in the first answer alone.
    pub(crate) idempotency_key: Option<String>,
}

impl AddPeerTokenInput {
    pub(crate) fn token(&mut self) -> Option<Secret> {
        self.auth_token.take().map(Secret::new)
    }
}

/// A token that a peer may show no longer, by its id or by itself.
#[derive(InputObject)]
pub(crate) struct RevokePeerTokenInput {
    /// The peer's id.
    pub(crate) peer_id: String,
    /// The token's id, as `incomingTokens` lists it.
    token_id: Option<String>,
    /// The token itself, in place of its id.
    auth_token: Option<String>,
    /// The idempotency key: a request that is repeated with it is done once.
    pub(crate) idempotency_key: Option<String>,
}

impl RevokePeerTokenInput {
    pub(crate) fn read(self) -> Result<(String, TokenName), PeerError> {
        match (self.token_id, self.auth_token) {
            (Some(id), None) => Ok((self.peer_id, TokenName::Id(id))),
            (None, Some(token)) => Ok((self.peer_id, TokenName::Token(Secret::new(token)))),
            _ => Err(PeerError::IncomingTokenUnnamed),
        }
    }
}

/// The result of adding a token.
#[derive(SimpleObject)]
pub(crate) struct AddPeerTokenMutationResponse {
    /// The peer as it is now; null when the mutation was refused.
    peer: Option<Peer>,
    /// The record of the token; null when the mutation was refused.
    incoming_token: Option<IncomingToken>,
    /// The token that the node made, this once: it can't be read back. Null when the client gave it,
    /// and in an answer that is given again.
    auth_token: Option<String>,
    #[graphql(flatten)]
    status: Status,
}

impl MutationResponse for AddPeerTokenMutationResponse {
    type Done = AddedToken;

    fn new(done: Option<AddedToken>, status: Status) -> Self {
        match done {
            Some(AddedToken { peer, token, made }) => Self {
                peer: Some(peer.into()),
                incoming_token: Some(IncomingToken::from(&token)),
                auth_token: made.map(|token| token.reveal().to_owned()),
                status,
            },
            None => Self { peer: None, incoming_token: None, auth_token: None, status },
        }
    }
}

/// The result of revoking a token.
#[derive(SimpleObject)]
pub(crate) struct RevokePeerTokenMutationResponse {
    /// The peer as it is now; null when the mutation was refused.
    peer: Option<Peer>,
    #[graphql(flatten)]
    status: Status,
}

impl MutationResponse for RevokePeerTokenMutationResponse {
    type Done = PeerView;

    fn new(done: Option<PeerView>, status: Status) -> Self {
        Self { peer: done.map(Peer::from), status }
    }
}
