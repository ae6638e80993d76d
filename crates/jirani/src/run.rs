//! `jirani run`: opens the store, wires the parts together, serves until told to stop, drains.

use std::{io, sync::Arc, time::Duration};

use ilp_admin::Sockets;
use ilp_connector::{
    Connector,
    rates::{Quote, RateOrigin},
};
use ilp_http::{
    Client, ClientOptions, Limits, Server,
    server::{Drained, ServerStats},
    spsp::{SpspClient, SpspOptions},
    tls::TlsSetupError,
};
use ilp_operator::{Auth, Operator, Parts, SignatureRules};
use ilp_pages::Sampler;
use ilp_store::{DurableLedger, LedgerOptions, Store, StoreError};
use tokio::{
    runtime,
    sync::{Notify, oneshot, watch},
};

use crate::{
    admin_server::{self, OPERATOR},
    clock::{self, SteadyClock},
    commands::Failure,
    config::Config,
    file_shares::FileShares,
    ildcp,
    made_once::{AddressChange, keep_address, stream_secret, tenant_id},
    metrics::{Metrics, Sources},
    network::Peering,
    node::{Books, Node},
    node_file::NodeFile,
    payments::{Payer, Receiving, Wallets},
    peering,
    rates_service::RatesService,
    start_times::StartTimes,
    surfaces::Surfaces,
    telemetry, tenant,
    trace::Traces,
    upkeep::{upkeep, warn_of_rates, watch_clocks},
    wallet_server::{self, WalletLimits},
    web::Web,
    workers::{start_workers, worker_count},
};

/// How long connections to the admin API may take to finish: an operator's request is answered
/// within milliseconds, and a kept-alive connection has nothing to finish.
pub(crate) const ADMIN_DRAIN: Duration = Duration::from_secs(2);

/// Runs the node until it is told to stop.
pub(crate) fn run(mut config: Config, change: AddressChange) -> Result<(), Failure> {
    let log = telemetry::start(&config.log);
    for warning in &config.warnings {
        tracing::warn!(target: "jirani::config", "{warning}");
    }
    // The books fail on a thread of their own; this is how the node hears of it.
    let (ledger_failed, on_ledger_failure) = oneshot::channel();
    let event_made = Arc::new(Notify::new());
    let mut times = StartTimes::begin();
    let store = Store::open(&config.data_dir).map_err(store_failure)?;
    let data_dir =
        std::path::absolute(&config.data_dir).unwrap_or_else(|_| config.data_dir.clone());
    tracing::info!(data_dir = %data_dir.display(), "opened the data folder");
    times.store_is_open();
    let main = runtime::Builder::new_current_thread().enable_all().build().map_err(no_runtime)?;
    if let Some(parent) = &config.parent_peer {
        let learnt = main.block_on(ildcp::own_address(&store, parent)).map_err(store_failure)?;
        config.ilp_address = learnt.unwrap_or(config.ilp_address);
    }
    keep_address(&config, &store, change)?;
    let connector = open(&config, &store, ledger_failed, &event_made)?;
    times.books_are_open();
    let web = Web::new(Arc::clone(&config.proxies))?;
    let traces = Traces::start(config.otlp_url.as_ref(), &config.name, &web)?;
    let parts = (&store, &connector, &traces, &web, times);
    let outcome = main.block_on(serve(&config, parts, event_made, on_ledger_failure));
    // What still reads or copies the store on a thread of its own is not waited for without bound.
    main.shutdown_timeout(ADMIN_DRAIN);
    let closed = connector.ledger().close().map_err(|stopped| Failure::Store(stopped.to_string()));
    NodeFile::remove(&config.data_dir);
    traces.end();
    log.end();
    tracing::info!("stopped");
    outcome.and(closed)
}

/// Opens the books in the store.
fn open(
    config: &Config,
    store: &Store,
    ledger_failed: oneshot::Sender<String>,
    event_made: &Arc<Notify>,
) -> Result<Arc<Books>, Failure> {
    let event_made = Arc::clone(event_made);
    let options = LedgerOptions {
        transfers_in_flight_max: config.in_flight_max,
        on_failure: Some(Box::new(move |reason| {
            // Nobody listens any more when the node is already ending, which is as well.
            let _ = ledger_failed.send(reason.to_owned());
        })),
        on_event: Some(Arc::new(move || event_made.notify_one())),
        clock_ms: Arc::new(|| clock::now().unix_ms()),
        retain_segments_min: config.retention.journal_segments_min,
        ..LedgerOptions::default()
    };
    let ledger = DurableLedger::open(store, options).map_err(store_failure)?;
    let connector = Connector::new(config.ilp_address.clone(), config.policy.clone(), ledger);
    for (base, quote, rate) in &config.rates.fixed {
        let given = Quote { rate: *rate, updated_at: clock::now(), good_until: None };
        connector.rates().give(RateOrigin::Fixed, base, quote, given);
    }
    Ok(Arc::new(connector))
}

