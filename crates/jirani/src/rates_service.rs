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

/// The most requests under way at once, and connections kept for the next ones.
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
    /// The clock that dates rates: the wall clock may be set between a question and its answer.
    clock: Arc<SteadyClock>,
    operator: Operator,
    connector: Arc<Connector<DurableLedger>>,
    /// What is known about each code that is asked for.
    bases: BTreeMap<String, Base>,
}

#[derive(Clone)]
struct Client {
    url: ServiceUrl,
    web: WebClient,
}

struct Base {
    /// When the service is to be asked again; `None` while it is being asked.
    due: Option<Instant>,
    /// Whether it is being asked for less than is needed by now.
    is_outdated: bool,
    failures: u32,
    /// Codes for which the service gives no rate, once that is in the log.
    missing: BTreeSet<String>,
    /// Codes for which the service gives an unusable rate, once that is in the log.
    refused: BTreeSet<String>,
}

/// One question, answered or not.
struct Question {
    base: String,
    /// The time of the question; the answer's rates are at least as new.
    asked_at: Instant,
    answer: Result<GivenRates, String>,
}

impl RatesService {
    /// The service that the configuration names, if it names one.
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

    /// Never ends.
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

    /// Returns the codes that rates are needed between, with which `bases` then agrees. One alone
    /// needs none.
    fn codes(&mut self) -> BTreeSet<String> {
        let mut codes = self.operator.rates().asset_codes();
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

    /// Takes the rates of an answer, and decides when to ask again.
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
                // One good rate shows that the service works, whatever it says of the others.
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
        // Only the turns are logged: in between, the health check says how it is.
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

    /// Has the service asked as soon as possible, and again if it is being asked just now.
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
