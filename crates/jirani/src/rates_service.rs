//! Exchange rates from the operator's rates service, requested in the background and never by a
//! packet.
//!
//! The service answers `GET {url}?base=USD` with `{"base": "USD", "rates": {"EUR": 0.92}}`, as
//! services for Rafiki do; [`answer`] says how far it may differ. It is asked for each asset's code
//! three times within a rate's lifetime. When it fails, the last good rates stay in use until their
//! lifetime ends, and it is asked again after growing pauses. An unusable rate is refused alone:
//! the other rates of its answer are taken, and the service has not failed.

mod answer;

use std::{
    collections::{BTreeMap, BTreeSet},
    future::pending,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Uri, header::ACCEPT};
use ilp_connector::{
    Connector,
    rates::{Quote, RateOrigin},
};
use ilp_http::web::{WebClient, WebError, WebOptions};
use ilp_net::ServiceUrl;
use ilp_operator::Operator;
use ilp_store::DurableLedger;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ring::rand::{SecureRandom, SystemRandom};
use tokio::{
    task::{JoinError, JoinSet},
    time::Instant,
};

use self::answer::GivenRates;
use crate::{
    clock::SteadyClock,
    config::RatesConfig,
    web::{self, Web},
};

/// The most requests in progress at once, and connections kept for the next ones.
const PARALLEL_MAX: usize = 8;
/// The longest time for the service's answer, even for a longer lifetime.
const TIMEOUT_MAX: Duration = Duration::from_secs(5);
/// The pause after the first failure; it doubles with each further one.
const PAUSE_MIN: Duration = Duration::from_millis(250);
/// The longest pause, unless the lifetime asks for a longer one anyway.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Keeps the rates between all assets fresh.
pub(crate) struct RatesService {
    client: Client,
    lifetime: Duration,
    /// The clock that dates rates: the wall clock may be set between a question and its answer.
    clock: Arc<SteadyClock>,
    operator: Operator,
    connector: Arc<Connector<DurableLedger>>,
    /// The state of each code that is asked for.
    bases: BTreeMap<String, Base>,
}

#[derive(Clone)]
struct Client {
    url: ServiceUrl,
    web: WebClient,
}

struct Base {
    /// The time of the next request; `None` while one is in progress.
    due: Option<Instant>,
    /// Whether the request in progress asks for fewer codes than are needed by now.
    is_outdated: bool,
    failures: u32,
    /// Codes without a rate in the service's answer, once that is in the log.
    missing: BTreeSet<String>,
    /// Codes with an unusable rate in the service's answer, once that is in the log.
    refused: BTreeSet<String>,
}

/// A request, answered or not.
struct Question {
    base: String,
    /// The time of the request; the answer's rates are at least as new.
    asked_at: Instant,
    answer: Result<GivenRates, String>,
}

impl RatesService {
    /// Returns the configured service, if there is one.
    pub(crate) fn new(
        config: &RatesConfig,
        web: &Web,
        clock: &Arc<SteadyClock>,
        operator: &Operator,
        connector: &Arc<Connector<DurableLedger>>,
    ) -> Option<Self> {
        let url = config.url.clone()?;
        let lifetime = Duration::from_millis(config.lifetime_ms);
        let timeout = (lifetime / 3).min(TIMEOUT_MAX);
        let web = web.client(WebOptions {
            time_max: timeout,
            connect_time_max: timeout,
            body_bytes_max: answer::BYTES_MAX,
            idle_connections_max: PARALLEL_MAX,
            ..WebOptions::default()
        });
        let client = Client { url, web };
        Some(Self {
            client,
            lifetime,
            clock: Arc::clone(clock),
            operator: operator.clone(),
            connector: Arc::clone(connector),
            bases: BTreeMap::new(),
        })
    }