async fn serve(
    config: &Config,
    (store, connector, traces, web, times): (&Store, &Arc<Books>, &Traces, &Web, StartTimes),
    event_made: Arc<Notify>,
    on_ledger_failure: oneshot::Receiver<String>,
) -> Result<(), Failure> {
    let surfaces = Surfaces::listen(config).await?;
    let threads = worker_count(config.ilp.threads);
    let files = FileShares::take(config, threads)?;
    let client = || Client::new(client_options(files), Arc::clone(web.tls()));
    let node = |receiving| Node::new(Arc::clone(connector), client(), receiving, traces.clone());

    let asking = node(None);
    let tenant_id = tenant_id(config, store)?.to_string();
    let operator = Operator::new(Parts {
        store: store.clone(),
        connector: Arc::clone(connector),
        network: Arc::new(Peering::new(asking.clone(), web)),
        clock: clock::now,
        tenant_id: tenant_id.clone(),
        tenant: tenant::profile(config),
        peering: peering::rules(config, surfaces.connector_url(config)?),
        version: env!("CARGO_PKG_VERSION"),
        hold_ms_max: config.policy.hold_ms_max,
        event_made: Arc::clone(&event_made),
    });
    operator.load().await.map_err(|error| Failure::Store(error.to_string()))?;
    times.peers_are_there();
    warn_of_rates(config, &operator);
    let connector_url = surfaces.connector_url(config)?;
    surfaces.announce(config)?;

    let receiving = Arc::new(receiving(config, store, &operator)?);
    let (end_workers, workers_end) = watch::channel(());
    let workers = start_workers(threads, || node(Some(Arc::clone(&receiving))), &workers_end)?;
    let (stop, stopping) = watch::channel(());
    let spsp = SpspClient::new(spsp_options(config), web.tls(), web.proxies());
    let payer = Arc::new(Payer::new(workers.clone(), spsp, stopping.clone()));
    let paying = operator.pay_through(Arc::clone(&payer) as _);
    paying.await.map_err(|error| Failure::Store(error.to_string()))?;
    let payments = payer.ended(until(stopping.clone()), drain_max(config));
    let wallets = wallet_server::serve(
        surfaces.wallet,
        Arc::new(Wallets::new(operator.clone(), receiving)),
        config.wallet.public_url.clone(),
        WalletLimits { connections_max: files.wallets, ..WalletLimits::default() },
        until(stopping.clone()),
        ADMIN_DRAIN,
    );
    let server = Server::new(limits(config, files));
    let nodes = workers.iter().map(|worker| worker.handler.clone()).chain([asking]).collect();
    let sources = sources(config, (connector, &operator, store), nodes, server.stats());
    let packets = server.serve(surfaces.ilp, workers, until(stopping.clone()));
    let stop_upkeep = until(stopping.clone());
    let upkeep = upkeep((config, web), store, operator.clone(), event_made, stop_upkeep);
    let steady = Arc::new(SteadyClock::new());
    let service = RatesService::new(&config.rates, web, &steady, &operator, connector);
    let rates = ask_for_rates(service, until(stopping.clone()));
    let clocks = watch_clocks(&steady, &operator, until(stopping.clone()));
    let auth = auth(config, tenant_id, store)?;
    let sockets = Sockets::new(stopping.clone());
    let parts = (auth, sockets.clone());
    let (router, sampler) = admin_router(config, parts, (&operator, connector_url), sources);
    let sampler = sample(sampler, until(stopping.clone()));
    let asked = (surfaces.peering, files.auto_peering);
    let peering = peering::serve(asked, operator.clone(), until(stopping.clone()));
    let admin = (surfaces.admin, files.admin);
    let admin = admin_server::serve(admin, OPERATOR, router, until(stopping), ADMIN_DRAIN);

    let ending = ending(connector, stop, on_ledger_failure);
    let (drained, (), (), (), (), (), (), (), (), outcome) = tokio::join!(
        packets, payments, wallets, admin, peering, upkeep, rates, clocks, sampler, ending
    );
    drop(end_workers);
    end_sockets(&sockets).await;
    tell_unfinished(&operator, drained).await;
    outcome
}

/// Returns the sources that the metrics are read from.
fn sources(
    config: &Config,
    (connector, operator, store): (&Arc<Books>, &Operator, &Store),
    nodes: Vec<Node>,
    server: Arc<ServerStats>,
) -> Sources {
    Sources {
        connector: Arc::clone(connector),
        operator: operator.clone(),
        store: store.clone(),
        nodes,
        server,
        transfers_in_flight_max: config.in_flight_max,
        peers_max: config.metrics.peers_max,
    }
}

/// Waits for the end and begins it: no new packet is taken, and all that serves stops.
async fn ending(
    connector: &Books,
    stop: watch::Sender<()>,
    on_ledger_failure: oneshot::Receiver<String>,
) -> Result<(), Failure> {
    let outcome = until_told_to_stop(on_ledger_failure).await;
    connector.shut_down();
    drop(stop);
    outcome
}

