//! The commands besides `jirani run`.

pub(crate) mod admin_client;
mod admin_target;
mod advice;
pub(crate) mod asset;
pub(crate) mod backup;
pub(crate) mod cluster;
pub(crate) mod completions;
pub(crate) mod demo;
mod edit;
pub(crate) mod events;
pub(crate) mod fee;
pub(crate) mod graphql;
pub(crate) mod health;
pub(crate) mod init;
pub(crate) mod ledger;
pub(crate) mod liquidity;
mod lookup;
pub(crate) mod output;
pub(crate) mod pay;
pub(crate) mod peer;
pub(crate) mod peering;
pub(crate) mod ping;
pub(crate) mod rate;
mod secret_options;
mod table;
mod terminal;
pub(crate) mod wallet;

use ilp_admin_client::ApiError;
use ilp_store_postgres::Lost;

use self::{admin_client::plain, advice::advice};
use crate::{config::ConfigError, tasks::TaskPanicked};

/// The reason why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The operation was refused, or failed.
    #[error("{0}")]
    Refused(String),
    /// The node refused the operation.
    #[error("{}", with_advice(.0))]
    Node(ApiError),
    /// The command was used wrongly in a way that clap can't find.
    #[error("{0}")]
    Usage(String),
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store can't be read or written.
    #[error("{0}")]
    Store(String),
    /// The node has lost the books of its cluster. Started again, it waits for its turn.
    #[error("{0}")]
    Lost(Lost),
    /// A task of the node panicked, and the node has stopped in order.
    #[error("{0}; the log above says where. Start the node again, and report this")]
    Panicked(TaskPanicked),
}

/// Returns the message of a refusal and, where it is known, what to do next.
fn with_advice(refusal: &ApiError) -> String {
    let message = plain(&refusal.message);
    match advice(refusal) {
        Some(advice) => format!("{message}; {advice}"),
        None => message,
    }
}

impl Failure {
    /// The exit codes of the manual: 1 refused or failed, 2 wrong usage (which clap mostly finds
    /// before), 64 configuration, 74 store,
    /// 75 the books of a cluster are lost.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Refused(_) | Self::Node(_) | Self::Panicked(_) => 1,
            Self::Usage(_) => 2,
            Self::Config(_) => 64,
            Self::Store(_) => 74,
            Self::Lost(_) => 75,
        }
    }
}
