//! The options of the node's parts, as the configuration and the system's limits give them.

use std::time::Duration;

use ilp_http::{ClientOptions, Limits, spsp::SpspOptions};
use ilp_operator::{Auth, SignatureRules};
use ilp_store::Store;

use crate::{
    clock, commands::Failure, config::Config, file_shares::FileShares, run::store_failure,
    wallet_server::WalletLimits,
};

/// Returns the time that packets in flight may take when the node is told to stop.
pub(crate) fn drain_max(config: &Config) -> Duration {
    Duration::from_millis(config.node.drain_ms_max)
}

/// Returns the options of the client that asks for receivers of payments.
pub(crate) fn spsp(config: &Config) -> SpspOptions {
    SpspOptions { private_receivers: config.wallet.private_receivers, ..SpspOptions::default() }
}

/// Returns the bounds of the packets' port.
pub(crate) fn packets_port(config: &Config, files: FileShares) -> Limits {
    Limits { connections_max: files.peers, drain_timeout: drain_max(config), ..Limits::default() }
}

/// Returns the bounds of the wallets' port.
pub(crate) fn wallet_port(files: FileShares) -> WalletLimits {
    WalletLimits { connections_max: files.wallets, ..WalletLimits::default() }
}

/// Returns the options of the client to next hops. One next hop gets at most as many packets as the
/// server takes, of which no peer has more than half, nor more than half of the HTTP/1.1
/// connections: packets of one peer that the next hop leaves unanswered don't delay another peer's.
pub(crate) fn client(files: FileShares) -> ClientOptions {
    let packets_max = Limits::default().requests_max;
    let defaults = ClientOptions::default();
    ClientOptions {
        connections_max: packets_max.min(files.next_hops_per_thread),
        connections_open_max: files.next_hops_per_thread,
        sender_connections_max: (files.next_hops_per_thread / 2)
            .clamp(1, defaults.sender_connections_max),
        packets_max,
        ..defaults
    }
}

/// Returns the authentication of the admin port. Without a secret any client that reaches the API
/// may use it, so the configuration allows that on loopback only.
///
/// # Errors
/// [`Failure::Store`] when the earlier signatures can't be read.
pub(crate) fn auth(config: &Config, tenant_id: String, store: &Store) -> Result<Auth, Failure> {
    match &config.admin.secret {
        Some(secret) => {
            let lifetime_ms = config.admin.signature_ttl_s * 1_000;
            let rules = SignatureRules { tenant_id, lifetime_ms };
            Auth::secret(secret, rules, clock::now, store.clone()).map_err(store_failure)
        }
        None => Ok(Auth::loopback(Vec::new())),
    }
}
