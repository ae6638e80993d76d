//! Where payments run: on the threads that carry packets, each payment on one of them.

use std::sync::atomic::{AtomicUsize, Ordering};

use ilp_admin::operator::{
    BoxFuture, Operator,
    paying::{Paying, QuoteAsk, QuoteOffer, QuoteRefusal, SendOrder},
};
use ilp_http::{Worker, spsp::SpspClient};
use tokio::sync::{mpsc, watch};

use super::{quoting, sending};
use crate::node::Node;

/// Quotes and sends payments.
pub(crate) struct Payer {
    workers: Vec<Worker<Node>>,
    next_worker: AtomicUsize,
    spsp: SpspClient,
    stop: watch::Receiver<()>,
    /// Kept by each payment that runs, so that the node can wait for the last one.
    running: mpsc::Sender<()>,
}

impl Payer {
    /// Pays until `stop` changes or is gone. The receiver ends once no payment runs any more.
    pub(crate) fn new(
        workers: Vec<Worker<Node>>,
        spsp: SpspClient,
        stop: watch::Receiver<()>,
    ) -> (Self, mpsc::Receiver<()>) {
        let (running, ended) = mpsc::channel(1);
        (Self { workers, next_worker: AtomicUsize::new(0), spsp, stop, running }, ended)
    }

    fn worker(&self) -> Option<&Worker<Node>> {
        // Relaxed: the turns only have to go round.
        let turn = self.next_worker.fetch_add(1, Ordering::Relaxed);
        self.workers.get(turn.checked_rem(self.workers.len())?)
    }
}

impl Paying for Payer {
    fn quote(&self, ask: QuoteAsk) -> BoxFuture<'_, Result<QuoteOffer, QuoteRefusal>> {
        let unable = || QuoteRefusal::Unreachable("the node is shutting down".to_owned());
        Box::pin(async move {
            let worker = self.worker().ok_or_else(unable)?;
            let (node, spsp, stop) = (worker.handler.clone(), self.spsp.clone(), self.stop.clone());
            // On a worker's thread, since its connections belong there.
            let quoted = worker
                .runtime
                .spawn(async move { quoting::quote(&node, &spsp, ask, stop).await });
            quoted.await.unwrap_or_else(|_| Err(unable()))
        })
    }

    fn send(&self, operator: &Operator, order: SendOrder) {
        let Some(worker) = self.worker() else { return };
        let (node, spsp, stop) = (worker.handler.clone(), self.spsp.clone(), self.stop.clone());
        let (operator, running) = (operator.clone(), self.running.clone());
        worker.runtime.spawn(async move {
            sending::send(&node, &spsp, &operator, order, stop).await;
            drop(running);
        });
    }
}
