//! The operator's pages: the node run from a browser, on the admin port.
//!
//! Pages are written on the server, over the same [`Operator`] as the GraphQL API and in this
//! process: nothing here asks the API over HTTP, and nothing names GraphQL. Every form works without
//! a script; the one script makes pages live. What is served is in the binary: no build step, and
//! nothing comes from another host.

mod answer;
mod assets;
mod audit;
mod books;
mod change;
mod events;
mod fees;
mod fields;
mod files;
mod form;
mod layout;
mod liquidity;
mod overview;
mod paging;
mod parts;
mod payments;
mod peers;
mod rates;
mod routes;
mod settings;
mod sign_in;
mod transfers;
mod visit;
mod wallets;

use std::sync::Arc;

use axum::{
    Router,
    middleware::map_response,
    routing::{get, post},
};
use ilp_admin::{Auth, operator::Operator};
use tokio::sync::Semaphore;

pub use self::settings::Setting;

/// Forms that are read and answered at once; one more is told to come back.
const FORMS_MAX: usize = 32;

/// What the pages share.
struct Pages {
    operator: Operator,
    auth: Auth,
    /// Where peers send their packets, as the other operator is told.
    connector_url: String,
    /// What the node was started with.
    settings: Vec<Setting>,
    forms: Semaphore,
    verifying: books::Verifying,
}

/// The pages' routes, to be served beside those of the API.
pub fn router(
    operator: Operator,
    auth: Auth,
    connector_url: String,
    settings: Vec<Setting>,
) -> Router {
    let forms = Semaphore::new(FORMS_MAX);
    let verifying = books::Verifying::default();
    let pages = Pages { operator, auth, connector_url, settings, forms, verifying };
    Router::new()
        .route("/", get(overview::show))
        .route("/sign-in", get(sign_in::ask).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/assets/style.css", get(files::style))
        .route("/assets/script.js", get(files::script))
        .merge(assets::routes())
        .merge(peers::routes())
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
        .with_state(Arc::new(pages))
        .layer(map_response(answer::guard))
}
