//! Live pages: the server sends the parts of a page again when they change.
//!
//! A page names the path that its script follows, and each of its live parts has an id. Once a
//! second the node makes the parts of the followed pages and sends those that differ from the last
//! ones sent. The number of followers is bounded, and the parts for a slow reader are made only
//! once it can take them. A stream ends with the session, with the page's subject, and with the
//! node.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::get,
};
use futures_util::stream;
use ilp_operator::{ClientAddress, OperatorError};
use maud::{Markup, html};
use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::{
    Pages, assets, books,
    fields::Fields,
    overview, payments, peers,
    visit::{Visit, cookies, not_for_us, recognized},
};

/// The number of pages that may be followed at once. Each is made at most once a second.
pub(crate) const FOLLOWERS_MAX: usize = 32;
/// The longest silence of a stream: a comment is sent then, so that neither end, nor a proxy
/// between them, takes the connection for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// A part of a page: its id and its content.
pub(crate) type Part = (&'static str, Markup);

/// The page that is followed.
enum Followed {
    Overview,
    Peers,
    Peer(String),
    Asset(String),
    Outgoing(String),
    Incoming(String),
    Verify,
}

/// A client that follows a page.
struct Follower {
    pages: Arc<Pages>,
    followed: Followed,
    headers: HeaderMap,
    visit: Visit,
    ticks: watch::Receiver<u64>,
    sent: HashMap<&'static str, String>,
    is_over: bool,
    _place: OwnedSemaphorePermit,
}

pub(crate) fn routes() -> Router<Arc<Pages>> {
    Router::new().route("/live/{*page}", get(follow))
}

/// Makes the page's script follow `page`, a path below `/live`.
pub(crate) fn following(page: &str) -> Markup {
    html! {
        div #live-state .notice.warn data-follow={ "/live/" (page) } role="status" hidden {}
    }
}

async fn follow(
    State(pages): State<Arc<Pages>>,
    Path(page): Path<String>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    if let Some(refused) = not_for_us(&pages, &parts.headers, &parts.uri) {
        return refused;
    }
    let Some(visitor) = pages.auth.unattended_visitor(&cookies(&parts.headers), Instant::now())
    else {
        return (StatusCode::UNAUTHORIZED, "Sign in first.\n").into_response();
    };
    recognized(&parts.extensions);
    let Some(followed) = Followed::of(&page) else {
        return (StatusCode::NOT_FOUND, "Nothing is live under that name.\n").into_response();
    };
    let Ok(place) = Arc::clone(&pages.followers).try_acquire_owned() else {
        let why = "More pages are followed than the node keeps up to date: close some.\n";
        return (StatusCode::SERVICE_UNAVAILABLE, why).into_response();
    };
    let address = parts.extensions.get::<ClientAddress>().map(|address| address.0);
    let query = Fields::read(parts.uri.query().unwrap_or_default().as_bytes());
    let mut ticks = pages.pulse.ticks();
    // The present state is sent at once.
    ticks.mark_changed();
    let follower = Follower {
        pages,
        followed,
        headers: parts.headers,
        visit: Visit { visitor, address, query },
        ticks,
        sent: HashMap::new(),
        is_over: false,
        _place: place,
    };
    let heartbeat = KeepAlive::new().interval(HEARTBEAT).text("still here");
    Sse::new(stream::unfold(follower, Follower::tell)).keep_alive(heartbeat).into_response()
}

impl Followed {
    fn of(page: &str) -> Option<Self> {
        Some(match page.split_once('/') {
            None if page == "overview" => Self::Overview,
            None if page == "peers" => Self::Peers,
            Some(("peers", id)) => Self::Peer(id.to_owned()),
            Some(("assets", id)) => Self::Asset(id.to_owned()),
            Some(("books", "verify")) => Self::Verify,
            Some(("payments", payment)) => match payment.split_once('/')? {
                ("outgoing", id) => Self::Outgoing(id.to_owned()),
                ("incoming", id) => Self::Incoming(id.to_owned()),
                _ => return None,
            },
            _ => return None,
        })
    }
}

impl Follower {
    /// Waits until a part has changed, and returns the event with it.
    async fn tell(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        while !self.is_over {
            // The sender is dropped with the node.
            self.ticks.changed().await.ok()?;
            if self.pages.auth.unattended_visitor(&cookies(&self.headers), Instant::now()).is_none()
            {
                self.is_over = true;
                return Some((Ok(Event::default().event("ended").data("session")), self));
            }
            let changed = match self.parts().await {
                Ok(parts) => self.changed(parts),
                Err(error) => {
                    self.is_over = true;
                    return Some((
                        Ok(Event::default().event("gone").data(error.to_string())),
                        self,
                    ));
                }
            };
            if !changed.is_empty() {
                let data = Value::Object(changed).to_string();
                return Some((Ok(Event::default().event("parts").data(data)), self));
            }
        }
        None
    }

    async fn parts(&self) -> Result<Vec<Part>, OperatorError> {
        let (pages, visit) = (&self.pages, &self.visit);
        match &self.followed {
            Followed::Overview => Ok(overview::live(pages).await),
            Followed::Peers => peers::live_list(pages, visit).await,
            Followed::Peer(id) => peers::live(pages, visit, id).await,
            Followed::Asset(id) => assets::live(pages, visit, id).await,
            Followed::Outgoing(id) => {
                payments::live_outgoing(pages, visit, id).await.map(|(_, parts)| parts.into())
            }
            Followed::Incoming(id) => {
                payments::live_incoming(pages, visit, id).await.map(|(_, parts)| parts.into())
            }
            Followed::Verify => Ok(vec![books::live(pages)]),
        }
    }

    fn changed(&mut self, parts: Vec<Part>) -> Map<String, Value> {
        let mut changed = Map::new();
        for (id, part) in parts {
            let part = part.into_string();
            if self.sent.get(id) != Some(&part) {
                changed.insert(id.to_owned(), part.clone().into());
                self.sent.insert(id, part);
            }
        }
        changed
    }
}
