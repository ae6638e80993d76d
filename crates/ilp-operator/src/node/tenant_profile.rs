//! What the configuration says about the one tenant.

/// What the configuration says about the tenant.
#[derive(Clone, Debug, Default)]
pub struct TenantProfile {
    /// What the node calls itself.
    pub public_name: String,
    /// Whether there is a secret for the admin API.
    pub has_secret: bool,
    /// What is configured, in Rafiki's names.
    pub settings: Vec<(TenantSettingName, String)>,
}

/// What may be configured, as Rafiki's clients call it.
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
