//! A running node: its ports, its threads and its tasks, from the start to the end of its shutdown.

use std::sync::Arc;

use ilp_admin::Sockets;
use ilp_http::{
    Client, Server,
    server::{Drained, ServerStats},
    spsp::SpspClient,
};
use ilp_operator::{Auth, Operator, Parts};
use ilp_pages::Sampler;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    admin_server::{self, OPERATOR},
    clock::{self, SteadyClock},
    commands::Failure,
    config::Config,
    file_shares::FileShares,
    made_once::{stream_secret, tenant_id},
    metrics::{Metrics, Sources},
    network::Peering,
    node::{Books, Node},
    node_options,
    payments::{Payer, Receiving, Wallets},
    peering,
    rates_service::RatesService,
    resources::Resources,
    run::ADMIN_DRAIN,
    start_times::StartTimes,
    surfaces::Surfaces,
    tasks::{TaskPanicked, Tasks},
    tenant,
    upkeep::{start_upkeep, warn_of_rates},
    wallet_server,
    workers::{Workers, worker_count},
};

/// A node that carries packets and serves its ports.
pub(crate) struct RunningNode {
    connector: Arc<Books>,
    operator: Operator,
    sockets: Sockets,
    tasks: Tasks,
    workers: Workers,
    /// The task of the port of packets; its result says how the port drained.
    packets: JoinHandle<Option<Drained>>,
}

impl RunningNode {
    /// Starts a node, which is ready when this returns.
    ///
    /// # Errors
    /// [`Failure`] names the port, the thread or the record that can't be had.
    pub(crate) async fn start(
        config: &Config,
        resources: &Resources,
        admin: Option<TcpListener>,
        times: StartTimes,
    ) -> Result<Self, Failure> {
        let Resources { store, connector, web, traces, .. } = resources;
        let surfaces = Surfaces::listen(config, admin).await?;
        let threads = worker_count(config.ilp.threads);
        let files = FileShares::take(config, threads)?;
        let node = |receiving| {
            let client = Client::new(node_options::client(files), Arc::clone(web.tls()));
            Node::new(Arc::clone(connector), client, receiving, traces.clone())
        };
        let asking = node(None);
        let tenant_id = tenant_id(config, store)?.to_string();
        let connector_url = surfaces.connector_url(config)?;
        let network = Peering::new(asking.clone(), web);
        let operator = operator(config, resources, network, &tenant_id, connector_url.clone());
        operator.load().await.map_err(|error| Failure::Store(error.to_string()))?;
        times.peers_are_there();
        warn_of_rates(config, &operator);
        surfaces.announce(config)?;

        let tasks = Tasks::new();
        let secret = stream_secret(config, store)?;
        let address = config.node.ilp_address.clone();
        let receiving = Arc::new(Receiving::new(secret.reveal(), address, operator.clone()));
        let workers = Workers::start(threads, || node(Some(Arc::clone(&receiving))))?;
        let spsp = SpspClient::new(node_options::spsp(config), web.tls(), web.proxies());
        let payer = Arc::new(Payer::new(workers.handles(), spsp, tasks.stop_token()));
        let paying = operator.payments().pay_through(Arc::clone(&payer) as _);
        paying.await.map_err(|error| Failure::Store(error.to_string()))?;
        tasks.spawn("payments", payer.ended(tasks.stopping(), node_options::drain_max(config)));

        let auth = node_options::auth(config, tenant_id, store)?;
        let sockets = Sockets::new(tasks.stop_token());
        let server = Server::new(node_options::packets_port(config, files));
        let handlers = workers.handles().into_iter().map(|worker| worker.handler);
        let nodes = handlers.chain([asking]).collect();
        let sources = sources(config, resources, &operator, nodes, server.stats());
        let surface = (auth, sockets.clone(), connector_url);
        let (admin, sampler) = admin_router(config, surface, &operator, sources);

        start_duties(config, resources, &operator, sampler, &tasks);
        let packets = server.serve(surfaces.ilp, workers.handles(), tasks.stopping());
        let packets = tasks.spawn("packets port", packets);
        let wallets = wallet_server::serve(
            surfaces.wallet,
            Arc::new(Wallets::new(operator.clone(), receiving)),
            config.wallet.public_url.clone(),
            node_options::wallet_port(files),
            tasks.stopping(),
            ADMIN_DRAIN,
        );
        tasks.spawn("wallet port", wallets);
        let peering = (surfaces.peering, files.auto_peering);
        tasks.spawn(
            "auto-peering port",
            peering::serve(peering, operator.clone(), tasks.stopping()),
        );
        let port = (surfaces.admin, files.admin);
        let admin = admin_server::serve(port, OPERATOR, admin, tasks.stopping(), ADMIN_DRAIN);
        tasks.spawn("admin port", admin);
        let connector = Arc::clone(connector);
        Ok(Self { connector, operator, sockets, tasks, workers, packets })
    }

