//! The table `[auto_peering]`.

use std::net::SocketAddr;

use super::{
    super::{
        keys::Rafiki::{Port, Switch},
        readers::{field, is_automatic, parsed, required, within},
    },
    ADDRESS, ConfigError, FLAG, Key, Settings, key,
};

const AMOUNT: &str = "a whole number in the asset's smallest unit; 0 is nothing";

section! {
    /// The port for nodes that ask to become peers.
    pub(crate) struct AutoPeeringConfig {
        /// Whether the port is open.
        is_enabled: bool = parsed(),
            key("auto_peering.enabled", "JIRANI_AUTO_PEERING", FLAG)
                .default("false")
                .rafiki(Switch("ENABLE_AUTO_PEERING"));
        listen: SocketAddr = parsed(),
            key("auto_peering.listen", "JIRANI_AUTO_PEERING_LISTEN", ADDRESS)
                .default("0.0.0.0:3005")
                .rafiki(Port("AUTO_PEERING_SERVER_PORT"));
        /// Whether nodes become peers without the operator's approval.
        is_automatic: bool = required(is_automatic),
            key("auto_peering.approval", "JIRANI_AUTO_PEERING_APPROVAL", "require or auto")
                .default("require");
        /// The initial liquidity of such peers, in the asset's smallest unit.
        liquidity: u64 = parsed(),
            key("auto_peering.liquidity", "JIRANI_AUTO_PEERING_LIQUIDITY", AMOUNT)
                .default("0");
        /// The largest number of peers that were made without approval.
        peers_max: usize = required(|text| within(text, 0..=10_000)),
            key(
                "auto_peering.peers_max",
                "JIRANI_AUTO_PEERING_PEERS_MAX",
                "a whole number up to 10000",
            )
                .default("100");
        /// Whether such peers may be on this machine or in private networks.
        private_endpoints: bool = parsed(),
            key("auto_peering.private_endpoints", "JIRANI_AUTO_PEERING_PRIVATE_ENDPOINTS", FLAG)
                .default("false");
    }
}
