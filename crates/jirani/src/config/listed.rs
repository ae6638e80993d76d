//! The configuration as the operator's pages show it: each value with its origin, and of secrets
//! only whether they are set.

use ilp_pages::Setting;

use super::{
    Config,
    keys::{KEYS, Key},
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
        let setting = |key: &Key| {
            let found = self.value_of(key.name);
            let is_default = self.is_default(key.name);
            Setting {
                key: key.name,
                variable: key.variable,
                value: found.filter(|_| !key.is_secret).map(|(text, _)| text.to_owned()),
                is_set: found.is_some(),
                is_changed: found.map(|(text, _)| text) != key.default,
                is_secret: key.is_secret,
                origin: found.filter(|_| !is_default).map(|(_, origin)| origin.to_string()),
                form: key.form,
                unset: key.unset,
            }
        };
        KEYS.iter().map(setting).collect()
    }
}
