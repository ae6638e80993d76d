//! A future that runs on after the task that waited for it is gone.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::runtime::Handle;

use super::ServerStats;

/// The handler panicked; what it held was given back as its future unwound.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Panicked;

/// Runs a handler's future in place, and moves the rest of it to a task of its own if it is dropped
/// before its end.
///
/// A client that resets its stream drops the request it was waiting for, and so does a connection
/// that ends. The packet may hold money by then, and may have been sent on: it has to be seen
/// through. A box that is spawned only when dropped costs 400 instructions per packet, where a task
/// for each costs 3,800.
pub(super) struct Detached<F: Future<Output: Send> + Send + 'static> {
    /// Empty once the future has ended.
    rest: Option<Pin<Box<F>>>,
    /// A future never polled has done nothing and is simply dropped.
    started: bool,
    stats: Arc<ServerStats>,
}

impl<F: Future<Output: Send> + Send + 'static> Detached<F> {
    pub(super) fn new(future: F, stats: Arc<ServerStats>) -> Self {
        Detached { rest: Some(Box::pin(future)), started: false, stats }
    }
}

impl<F: Future<Output: Send> + Send + 'static> Future for Detached<F> {
    type Output = Result<F::Output, Panicked>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let Some(rest) = this.rest.as_mut() else {
            // Polled after its end: nothing will ever come.
            return Poll::Pending;
        };
        this.started = true;
        // Unwind safety: after a panic the future is dropped and never looked at again.
        match catch_unwind(AssertUnwindSafe(|| rest.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => {
                this.rest = None;
                Poll::Ready(Ok(output))
            }
            Err(_) => {
                this.stats.panicked();
                this.rest = None;
                Poll::Ready(Err(Panicked))
            }
        }
    }
}

impl<F: Future<Output: Send> + Send + 'static> Drop for Detached<F> {
    fn drop(&mut self) {
        let Some(rest) = self.rest.take().filter(|_| self.started) else { return };
        // Without a runtime the process is ending, and nothing could drive the rest.
        let Ok(runtime) = Handle::try_current() else { return };
        self.stats.detached();
        runtime.spawn(async move {
            // The reply has no reader any more; what it did to the books is what counts.
            let _ = rest.await;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn a_dropped_future_runs_to_its_end() {
        let stats = Arc::new(ServerStats::new(&crate::server::Limits::default()));
        let (go, wait) = oneshot::channel::<()>();
        let (done, seen) = oneshot::channel();
        let mut future = Detached::new(
            async move {
                let _ = wait.await;
                done.send("seen through")
            },
            Arc::clone(&stats),
        );
        std::future::poll_fn(|cx| {
            assert!(Pin::new(&mut future).poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        drop(future);
        assert_eq!(stats.requests_detached(), 1);
        go.send(()).expect("the rest waits");
        assert_eq!(seen.await, Ok("seen through"));
    }

    #[tokio::test]
    async fn a_future_never_started_is_dropped() {
        let stats = Arc::new(ServerStats::new(&crate::server::Limits::default()));
        let ran = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&ran);
        drop(Detached::new(async move { flag.store(true, Ordering::SeqCst) }, Arc::clone(&stats)));
        tokio::task::yield_now().await;
        assert!(!ran.load(Ordering::SeqCst));
        assert_eq!(stats.requests_detached(), 0);
    }

    #[tokio::test]
    async fn a_panic_stays_inside() {
        let stats = Arc::new(ServerStats::new(&crate::server::Limits::default()));
        let panicking = async { panic!("a test's panic") };
        assert_eq!(Detached::<_>::new(panicking, Arc::clone(&stats)).await, Err(Panicked));
        assert_eq!(stats.handler_panics(), 1);
    }
}
