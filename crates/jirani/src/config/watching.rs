//! What is told to those who watch the node, and to whom.

use ilp_connector::token::Secret;

use super::{ConfigError, admin_secret, settings::Settings, url, within};
use crate::trace;

/// Metrics and traces.
#[derive(Debug)]
pub(crate) struct WatchConfig {
    /// How many peers have metrics of their own.
    pub(crate) peers_max: usize,
    /// Opens the metrics and nothing else.
    pub(crate) metrics_secret: Option<Secret>,
    /// Where spans are sent; nowhere when unset. May carry a token, so it is never shown.
    pub(crate) otlp_url: Option<Secret>,
}

impl WatchConfig {
    pub(super) fn from_settings(settings: &Settings) -> Result<Self, ConfigError> {
        let config = Self {
            peers_max: settings.required("metrics.peers_max", |text| within(text, 0..=10_000))?,
            metrics_secret: settings.get("metrics.secret", admin_secret)?,
            otlp_url: settings.get("telemetry.otlp_url", |text| url(text).map(Secret::new))?,
        };
        if config.otlp_url.is_some() && !trace::IS_BUILT_IN {
            return Err(ConfigError::NoOtlp);
        }
        Ok(config)
    }
}
