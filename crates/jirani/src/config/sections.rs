//! The tables of the configuration. Each field states its type, how its value is read, and its key: the
//! name in the file, the environment variable, the form of a value, the default and what a Rafiki
//! backend calls it. A new key is one entry here, beside its lines in `config/jirani.toml` and its use.

use std::{net::SocketAddr, path::PathBuf};

use ilp_connector::{rate::Rate, token::Secret};
use ilp_http::spsp::PrivateReceivers;
use ilp_net::ServiceUrl;
use ilp_operator::SentEvents;
use ilp_stream::SharedSecret;
use interledger_packet::Address;
use uuid::Uuid;

use super::{
    ConfigError,
    keys::{
        Key,
        Rafiki::{LogLevel, Port, Same},
        key,
    },
    readers::{
        DURATION_MS_MAX, duration_ms, field, fixed_rates_or_none, is_json, limit, log_filter,
        number_or_unlimited, optional, parent_peer, parsed, peer_packets_ceiling,
        private_receivers, public_url, required, secret, service_url, within, within_or_all,
    },
    secrets::{admin_secret, own_secret, stream_secret},
    settings::Settings,
};

const ADDRESS: &str = "HOST:PORT with an IP address, such as 0.0.0.0:3002; port 0 picks a free one";
const URL: &str = "an http:// or https:// URL, such as https://ilp.example.com";
const PUBLIC_URL: &str =
    "an http:// or https:// URL without user name, such as https://ilp.example.com";
const MILLISECONDS: &str = "a whole number of milliseconds";
const SECONDS: &str = "a whole number of seconds";
const COUNT: &str = "a whole number";
const AMOUNT: &str = "a whole number in the asset's smallest unit; 0 is no limit";
const TEXT: &str = "a text";
const FLAG: &str = "true or false";

