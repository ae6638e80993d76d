//! The tenant's settings, made of the configuration.

use ilp_operator::{TenantProfile, TenantSettingName as Name};

use crate::config::Config;

/// Returns the operator as the one tenant. URLs that may hold a token are shown without it.
pub(crate) fn profile(config: &Config) -> TenantProfile {
    let (webhook, rates) = (&config.webhook, &config.rates);
    let profile = TenantProfile {
        public_name: config.node.name.clone(),
        has_secret: config.admin.secret.is_some(),
        settings: Vec::new(),
    };
    profile
        .with(Name::ExchangeRatesUrl, rates.url.as_ref().map(ToString::to_string))
        .with(Name::WebhookUrl, webhook.url.as_ref().map(ToString::to_string))
        .with(Name::WebhookTimeout, Some(webhook.timeout_ms.to_string()))
        .with(Name::WebhookMaxRetry, Some(webhook.attempts_max.to_string()))
        .with(Name::WalletAddressUrl, config.wallet.public_url.clone())
        .with(Name::IlpAddress, Some(config.node.ilp_address.to_string()))
}
