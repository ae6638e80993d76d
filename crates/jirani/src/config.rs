//! The configuration: defaults, then the file, then the environment, checked before a port is
//! bound or a file is opened.

mod checks;
mod environment;
mod error;
mod keys;
mod listed;
mod readers;
mod secrets;
mod sections;
mod settings;
mod variables;

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read},
    net::SocketAddr,
    path::Path,
    sync::Arc,
};

use ilp_connector::{InFlightDefaults, Policy};
use ilp_http::web::Proxies;

pub(crate) use environment::environment;
pub(crate) use error::ConfigError;
use readers::peer_packets_ceiling;
pub(crate) use secrets::read_file as read_secret_file;
pub(crate) use sections::{
    AdminConfig, AutoPeeringConfig, ClusterConfig, IldcpConfig, IlpConfig, LogConfig,
    MetricsConfig, NodeConfig, PacketConfig, PeerConfig, RatesConfig, RetentionConfig,
    TelemetryConfig, WalletConfig, WebhookConfig,
};
use settings::Settings;

/// Every key, its default and a sentence about it: what `jirani init` writes.
pub(crate) const SAMPLE: &str = include_str!("../../../config/jirani.toml");

/// The places in which a configuration file is looked for when no option names one.
const DEFAULT_PATHS: [&str; 2] = ["./jirani.toml", "/etc/jirani/jirani.toml"];

/// The longest configuration file: the sample, with a sentence about each key, is a hundredth of it.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The configuration that the node runs with.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) node: NodeConfig,
    pub(crate) log: LogConfig,
    pub(crate) ilp: IlpConfig,
    pub(crate) admin: AdminConfig,
    pub(crate) packet: PacketConfig,
    pub(crate) peer: PeerConfig,
    pub(crate) ildcp: IldcpConfig,
    pub(crate) rates: RatesConfig,
    pub(crate) webhook: WebhookConfig,
    pub(crate) retention: RetentionConfig,
    pub(crate) metrics: MetricsConfig,
    pub(crate) telemetry: TelemetryConfig,
    pub(crate) wallet: WalletConfig,
    pub(crate) auto_peering: AutoPeeringConfig,
    pub(crate) cluster: ClusterConfig,
    /// The HTTP proxies of requests that carry no packet.
    pub(crate) proxies: Arc<Proxies>,
    /// Warnings about this configuration for the operator, logged once the log runs.
    pub(crate) warnings: Vec<String>,
    /// Every key as the operator's pages show it.
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

    /// Reads the proxies from the environment variables common to all programs.
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
            node: NodeConfig::read(settings)?,
            log: LogConfig::read(settings)?,
            ilp: IlpConfig::read(settings)?,
            admin: AdminConfig::read(settings)?,
            packet: PacketConfig::read(settings)?,
            peer: PeerConfig::read(settings)?,
            ildcp: IldcpConfig::read(settings)?,
            rates: RatesConfig::read(settings)?,
            webhook: WebhookConfig::read(settings)?,
            retention: RetentionConfig::read(settings)?,
            metrics: MetricsConfig::read(settings)?,
            telemetry: TelemetryConfig::read(settings)?,
            wallet: WalletConfig::read(settings)?,
            auto_peering: AutoPeeringConfig::read(settings)?,
            cluster: ClusterConfig::read(settings)?,
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

    /// Returns the limits that the connector holds packets to.
    pub(crate) fn policy(&self) -> Policy {
        Policy {
            amount_max_default: self.packet.amount_max_default,
            packets_per_minute_max_default: self.peer.packets_per_minute_max,
            in_flight_default: InFlightDefaults {
                packets_max: self.peer.packets_in_flight_max,
                packets_ceiling: peer_packets_ceiling(),
                amount_max: self.peer.amount_in_flight_max,
                asset_share_percent_max: self.peer.asset_share_in_flight_percent_max,
            },
            expiry_margin_ms: self.packet.expiry_margin_ms,
            hold_ms_max: self.packet.hold_ms_max,
        }
    }
}

impl AutoPeeringConfig {
    /// Returns the address at which nodes ask to become peers; `None` when auto-peering is
    /// disabled.
    pub(crate) fn enabled_listen(&self) -> Option<SocketAddr> {
        self.is_enabled.then_some(self.listen)
    }
}

/// Reads a file of bounded length: it may be something else, such as a device that never ends.
fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        let why = format!("it has more than {FILE_BYTES_MAX} bytes, which no configuration has");
        return Err(io::Error::other(why));
    }
    Ok(text)
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

#[cfg(test)]
mod tests;
