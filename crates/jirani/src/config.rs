//! The configuration: defaults, then the file, then the environment, checked before a port is
//! bound or a file is opened.

mod checks;
mod environment;
mod error;
mod keys;
mod listed;
mod secrets;
mod sections;
mod settings;
mod variables;

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use ilp_connector::{InFlightDefaults, Policy, rate::Rate, token::Secret};
use ilp_http::{spsp::PrivateReceivers, web::Proxies};
use ilp_net::{Endpoint, ServiceUrl};
use ilp_operator::SentEvents;
use ilp_stream::SharedSecret;
use interledger_packet::Address;
use uuid::Uuid;

pub(crate) use environment::environment;
pub(crate) use error::ConfigError;
pub(crate) use secrets::read_file as read_secret_file;
use secrets::{admin_secret, own_secret, stream_secret};
pub(crate) use sections::{
    AdminConfig, AutoPeeringConfig, IlpConfig, LogConfig, MetricsConfig, RatesConfig,
    RetentionConfig, WalletConfig, WebhookConfig,
};
use settings::Settings;

/// Every key, its default and a sentence about it: what `jirani init` writes.
pub(crate) const SAMPLE: &str = include_str!("../../../config/jirani.toml");

/// Where a configuration file is looked for when none is named.
const DEFAULT_PATHS: [&str; 2] = ["./jirani.toml", "/etc/jirani/jirani.toml"];

/// The longest configuration file: the sample, with a sentence about each key, is a hundredth of it.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Upper bound of every duration in the configuration: a day. A longer one is a slip of the unit.
const DURATION_MS_MAX: u64 = 24 * 60 * 60 * 1_000;

/// What the node runs with.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) ilp_address: Address,
    pub(crate) name: String,
    pub(crate) data_dir: PathBuf,
    pub(crate) log: LogConfig,
    pub(crate) drain_ms_max: u64,
    pub(crate) ilp: IlpConfig,
    pub(crate) admin: AdminConfig,
    pub(crate) wallet: WalletConfig,
    /// What payment addresses are derived from; `None` for one that the node makes for itself.
    pub(crate) stream_secret: Option<SharedSecret>,
    pub(crate) policy: Policy,
    pub(crate) in_flight_max: usize,
    /// The peer that is asked for this node's address at the start; the id or the ILP address.
    pub(crate) parent_peer: Option<String>,
    pub(crate) rates: RatesConfig,
    pub(crate) webhook: WebhookConfig,
    pub(crate) auto_peering: AutoPeeringConfig,
    pub(crate) retention: RetentionConfig,
    pub(crate) metrics: MetricsConfig,
    /// Where spans are sent; nowhere when unset. May carry a token, so it is never shown.
    pub(crate) otlp_url: Option<ServiceUrl>,
    /// The HTTP proxies of requests that carry no packet.
    pub(crate) proxies: Arc<Proxies>,
    /// What the operator should know about this configuration, said once the log is up.
    pub(crate) warnings: Vec<String>,
    /// Every key as the operator may see it.
    pub(crate) listed: Vec<ilp_pages::Setting>,
}

impl Config {
    /// Reads the configuration: `path` if one is given, else the first of the default places that
    /// exists, under the environment.
    pub(crate) fn load(
        path: Option<&Path>,
        environment: &HashMap<String, String>,
    ) -> Result<Self, ConfigError> {
        let mut settings = Settings::defaults();
        let found = DEFAULT_PATHS.iter().map(Path::new).find(|path| path.exists());
        if let Some(path) = path.or(found) {
            let text = read(path).map_err(|error| ConfigError::Unreadable {
                path: path.display().to_string(),
                reason: error.to_string(),
            })?;
            settings.add_file(path, &text)?;
        }
        settings.add_environment(environment)?;
        let mut config = Self::from_settings(&settings)?;
        config.take_proxies(environment);
        Ok(config)
    }

    /// Reads the proxies that the environment names, by the variables common to all programs.
    fn take_proxies(&mut self, environment: &HashMap<String, String>) {
        let (proxies, not_understood) =
            Proxies::from_variables(|name| environment.get(name).cloned());
        self.proxies = Arc::new(proxies);
        self.warnings.extend(not_understood.into_iter().map(|name| {
            format!("{name} is not the URL of an HTTP proxy, such as http://proxy:3128: not used")
        }));
    }

