//! Exchange rates from the operator's rates service, asked for in the background and never by a
//! packet.
//!
//! The service answers `GET {url}?base=USD` with `{"base": "USD", "rates": {"EUR": 0.92}}`, as those
//! that serve Rafiki do. For each asset's code it is asked three times within a rate's lifetime. When
//! it fails, the last good rates stay in use until their lifetime ends, and it is asked again after
//! pauses that grow.

mod answer;

use std::{
    collections::{BTreeMap, BTreeSet},
    future::pending,
    sync::Arc,
    time::Duration,
};

use ilp_admin::operator::Operator;
use ilp_connector::{
    Connector,
    rates::{Quote, RateOrigin},
    token::Secret,
};
use ilp_store::DurableLedger;
use interledger_packet::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::{
    task::{JoinError, JoinSet},
    time::Instant,
};

use self::answer::Told;
use crate::{clock, config::RatesConfig, http_agent};

/// Requests under way at once, each of which may take a thread for as long as the service may take.
const PARALLEL_MAX: usize = 8;
/// How long the service may take to answer, however long the lifetime is.
const TIMEOUT_MAX: Duration = Duration::from_secs(5);
/// The pause after the first failure; it doubles with each further one.
const PAUSE_MIN: Duration = Duration::from_millis(250);
/// The longest pause, unless the lifetime asks for a longer one anyway.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Keeps the rates between all assets fresh.
pub(crate) struct RatesService {
    client: Client,
    lifetime: Duration,
    operator: Operator,
    connector: Arc<Connector<DurableLedger>>,
    /// What is known about each code that is asked for.
    bases: BTreeMap<String, Base>,
}

#[derive(Clone)]
struct Client {
    /// May carry a token, so it is never shown.
    url: Secret,
    agent: ureq::Agent,
}

struct Base {
    /// When the service is to be asked again; `None` while it is being asked.
    due: Option<Instant>,
    /// Whether it is being asked for less than is needed by now.
    is_outdated: bool,
    failures: u32,
    /// Codes to which the service tells no rate, once that is in the log.
    untold: BTreeSet<String>,
}

/// One question, answered or not.
struct Asked {
    base: String,
    at: Timestamp,
    answer: Result<Told, String>,
}

impl RatesService {
    /// The service that the configuration names, if it names one.
    pub(crate) fn new(
        config: &RatesConfig,
        operator: Operator,
        connector: Arc<Connector<DurableLedger>>,
    ) -> Option<Self> {
        let url = config.url.clone()?;
        let lifetime = Duration::from_millis(config.lifetime_ms);
        let agent = http_agent::agent((lifetime / 3).min(TIMEOUT_MAX));
        let client = Client { url, agent };
        Some(Self { client, lifetime, operator, connector, bases: BTreeMap::new() })
    }

    /// Never ends.
    pub(crate) async fn run(mut self) {
        let mut asking = JoinSet::new();
        loop {
            let codes = self.codes();
            while asking.len() < PARALLEL_MAX
                && let Some(base) = self.next_due(Instant::now())
            {
                let (client, quotes) = (self.client.clone(), codes.clone());
                asking.spawn_blocking(move || client.ask(base, &quotes));
            }
            let due = self.bases.values().filter_map(|base| base.due).min();
            let has_room = asking.len() < PARALLEL_MAX;
            let next = async {
                match due {
                    Some(due) if has_room => tokio::time::sleep_until(due).await,
                    _ => pending().await,
                }
            };
            tokio::select! {
                Some(asked) = asking.join_next() => match asked {
                    Ok(asked) => self.learn(asked),
                    Err(error) => self.ask_again_after(&error),
                },
                () = next => {}
                () = self.operator.rates_wanted() => {}
            }
        }
    }

    /// The codes that rates are needed between, with which `bases` then agrees. One alone needs
    /// none.
    fn codes(&mut self) -> BTreeSet<String> {
        let mut codes = self.operator.asset_codes();
        if codes.len() < 2 {
            codes.clear();
        }
        for code in &codes {
            if !self.bases.contains_key(code) {
                self.connector.rates().set_awaited(code, true);
                self.bases.insert(code.clone(), Base::new());
                // What the others are worth in this one is still to be asked.
                self.bases.values_mut().for_each(Base::hurry);
            }
        }
        let gone: Vec<_> =
            self.bases.keys().filter(|base| !codes.contains(*base)).cloned().collect();
        for base in gone {
            self.bases.remove(&base);
            self.operator.rates_service_fails(&base, None);
            self.connector.rates().set_awaited(&base, false);
            for other in self.connector.rates().in_use() {
                if other.base == base || other.quote == base {
                    let rates = self.connector.rates();
                    rates.take_back(RateOrigin::Service, &other.base, &other.quote);
                }
            }
        }
        codes
    }

    /// The base that has been due the longest, which then is being asked for.
    fn next_due(&mut self, now: Instant) -> Option<String> {
        let due = self.bases.iter_mut().filter(|(_, base)| base.due.is_some_and(|due| due <= now));
        let (code, base) = due.min_by_key(|(_, base)| base.due)?;
        (base.due, base.is_outdated) = (None, false);
        Some(code.clone())
    }