/// The receiving end for everybody who is paid at this node.
fn receiving(config: &Config, store: &Store, operator: &Operator) -> Result<Receiving, Failure> {
    let secret = stream_secret(config, store)?;
    Ok(Receiving::new(secret.reveal(), config.ilp_address.clone(), operator.clone()))
}

/// How long what is under way may take when the node is told to stop.
fn drain_max(config: &Config) -> Duration {
    Duration::from_millis(config.drain_ms_max)
}

fn spsp_options(config: &Config) -> SpspOptions {
    SpspOptions { private_receivers: config.wallet.private_receivers, ..SpspOptions::default() }
}

fn limits(config: &Config, files: FileShares) -> Limits {
    Limits { connections_max: files.peers, drain_timeout: drain_max(config), ..Limits::default() }
}

/// What is served on the operator's port: the API, and the pages and the metrics beside it; and what
/// looks at the node for the pages.
fn admin_router(
    config: &Config,
    (auth, sockets): (Auth, Sockets),
    (operator, connector_url): (&Operator, String),
    sources: Sources,
) -> (axum::Router, Sampler) {
    let (pages, sampler) = ilp_pages::pages(ilp_pages::Node {
        operator: operator.clone(),
        auth: auth.clone(),
        connector_url,
        settings: config.listed.clone(),
        core: Arc::clone(&sources.connector),
        packet_times: sources.packet_times(),
    });
    let metrics = Metrics::new(sources);
    let secret = config.metrics.secret.as_ref();
    let scrape = ilp_admin::metrics_route(auth.clone(), secret, move |format| metrics.text(format));
    (ilp_admin::router(operator.clone(), auth, sockets).merge(scrape).merge(pages), sampler)
}

/// Waits until the operator's WebSockets are closed. A client that doesn't answer the Close is not waited
/// for any longer than the admin port's requests are.
async fn end_sockets(sockets: &Sockets) {
    let _ = tokio::time::timeout(ADMIN_DRAIN, sockets.closed()).await;
}

/// Waits a little for what the operator's API was doing, and says what had to be left.
async fn tell_unfinished(operator: &Operator, drained: Drained) {
    let changes_done = operator.changes_done();
    if tokio::time::timeout(ADMIN_DRAIN, changes_done).await.is_err() {
        tracing::warn!("a change of the operator's is cut short; the next start ends it");
    }
    if drained.packets_unfinished > 0 {
        tracing::warn!(
            packets = drained.packets_unfinished,
            connections = drained.connections_cut,
            "packets were still under way when the time to drain was over; their holds are void"
        );
    }
}

/// Keeps exchange rates fresh, where a service tells them, until the node is told to stop.
async fn ask_for_rates(service: Option<RatesService>, stop: impl Future<Output = ()>) {
    let Some(service) = service else { return };
    tokio::select! {
        () = service.run() => {}
        () = stop => {}
    }
}

/// Looks once a second at what the pages show, until the node is told to stop: those who follow a page
/// are let go then.
async fn sample(sampler: Sampler, stop: impl Future<Output = ()>) {
    tokio::select! {
        () = sampler.run() => {}
        () = stop => {}
    }
}

/// Returns when a signal comes, or the books can't be written any more.
///
/// SIGHUP asks other daemons to read their configuration again. This one can't, and must not die of
/// it with packets under way, which is the effect of a signal without a handler.
async fn until_told_to_stop(on_ledger_failure: oneshot::Receiver<String>) -> Result<(), Failure> {
    use tokio::signal::unix::{SignalKind, signal};
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
        Ok(reason) = on_ledger_failure => {
            return Err(Failure::Store(format!(
                "the books can't be written, so the node has stopped: {reason}"
            )));
        }
    }
    Ok(())
}

/// Ready when the sender is dropped.
pub(crate) async fn until(mut stopping: watch::Receiver<()>) {
    while stopping.changed().await.is_ok() {}
}

/// Returns the options of the client to next hops. One next hop gets at most as many packets as the
/// server takes, of which no peer has more than half, nor more than half of the HTTP/1.1
/// connections: packets of one peer that the next hop leaves unanswered don't keep another peer's
/// waiting.
fn client_options(files: FileShares) -> ClientOptions {
    let packets_max = Limits::default().requests_max;
    let defaults = ClientOptions::default();
    ClientOptions {
        connections_max: packets_max.min(files.next_hops_per_thread),
        connections_open_max: files.next_hops_per_thread,
        sender_connections_max: (files.next_hops_per_thread / 2)
            .clamp(1, defaults.sender_connections_max),
        packets_max,
        ..defaults
    }
}

/// Without a secret the API is open to whoever reaches it, so the configuration allows that on
/// loopback only.
fn auth(config: &Config, tenant_id: String, store: &Store) -> Result<Auth, Failure> {
    match &config.admin.secret {
        Some(secret) => {
            let lifetime_ms = config.admin.signature_ttl_s * 1_000;
            let rules = SignatureRules { tenant_id, lifetime_ms };
            Auth::secret(secret, rules, clock::now, store.clone()).map_err(store_failure)
        }
        None => Ok(Auth::loopback(Vec::new())),
    }
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
