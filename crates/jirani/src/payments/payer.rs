//! The distribution of payments to the threads that carry packets; each payment runs on one of
//! them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use ilp_http::{Worker, spsp::SpspClient};
use ilp_operator::{
    BoxFuture,
    paying::{Paying, PaymentReports, QuoteAsk, QuoteOffer, QuoteRefusal, SendOrder},
};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    quoting::{self, QuoteFault},
    sending,
};
use crate::node::Node;

/// Quotes and sends payments.
pub(crate) struct Payer {
    workers: Vec<Worker<Node>>,
    next_worker: AtomicUsize,
    spsp: SpspClient,
    stop: CancellationToken,
    /// The number of running payments.
    running: watch::Sender<usize>,
}

/// A running payment, which is counted until this value is dropped.
struct Running(watch::Sender<usize>);

impl Running {
    fn begin(running: &watch::Sender<usize>) -> Self {
        running.send_modify(|count| *count += 1);
        Self(running.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl Payer {
    /// Makes a payer, which pays until `stop` is cancelled.
    pub(crate) fn new(
        workers: Vec<Worker<Node>>,
        spsp: SpspClient,
        stop: CancellationToken,
    ) -> Self {
        let running = watch::Sender::new(0);
        Self { workers, next_worker: AtomicUsize::new(0), spsp, stop, running }
    }

    /// Waits for `stop`, and then until the packets of all payments are answered, but no longer
    /// than `drain`. A payment continues with its rest after the next start.
    pub(crate) fn ended<S: Future<Output = ()>>(
        &self,
        stop: S,
        drain: Duration,
    ) -> impl Future<Output = ()> + use<S> {
        let mut running = self.running.subscribe();
        async move {
            stop.await;
            if tokio::time::timeout(drain, running.wait_for(|count| *count == 0)).await.is_err() {
                tracing::warn!("packets of payments were still under way when time was over");
            }
        }
    }

    fn worker(&self) -> Option<&Worker<Node>> {
        // Relaxed suffices: the count only spreads payments over the threads.
        let turn = self.next_worker.fetch_add(1, Ordering::Relaxed);
        self.workers.get(turn.checked_rem(self.workers.len())?)
    }
}

impl Paying for Payer {
    fn quote(&self, ask: QuoteAsk) -> BoxFuture<'_, Result<QuoteOffer, QuoteRefusal>> {
        let unable = || QuoteRefusal::Unreachable(QuoteFault::ShuttingDown.into());
        Box::pin(async move {
            let worker = self.worker().ok_or_else(unable)?;
            let (node, spsp, stop) = (worker.handler.clone(), self.spsp.clone(), self.stop.clone());
            // Quotes run on a worker's thread, which owns the connections.
            let quoted =
                worker.runtime.spawn(async move { quoting::quote(&node, &spsp, ask, stop).await });
            quoted.await.unwrap_or_else(|_| Err(unable()))
        })
    }

    fn send(&self, reports: Arc<dyn PaymentReports>, order: SendOrder) {
        let Some(worker) = self.worker() else { return };
        let (node, spsp, stop) = (worker.handler.clone(), self.spsp.clone(), self.stop.clone());
        let running = Running::begin(&self.running);
        worker.runtime.spawn(async move {
            sending::send(&node, &spsp, &*reports, order, stop).await;
            drop(running);
        });
    }
}
