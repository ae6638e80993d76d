//! Every configuration key: its names, its default, and the form its value takes.

/// One key of the configuration file, and the environment variables that set it.
#[derive(Debug)]
pub(crate) struct Key {
    /// Dotted, as in the file: `ilp.listen` is `listen` in the table `[ilp]`.
    pub(crate) name: &'static str,
    /// The environment variable that overrides the file.
    pub(crate) variable: &'static str,
    /// What a Rafiki backend calls it, so that its environment file works here.
    pub(crate) rafiki: Option<Rafiki>,
    /// The default as one would write it; `None` is unset.
    pub(crate) default: Option<&'static str>,
    /// What a value looks like, for error messages.
    pub(crate) form: &'static str,
}

/// How a Rafiki variable's value becomes ours.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rafiki {
    /// A value with the same meaning here.
    Same(&'static str),
    /// A port alone, which takes the host from our default.
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

const fn key(
    name: &'static str,
    variable: &'static str,
    default: Option<&'static str>,
    form: &'static str,
) -> Key {
    Key { name, variable, rafiki: None, default, form }
}

impl Key {
    const fn rafiki(mut self, rafiki: Rafiki) -> Self {
        self.rafiki = Some(rafiki);
        self
    }
}

const ADDRESS: &str = "HOST:PORT with an IP address, such as 0.0.0.0:3002; port 0 picks a free one";
const URL: &str = "an http:// or https:// URL, such as https://ilp.example.com";
const PUBLIC_URL: &str =
    "an http:// or https:// URL without user name, such as https://ilp.example.com";
const MILLISECONDS: &str = "a whole number of milliseconds";
const COUNT: &str = "a whole number";
const AMOUNT: &str = "a whole number in the asset's smallest unit; 0 is no limit";
const AMOUNT_GIVEN: &str = "a whole number in the asset's smallest unit; 0 is nothing";
const TEXT: &str = "a text";

use Rafiki::{LogLevel, Port, Same, Switch};

/// The keys, in the order of the sample file.
pub(crate) const KEYS: &[Key] = &[
    key(
        "ilp_address",
        "JIRANI_ILP_ADDRESS",
        Some("test.jirani"),
        "an ILP address, such as g.mywallet",
    )
    .rafiki(Same("ILP_ADDRESS")),
    key("name", "JIRANI_NAME", Some("jirani"), TEXT).rafiki(Same("INSTANCE_NAME")),
    key("data_dir", "JIRANI_DATA_DIR", Some("./data"), "a folder"),
    key("log", "JIRANI_LOG", Some("info"), "error, warn, info, debug, trace, or a tracing filter")
        .rafiki(LogLevel("LOG_LEVEL")),
    key("log_format", "JIRANI_LOG_FORMAT", Some("text"), "text or json"),
    key("drain_ms_max", "JIRANI_DRAIN_MS_MAX", Some("35000"), MILLISECONDS),
    key("ilp.listen", "JIRANI_ILP_LISTEN", Some("0.0.0.0:3002"), ADDRESS)
        .rafiki(Port("CONNECTOR_PORT")),
    key("ilp.public_url", "JIRANI_ILP_PUBLIC_URL", None, PUBLIC_URL)
        .rafiki(Same("ILP_CONNECTOR_URL")),
    key(
        "ilp.threads",
        "JIRANI_ILP_THREADS",
        Some("0"),
        "a whole number up to 256; 0 picks by the machine's cores",
    ),
    key("ilp.connections_max", "JIRANI_ILP_CONNECTIONS_MAX", Some("12000"), COUNT),
    key("admin.listen", "JIRANI_ADMIN_LISTEN", Some("127.0.0.1:3001"), ADDRESS)
        .rafiki(Port("ADMIN_PORT")),
    key("admin.secret", "JIRANI_ADMIN_SECRET", None, "a text of 16 characters or more")
        .rafiki(Same("ADMIN_API_SECRET")),
    key("admin.tenant_id", "JIRANI_OPERATOR_TENANT_ID", None, "a UUID")
        .rafiki(Same("OPERATOR_TENANT_ID")),
    key(
        "admin.signature_ttl_s",
        "JIRANI_ADMIN_SIGNATURE_TTL_S",
        Some("30"),
        "a whole number of seconds",
    )
    .rafiki(Same("ADMIN_API_SIGNATURE_TTL_SECONDS")),
    key("packet.hold_ms_max", "JIRANI_PACKET_HOLD_MS_MAX", Some("30000"), MILLISECONDS),
    key("packet.expiry_margin_ms", "JIRANI_PACKET_EXPIRY_MARGIN_MS", Some("1000"), MILLISECONDS),
    key("packet.amount_max_default", "JIRANI_PACKET_AMOUNT_MAX_DEFAULT", Some("0"), AMOUNT),
    key("packet.in_flight_max", "JIRANI_PACKET_IN_FLIGHT_MAX", Some("65536"), COUNT),
    key(
        "peer.packets_per_minute_max",
        "JIRANI_PEER_PACKETS_PER_MINUTE_MAX",
        Some("60000"),
        "a whole number, or unlimited",
    ),
    key(
        "peer.packets_in_flight_max",
        "JIRANI_PEER_PACKETS_IN_FLIGHT_MAX",
        Some("4096"),
        "a whole number from 1 to 8192",
    ),
    key("peer.amount_in_flight_max", "JIRANI_PEER_AMOUNT_IN_FLIGHT_MAX", Some("0"), AMOUNT),
    key(
        "peer.asset_share_in_flight_percent_max",
        "JIRANI_PEER_ASSET_SHARE_IN_FLIGHT_PERCENT_MAX",
        Some("50"),
        "a whole number of percent from 0 to 100",
    ),
    key(
        "ildcp.parent_peer",
        "JIRANI_ILDCP_PARENT_PEER",
        None,
        "the id of a peer, or its ILP address such as g.parent",
    ),
    key("rates.url", "JIRANI_RATES_URL", None, URL).rafiki(Same("EXCHANGE_RATES_URL")),
    key(
        "rates.lifetime_ms",
        "JIRANI_RATES_LIFETIME_MS",
        Some("15000"),
        "a whole number of milliseconds from 300 to 86400000",
    )
    .rafiki(Same("EXCHANGE_RATES_LIFETIME")),
    key(
        "rates.fixed",
        "JIRANI_RATES_FIXED",
        None,
        "rates between two different asset codes such as USD/EUR=0.92, USD/MXN=17.3, each pair once",
    ),
    key("webhook.url", "JIRANI_WEBHOOK_URL", None, URL).rafiki(Same("WEBHOOK_URL")),
    key("webhook.secret", "JIRANI_WEBHOOK_SECRET", None, TEXT).rafiki(Same("SIGNATURE_SECRET")),
    key(
        "webhook.types",
        "JIRANI_WEBHOOK_TYPES",
        Some("rafiki"),
        "types of events such as peer.liquidity_low, divided by commas; rafiki for all that Rafiki \
         sends, all for every type",
    ),
    key(
        "webhook.timeout_ms",
        "JIRANI_WEBHOOK_TIMEOUT_MS",
        Some("2000"),
        "a whole number of milliseconds from 1 to 60000",
    )
    .rafiki(Same("WEBHOOK_TIMEOUT")),
    key(
        "webhook.attempts_max",
        "JIRANI_WEBHOOK_ATTEMPTS_MAX",
        Some("10"),
        "a whole number from 1 to 1000",
    )
    .rafiki(Same("WEBHOOK_MAX_RETRY")),
    key(
        "retention.event_days",
        "JIRANI_RETENTION_EVENT_DAYS",
        Some("30"),
        "a whole number of days from 1 to 3650",
    ),
    key(
        "retention.audit_days",
        "JIRANI_RETENTION_AUDIT_DAYS",
        Some("365"),
        "a whole number of days from 1 to 3650",
    ),
    key(
        "retention.journal_segments_min",
        "JIRANI_RETENTION_JOURNAL_SEGMENTS_MIN",
        Some("all"),
        "a whole number from 1 on, or all",
    ),
    key(
        "retention.payment_days",
        "JIRANI_RETENTION_PAYMENT_DAYS",
        Some("all"),
        "a whole number of days from 1 to 36500, or all",
    ),
    key(
        "metrics.peers_max",
        "JIRANI_METRICS_PEERS_MAX",
        Some("200"),
        "a whole number from 0 to 10000",
    ),
    key("metrics.secret", "JIRANI_METRICS_SECRET", None, "a text of 16 characters or more"),
    key("telemetry.otlp_url", "JIRANI_OTLP_URL", None, URL),
    key("wallet.listen", "JIRANI_WALLET_LISTEN", Some("0.0.0.0:3003"), ADDRESS)
        .rafiki(Port("OPEN_PAYMENTS_PORT")),
    key("wallet.public_url", "JIRANI_WALLET_PUBLIC_URL", None, PUBLIC_URL)
        .rafiki(Same("OPEN_PAYMENTS_URL")),
    key("wallet.private_receivers", "JIRANI_WALLET_PRIVATE_RECEIVERS", None, "true or false"),
    key(
        "stream_secret",
        "JIRANI_STREAM_SECRET",
        None,
        "32 bytes in base64, in either alphabet, or in hexadecimal digits",
    )
    .rafiki(Same("STREAM_SECRET")),
    key("auto_peering.enabled", "JIRANI_AUTO_PEERING", Some("false"), "true or false")
        .rafiki(Switch("ENABLE_AUTO_PEERING")),
    key("auto_peering.listen", "JIRANI_AUTO_PEERING_LISTEN", Some("0.0.0.0:3005"), ADDRESS)
        .rafiki(Port("AUTO_PEERING_SERVER_PORT")),
    key(
        "auto_peering.approval",
        "JIRANI_AUTO_PEERING_APPROVAL",
        Some("require"),
        "require or auto",
    ),
    key("auto_peering.liquidity", "JIRANI_AUTO_PEERING_LIQUIDITY", Some("0"), AMOUNT_GIVEN),
    key(
        "auto_peering.peers_max",
        "JIRANI_AUTO_PEERING_PEERS_MAX",
        Some("100"),
        "a whole number up to 10000",
    ),
    key(
        "auto_peering.private_endpoints",
        "JIRANI_AUTO_PEERING_PRIVATE_ENDPOINTS",
        Some("false"),
        "true or false",
    ),
];

/// Returns whether a key's value must never be shown. The URL of a service, or of a receiver of
/// what the node sends, often carries a token.
pub(crate) fn is_secret(name: &str) -> bool {
    name.ends_with("secret") || ["webhook.url", "rates.url", "telemetry.otlp_url"].contains(&name)
}

/// Returns the key of that dotted name.
pub(crate) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}