    /// Asks for rates whenever they are due. Never ends.
    pub(crate) async fn run(mut self) {
        let mut asking = JoinSet::new();
        loop {
            let codes = self.codes();
            while asking.len() < PARALLEL_MAX
                && let Some(base) = self.next_due(Instant::now())
            {
                let (client, quotes) = (self.client.clone(), codes.clone());
                asking.spawn(async move { client.ask(base, &quotes).await });
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
                    Ok(question) => self.learn(question),
                    Err(error) => self.ask_again_after(&error),
                },
                () = next => {}
                () = self.operator.rates().wanted() => {}
            }
        }
    }

    /// Returns the codes between which rates are needed, and brings `bases` into agreement with
    /// them. A single code needs none.
    fn codes(&mut self) -> BTreeSet<String> {
        let mut codes = self.operator.rates().asset_codes();
        if codes.len() < 2 {
            codes.clear();
        }
        for code in &codes {
            if !self.bases.contains_key(code) {
                self.connector.rates().set_awaited(code, true);
                self.bases.insert(code.clone(), Base::new());
                // The rates of the other codes in the new one are not known yet.
                self.bases.values_mut().for_each(Base::hurry);
            }
        }
        let gone: Vec<_> =
            self.bases.keys().filter(|base| !codes.contains(*base)).cloned().collect();
        for base in gone {
            self.bases.remove(&base);
            self.operator.rates().service_fails(&base, None);
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

    /// Returns the base that has been due the longest, and marks it as being asked for.
    fn next_due(&mut self, now: Instant) -> Option<String> {
        let due = self.bases.iter_mut().filter(|(_, base)| base.due.is_some_and(|due| due <= now));
        let (code, base) = due.min_by_key(|(_, base)| base.due)?;
        (base.due, base.is_outdated) = (None, false);
        Some(code.clone())
    }

    /// Schedules requests again whose task panicked.
    fn ask_again_after(&mut self, error: &JoinError) {
        tracing::error!(%error, "asking the rates service failed");
        for base in self.bases.values_mut().filter(|base| base.due.is_none()) {
            base.due = Some(Instant::now() + PAUSE_MAX);
        }
    }

    /// Takes the rates of an answer, and schedules the next request.
    fn learn(&mut self, Question { base: code, asked_at, answer }: Question) {
        // The last asset of that code may have been deleted meanwhile.
        let Some(base) = self.bases.get_mut(&code) else { return };
        let (failure, complaint) = match answer {
            Ok(given) => {
                let milliseconds = |of: Duration| u64::try_from(of.as_millis()).unwrap_or(u64::MAX);
                let lifetime_ms = milliseconds(self.lifetime);
                let at = self.clock.now().saturating_sub_ms(milliseconds(asked_at.elapsed()));
                let good_until = Some(at.saturating_add_ms(lifetime_ms));
                let complaint = given.refused.values().next().cloned();
                // One good rate shows that the service works, whatever the fault of the others.
                let failure = complaint.clone().filter(|_| given.rates.is_empty());
                for (quote, rate) in given.rates {
                    let given = Quote { rate, updated_at: at, good_until };
                    self.connector.rates().give(RateOrigin::Service, &code, &quote, given);
                }
                base.note_missing(&code, given.missing);
                if failure.is_none() {
                    base.note_refused(&code, &given.refused);
                }
                (failure, complaint)
            }
            Err(why) => (Some(why.clone()), Some(why)),
        };
        // Only changes are logged: in between, the health check shows the state.
        match (&failure, base.failures) {
            (Some(why), 0) => tracing::warn!(
                base = code, reason = why, lifetime = ?self.lifetime,
                "the rates service fails: the last good rates are used until their lifetime ends"
            ),
            (None, 1..) => tracing::info!(base = code, "the rates service tells rates again"),
            (why, _) => tracing::debug!(base = code, reason = ?why, "asked the rates service"),
        }
        base.failures = if failure.is_some() { base.failures.saturating_add(1) } else { 0 };
        let pause =
            if base.is_outdated { Duration::ZERO } else { pause(base.failures, self.lifetime / 3) };
        base.due = Some(Instant::now() + pause);
        if failure.is_none() {
            self.connector.rates().set_awaited(&code, false);
        }
        self.operator.rates().service_fails(&code, complaint);
    }
}

impl Base {
    fn new() -> Self {
        Self {
            due: Some(Instant::now()),
            is_outdated: false,
            failures: 0,
            missing: BTreeSet::new(),
            refused: BTreeSet::new(),
        }
    }

    /// Makes a request due at once, and another one after a request in progress.
    fn hurry(&mut self) {
        match &mut self.due {
            Some(due) => *due = Instant::now().min(*due),
            None => self.is_outdated = true,
        }
    }

    fn note_missing(&mut self, code: &str, missing: BTreeSet<String>) {
        for quote in missing.difference(&self.missing) {
            tracing::warn!(
                base = code,
                quote,
                "the rates service knows no rate between these: set one, or packets are refused"
            );
        }
        self.missing = missing;
    }

    fn note_refused(&mut self, code: &str, refused: &BTreeMap<String, String>) {
        for (quote, reason) in refused.iter().filter(|(quote, _)| !self.refused.contains(*quote)) {
            tracing::warn!(
                base = code,
                quote,
                reason,
                "a rate of the service can't be used: the last good one is, until its lifetime ends"
            );
        }
        for quote in self.refused.iter().filter(|quote| !refused.contains_key(*quote)) {
            tracing::info!(base = code, quote, "the service's rate can be used again");
        }
        self.refused = refused.keys().cloned().collect();
    }
}

/// Returns the time until the next request. Up to a fifth of it is left out by chance, so that
/// nodes which failed together don't come back together.
fn pause(failures: u32, interval: Duration) -> Duration {
    let longest = match failures {
        0 => interval,
        failures => {
            let doubled = PAUSE_MIN.saturating_mul(2u32.saturating_pow(failures - 1));
            doubled.min(interval.max(PAUSE_MIN)).min(PAUSE_MAX)
        }
    };
    // Without random numbers there is no jitter, and rates are requested all the same.
    let mut chance = [0];
    let _ = SystemRandom::new().fill(&mut chance);
    longest - longest / 5 * u32::from(chance[0]) / 256
}

impl Client {
    /// Requests the rates from `base` to each of `quotes`.
    async fn ask(self, base: String, quotes: &BTreeSet<String>) -> Question {
        let asked_at = Instant::now();
        let answer = match self.get(&base).await {
            Ok(body) => answer::read(&body, &base, quotes),
            Err(why) => Err(why),
        };
        Question { base, asked_at, answer }
    }

    /// Gets the answer's body. Its declared type is ignored: services in use say `text/plain` or
    /// nothing.
    async fn get(&self, base: &str) -> Result<Bytes, String> {
        let reason = |error: WebError| web::reason(&error, "the service");
        let uri = with_base(self.url.reveal(), base).ok_or(WebError::Url).map_err(reason)?;
        let headers =
            HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        let response = self.web.get(uri, headers).await.map_err(reason)?;
        if response.status() != 200 {
            return Err(format!("it answers with HTTP status {}", response.status().as_u16()));
        }
        Ok(response.into_body())
    }
}

/// Returns the service's URL with the base added to its query.
fn with_base(url: &str, base: &str) -> Option<Uri> {
    let before = match url.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    let base = utf8_percent_encode(base, NON_ALPHANUMERIC);
    format!("{url}{before}base={base}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_added_to_whatever_url_there_is() {
        for (url, meant) in [
            ("http://a.example", "http://a.example/?base=U%2FD"),
            ("http://a.example/rates", "http://a.example/rates?base=U%2FD"),
            ("http://a.example/rates?", "http://a.example/rates?base=U%2FD"),
            ("http://a.example/rates?key=x", "http://a.example/rates?key=x&base=U%2FD"),
        ] {
            assert_eq!(with_base(url, "U/D").unwrap().to_string(), meant);
        }
    }

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
