//! Serves the operator's port: bounded connections, none that dawdles, an end that is bounded too.

use std::{sync::Arc, time::Duration};

use axum::Extension;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use ilp_admin::ClientAddress;
use tokio::{net::TcpListener, sync::Semaphore};

/// From a connection's begin, or the last answer on it, to the end of the next request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest head of a request: the longest token, a cookie and what proxies add. The library would
/// take 400 KiB of anybody.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// How long to wait after an error that would come again at once, such as no file left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` is ready; requests that are under way may then take `drain` to end.
/// `connections_max` are open at once, and the next ones wait to be accepted: an operator has a few,
/// and clients of this port can't take the file descriptors that packets need.
pub(crate) async fn serve(
    (listener, connections_max): (TcpListener, usize),
    router: axum::Router,
    stop: impl Future<Output = ()>,
    drain: Duration,
) {
    let mut http = auto::Builder::new(TokioExecutor::new()).http1_only();
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX);
    let connections = GracefulShutdown::new();
    let accept = async {
        let places = Arc::new(Semaphore::new(connections_max));
        loop {
            // The semaphore is closed nowhere.
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, address)) => {
                    let router = router.clone().layer(Extension(ClientAddress(address)));
                    let service = TowerToHyperService::new(router);
                    // Those that become WebSockets leave here, and the router bounds them.
                    let served = http.serve_connection_with_upgrades(TokioIo::new(stream), service);
                    let watched = connections.watch(served.into_owned());
                    tokio::spawn(async move {
                        if let Err(error) = watched.await {
                            tracing::debug!(%error, "an operator's connection ended early");
                        }
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "can't accept operators' connections");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = accept => {}
        () = stop => {}
    }
    if tokio::time::timeout(drain, connections.shutdown()).await.is_err() {
        tracing::warn!("operators' requests were still under way when the node ended");
    }
}
