//! `GET /metrics`: who may read it, and how often it is made.

use std::{net::IpAddr, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    http::{
        HeaderMap, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
    routing::get,
};
use ilp_connector::token::Secret;
use ilp_operator::{Auth, Bearer, ClientAddress, Denied};
use tokio::sync::Mutex;

use crate::{
    accept::preference,
    auth::{credentials, host},
    http::recognized,
};

/// A format of the metrics' text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsFormat {
    /// OpenMetrics 1.0, which Prometheus asks for.
    OpenMetrics,
    /// Prometheus' own older format (0.0.4), for clients that ask for `text/plain`, such as
    /// `curl ... | promtool check metrics`.
    Classic,
}

impl MetricsFormat {
    /// Returns OpenMetrics, unless the client prefers plain text.
    fn asked_for(headers: &HeaderMap) -> Self {
        let open_metrics = preference(headers, "application/openmetrics-text");
        let wants_text = preference(headers, "text/plain") > open_metrics;
        if wants_text { Self::Classic } else { Self::OpenMetrics }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// The state of the handler.
struct Metrics {
    auth: Auth,
    /// Opens this page and nothing else.
    secret: Option<Bearer>,
    write: Box<dyn Fn(MetricsFormat) -> String + Send + Sync>,
    /// Held by the one scrape that is being answered. The next ones wait: there are at most as many
    /// as the port takes connections.
    turn: Arc<Mutex<()>>,
}

/// Returns the route of the metrics, whose text `write` makes in the format that it is given.
/// `write` is called on a thread that may block, and never twice at once.
///
/// The names of peers and their traffic are confidential, so the route is not as open as the health
/// endpoints. A client may read the metrics if it shows `secret` or the secret of the admin API.
/// Where there is neither secret, every program on this machine may read them, unless a web page is
/// behind the request.
pub fn metrics_route(
    auth: Auth,
    secret: Option<&Secret>,
    write: impl Fn(MetricsFormat) -> String + Send + Sync + 'static,
) -> Router {
    let secret = secret.map(Bearer::new);
    let metrics = Metrics { auth, secret, write: Box::new(write), turn: Arc::default() };
    Router::new().route("/metrics", get(scrape)).with_state(Arc::new(metrics))
}

async fn scrape(State(metrics): State<Arc<Metrics>>, request: Request) -> Response {
    if !metrics.auth.addressed_to_us(host(request.headers(), request.uri())) {
        let reason = "the Host header names another host: without a secret the metrics are shown \
                      only under loopback names such as localhost\n";
        return (StatusCode::FORBIDDEN, reason).into_response();
    }
    let address = request.extensions().get::<ClientAddress>().map(|address| address.0.ip());
    match metrics.permits(request.headers(), address) {
        Ok(()) => recognized(request.extensions()),
        Err(Denied::TooOften) => {
            let reason = "too many wrong secrets came from this address: try again in a minute\n";
            return (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "60")], reason).into_response();
        }
        Err(Denied::Wrong(_) | Denied::Unavailable(_)) => {
            let reason =
                "show metrics.secret, or admin.secret, as `Authorization: Bearer SECRET`\n";
            let challenge = [(WWW_AUTHENTICATE, "Bearer")];
            return (StatusCode::UNAUTHORIZED, challenge, reason).into_response();
        }
    }
    let format = MetricsFormat::asked_for(request.headers());
    let turn = Arc::clone(&metrics.turn).lock_owned().await;
    let text = tokio::task::spawn_blocking(move || {
        // The turn is held until the text is made, even if the client is gone.
        let _turn = turn;
        (metrics.write)(format)
    });
    match text.await {
        Ok(text) => {
            let headers = [(CONTENT_TYPE, format.content_type()), (CACHE_CONTROL, "no-store")];
            (headers, text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the metrics can't be told");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

impl Metrics {
    fn permits(&self, headers: &HeaderMap, from: Option<IpAddr>) -> Result<(), Denied> {
        self.auth.permits(credentials(headers).authorization, self.secret.as_ref(), from)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::{ACCEPT, AUTHORIZATION};
    use interledger_packet::Timestamp;

    use super::*;
    use ilp_operator::SignatureRules;

    fn metrics(admin: Option<&str>, own: Option<&str>) -> Metrics {
        let dir = tempfile::tempdir().unwrap();
        let store = || ilp_store::Store::open(dir.path()).unwrap();
        let rules = SignatureRules { tenant_id: "t".to_owned(), lifetime_ms: 30_000 };
        let secret = |text: &str| Secret::new(text.to_owned());
        let clock = || Timestamp::from_unix_ms(1_000_000);
        let auth = admin.map(|text| Auth::secret(&secret(text), rules, clock, store()).unwrap());
        Metrics {
            auth: auth.unwrap_or_else(|| Auth::loopback(Vec::new())),
            secret: own.map(|text| Bearer::new(&secret(text))),
            write: Box::new(|_| String::new()),
            turn: Arc::default(),
        }
    }

    #[test]
    fn either_secret_opens_the_page_and_without_any_it_is_open() {
        let shown = |text: &str| {
            let value = format!("Bearer {text}").parse().unwrap();
            HeaderMap::from_iter([(AUTHORIZATION, value)])
        };
        for (admin, own, opens, stays_shut) in [
            (None, None, vec!["", "anything"], vec![]),
            (Some("admin"), None, vec!["admin"], vec!["", "scrape"]),
            (None, Some("scrape"), vec!["scrape"], vec!["", "admin"]),
            (Some("admin"), Some("scrape"), vec!["admin", "scrape"], vec!["", "other"]),
        ] {
            let metrics = metrics(admin, own);
            for text in opens {
                assert_eq!(metrics.permits(&shown(text), None), Ok(()), "{admin:?} {own:?} {text}");
            }
            for text in stays_shut {
                assert!(metrics.permits(&shown(text), None).is_err(), "{admin:?} {own:?} {text}");
            }
            let nothing = metrics.permits(&HeaderMap::new(), None);
            assert_eq!(nothing.is_ok(), admin.or(own).is_none());
        }
    }
    #[test]
    fn text_is_given_to_clients_that_want_it_most() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,\
            application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;q=0.3,\
            text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        for (accept, expected) in [
            (prometheus, MetricsFormat::OpenMetrics),
            ("*/*", MetricsFormat::OpenMetrics),
            ("text/html,application/xml;q=0.9,*/*;q=0.8", MetricsFormat::OpenMetrics),
            ("application/openmetrics-text, text/plain", MetricsFormat::OpenMetrics),
            ("text/plain", MetricsFormat::Classic),
            ("text/plain;version=0.0.4, */*;q=0.5", MetricsFormat::Classic),
            ("text/*", MetricsFormat::Classic),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
            assert_eq!(MetricsFormat::asked_for(&headers), expected, "{accept}");
        }
        assert_eq!(MetricsFormat::asked_for(&HeaderMap::new()), MetricsFormat::OpenMetrics);
    }
}