    /// A question that came to no end at all, which only a fault in this program does.
    fn ask_again_after(&mut self, error: &JoinError) {
        tracing::error!(%error, "asking the rates service failed");
        for base in self.bases.values_mut().filter(|base| base.due.is_none()) {
            base.due = Some(Instant::now() + PAUSE_MAX);
        }
    }

    /// Takes what the service told, and decides when to ask again.
    fn learn(&mut self, Asked { base: code, at, answer }: Asked) {
        // It may be gone since.
        let Some(base) = self.bases.get_mut(&code) else { return };
        let wrong = match answer {
            Ok(told) => {
                let lifetime_ms = u64::try_from(self.lifetime.as_millis()).unwrap_or(u64::MAX);
                let good_until = Some(at.saturating_add_ms(lifetime_ms));
                for (quote, rate) in told.rates {
                    let given = Quote { rate, updated_at: at, good_until };
                    self.connector.rates().give(RateOrigin::Service, &code, &quote, given);
                }
                base.note_untold(&code, told.untold);
                told.wrong
            }
            Err(why) => Some(why),
        };
        // Only the turns are logged: in between, the health check says how it is.
        match (&wrong, base.failures) {
            (Some(why), 0) => tracing::warn!(
                base = code, reason = why, lifetime = ?self.lifetime,
                "the rates service fails: the last good rates are used until their lifetime ends"
            ),
            (None, 1..) => tracing::info!(base = code, "the rates service tells rates again"),
            (why, _) => tracing::debug!(base = code, reason = ?why, "asked the rates service"),
        }
        base.failures = if wrong.is_some() { base.failures.saturating_add(1) } else { 0 };
        let pause =
            if base.is_outdated { Duration::ZERO } else { pause(base.failures, self.lifetime / 3) };
        base.due = Some(Instant::now() + pause);
        if wrong.is_none() {
            self.connector.rates().set_awaited(&code, false);
        }
        self.operator.rates_service_fails(&code, wrong);
    }
}

impl Base {
    fn new() -> Self {
        Self { due: Some(Instant::now()), is_outdated: false, failures: 0, untold: BTreeSet::new() }
    }

    /// Has the service asked as soon as possible, and again if it is being asked just now.
    fn hurry(&mut self) {
        match &mut self.due {
            Some(due) => *due = Instant::now().min(*due),
            None => self.is_outdated = true,
        }
    }

    fn note_untold(&mut self, code: &str, untold: BTreeSet<String>) {
        for quote in untold.difference(&self.untold) {
            tracing::warn!(
                base = code,
                quote,
                "the rates service knows no rate between these: set one, or packets are refused"
            );
        }
        self.untold = untold;
    }
}

/// The time until the next question. Up to a fifth of it is left out by chance, so that nodes which
/// failed together don't come back together.
fn pause(failures: u32, interval: Duration) -> Duration {
    let longest = match failures {
        0 => interval,
        failures => {
            let doubled = PAUSE_MIN.saturating_mul(2u32.saturating_pow(failures - 1));
            doubled.min(interval.max(PAUSE_MIN)).min(PAUSE_MAX)
        }
    };
    // Without random numbers there is no jitter, and rates are asked for all the same.
    let mut chance = [0];
    let _ = SystemRandom::new().fill(&mut chance);
    longest - longest / 5 * u32::from(chance[0]) / 256
}

impl Client {
    /// Asks for the rates from `base` to each of `quotes`.
    fn ask(&self, base: String, quotes: &BTreeSet<String>) -> Asked {
        // What the service tells is at least as new as the question.
        let at = clock::now();
        let answer = self.get(&base).and_then(|body| answer::read(&body, &base, quotes));
        Asked { base, at, answer }
    }

    fn get(&self, base: &str) -> Result<Vec<u8>, String> {
        let reason = |error: ureq::Error| http_agent::reason(&error, "the service");
        let request = self.agent.get(self.url.reveal()).query("base", base);
        let mut response = request.header("accept", "application/json").call().map_err(reason)?;
        if response.status() != 200 {
            return Err(format!("it answers with HTTP status {}", response.status().as_u16()));
        }
        let content_type = response.headers().get("content-type");
        let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default();
        if !essence.trim().eq_ignore_ascii_case("application/json") {
            return Err("its answer is not of the type application/json".to_owned());
        }
        let body = response.body_mut().with_config().limit(answer::BYTES_MAX);
        body.read_to_vec().map_err(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end_before_a_lifetime_does() {
        let interval = Duration::from_secs(5);
        let pauses: Vec<_> = (0..8).map(|failures| pause(failures, interval)).collect();
        for (pause, longest_ms) in pauses.iter().zip([5_000, 250, 500, 1_000, 2_000, 4_000, 5_000])
        {
            let longest = Duration::from_millis(longest_ms);
            assert!(*pause <= longest && *pause >= longest * 4 / 5, "{pauses:?}");
        }
        assert!(pause(u32::MAX, Duration::from_secs(60 * 60)) <= PAUSE_MAX);
        assert!(pause(3, Duration::from_millis(33)) <= PAUSE_MIN);
    }
}
