//! The parts that an operator is made of.

use std::{fmt, sync::Arc};

use ilp_connector::Connector;
use ilp_store::DurableLedger;
use interledger_packet::Timestamp;
use tokio::sync::Notify;

use crate::{
    node::tenant_profile::TenantProfile,
    peering::{network::Network, terms::PeeringRules},
};

/// Tells the time. A function, so that tests may tell another one.
pub type Clock = fn() -> Timestamp;

/// The parts that an [`Operator`](crate::node::operator::Operator) is made of.
#[derive(Clone)]
pub struct Parts {
    /// The forwarding core, with the books inside.
    pub connector: Arc<Connector<DurableLedger>>,
    /// How endpoints are judged and pings sent.
    pub network: Arc<dyn Network>,
    /// The time.
    pub clock: Clock,
    /// The id of the one tenant, which is the operator.
    pub tenant_id: String,
    /// The configuration of the tenant.
    pub tenant: TenantProfile,
    /// The rules for nodes that ask to become peers.
    pub peering: PeeringRules,
    /// The program's version, for people.
    pub version: &'static str,
    /// How long a packet may be under way, as in the connector's policy. What a deleted peer's
    /// last packets leave behind is settled after that.
    pub hold_ms_max: u64,
    /// Wakes whoever sends events: the books made one, or one is to be sent again.
    pub event_made: Arc<Notify>,
}

impl fmt::Debug for Parts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Parts").field("version", &self.version).finish_non_exhaustive()
    }
}