    /// Returns once one of the node's tasks has panicked.
    pub(crate) async fn panicked(&self) -> TaskPanicked {
        tokio::select! {
            panic = self.tasks.panicked() => panic,
            panic = self.workers.panicked() => panic,
        }
    }

    /// Takes no new packet, waits for those in flight within their bound, and ends all tasks and
    /// threads.
    pub(crate) async fn shutdown(self) {
        self.connector.shut_down();
        self.tasks.stop().await;
        let drained = self.packets.await.ok().flatten();
        self.workers.end().await;
        // A client that doesn't answer the Close is not waited for any longer than the admin port's
        // requests are.
        let _ = tokio::time::timeout(ADMIN_DRAIN, self.sockets.closed()).await;
        if tokio::time::timeout(ADMIN_DRAIN, self.operator.changes_done()).await.is_err() {
            tracing::warn!("a change of the operator's is cut short; the next start ends it");
        }
        if let Some(drained) = drained.filter(|drained| drained.packets_unfinished > 0) {
            tracing::warn!(
                packets = drained.packets_unfinished,
                connections = drained.connections_cut,
                "packets were still under way when the time to drain was over; their holds are void"
            );
        }
    }
}

/// Returns the operations on a node, before the store's peers are brought in.
fn operator(
    config: &Config,
    resources: &Resources,
    network: Peering,
    tenant_id: &str,
    connector_url: String,
) -> Operator {
    let parts = Parts {
        connector: Arc::clone(&resources.connector),
        network: Arc::new(network),
        clock: clock::now,
        tenant_id: tenant_id.to_owned(),
        tenant: tenant::profile(config),
        peering: peering::rules(config, connector_url),
        version: env!("CARGO_PKG_VERSION"),
        hold_ms_max: config.packet.hold_ms_max,
        event_made: Arc::clone(&resources.event_made),
    };
    Operator::new(resources.store.clone(), parts)
}

/// Returns the router of the operator's port, with the API, the pages and the metrics, and the
/// sampler of the pages.
fn admin_router(
    config: &Config,
    (auth, sockets, connector_url): (Auth, Sockets, String),
    operator: &Operator,
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

/// Starts the node's own tasks.
fn start_duties(
    config: &Config,
    resources: &Resources,
    operator: &Operator,
    sampler: Sampler,
    tasks: &Tasks,
) {
    start_upkeep(config, resources, operator, tasks);
    let steady = Arc::new(SteadyClock::new());
    let Resources { web, connector, .. } = resources;
    if let Some(service) = RatesService::new(&config.rates, web, &steady, operator, connector) {
        tasks.spawn_endless("rates service", service.run());
    }
    let stepped = operator.clone();
    tasks.spawn_endless("clock", async move {
        steady.watch(|step_ms| stepped.clock_stepped(step_ms)).await;
    });
    // The streams of live pages end with this task.
    tasks.spawn_endless("pages", sampler.run());
}

/// Returns the sources that the metrics are read from.
fn sources(
    config: &Config,
    resources: &Resources,
    operator: &Operator,
    nodes: Vec<Node>,
    server: Arc<ServerStats>,
) -> Sources {
    Sources {
        connector: Arc::clone(&resources.connector),
        operator: operator.clone(),
        store: resources.store.clone(),
        nodes,
        server,
        transfers_in_flight_max: config.packet.in_flight_max,
        peers_max: config.metrics.peers_max,
    }
}
