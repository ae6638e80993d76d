//! Peers that are created by several clients at once, with as little work for the clients as possible.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Runtime,
    task::JoinSet,
};

use crate::{clients::body_of, measure::Latencies, node};

/// The time and memory that it took to create some peers.
pub(crate) struct Created {
    pub(crate) per_second: f64,
    pub(crate) latencies: Latencies,
}

/// Creates `count` peers from number `from` on, over `at_once` connections that each have one request
/// under way. The requests are made before the time counts.
pub(crate) fn create(
    runtime: &Runtime,
    admin: SocketAddr,
    asset: &str,
    from: usize,
    count: usize,
    at_once: usize,
) -> Created {
    let shares: Vec<Vec<Vec<u8>>> = (0..at_once)
        .map(|client| {
            let indices = (from + client..from + count).step_by(at_once);
            indices.map(|index| node::creation(asset, index)).collect()
        })
        .collect();
    runtime.block_on(async {
        let mut workers = JoinSet::new();
        let mut streams = Vec::new();
        for _ in 0..at_once {
            let stream = TcpStream::connect(admin).await.expect("the admin port");
            stream.set_nodelay(true).expect("TCP");
            streams.push(stream);
        }
        let began = Instant::now();
        for (stream, requests) in streams.into_iter().zip(shares) {
            workers.spawn(send(stream, requests));
        }
        let mut latencies = Latencies::default();
        while let Some(worker) = workers.join_next().await {
            for latency in worker.expect("every peer is created") {
                latencies.add(latency);
            }
        }
        Created { per_second: count as f64 / began.elapsed().as_secs_f64(), latencies }
    })
}

async fn send(mut stream: TcpStream, requests: Vec<Vec<u8>>) -> Vec<Duration> {
    let mut latencies = Vec::with_capacity(requests.len());
    let mut buffer = vec![0; 16 * 1_024];
    for request in requests {
        let began = Instant::now();
        stream.write_all(&request).await.expect("a request");
        let mut have = 0;
        let body = loop {
            let room = buffer.get_mut(have..).expect("a short answer");
            let more = stream.read(room).await.expect("an answer");
            assert_ne!(more, 0, "the answer is whole");
            have += more;
            let answer = buffer.get(..have).unwrap_or_default();
            if let Some((body, length)) = body_of(answer)
                && have >= body + length
            {
                break answer.get(body..).unwrap_or_default();
            }
        };
        latencies.push(began.elapsed());
        let is_done = body.windows(12).any(|part| part == b"\"code\":\"200\"");
        assert!(is_done, "{}", String::from_utf8_lossy(body));
    }
    latencies
}
