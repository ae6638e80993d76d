//! The resources of a node: its store, its books, and its web client. They are opened before the
//! first task runs and closed after the last one has ended.

use std::{sync::Arc, time::Duration};

use ilp_connector::{
    Connector,
    rates::{Quote, RateOrigin},
};
use ilp_store::{DurableLedger, LedgerOptions, Store};
use ilp_store_postgres::{Lost, PageRetention, Seat};
use tokio::{
    runtime::Runtime,
    sync::{Notify, watch},
};

use crate::{
    clock,
    commands::Failure,
    config::Config,
    ildcp,
    made_once::{AddressChange, keep_address},
    node::Books,
    node_file::NodeFile,
    run::store_failure,
    start_times::StartTimes,
    trace::Traces,
    web::Web,
};

/// How long the last page may take while the cluster's database is away.
const LAST_PAGE_MAX: Duration = Duration::from_secs(5);

/// The open parts of a node that its tasks share.
pub(crate) struct Resources {
    pub(crate) store: Store,
    pub(crate) connector: Arc<Books>,
    pub(crate) web: Web,
    pub(crate) traces: Traces,
    /// Wakes the task that sends events when there is a new one.
    pub(crate) event_made: Arc<Notify>,
    /// The reason why the books can't be written any more.
    ledger_failure: watch::Receiver<Option<String>>,
    /// The node's hold on the books of its cluster; `None` without a cluster.
    seat: Option<Seat>,
}

impl Resources {
    /// Opens the books of a store. A node with a parent peer learns its own ILP address from that peer first.
    ///
    /// # Errors
    /// [`Failure`] names the part that can't be opened and what to do.
    pub(crate) fn open(
        config: &mut Config,
        (store, seat): (Store, Option<Seat>),
        change: AddressChange,
        main: &Runtime,
        times: &mut StartTimes,
    ) -> Result<Self, Failure> {
        let data_dir = std::path::absolute(&config.node.data_dir)
            .unwrap_or_else(|_| config.node.data_dir.clone());
        tracing::info!(data_dir = %data_dir.display(), "opened the data folder");
        times.store_is_open();
        if let Some(parent) = &config.ildcp.parent_peer {
            let learnt =
                main.block_on(ildcp::own_address(&store, parent)).map_err(store_failure)?;
            if let Some(address) = learnt {
                config.node.ilp_address = address;
            }
        }
        keep_address(config, &store, change)?;
        let event_made = Arc::new(Notify::new());
        let (failed, ledger_failure) = watch::channel(None);
        let connector = open_books(config, &store, failed, &event_made)?;
        times.books_are_open();
        let web = Web::new(Arc::clone(&config.proxies))?;
        let traces = Traces::start(config.telemetry.otlp_url.as_ref(), &config.node.name, &web)?;
        Ok(Self { store, connector, web, traces, event_made, ledger_failure, seat })
    }

    /// Returns what keeps the cluster's database from growing; `None` without a cluster.
    pub(crate) fn page_retention(&self) -> Option<PageRetention> {
        self.seat.as_ref().map(Seat::retention)
    }

    /// Waits until the books can't be written or are another node's, and returns the reason.
    pub(crate) async fn lost_books(&self) -> Failure {
        tokio::select! {
            // A node that has lost its books can't write them either: this is the cause.
            biased;
            lost = self.lost_seat() => Failure::Lost(lost),
            reason = self.ledger_failure() => match self.seat.as_ref().and_then(Seat::lost_now) {
                Some(lost) => Failure::Lost(lost),
                None => Failure::Store(format!(
                    "the books can't be written, so the node has stopped: {reason}"
                )),
            },
        }
    }

    async fn lost_seat(&self) -> Lost {
        let Some(seat) = &self.seat else { return std::future::pending().await };
        let mut lost = seat.lost();
        match lost.wait_for(Option::is_some).await.ok().and_then(|lost| lost.clone()) {
            Some(lost) => lost,
            None => std::future::pending().await,
        }
    }

    async fn ledger_failure(&self) -> String {
        let mut failure = self.ledger_failure.clone();
        let reason = failure.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
        match reason {
            Some(reason) => reason,
            // The books were closed, which is not a failure.
            None => std::future::pending().await,
        }
    }

    /// Closes the books, and removes the file that says that the node runs.
    ///
    /// # Errors
    /// [`Failure::Store`] when the books could not be written to their end.
    pub(crate) fn close(self, config: &Config) -> Result<(), Failure> {
        let Self { store, connector, traces, seat, .. } = self;
        if let Some(seat) = &seat {
            // Packets have had their time to drain. What the database hasn't taken by now is in doubt.
            seat.give_up_after(LAST_PAGE_MAX);
        }
        let closed = connector.ledger().close();
        NodeFile::remove(&config.node.data_dir);
        traces.end();
        drop((connector, store));
        // Only now: the last page is written, and the folder is closed.
        if let Some(seat) = seat {
            let lost = seat.lost_now();
            seat.leave();
            match lost {
                Some(lost @ Lost::GivenUp) => return Err(Failure::Lost(lost)),
                // Told already.
                Some(_) => return Ok(()),
                None => {}
            }
        }
        closed.map_err(|stopped| Failure::Store(stopped.to_string()))
    }
}

fn open_books(
    config: &Config,
    store: &Store,
    failed: watch::Sender<Option<String>>,
    event_made: &Arc<Notify>,
) -> Result<Arc<Books>, Failure> {
    let event_made = Arc::clone(event_made);
    let options = LedgerOptions {
        transfers_in_flight_max: config.packet.in_flight_max,
        on_failure: Some(Box::new(move |reason| {
            failed.send_replace(Some(reason.to_owned()));
        })),
        on_event: Some(Arc::new(move || event_made.notify_one())),
        clock_ms: Arc::new(|| clock::now().unix_ms()),
        retain_segments_min: config.retention.journal_segments_min,
        ..LedgerOptions::default()
    };
    let ledger = DurableLedger::open(store, options).map_err(store_failure)?;
    let connector = Connector::new(config.node.ilp_address.clone(), config.policy(), ledger);
    for (base, quote, rate) in &config.rates.fixed {
        let given = Quote { rate: *rate, updated_at: clock::now(), good_until: None };
        connector.rates().give(RateOrigin::Fixed, base, quote, given);
    }
    Ok(Arc::new(connector))
}
