//! The configuration as the operator's pages show it: each value and where it came from, and of
//! secrets only whether they are set.

use ilp_pages::Setting;

use super::{
    Config,
    keys::{self, KEYS},
    settings::Settings,
};

impl Config {
    /// Returns the file or the variable that sets a key; `None` for a key that keeps its default.
    pub(crate) fn origin_of(&self, key: &str) -> Option<&str> {
        self.listed.iter().find(|setting| setting.key == key)?.origin.as_deref()
    }
}

impl Settings {
    /// Returns every key, in the order of the sample file.
    pub(super) fn listed(&self) -> Vec<Setting> {
        let setting = |key: &keys::Key| {
            let found = self.value_of(key.name);
            let is_secret = keys::is_secret(key.name);
            let is_default = self.is_default(key.name);
            Setting {
                key: key.name,
                variable: key.variable,
                value: found.filter(|_| !is_secret).map(|(text, _)| text.to_owned()),
                is_set: found.is_some(),
                is_changed: found.map(|(text, _)| text) != key.default,
                is_secret,
                origin: found.filter(|_| !is_default).map(|(_, origin)| origin.to_string()),
                form: key.form,
                unset: unset(key.name),
            }
        };
        KEYS.iter().map(setting).collect()
    }
}

/// Returns the meaning of a key without a default while it is not set.
fn unset(name: &str) -> &'static str {
    match name {
        "admin.secret" => "not set: open to this machine alone",
        "admin.tenant_id" | "stream_secret" => "made at the first start and kept",
        "ilp.public_url" => "derived from ilp.listen",
        "wallet.public_url" => "derived from wallet.listen",
        "wallet.private_receivers" => {
            "false once a public URL is set; until then failures look alike"
        }
        "ildcp.parent_peer" => "no peer is asked",
        "rates.url" => "no service is asked",
        "rates.fixed" => "none",
        "webhook.url" => "events are kept and not sent",
        "webhook.secret" => "events are not signed",
        "telemetry.otlp_url" => "nothing is sent anywhere",
        _ => "not set",
    }
}
