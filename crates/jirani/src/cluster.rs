//! A node's part in a cluster: it waits for the books, and answers health checks meanwhile.

use std::{fs, io, path::Path, sync::Arc, time::Duration};

use axum::{Json, Router, routing};
use http::StatusCode;
use ilp_http::tls;
use ilp_store::Store;
use ilp_store_postgres::{Cluster, ClusterError, ClusterOptions, Database, DatabaseUrl, Seat};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot};

use crate::{
    admin_server::{self, OPERATOR},
    commands::Failure,
    config::Config,
    run::{ADMIN_DRAIN, no_tls, store_failure, told_to_stop},
    surfaces::listen_to_admin,
};

/// The connections that health checks may have to a waiting node.
const CONNECTIONS_MAX: usize = 64;

/// The pause between two attempts to reach the database at a start.
const DATABASE_PAUSE: Duration = Duration::from_secs(1);

/// A store that is open, with what is needed to go on.
pub(crate) struct Opened {
    pub(crate) store: Store,
    /// The node's hold on the books of its cluster; `None` without a cluster.
    pub(crate) seat: Option<Seat>,
    /// The admin port, where it is bound already.
    pub(crate) admin: Option<TcpListener>,
}

/// Opens the node's store. In a cluster that takes until it is this node's turn; `None` where the node
/// is told to stop before.
///
/// # Errors
/// [`Failure`] says what keeps the node from opening the store, or from taking part.
pub(crate) async fn open_store(config: &Config) -> Result<Option<Opened>, Failure> {
    let dir = &config.node.data_dir;
    let Some(url) = &config.cluster.url else {
        let store = Store::open(dir).map_err(store_failure)?;
        return Ok(Some(Opened { store, seat: None, admin: None }));
    };
    let cluster = cluster(url.clone(), config)?;
    let (admin, serving) = serve_health(config).await?;
    let opened = tokio::select! {
        opened = wait_for_books(&cluster, dir) => opened.map_err(failure)?,
        told = told_to_stop() => return told.map(|()| None),
    };
    serving.end().await;
    let (store, seat) = opened;
    Ok(Some(Opened { store, seat: Some(seat), admin: Some(admin) }))
}

async fn wait_for_books(cluster: &Cluster, dir: &Path) -> Result<(Store, Seat), ClusterError> {
    let mut candidate = loop {
        match cluster.join(dir).await {
            Err(error) if error.is_passing() => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the cluster's database can't be reached; this node waits for it"
                );
                tokio::time::sleep(DATABASE_PAUSE).await;
            }
            joined => break joined?,
        }
    };
    let state = candidate.state().await?;
    if let Some(holder) = state.name.filter(|_| state.holder.is_some()) {
        tracing::info!(%holder, "another node may have the books: this one copies them and waits");
    }
    cluster.take_seat(candidate).await
}

/// Returns the cluster of a database, as the configuration wants it.
///
/// # Errors
/// When TLS can't be set up.
pub(crate) fn cluster(url: DatabaseUrl, config: &Config) -> Result<Cluster, Failure> {
    let mut tls = rustls::ClientConfig::clone(&*tls::client_config().map_err(no_tls)?);
    // PostgreSQL speaks neither.
    tls.alpn_protocols.clear();
    let keys = &config.cluster;
    let options = ClusterOptions {
        name: keys.name.clone().unwrap_or_else(machine_name),
        sync: keys.sync,
        beat: Duration::from_millis(keys.beat_ms),
        lease: Duration::from_millis(keys.lease_ms),
        stall: Duration::from_millis(keys.stall_ms),
        commit: Duration::from_millis(keys.commit_timeout_ms),
    };
    Ok(Cluster::new(Database::new(url, Arc::new(tls)), options))
}

fn machine_name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

/// Returns the failure of a command or a start.
pub(crate) fn failure(error: ClusterError) -> Failure {
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        message.push_str(&format!(": {error}"));
        cause = error.source();
    }
    match error {
        ClusterError::Store(_) | ClusterError::DamagedPage { .. } => Failure::Store(message),
        _ => Failure::Refused(message),
    }
}

/// The admin port of a node that waits.
struct Serving {
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl Serving {
    async fn end(self) {
        // A task that has ended needs no telling.
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

/// Answers health checks on the admin port, and returns the port for the node that comes after.
async fn serve_health(config: &Config) -> Result<(TcpListener, Serving), Failure> {
    let no_port =
        |error: io::Error| Failure::Refused(format!("the admin port can't be used: {error}"));
    let bound = listen_to_admin(config).await?.into_std().map_err(no_port)?;
    let shared = bound.try_clone().map_err(no_port)?;
    let listeners =
        TcpListener::from_std(bound).and_then(|bound| Ok((bound, TcpListener::from_std(shared)?)));
    let (admin, shared) = listeners.map_err(no_port)?;
    let (stop, stopped) = oneshot::channel::<()>();
    let router = Router::new().route("/healthz", routing::get(|| async { "OK" })).fallback(waiting);
    let stopped = async { drop(stopped.await) };
    let port = (shared, CONNECTIONS_MAX);
    let task = tokio::spawn(admin_server::serve(port, OPERATOR, router, stopped, ADMIN_DRAIN));
    Ok((admin, Serving { stop, task }))
}

async fn waiting() -> (StatusCode, Json<Value>) {
    let reason = "another node of the cluster has the books";
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": "standby", "reason": reason})))
}
