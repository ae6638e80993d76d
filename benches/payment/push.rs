//! The load of the baseline: a number of packets, many of them in flight together.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use tokio::task::JoinSet;

use crate::clients::{Client, Counted, Http2, Load};

/// A server allows some hundred streams on a connection.
const CONNECTIONS: usize = 4;

/// Sends `packets` in all, `at_once` together, as fast as answers come.
pub(crate) async fn push(load: &Load, packets: u64, at_once: usize) -> Counted {
    let left = Arc::new(AtomicU64::new(packets));
    let mut workers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let client = Http2::connect(load).await;
        for _ in 0..at_once / CONNECTIONS {
            workers.spawn(work(client.clone(), Arc::clone(&left)));
        }
    }
    Counted::sum(workers).await
}

async fn work(mut client: Http2, left: Arc<AtomicU64>) -> Counted {
    let mut counted = Counted::default();
    // Relaxed: nothing else depends on which task takes which packet.
    while left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
        let from = Instant::now();
        let reply = client.exchange().await;
        counted.add(reply, from.elapsed());
    }
    counted
}