    fn from_settings(settings: &Settings) -> Result<Self, ConfigError> {
        let mut config = Self {
            ilp_address: settings.required("ilp_address", |text| Address::try_from(text).ok())?,
            name: settings.parsed("name")?,
            data_dir: settings.parsed("data_dir")?,
            log: log(settings)?,
            drain_ms_max: settings.required("drain_ms_max", duration_ms)?,
            ilp: IlpConfig {
                listen: settings.parsed("ilp.listen")?,
                public_url: settings.get("ilp.public_url", public_url)?,
                threads: settings.required("ilp.threads", |text| within(text, 0..=256))?,
                connections_max: settings
                    .required("ilp.connections_max", |text| within(text, 1..=1_000_000))?,
            },
            admin: AdminConfig {
                listen: settings.parsed("admin.listen")?,
                secret: own_secret(settings)?,
                tenant_id: settings.get("admin.tenant_id", |text| text.parse().ok())?,
                signature_ttl_s: settings
                    .required("admin.signature_ttl_s", |text| within(text, 1..=3_600))?,
            },
            wallet: WalletConfig {
                listen: settings.parsed("wallet.listen")?,
                public_url: settings.get("wallet.public_url", public_url)?,
                private_receivers: private_receivers(settings)?,
            },
            stream_secret: settings.get("stream_secret", stream_secret)?,
            policy: policy(settings)?,
            in_flight_max: settings
                .required("packet.in_flight_max", |text| within(text, 1..=10_000_000))?,
            parent_peer: parent_peer(settings)?,
            rates: rates(settings)?,
            webhook: webhook(settings)?,
            auto_peering: auto_peering(settings)?,
            retention: retention(settings)?,
            metrics: metrics(settings)?,
            otlp_url: settings.get("telemetry.otlp_url", |text| ServiceUrl::parse(text).ok())?,
            proxies: Arc::default(),
            warnings: warnings(settings),
            listed: settings.listed(),
        };
        config.warn_together();
        config.check_times(settings)?;
        config.check_together()?;
        config.check_secret(settings)?;
        Ok(config)
    }
}

/// A file that may be no configuration at all, such as a device that never ends.
fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        let why = format!("it has more than {FILE_BYTES_MAX} bytes, which no configuration has");
        return Err(io::Error::other(why));
    }
    Ok(text)
}

fn log(settings: &Settings) -> Result<LogConfig, ConfigError> {
    Ok(LogConfig {
        filter: settings.required("log", log_filter)?,
        json: settings.required("log_format", |text| match text {
            "text" => Some(false),
            "json" => Some(true),
            _ => None,
        })?,
    })
}

fn webhook(settings: &Settings) -> Result<WebhookConfig, ConfigError> {
    Ok(WebhookConfig {
        url: settings.get("webhook.url", |text| ServiceUrl::parse(text).ok())?,
        secret: settings.get("webhook.secret", |text| Some(Secret::new(text.to_owned())))?,
        types: settings.required("webhook.types", SentEvents::parse)?,
        timeout_ms: settings.required("webhook.timeout_ms", |text| within(text, 1..=60_000))?,
        attempts_max: settings.required("webhook.attempts_max", |text| within(text, 1..=1_000))?,
    })
}

fn retention(settings: &Settings) -> Result<RetentionConfig, ConfigError> {
    Ok(RetentionConfig {
        event_days: settings.required("retention.event_days", |text| within(text, 1..=3_650))?,
        audit_days: settings.required("retention.audit_days", |text| within(text, 1..=3_650))?,
        journal_segments_min: settings.required(
            "retention.journal_segments_min",
            |text| match text {
                "all" => Some(None),
                number => within(number, 1..=u64::MAX).map(Some),
            },
        )?,
        payment_days: settings.required("retention.payment_days", |text| match text {
            "all" => Some(None),
            number => within(number, 1..=36_500).map(Some),
        })?,
    })
}

fn metrics(settings: &Settings) -> Result<MetricsConfig, ConfigError> {
    Ok(MetricsConfig {
        peers_max: settings.required("metrics.peers_max", |text| within(text, 0..=10_000))?,
        secret: settings.get("metrics.secret", admin_secret)?,
    })
}

fn auto_peering(settings: &Settings) -> Result<AutoPeeringConfig, ConfigError> {
    let listen = settings.parsed("auto_peering.listen")?;
    let is_enabled: bool = settings.parsed("auto_peering.enabled")?;
    Ok(AutoPeeringConfig {
        listen: is_enabled.then_some(listen),
        is_automatic: settings.required("auto_peering.approval", |text| match text {
            "auto" => Some(true),
            "require" => Some(false),
            _ => None,
        })?,
        liquidity: settings.parsed("auto_peering.liquidity")?,
        peers_max: settings.required("auto_peering.peers_max", |text| within(text, 0..=10_000))?,
        private_endpoints: settings.parsed("auto_peering.private_endpoints")?,
    })
}

fn policy(settings: &Settings) -> Result<Policy, ConfigError> {
    let amount_max: u64 = settings.parsed("packet.amount_max_default")?;
    Ok(Policy {
        amount_max_default: (amount_max > 0).then_some(amount_max),
        packets_per_minute_max_default: settings.required(
            "peer.packets_per_minute_max",
            |text| match text {
                "unlimited" => Some(None),
                number => number.parse().ok().map(Some),
            },
        )?,
        in_flight_default: in_flight(settings)?,
        expiry_margin_ms: settings.required("packet.expiry_margin_ms", duration_ms)?,
        hold_ms_max: settings.required("packet.hold_ms_max", duration_ms)?,
    })
}

