//! The tables of the configuration, each with what its part of the node runs with.

use std::net::SocketAddr;

use ilp_connector::{rate::Rate, token::Secret};
use ilp_http::spsp::PrivateReceivers;
use ilp_net::ServiceUrl;
use ilp_operator::SentEvents;
use uuid::Uuid;

/// What is logged, and how.
#[derive(Debug)]
pub(crate) struct LogConfig {
    pub(crate) filter: String,
    pub(crate) json: bool,
}

/// Where peers reach the node.
#[derive(Debug)]
pub(crate) struct IlpConfig {
    pub(crate) listen: SocketAddr,
    pub(crate) public_url: Option<String>,
    pub(crate) threads: usize,
    pub(crate) connections_max: usize,
}

/// Where the operator reaches the node.
#[derive(Debug)]
pub(crate) struct AdminConfig {
    pub(crate) listen: SocketAddr,
    pub(crate) secret: Option<Secret>,
    pub(crate) tenant_id: Option<Uuid>,
    pub(crate) signature_ttl_s: u64,
}

/// Where events are sent. Without a URL they are kept and listed, and not sent.
#[derive(Debug)]
pub(crate) struct WebhookConfig {
    pub(crate) url: Option<ServiceUrl>,
    pub(crate) secret: Option<Secret>,
    pub(crate) types: SentEvents,
    pub(crate) timeout_ms: u64,
    pub(crate) attempts_max: u32,
}

/// Nodes that ask to become peers.
#[derive(Debug)]
pub(crate) struct AutoPeeringConfig {
    /// Where they ask; `None` when they can't.
    pub(crate) listen: Option<SocketAddr>,
    /// Whether they become peers without the operator.
    pub(crate) is_automatic: bool,
    /// What they may send then, in the asset's smallest unit.
    pub(crate) liquidity: u64,
    /// How many there may be that were made so.
    pub(crate) peers_max: usize,
    /// Whether they may be on this machine or in private networks.
    pub(crate) private_endpoints: bool,
}

/// Where payers learn how wallet addresses are paid.
#[derive(Debug)]
pub(crate) struct WalletConfig {
    pub(crate) listen: SocketAddr,
    pub(crate) public_url: Option<String>,
    /// Whether quotes may ask receivers on this machine and in private networks.
    pub(crate) private_receivers: PrivateReceivers,
}

/// Where exchange rates come from, beside those that the operator sets.
#[derive(Debug)]
pub(crate) struct RatesConfig {
    /// The service that is asked for rates.
    pub(crate) url: Option<ServiceUrl>,
    /// How long what it tells is used.
    pub(crate) lifetime_ms: u64,
    /// Base, quote and rate, for pairs that neither the operator nor the service gives a rate for.
    pub(crate) fixed: Vec<(String, String, Rate)>,
}

/// The retention of records that are not needed any more.
#[derive(Debug)]
pub(crate) struct RetentionConfig {
    /// The days for which events are kept, whether they were delivered or not.
    pub(crate) event_days: u64,
    /// The days for which the audit log is kept.
    pub(crate) audit_days: u64,
    /// Segments of the journal; `None` keeps all.
    pub(crate) journal_segments_min: Option<u64>,
    /// The days for which ended payments without money are kept; `None` keeps all.
    pub(crate) payment_days: Option<u64>,
}

/// What is shown to those who watch the node.
#[derive(Debug)]
pub(crate) struct MetricsConfig {
    /// How many peers have numbers of their own.
    pub(crate) peers_max: usize,
    /// Opens the metrics and nothing else.
    pub(crate) secret: Option<Secret>,
}
