//! The tokens that peers show us.

use async_graphql::{Context, Object, Result};

use super::CHANGE_COMPLEXITY;
use crate::schema::{
    forms::response::answer,
    peers::token::{
        AddPeerTokenInput, AddPeerTokenMutationResponse, RevokePeerTokenInput,
        RevokePeerTokenMutationResponse,
    },
};

#[derive(Default)]
pub(crate) struct TokenMutation;

/// Tokens of peers.
#[Object]
impl TokenMutation {
    /// Lets a peer show one more token, which the node makes unless it is given. Those that the
    /// peer has stay good, so it can change over without an outage. `NOT_FOUND` for an unknown peer,
    /// `DUPLICATE` for a token that this or another peer has, `BAD_USER_INPUT` for what is no token
    /// or one beyond the 64th.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn add_peer_token(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The peer's id and the token.")] mut input: AddPeerTokenInput,
    ) -> Result<AddPeerTokenMutationResponse> {
        let key = input.idempotency_key.take();
        answer(context, "Added peer token", key, |operator| async move {
            let token = input.token();
            operator.peers().add_token(&input.peer_id, token).await
        })
        .await
    }

    /// Lets a peer show a token no more: packets that come after the answer are refused with it.
    /// It may be the peer's last one. `NOT_FOUND` for an unknown peer or token, `BAD_USER_INPUT`
    /// unless the token is named in one way.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn revoke_peer_token(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The peer's id and the token, or its id.")]
        mut input: RevokePeerTokenInput,
    ) -> Result<RevokePeerTokenMutationResponse> {
        let key = input.idempotency_key.take();
        answer(context, "Revoked peer token", key, |operator| async move {
            let (peer_id, which) = input.read()?;
            operator.peers().revoke_token(&peer_id, which).await
        })
        .await
    }
}
