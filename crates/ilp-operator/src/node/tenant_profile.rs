//! The one tenant, as the configuration describes it.

/// The tenant, as the configuration describes it.
#[derive(Clone, Debug, Default)]
pub struct TenantProfile {
    /// The node's name for itself.
    pub public_name: String,
    /// Whether there is a secret for the admin API.
    pub has_secret: bool,
    /// The configured settings, under Rafiki's names.
    pub settings: Vec<(TenantSettingName, String)>,
}

/// The settings that may be configured, under the names that Rafiki's clients use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantSettingName {
    /// Where exchange rates come from.
    ExchangeRatesUrl,
    /// Where events are sent.
    WebhookUrl,
    /// How long their receiver may take, in milliseconds.
    WebhookTimeout,
    /// How often they are tried.
    WebhookMaxRetry,
    /// Where wallet addresses are.
    WalletAddressUrl,
    /// The node's ILP address.
    IlpAddress,
}

impl TenantProfile {
    /// Returns the settings with one more, if it is set.
    #[must_use]
    pub fn with(mut self, name: TenantSettingName, value: Option<String>) -> Self {
        self.settings.extend(value.map(|value| (name, value)));
        self
    }
}