/// No peer has more packets under way than half of what the server takes from all, so that what one
/// sends to next hops which stay silent leaves room for the others.
fn in_flight(settings: &Settings) -> Result<InFlightDefaults, ConfigError> {
    let packets_ceiling = ilp_http::Limits::default().requests_max as u64 / 2;
    let amount_max: u64 = settings.parsed("peer.amount_in_flight_max")?;
    Ok(InFlightDefaults {
        packets_max: settings
            .required("peer.packets_in_flight_max", |text| within(text, 1..=packets_ceiling))?,
        packets_ceiling,
        amount_max: (amount_max > 0).then_some(amount_max),
        asset_share_percent_max: settings
            .required("peer.asset_share_in_flight_percent_max", |text| within(text, 0..=100))?,
    })
}

fn rates(settings: &Settings) -> Result<RatesConfig, ConfigError> {
    Ok(RatesConfig {
        url: settings.get("rates.url", |text| ServiceUrl::parse(text).ok())?,
        lifetime_ms: settings
            .required("rates.lifetime_ms", |text| within(text, 300..=DURATION_MS_MAX))?,
        fixed: settings.get("rates.fixed", fixed_rates)?.unwrap_or_default(),
    })
}

/// Returns whether private receivers are allowed. A node that is reached from outside makes quotes
/// for outside users, who name the receivers.
fn private_receivers(settings: &Settings) -> Result<PrivateReceivers, ConfigError> {
    let given = settings.get("wallet.private_receivers", |text: &str| text.parse::<bool>().ok())?;
    let is_outside = |key| {
        let url = settings.value_of(key).and_then(|(url, _)| Endpoint::parse(url).ok());
        url.is_some_and(|url| url.host().is_of_the_internet())
    };
    Ok(match given {
        Some(true) => PrivateReceivers::Allowed,
        Some(false) => PrivateReceivers::Refused,
        None if is_outside("wallet.public_url") || is_outside("ilp.public_url") => {
            PrivateReceivers::Refused
        }
        None => PrivateReceivers::Unspecific,
    })
}

fn warnings(settings: &Settings) -> Vec<String> {
    let mut warnings = settings.warnings.clone();
    let has_parent = !settings.is_default("ildcp.parent_peer");
    let has_address = !settings.is_default("ilp_address");
    if has_parent && has_address {
        warnings.push("ildcp.parent_peer is not asked, since ilp_address is set".to_owned());
    }
    if !has_parent && !has_address {
        warnings.push(
            "ilp_address is not set: running as test.jirani, which no other network knows"
                .to_owned(),
        );
    }
    warnings
}

/// A filter whose every part is a level, or says a level for a target: the library would take any
/// other word for the name of a target, and log nothing else.
fn log_filter(text: &str) -> Option<String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let is_level = |part: &str| LEVELS.iter().any(|level| part.trim().eq_ignore_ascii_case(level));
    let is_known = |part: &str| is_level(part) || part.contains('=');
    let filter = text.parse::<tracing_subscriber::EnvFilter>();
    (filter.is_ok() && text.split(',').all(is_known)).then(|| text.to_owned())
}

fn duration_ms(text: &str) -> Option<u64> {
    within(text, 0..=DURATION_MS_MAX)
}

fn within<T: std::str::FromStr + PartialOrd>(
    text: &str,
    range: std::ops::RangeInclusive<T>,
) -> Option<T> {
    text.parse().ok().filter(|value| range.contains(value))
}

/// Returns the URL that other nodes are told, as it is written. It has a scheme, since some nodes
/// accept no other form, and is one that they can use.
fn public_url(text: &str) -> Option<String> {
    (ServiceUrl::parse(text).is_ok() && Endpoint::parse(text).is_ok()).then(|| text.to_owned())
}

/// A parent is asked only where the operator doesn't say what the address is.
fn parent_peer(settings: &Settings) -> Result<Option<String>, ConfigError> {
    let parent = settings.get("ildcp.parent_peer", |text| {
        let is_peer = text.parse::<Uuid>().is_ok() || Address::try_from(text).is_ok();
        is_peer.then(|| text.to_owned())
    })?;
    Ok(parent.filter(|_| settings.is_default("ilp_address")))
}

/// `USD/EUR=0.92, USD/MXN=17.3`
fn fixed_rates(text: &str) -> Option<Vec<(String, String, Rate)>> {
    let mut rates: Vec<(String, String, Rate)> = Vec::new();
    for entry in text.split(',') {
        let (pair, rate) = entry.split_once('=')?;
        let (base, quote) = pair.split_once('/')?;
        let (base, quote) = (base.trim(), quote.trim());
        let is_code =
            |code: &str| !code.is_empty() && code.chars().all(|sign| !sign.is_whitespace());
        let is_given = rates.iter().any(|(other, to, _)| other == base && to == quote);
        if !is_code(base) || !is_code(quote) || base == quote || is_given {
            return None;
        }
        rates.push((base.to_owned(), quote.to_owned(), rate.trim().parse().ok()?));
    }
    Some(rates)
}

#[cfg(test)]
mod tests;
