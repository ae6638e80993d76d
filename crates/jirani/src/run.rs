//! `jirani run`: opens the node's parts, starts it, and ends it in order.

use std::{io, time::Duration};

use ilp_http::tls::TlsSetupError;
use ilp_store::StoreError;
use tokio::{
    net::TcpListener,
    runtime,
    signal::unix::{SignalKind, signal},
};

use crate::{
    cluster::{Opened, open_store},
    commands::Failure,
    config::Config,
    made_once::AddressChange,
    resources::Resources,
    running_node::RunningNode,
    start_times::StartTimes,
    telemetry,
};

/// The time that connections to the admin API may take to finish: an operator's request is answered
/// within milliseconds, and a kept-alive connection has nothing to finish.
pub(crate) const ADMIN_DRAIN: Duration = Duration::from_secs(2);

/// Runs the node until it is told to stop.
///
/// # Errors
/// [`Failure`] says why the node can't start, or why it stopped by itself.
pub(crate) fn run(mut config: Config, change: AddressChange) -> Result<(), Failure> {
    let log = telemetry::start(&config.log);
    for warning in &config.warnings {
        tracing::warn!(target: "jirani::config", "{warning}");
    }
    let mut times = StartTimes::begin();
    let main = runtime::Builder::new_current_thread().enable_all().build().map_err(no_runtime)?;
    let Some(Opened { store, seat, admin }) = main.block_on(open_store(&config))? else {
        tracing::info!("stopped without having had the books");
        return Ok(());
    };
    let resources = Resources::open(&mut config, (store, seat), change, &main, &mut times)?;
    let outcome = main.block_on(serve(&config, &resources, admin, times));
    // Threads that still read or copy the store are waited for within a bound.
    main.shutdown_timeout(ADMIN_DRAIN);
    let closed = resources.close(&config);
    log.end();
    tracing::info!("stopped");
    outcome.and(closed)
}

/// Starts the node, waits until it is told to stop or can't go on, and shuts it down.
async fn serve(
    config: &Config,
    resources: &Resources,
    admin: Option<TcpListener>,
    times: StartTimes,
) -> Result<(), Failure> {
    let node = RunningNode::start(config, resources, admin, times).await?;
    let outcome = tokio::select! {
        told = told_to_stop() => told,
        panic = node.panicked() => Err(Failure::Panicked(panic)),
        failure = resources.lost_books() => Err(failure),
    };
    node.shutdown().await;
    outcome
}

/// Returns when a signal comes.
///
/// SIGHUP asks other daemons to read their configuration again. This node can't do so, and must not
/// be killed by the signal with packets in flight, which is the effect without a handler.
pub(crate) async fn told_to_stop() -> Result<(), Failure> {
    let unheard = |error: io::Error| Failure::Refused(format!("can't listen to signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(unheard)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(unheard)?;
    tokio::select! {
        _ = terminate.recv() => tracing::info!("told to stop (SIGTERM): draining"),
        _ = interrupt.recv() => tracing::info!("told to stop (SIGINT): draining"),
        _ = hang_up.recv() => tracing::info!(
            "told to stop (SIGHUP): draining; a changed configuration takes a restart"
        ),
    }
    Ok(())
}

pub(crate) fn store_failure(error: StoreError) -> Failure {
    Failure::Store(error.to_string())
}

pub(crate) fn no_runtime(error: io::Error) -> Failure {
    Failure::Refused(format!("the system gives no more threads or event queues: {error}"))
}

/// Returns the failure that the TLS library refuses its own set-up.
pub(crate) fn no_tls(error: TlsSetupError) -> Failure {
    Failure::Refused(format!("TLS can't be set up: {error}"))
}
