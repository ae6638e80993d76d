//! Where events go, and how long they and the rest of the past are kept.

use ilp_connector::token::Secret;

use super::{ConfigError, settings::Settings, url, within};

/// Where events are sent. Without a URL they are kept and listed, and not sent.
#[derive(Debug)]
pub(crate) struct WebhookConfig {
    /// May carry a token, so it is never shown.
    pub(crate) url: Option<Secret>,
    pub(crate) secret: Option<Secret>,
    pub(crate) timeout_ms: u64,
    pub(crate) attempts_max: u32,
}

/// How long what nobody needs any more is kept.
#[derive(Debug)]
pub(crate) struct RetentionConfig {
    /// How long events are kept, whether anybody took them or not.
    pub(crate) event_days: u64,
    /// How long it is kept who did what.
    pub(crate) audit_days: u64,
    /// Segments of the journal; `None` keeps all.
    pub(crate) journal_segments_min: Option<u64>,
}

impl WebhookConfig {
    pub(super) fn from_settings(settings: &Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            url: settings.get("webhook.url", |text| url(text).map(Secret::new))?,
            secret: settings.get("webhook.secret", |text| Some(Secret::new(text.to_owned())))?,
            timeout_ms: settings.required("webhook.timeout_ms", |text| within(text, 1..=60_000))?,
            attempts_max: settings
                .required("webhook.attempts_max", |text| within(text, 1..=1_000))?,
        })
    }
}

impl RetentionConfig {
    pub(super) fn from_settings(settings: &Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            event_days: settings
                .required("retention.event_days", |text| within(text, 1..=3_650))?,
            audit_days: settings
                .required("retention.audit_days", |text| within(text, 1..=3_650))?,
            journal_segments_min: settings.required("retention.journal_segments_min", |text| {
                match text {
                    "all" => Some(None),
                    number => within(number, 1..=u64::MAX).map(Some),
                }
            })?,
        })
    }
}
