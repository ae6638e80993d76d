//! Readers of values: each takes a text and returns its value, or `None` for a text of another
//! form.

use ilp_connector::{rate::Rate, token::Secret};
use ilp_http::spsp::PrivateReceivers;
use ilp_net::{Endpoint, ServiceUrl};
use ilp_store_postgres::SyncRule;
use interledger_packet::Address;
use uuid::Uuid;

use super::{ConfigError, settings::Settings};

/// Upper bound of every duration in the configuration: a day. A longer one is a slip of the unit.
pub(super) const DURATION_MS_MAX: u64 = 24 * 60 * 60 * 1_000;

/// Reads the field of a table by its key's name.
pub(super) fn field<T>(
    read: impl FnOnce(&Settings, &'static str) -> Result<T, ConfigError>,
    settings: &Settings,
    name: &'static str,
) -> Result<T, ConfigError> {
    read(settings, name)
}

/// Returns the reader of a key that has a default.
pub(super) fn required<T>(
    parse: impl FnOnce(&str) -> Option<T>,
) -> impl FnOnce(&Settings, &'static str) -> Result<T, ConfigError> {
    |settings, name| settings.required(name, parse)
}

/// Returns the reader of a key that may be unset.
pub(super) fn optional<T>(
    parse: impl FnOnce(&str) -> Option<T>,
) -> impl FnOnce(&Settings, &'static str) -> Result<Option<T>, ConfigError> {
    |settings, name| settings.get(name, parse)
}

/// Returns the reader of a key that has a default and a type which reads itself.
pub(super) fn parsed<T: std::str::FromStr>()
-> impl FnOnce(&Settings, &'static str) -> Result<T, ConfigError> {
    |settings, name| settings.parsed(name)
}

pub(super) fn is_json(text: &str) -> Option<bool> {
    match text {
        "text" => Some(false),
        "json" => Some(true),
        _ => None,
    }
}

pub(super) fn is_automatic(text: &str) -> Option<bool> {
    match text {
        "auto" => Some(true),
        "require" => Some(false),
        _ => None,
    }
}

pub(super) fn sync_rule(text: &str) -> Option<SyncRule> {
    match text {
        "required" => Some(SyncRule::Required),
        "accepted" => Some(SyncRule::Accepted),
        _ => None,
    }
}

pub(super) fn secret(text: &str) -> Option<Secret> {
    Some(Secret::new(text.to_owned()))
}

pub(super) fn service_url(text: &str) -> Option<ServiceUrl> {
    ServiceUrl::parse(text).ok()
}

/// Reads an amount; zero means no limit.
pub(super) fn limit(text: &str) -> Option<Option<u64>> {
    text.parse().ok().map(|amount: u64| Some(amount).filter(|amount| *amount > 0))
}

pub(super) fn number_or_unlimited(text: &str) -> Option<Option<u64>> {
    match text {
        "unlimited" => Some(None),
        number => number.parse().ok().map(Some),
    }
}

pub(super) fn within_or_all(
    text: &str,
    range: std::ops::RangeInclusive<u64>,
) -> Option<Option<u64>> {
    match text {
        "all" => Some(None),
        number => within(number, range).map(Some),
    }
}

/// Returns the largest limit of one peer's packets in flight: half of what the server takes from
/// all peers, so that packets which one peer sends to silent next hops leave room for the others.
pub(super) fn peer_packets_ceiling() -> u64 {
    ilp_http::Limits::default().requests_max as u64 / 2
}

/// Reads a log filter in which every part is a level, or a level for a target. The library would
/// take any other word for the name of a target, and log nothing else.
pub(super) fn log_filter(text: &str) -> Option<String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let is_level = |part: &str| LEVELS.iter().any(|level| part.trim().eq_ignore_ascii_case(level));
    let is_known = |part: &str| is_level(part) || part.contains('=');
    let filter = text.parse::<tracing_subscriber::EnvFilter>();
    (filter.is_ok() && text.split(',').all(is_known)).then(|| text.to_owned())
}

pub(super) fn duration_ms(text: &str) -> Option<u64> {
    within(text, 0..=DURATION_MS_MAX)
}

pub(super) fn within<T: std::str::FromStr + PartialOrd>(
    text: &str,
    range: std::ops::RangeInclusive<T>,
) -> Option<T> {
    text.parse().ok().filter(|value| range.contains(value))
}

/// Returns the URL that other nodes use for this one, as written. It has a scheme, which some nodes
/// require, and can be reached from outside.
pub(super) fn public_url(text: &str) -> Option<String> {
    (ServiceUrl::parse(text).is_ok() && Endpoint::parse(text).is_ok()).then(|| text.to_owned())
}

/// Returns whether private receivers are allowed. A node that is reached from outside makes quotes
/// for outside users, who name the receivers.
pub(super) fn private_receivers(
    settings: &Settings,
    name: &'static str,
) -> Result<PrivateReceivers, ConfigError> {
    let given = settings.get(name, |text: &str| text.parse::<bool>().ok())?;
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

/// Returns the parent to ask for an address, unless the operator configures the address.
pub(super) fn parent_peer(
    settings: &Settings,
    name: &'static str,
) -> Result<Option<String>, ConfigError> {
    let parent = settings.get(name, |text| {
        let is_peer = text.parse::<Uuid>().is_ok() || Address::try_from(text).is_ok();
        is_peer.then(|| text.to_owned())
    })?;
    Ok(parent.filter(|_| settings.is_default("ilp_address")))
}

pub(super) fn fixed_rates_or_none(
    settings: &Settings,
    name: &'static str,
) -> Result<Vec<(String, String, Rate)>, ConfigError> {
    Ok(settings.get(name, fixed_rates)?.unwrap_or_default())
}

/// Reads rates of the form `USD/EUR=0.92, USD/MXN=17.3`.
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