/// Makes the struct of a table, the list of its keys, and the function that reads it.
macro_rules! section {
    ($(#[$about:meta])* pub(crate) struct $name:ident {
        $($(#[$note:meta])* $field:ident: $type:ty = $read:expr, $key:expr;)*
    }) => {
        $(#[$about])*
        #[derive(Debug)]
        pub(crate) struct $name {
            $($(#[$note])* pub(crate) $field: $type,)*
        }

        impl $name {
            /// The keys of the table, in the order of the fields.
            pub(in crate::config) const KEYS: &[Key] = &[$($key),*];

            /// Reads the table's values.
            pub(in crate::config) fn read(settings: &Settings) -> Result<Self, ConfigError> {
                Ok(Self {
                    $($field: {
                        const KEY: Key = $key;
                        field($read, settings, KEY.name)?
                    },)*
                })
            }
        }
    };
}

mod auto_peering;
mod cluster;

pub(crate) use self::{auto_peering::AutoPeeringConfig, cluster::ClusterConfig};

section! {
    /// The keys outside of all tables.
    pub(crate) struct NodeConfig {
        ilp_address: Address = required(|text| Address::try_from(text).ok()),
            key("ilp_address", "JIRANI_ILP_ADDRESS", "an ILP address, such as g.mywallet")
                .default("test.jirani")
                .rafiki(Same("ILP_ADDRESS"));
        name: String = parsed(),
            key("name", "JIRANI_NAME", TEXT).default("jirani").rafiki(Same("INSTANCE_NAME"));
        data_dir: PathBuf = parsed(),
            key("data_dir", "JIRANI_DATA_DIR", "a folder").default("./data");
        drain_ms_max: u64 = required(duration_ms),
            key("drain_ms_max", "JIRANI_DRAIN_MS_MAX", MILLISECONDS).default("35000");
        /// The secret of payment addresses; `None` for one that the node makes itself.
        stream_secret: Option<SharedSecret> = optional(stream_secret),
            key(
                "stream_secret",
                "JIRANI_STREAM_SECRET",
                "32 bytes in base64, in either alphabet, or in hexadecimal digits",
            )
                .rafiki(Same("STREAM_SECRET"))
                .secret()
                .unset("made at the first start and kept");
    }
}

section! {
    /// The contents of the log, and its format.
    pub(crate) struct LogConfig {
        filter: String = required(log_filter),
            key("log", "JIRANI_LOG", "error, warn, info, debug, trace, or a tracing filter")
                .default("info")
                .rafiki(LogLevel("LOG_LEVEL"));
        json: bool = required(is_json),
            key("log_format", "JIRANI_LOG_FORMAT", "text or json").default("text");
    }
}

section! {
    /// The port for peers' packets.
    pub(crate) struct IlpConfig {
        listen: SocketAddr = parsed(),
            key("ilp.listen", "JIRANI_ILP_LISTEN", ADDRESS)
                .default("0.0.0.0:3002")
                .rafiki(Port("CONNECTOR_PORT"));
        public_url: Option<String> = optional(public_url),
            key("ilp.public_url", "JIRANI_ILP_PUBLIC_URL", PUBLIC_URL)
                .rafiki(Same("ILP_CONNECTOR_URL"))
                .unset("derived from ilp.listen");
        threads: usize = required(|text| within(text, 0..=256)),
            key(
                "ilp.threads",
                "JIRANI_ILP_THREADS",
                "a whole number up to 256; 0 picks by the machine's cores",
            )
                .default("0");
        connections_max: usize = required(|text| within(text, 1..=1_000_000)),
            key("ilp.connections_max", "JIRANI_ILP_CONNECTIONS_MAX", COUNT).default("12000");
    }
}

section! {
    /// The port for the operator.
    pub(crate) struct AdminConfig {
        listen: SocketAddr = parsed(),
            key("admin.listen", "JIRANI_ADMIN_LISTEN", ADDRESS)
                .default("127.0.0.1:3001")
                .rafiki(Port("ADMIN_PORT"));
        secret: Option<Secret> = own_secret,
            key("admin.secret", "JIRANI_ADMIN_SECRET", "a text of 16 characters or more")
                .rafiki(Same("ADMIN_API_SECRET"))
                .secret()
                .unset("not set: open to this machine alone");
        tenant_id: Option<Uuid> = optional(|text| text.parse().ok()),
            key("admin.tenant_id", "JIRANI_OPERATOR_TENANT_ID", "a UUID")
                .rafiki(Same("OPERATOR_TENANT_ID"))
                .unset("made at the first start and kept");
        signature_ttl_s: u64 = required(|text| within(text, 1..=3_600)),
            key("admin.signature_ttl_s", "JIRANI_ADMIN_SIGNATURE_TTL_S", SECONDS)
                .default("30")
                .rafiki(Same("ADMIN_API_SIGNATURE_TTL_SECONDS"));
    }
}

section! {
    /// The limits of packets of all peers together, and of each packet.
    pub(crate) struct PacketConfig {
        hold_ms_max: u64 = required(duration_ms),
            key("packet.hold_ms_max", "JIRANI_PACKET_HOLD_MS_MAX", MILLISECONDS).default("30000");
        expiry_margin_ms: u64 = required(duration_ms),
            key("packet.expiry_margin_ms", "JIRANI_PACKET_EXPIRY_MARGIN_MS", MILLISECONDS)
                .default("1000");
        amount_max_default: Option<u64> = required(limit),
            key("packet.amount_max_default", "JIRANI_PACKET_AMOUNT_MAX_DEFAULT", AMOUNT)
                .default("0");
        in_flight_max: usize = required(|text| within(text, 1..=10_000_000)),
            key("packet.in_flight_max", "JIRANI_PACKET_IN_FLIGHT_MAX", COUNT).default("65536");
    }
}

section! {
    /// The limits of a peer without limits of its own.
    pub(crate) struct PeerConfig {
        packets_per_minute_max: Option<u64> = required(number_or_unlimited),
            key(
                "peer.packets_per_minute_max",
                "JIRANI_PEER_PACKETS_PER_MINUTE_MAX",
                "a whole number, or unlimited",
            )
                .default("60000");
        packets_in_flight_max: u64 = required(|text| within(text, 1..=peer_packets_ceiling())),
            key(
                "peer.packets_in_flight_max",
                "JIRANI_PEER_PACKETS_IN_FLIGHT_MAX",
                "a whole number from 1 to 8192",
            )
                .default("4096");
        amount_in_flight_max: Option<u64> = required(limit),
            key("peer.amount_in_flight_max", "JIRANI_PEER_AMOUNT_IN_FLIGHT_MAX", AMOUNT)
                .default("0");
        asset_share_in_flight_percent_max: u8 = required(|text| within(text, 0..=100)),
            key(
                "peer.asset_share_in_flight_percent_max",
                "JIRANI_PEER_ASSET_SHARE_IN_FLIGHT_PERCENT_MAX",
                "a whole number of percent from 0 to 100",
            )
                .default("50");
    }
}

section! {
    /// The source of the node's own address, unless it is configured.
    pub(crate) struct IldcpConfig {
        /// The peer that is asked at the start: its id or its ILP address.
        parent_peer: Option<String> = parent_peer,
            key(
                "ildcp.parent_peer",
                "JIRANI_ILDCP_PARENT_PEER",
                "the id of a peer, or its ILP address such as g.parent",
            )
                .unset("no peer is asked");
    }
}

section! {
    /// The sources of exchange rates, beside those that the operator sets.
    pub(crate) struct RatesConfig {
        /// The rates service. Its URL may carry a token, so it is never shown.
        url: Option<ServiceUrl> = optional(service_url),
            key("rates.url", "JIRANI_RATES_URL", URL)
                .rafiki(Same("EXCHANGE_RATES_URL"))
                .secret()
                .unset("no service is asked");
        /// The time for which the service's rates are used.
        lifetime_ms: u64 = required(|text| within(text, 300..=DURATION_MS_MAX)),
            key(
                "rates.lifetime_ms",
                "JIRANI_RATES_LIFETIME_MS",
                "a whole number of milliseconds from 300 to 86400000",
            )
                .default("15000")
                .rafiki(Same("EXCHANGE_RATES_LIFETIME"));
        /// Base, quote and rate, for pairs that neither the operator nor the service gives a rate for.
        fixed: Vec<(String, String, Rate)> = fixed_rates_or_none,
            key(
                "rates.fixed",
                "JIRANI_RATES_FIXED",
                "rates between two different asset codes such as USD/EUR=0.92, USD/MXN=17.3, \
                 each pair once",
            )
                .unset("none");
    }
}

section! {
    /// The receiver of events. Without a URL, events are kept and listed, and not sent.
    pub(crate) struct WebhookConfig {
        /// The receiver's URL, which may carry a token, so it is never shown.
        url: Option<ServiceUrl> = optional(service_url),
            key("webhook.url", "JIRANI_WEBHOOK_URL", URL)
                .rafiki(Same("WEBHOOK_URL"))
                .secret()
                .unset("events are kept and not sent");
        secret: Option<Secret> = optional(secret),
            key("webhook.secret", "JIRANI_WEBHOOK_SECRET", TEXT)
                .rafiki(Same("SIGNATURE_SECRET"))
                .secret()
                .unset("events are not signed");
        types: SentEvents = required(SentEvents::parse),
            key(
                "webhook.types",
                "JIRANI_WEBHOOK_TYPES",
                "types of events such as peer.liquidity_low, divided by commas; rafiki for all \
                 that Rafiki sends, all for every type",
            )
                .default("rafiki");
        timeout_ms: u64 = required(|text| within(text, 1..=60_000)),
            key(
                "webhook.timeout_ms",
                "JIRANI_WEBHOOK_TIMEOUT_MS",
                "a whole number of milliseconds from 1 to 60000",
            )
                .default("2000")
                .rafiki(Same("WEBHOOK_TIMEOUT"));
        attempts_max: u32 = required(|text| within(text, 1..=1_000)),
            key(
                "webhook.attempts_max",
                "JIRANI_WEBHOOK_ATTEMPTS_MAX",
                "a whole number from 1 to 1000",
            )
                .default("10")
                .rafiki(Same("WEBHOOK_MAX_RETRY"));
    }
}

section! {
    /// The retention of records that are not needed any more.
    pub(crate) struct RetentionConfig {
        /// The days for which events are kept, whether they were delivered or not.
        event_days: u64 = required(|text| within(text, 1..=3_650)),
            key(
                "retention.event_days",
                "JIRANI_RETENTION_EVENT_DAYS",
                "a whole number of days from 1 to 3650",
            )
                .default("30");
        /// The days for which the audit log is kept.
        audit_days: u64 = required(|text| within(text, 1..=3_650)),
            key(
                "retention.audit_days",
                "JIRANI_RETENTION_AUDIT_DAYS",
                "a whole number of days from 1 to 3650",
            )
                .default("365");
        /// Segments of the journal; `None` keeps all.
        journal_segments_min: Option<u64> = required(|text| within_or_all(text, 1..=u64::MAX)),
            key(
                "retention.journal_segments_min",
                "JIRANI_RETENTION_JOURNAL_SEGMENTS_MIN",
                "a whole number from 1 on, or all",
            )
                .default("all");
        /// The days for which ended payments without money are kept; `None` keeps all.
        payment_days: Option<u64> = required(|text| within_or_all(text, 1..=36_500)),
            key(
                "retention.payment_days",
                "JIRANI_RETENTION_PAYMENT_DAYS",
                "a whole number of days from 1 to 36500, or all",
            )
                .default("all");
    }
}

section! {
    /// The metrics for monitoring.
    pub(crate) struct MetricsConfig {
        /// The number of peers with metrics of their own.
        peers_max: usize = required(|text| within(text, 0..=10_000)),
            key("metrics.peers_max", "JIRANI_METRICS_PEERS_MAX", "a whole number from 0 to 10000")
                .default("200");
        /// The secret that gives access to the metrics alone.
        secret: Option<Secret> = optional(admin_secret),
            key("metrics.secret", "JIRANI_METRICS_SECRET", "a text of 16 characters or more")
                .secret();
    }
}

section! {
    /// The receiver of packets' spans.
    pub(crate) struct TelemetryConfig {
        /// The collector. Its URL may carry a token, so it is never shown.
        otlp_url: Option<ServiceUrl> = optional(service_url),
            key("telemetry.otlp_url", "JIRANI_OTLP_URL", URL)
                .secret()
                .unset("nothing is sent anywhere");
    }
}

section! {
    /// The port at which payers learn how to pay wallet addresses.
    pub(crate) struct WalletConfig {
        listen: SocketAddr = parsed(),
            key("wallet.listen", "JIRANI_WALLET_LISTEN", ADDRESS)
                .default("0.0.0.0:3003")
                .rafiki(Port("OPEN_PAYMENTS_PORT"));
        public_url: Option<String> = optional(public_url),
            key("wallet.public_url", "JIRANI_WALLET_PUBLIC_URL", PUBLIC_URL)
                .rafiki(Same("OPEN_PAYMENTS_URL"))
                .unset("derived from wallet.listen");
        /// Whether quotes may ask receivers on this machine and in private networks.
        private_receivers: PrivateReceivers = private_receivers,
            key("wallet.private_receivers", "JIRANI_WALLET_PRIVATE_RECEIVERS", FLAG)
                .unset("false once a public URL is set; until then failures look alike");
    }
}
