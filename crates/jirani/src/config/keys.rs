//! Configuration keys: each with its names, its default and the form its value takes. The entries are
//! in [`sections`](super::sections).

use super::sections::{
    AdminConfig, AutoPeeringConfig, ClusterConfig, IldcpConfig, IlpConfig, LogConfig,
    MetricsConfig, NodeConfig, PacketConfig, PeerConfig, RatesConfig, RetentionConfig,
    TelemetryConfig, WalletConfig, WebhookConfig,
};

/// One key of the configuration file, and the environment variables that set it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    /// The dotted name: `ilp.listen` is `listen` in the table `[ilp]`.
    pub(crate) name: &'static str,
    /// The environment variable that overrides the file.
    pub(crate) variable: &'static str,
    /// The name in a Rafiki backend, so that its environment file works here.
    pub(crate) rafiki: Option<Rafiki>,
    /// The default as text; `None` for a key that is unset by default.
    pub(crate) default: Option<&'static str>,
    /// The form of a value, for error messages.
    pub(crate) form: &'static str,
    /// Whether the value must never be shown. The URL of a service, or of a receiver of what the node
    /// sends, often carries a token.
    pub(crate) is_secret: bool,
    /// The effect of leaving a key without a default unset, for the operator's pages.
    pub(crate) unset: &'static str,
}

/// The translation of a Rafiki variable's value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rafiki {
    /// A value with the same meaning.
    Same(&'static str),
    /// A port alone; the host is the default's.
    Port(&'static str),
    /// A level of the pino logger.
    LogLevel(&'static str),
    /// A switch, which deployment files write in several ways.
    Switch(&'static str),
}

impl Rafiki {
    /// Returns the name of the environment variable.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::Same(variable)
            | Self::Port(variable)
            | Self::LogLevel(variable)
            | Self::Switch(variable) => variable,
        }
    }
}

/// Returns a key without a default, which only jirani has.
pub(super) const fn key(name: &'static str, variable: &'static str, form: &'static str) -> Key {
    Key { name, variable, rafiki: None, default: None, form, is_secret: false, unset: "not set" }
}

impl Key {
    pub(super) const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    pub(super) const fn rafiki(mut self, rafiki: Rafiki) -> Self {
        self.rafiki = Some(rafiki);
        self
    }

    pub(super) const fn secret(mut self) -> Self {
        self.is_secret = true;
        self
    }

    pub(super) const fn unset(mut self, unset: &'static str) -> Self {
        self.unset = unset;
        self
    }
}

/// Returns whether the value of a name must never be shown. A mistyped name may be that of a secret.
pub(crate) fn is_secret(name: &str) -> bool {
    name.ends_with("secret") || find(name).is_some_and(|key| key.is_secret)
}

/// Returns the key of that dotted name.
pub(crate) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// Every key, table by table.
pub(crate) const KEYS: &[Key] = &joined::<{ count(TABLES) }>(TABLES);

const TABLES: &[&[Key]] = &[
    NodeConfig::KEYS,
    LogConfig::KEYS,
    IlpConfig::KEYS,
    AdminConfig::KEYS,
    PacketConfig::KEYS,
    PeerConfig::KEYS,
    IldcpConfig::KEYS,
    RatesConfig::KEYS,
    WebhookConfig::KEYS,
    RetentionConfig::KEYS,
    MetricsConfig::KEYS,
    TelemetryConfig::KEYS,
    WalletConfig::KEYS,
    AutoPeeringConfig::KEYS,
    ClusterConfig::KEYS,
];

const fn count(tables: &[&[Key]]) -> usize {
    let (mut count, mut table) = (0, 0);
    while table < tables.len() {
        count += tables[table].len();
        table += 1;
    }
    count
}

const fn joined<const COUNT: usize>(tables: &[&[Key]]) -> [Key; COUNT] {
    let mut all = [tables[0][0]; COUNT];
    let (mut count, mut table) = (0, 0);
    while table < tables.len() {
        let mut key = 0;
        while key < tables[table].len() {
            all[count] = tables[table][key];
            count += 1;
            key += 1;
        }
        table += 1;
    }
    all
}
