//! Nodes that ask to become peers.

use std::net::SocketAddr;

use super::{ConfigError, settings::Settings};

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

/// Reads the table, also where it isn't enabled: a wrong value is told when it is written.
pub(super) fn read(settings: &Settings) -> Result<AutoPeeringConfig, ConfigError> {
    let listen = settings.parsed("auto_peering.listen")?;
    let is_enabled: bool = settings.parsed("auto_peering.enabled")?;
    Ok(AutoPeeringConfig {
        listen: is_enabled.then_some(listen),
        is_automatic: settings.required("auto_peering.approval", |text| match text {
            "auto" => Some(true),
            "require" => Some(false),
            _ => None,
        })?,
        liquidity: settings.parsed("auto_peering.liquidity")?,
        peers_max: settings
            .required("auto_peering.peers_max", |text| super::within(text, 0..=10_000))?,
        private_endpoints: settings.parsed("auto_peering.private_endpoints")?,
    })
}
