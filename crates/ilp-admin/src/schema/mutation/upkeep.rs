//! Mutations for the node's upkeep: events and backups.

use async_graphql::{Context, Object, Result};
use ilp_operator::{Caller, CallerKind};

use super::CHANGE_COMPLEXITY;

use crate::schema::{
    forms::response::answer,
    node::{event::WebhookEventMutationResponse, node_info::BackupMutationResponse},
};

/// A backup copies the whole store, so one fits into a request.
const BACKUP_COMPLEXITY: usize = 5_000;

#[derive(Default)]
pub(crate) struct UpkeepMutation;

/// Events and backups.
#[Object]
impl UpkeepMutation {
    /// Sends an event again, also one that was given up, with all its attempts before it.
    /// `NOT_FOUND` for an unknown event, `CONFLICT` for one that was delivered.
    #[graphql(complexity = "CHANGE_COMPLEXITY + child_complexity")]
    async fn retry_webhook_event(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The event's id.")] id: String,
    ) -> Result<WebhookEventMutationResponse> {
        answer(context, "Webhook event will be sent again", None, |operator| async move {
            operator.events().retry(&id).await
        })
        .await
    }

    /// Copies the store, as it is at one moment, into a directory of the node's machine. Packets
    /// flow on meanwhile, other changes wait. `BAD_USER_INPUT` unless it is an absolute path to a
    /// directory that is absent or empty; on a node without a secret, the directory must hold an empty
    /// file `jirani-backup-here` and nothing else, by which its owner allows this.
    #[graphql(complexity = "BACKUP_COMPLEXITY + child_complexity")]
    async fn backup(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Where to, such as `/var/backups/jirani/monday`.")] dir: String,
    ) -> Result<BackupMutationResponse> {
        let by = context.data_opt::<Caller>().map_or(CallerKind::Nobody, |caller| caller.kind);
        answer(context, "Backed up the store", None, move |operator| async move {
            operator.backup(&dir, by).await
        })
        .await
    }
}
