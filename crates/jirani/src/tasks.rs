//! The node's own tasks: each has a name, all are stopped together and waited for, and a panic of one
//! ends the node in order.

use std::{any::Any, panic::AssertUnwindSafe};

use futures_util::FutureExt;
use tokio::{runtime::Handle, sync::watch, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The task that panicked first, and its message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the task \"{task}\" panicked: {message}")]
pub(crate) struct TaskPanicked {
    pub(crate) task: &'static str,
    pub(crate) message: String,
}

/// Starts tasks and waits for their ends. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
    panicked: watch::Sender<Option<TaskPanicked>>,
}

impl Tasks {
    /// Returns an empty set of tasks.
    pub(crate) fn new() -> Self {
        let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
        Self { tracker, stop, panicked: watch::Sender::new(None) }
    }

    /// Returns the token that is cancelled once the tasks are to stop.
    pub(crate) fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Returns a future that is ready once the tasks are to stop.
    pub(crate) fn stopping(&self) -> impl Future<Output = ()> + Send + 'static {
        self.stop.clone().cancelled_owned()
    }

    /// Starts a task that ends by itself once [`Tasks::stopping`] is ready. Its handle returns `None` when
    /// it panics.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        name: &'static str,
        task: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<Option<T>> {
        self.spawn_on(name, task, &Handle::current())
    }

    /// Starts a task on another runtime.
    pub(crate) fn spawn_on<T: Send + 'static>(
        &self,
        name: &'static str,
        task: impl Future<Output = T> + Send + 'static,
        runtime: &Handle,
    ) -> JoinHandle<Option<T>> {
        let panicked = self.panicked.clone();
        // A task that panicked is dropped, and nothing else looks at what it left.
        let task = AssertUnwindSafe(task).catch_unwind();
        let named = async move {
            let ended = task.await;
            ended
                .map_err(|panic| {
                    let panic = TaskPanicked { task: name, message: message_of(&*panic) };
                    tracing::error!(%panic, "a fault of the program: the node stops");
                    panicked.send_if_modified(|first| {
                        first.is_none() && first.replace(panic).is_none()
                    });
                })
                .ok()
        };
        self.tracker.spawn_on(named, runtime)
    }

    /// Starts a task that never ends by itself, and drops it once the tasks are to stop.
    pub(crate) fn spawn_endless(
        &self,
        name: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let stop = self.stop.clone();
        self.spawn(name, async move {
            stop.run_until_cancelled_owned(task).await;
        });
    }

    /// Returns once a task has panicked.
    pub(crate) async fn panicked(&self) -> TaskPanicked {
        let mut panicked = self.panicked.subscribe();
        let seen = panicked.wait_for(Option::is_some).await.map(|panic| panic.clone());
        match seen {
            Ok(Some(panic)) => panic,
            // The sender is this value's.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    /// Tells the tasks to stop and returns once all have ended.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message").to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    use super::*;

    #[tokio::test]
    async fn a_panic_is_named_and_the_other_tasks_end_in_order() {
        let tasks = Tasks::new();
        let has_drained = Arc::new(AtomicBool::new(false));
        let (stopping, drained) = (tasks.stopping(), Arc::clone(&has_drained));
        tasks.spawn("packets", async move {
            stopping.await;
            drained.store(true, Ordering::Relaxed);
        });
        tasks.spawn_endless("rates", std::future::pending());
        let broken = tasks.spawn("webhooks", async { panic!("no such event") });
        let panic = tasks.panicked().await;
        assert_eq!(panic.to_string(), "the task \"webhooks\" panicked: no such event");
        assert!(broken.await.unwrap().is_none());
        assert!(!has_drained.load(Ordering::Relaxed), "a panic stops no other task by itself");
        tasks.stop().await;
        assert!(has_drained.load(Ordering::Relaxed));
    }

    #[tokio::test]
    async fn the_first_panic_counts_and_results_are_returned() {
        let tasks = Tasks::new();
        assert_eq!(tasks.spawn("sum", async { 1 + 1 }).await.unwrap(), Some(2));
        for name in ["first", "second"] {
            assert!(tasks.spawn(name, async { panic!("{}", 7) }).await.unwrap().is_none());
        }
        let first = TaskPanicked { task: "first", message: "7".to_owned() };
        assert_eq!(tasks.panicked().await, first);
        tasks.stop().await;
    }
}
