//! The operator's pages: the node run from a browser, on the admin port.
//!
//! Pages are written on the server, over the same [`Operator`] as the GraphQL API and in the same
//! process; this crate neither calls the API over HTTP nor names GraphQL. Every form works without
//! a script; the one script makes pages live. Style sheet, script and icon are in the binary: there
//! is no build step, and nothing comes from another host.

mod answer;
mod assets;
mod audit;
mod books;
mod change;
mod chart;
mod confirm;
mod events;
mod fees;
mod fields;
mod files;
mod form;
mod layout;
mod liquidity;
mod live;
mod notes;
mod overview;
mod paging;
mod parts;
mod payments;
mod peering;
mod peers;
mod pulse;
mod rates;
mod routes;
mod settings;
mod sign_in;
mod transfers;
mod visit;
mod wallets;

use std::{fmt, sync::Arc};

use axum::{
    Router,
    middleware::{from_fn_with_state, map_response},
    routing::{get, post},
};
use ilp_operator::{Auth, Operator};
use tokio::sync::Semaphore;

use self::{notes::Notes, pulse::Pulse};
pub use self::{
    pulse::{Core, PacketTimes, Sampler},
    settings::Setting,
};

/// The node that the pages show and change.
pub struct Node {
    /// The operations on the node.
    pub operator: Operator,
    /// The check of the visitor's right to see the pages.
    pub auth: Auth,
    /// The URL to which peers send their packets, for the other operator.
    pub connector_url: String,
    /// The configuration of the node.
    pub settings: Vec<Setting>,
    /// The packet path, whose counters the charts read.
    pub core: Core,
    /// The times that packets took.
    pub packet_times: PacketTimes,
}

/// The state that all pages share.
struct Pages {
    operator: Operator,
    auth: Auth,
    connector_url: String,
    settings: Vec<Setting>,
    pulse: Arc<Pulse>,
    notes: Notes,
    /// A permit for each page that may be followed.
    followers: Arc<Semaphore>,
    verifying: books::Verifying,
}

/// Returns the pages' routes, to be served beside those of the API, and the sampler, which has to
/// run until the node ends.
pub fn pages(node: Node) -> (Router, Sampler) {
    let Node { operator, auth, connector_url, settings, core, packet_times } = node;
    let (pulse, sampler) = Pulse::new(core, operator.clone(), packet_times);
    let pages = Pages {
        operator,
        auth,
        connector_url,
        settings,
        pulse,
        notes: Notes::default(),
        followers: Arc::new(Semaphore::new(live::FOLLOWERS_MAX)),
        verifying: books::Verifying::default(),
    };
    let pages = Arc::new(pages);
    let router = Router::new()
        .route("/", get(overview::show))
        .route("/sign-in", get(sign_in::ask).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/assets/style.css", get(files::style))
        .route("/assets/script.js", get(files::script))
        .route("/assets/icon.svg", get(files::icon))
        .route("/favicon.ico", get(files::icon))
        .merge(assets::routes())
        .merge(live::routes())
        .merge(peers::routes())
        .merge(peering::routes())
        .merge(rates::routes())
        .merge(fees::routes())
        .merge(routes::routes())
        .merge(books::routes())
        .merge(events::routes())
        .merge(wallets::routes())
        .merge(payments::routes())
        .merge(audit::routes())
        .merge(settings::routes())
        .fallback(answer::nothing_here)
        .layer(from_fn_with_state(Arc::clone(&pages), layout::named))
        .with_state(pages)
        .layer(map_response(answer::guard));
    (router, sampler)
}

impl fmt::Debug for Node {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Node")
            .field("connector_url", &self.connector_url)
            .finish_non_exhaustive()
    }
}
