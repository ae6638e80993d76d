//! Errors of a configuration.

use std::net::SocketAddr;

/// The reason why a node can't start with this configuration. Each message says what would be
/// right.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("configuration file {path}: {reason}")]
    Unreadable { path: String, reason: String },
    #[error("unknown configuration key {key} (from {origin}); did you mean {suggestion}?")]
    Unknown { key: String, origin: String, suggestion: &'static str },
    #[error(
        "unknown configuration section [{section}] (from {origin}); did you mean [{suggestion}]?"
    )]
    UnknownSection { section: String, origin: String, suggestion: &'static str },
    #[error("configuration key {key} = {value} (from {origin}): expected {form}")]
    Value { key: String, value: String, origin: String, form: String },
    #[error("the environment variable {name} is not UTF-8 text")]
    NoText { name: String },
    #[error("the secret in {path}, which the environment variable {variable} names: {reason}")]
    SecretFile { variable: String, path: String, reason: String },
    #[error("the environment variables {variable} and {file} are both set: remove one of them")]
    TwoSecrets { variable: &'static str, file: String },
    #[error("configuration key {key} is not set: expected {form}")]
    Missing { key: String, form: String },
    #[error(
        "configuration key admin.secret is not set while admin.listen = {listen} can be reached \
         from other machines: set a secret of 16 characters or more, or listen on 127.0.0.1"
    )]
    OpenAdmin { listen: SocketAddr },
    #[error(
        "configuration key admin.secret (from {origin}) has fewer than {characters_min} characters \
         while admin.listen = {listen} can be reached from other machines: set a longer one, or \
         listen on 127.0.0.1"
    )]
    ShortSecret { origin: String, characters_min: usize, listen: SocketAddr },
    #[error(
        "configuration key ilp_address = {given}: the books in {data_dir} are those of {kept}; set that \
         address or another data_dir or, where the node is to have a new address, start it once with \
         --new-ilp-address: peers send to the address that they know"
    )]
    OtherAddress { given: String, kept: String, data_dir: String },
    #[error(
        "configuration keys cluster.lease_ms = {lease_ms} and cluster.beat_ms = {beat_ms}: another node \
         would take over after a single late sign of life; set a lease of at least twice the beat"
    )]
    ShortLease { lease_ms: u64, beat_ms: u64 },
    #[error(
        "configuration key packet.expiry_margin_ms = {margin_ms} (from {origin}) is not below \
         packet.hold_ms_max = {hold_ms_max}: no packet would have time for its next hop, and all \
         would be refused; set a smaller margin, or hold packets for longer"
    )]
    NoTimeToForward { margin_ms: u64, hold_ms_max: u64, origin: String },
    #[error(
        "configuration key telemetry.otlp_url is set, and this jirani was built without OTLP: build \
         it with `cargo build --release --features otlp`, or leave the key out"
    )]
    NoOtlp,
}
