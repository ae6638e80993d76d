//! Checks of the configuration's values against each other.

use super::{
    Config, ConfigError,
    sections::{ClusterConfig, PacketConfig},
    settings::Settings,
};
use crate::trace;

/// The most time that returning an answer takes after the longest hold.
const REPLY_MS: u64 = 2_000;

impl Config {
    /// Warns of values that are each valid and conflict with each other.
    pub(super) fn warn_together(&mut self) {
        let drain_ms_min = self.packet.hold_ms_max + REPLY_MS;
        if self.node.drain_ms_max < drain_ms_min {
            self.warnings.push(format!(
                "drain_ms_max = {} is below packet.hold_ms_max and {REPLY_MS} ms for the answer: a \
                 stop may cut packets that a next hop then fulfills",
                self.node.drain_ms_max
            ));
        }
        if self.auto_peering.is_enabled && self.ilp.public_url.is_none() {
            self.warnings.push(
                "auto_peering.enabled without ilp.public_url: nodes that ask are told the address \
                 that ilp.listen stands for, which leads nowhere from outside"
                    .to_owned(),
            );
        }
    }

    /// Refuses times with which no packet could be forwarded.
    pub(super) fn check_times(&self, settings: &Settings) -> Result<(), ConfigError> {
        let ClusterConfig { beat_ms, lease_ms, .. } = self.cluster;
        if lease_ms < 2 * beat_ms {
            return Err(ConfigError::ShortLease { lease_ms, beat_ms });
        }
        let PacketConfig { expiry_margin_ms: margin_ms, hold_ms_max, .. } = self.packet;
        if margin_ms < hold_ms_max {
            return Ok(());
        }
        // Where the margin has its default, the error names the hold time.
        let name = "packet.expiry_margin_ms";
        let name = if settings.is_default(name) { "packet.hold_ms_max" } else { name };
        let origin = settings.value_of(name).map_or_else(String::new, |(_, from)| from.to_string());
        Err(ConfigError::NoTimeToForward { margin_ms, hold_ms_max, origin })
    }

    /// Refuses an admin port that is open to other machines, and features that this program is
    /// built without.
    pub(super) fn check_together(&self) -> Result<(), ConfigError> {
        if self.admin.secret.is_none() && !self.admin.listen.ip().is_loopback() {
            return Err(ConfigError::OpenAdmin { listen: self.admin.listen });
        }
        if self.telemetry.otlp_url.is_some() && !trace::IS_BUILT_IN {
            return Err(ConfigError::NoOtlp);
        }
        Ok(())
    }
}
