use crate::{
    frames::{DATA, Frames, H2c, HEADERS, NO_ERROR, REFUSED_STREAM},
    support::{PATIENCE, client, client_with, read_request, send, until},
};
use bytes::Bytes;
use ilp_http::{Client, ClientOptions, NextHop, NoReply, SendError};
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::watch,
    time::Instant,
};

/// The number of times that each packet was taken.
type Taken = Arc<Mutex<HashMap<Vec<u8>, usize>>>;

fn take(taken: &Taken, packet: &[u8]) {
    *taken.lock().entry(packet.to_vec()).or_default() += 1;
}

/// Starts a server that takes `maximum` requests of each connection, as nginx does with
/// `keepalive_requests`. With the last of them it sends a GOAWAY, and it reads no later request.
async fn requests_max(maximum: usize, taken: Taken) -> H2c {
    H2c::start(move |_, mut frames: Frames| {
        let taken = Arc::clone(&taken);
        async move {
            let mut streams = Vec::new();
            loop {
                let frame = frames.read().await?;
                if frame.kind == HEADERS && streams.len() < maximum {
                    streams.push(frame.stream);
                    if streams.len() == maximum {
                        frames.goodbye(frame.stream, NO_ERROR).await?;
                    }
                }
                if let Some(packet) =
                    frames.part(&frame).filter(|_| streams.contains(&frame.stream))
                {
                    take(&taken, &packet);
                    frames.echo(frame.stream, &packet).await?;
                }
            }
        }
    })
    .await
}

/// Sends packets of different bytes at once, and expects a reply to each.
async fn send_at_once(client: &Client, endpoint: &str, packets: std::ops::Range<usize>) {
    let packets: Vec<_> = packets
        .map(|number| {
            let (client, endpoint) = (client.clone(), endpoint.to_owned());
            let packet = format!("packet {number}");
            tokio::spawn(async move { (send(&client, &endpoint, &packet).await, packet) })
        })
        .collect();
    for packet in packets {
        let (reply, packet) = packet.await.unwrap();
        assert_eq!(reply.unwrap(), format!("echo:{packet}"));
    }
}

fn assert_each_taken_once(taken: &Taken, count: usize) {
    let taken = taken.lock();
    assert_eq!(taken.len(), count);
    assert!(taken.values().all(|times| *times == 1), "{taken:?}");
}

#[tokio::test]
async fn a_server_that_takes_seven_requests_of_each_connection_loses_no_packet() {
    let taken = Taken::default();
    let peer = requests_max(7, Arc::clone(&taken)).await;
    let client = client();
    send_at_once(&client, &peer.endpoint(), 0..100).await;
    assert_each_taken_once(&taken, 100);
    assert!(client.retries() > 0);
    for wave in 1..20 {
        send_at_once(&client, &peer.endpoint(), wave * 100..wave * 100 + 24).await;
    }
    assert_each_taken_once(&taken, 100 + 19 * 24);
    assert_eq!(peer.lost(), 0, "a packet went by HTTP/1.1");
}

#[tokio::test]
async fn a_server_that_takes_one_request_of_each_connection_loses_no_packet() {
    let taken = Taken::default();
    let peer = requests_max(1, Arc::clone(&taken)).await;
    let client = client();
    for number in 0..50 {
        send_at_once(&client, &peer.endpoint(), number..number + 1).await;
    }
    assert_each_taken_once(&taken, 50);
    assert_eq!((peer.lost(), peer.accepted()), (0, 50));
}

#[tokio::test]
async fn reloads_of_a_server_lose_no_packet() {
    let taken = Taken::default();
    let (reload, reloads) = watch::channel(0);
    let taking = Arc::clone(&taken);
    // On a reload, as haproxy does it, each connection sends a GOAWAY that names the last stream
    // that it took, and answers those it has. Another process takes the new connections.
    let peer = H2c::start(move |_, mut frames: Frames| {
        let (taken, mut reloads) = (Arc::clone(&taking), reloads.clone());
        async move {
            reloads.mark_unchanged();
            let (mut last, mut is_ending) = (0, false);
            loop {
                let frame = tokio::select! {
                    frame = frames.read() => frame?,
                    _ = reloads.changed(), if !is_ending => {
                        is_ending = true;
                        frames.goodbye(last, NO_ERROR).await?;
                        continue;
                    }
                };
                if frame.kind == HEADERS && !is_ending {
                    last = frame.stream;
                }
                if let Some(packet) = frames.part(&frame).filter(|_| frame.stream <= last) {
                    take(&taken, &packet);
                    frames.echo(frame.stream, &packet).await?;
                }
            }
        }
    })
    .await;
    let client = client();
    let (waves, done) = (50, Arc::new(AtomicUsize::new(0)));
    let sent = Arc::clone(&done);
    let sending = async {
        for wave in 0..waves {
            send_at_once(&client, &peer.endpoint(), wave * 24..(wave + 1) * 24).await;
            sent.fetch_add(1, Ordering::SeqCst);
        }
    };
    let reloading = async {
        for wave in 0..waves {
            reload.send_replace(wave);
            until("packets go on", || done.load(Ordering::SeqCst) > wave).await;
        }
    };
    tokio::join!(sending, reloading);
    assert_each_taken_once(&taken, waves * 24);
    assert_eq!(peer.lost(), 0, "a packet went by HTTP/1.1");
    assert!(peer.accepted() > 5, "{}", peer.accepted());
}

#[tokio::test]
async fn a_peer_of_http2_alone_loses_none_of_its_first_packets() {
    let taken = Taken::default();
    let peer = requests_max(1_000, Arc::clone(&taken)).await;
    let client = client();
    send_at_once(&client, &peer.endpoint(), 0..50).await;
    assert_each_taken_once(&taken, 50);
    assert_eq!((peer.accepted(), peer.lost()), (1, 0));
    assert_eq!((client.connections_opened(), client.retries()), (1, 0));
}

/// Sends one packet, and returns the error that came instead of a reply.
async fn failure(client: &Client, endpoint: &str) -> NoReply {
    let next_hop = NextHop { id: 1, endpoint, token: "right" };
    let packet = Bytes::from_static(b"packet");
    client.send(next_hop, 0, packet, Instant::now() + PATIENCE).await.unwrap_err()
}

fn assert_may_be_taken(no_reply: &NoReply) {
    assert!(no_reply.error.left_us(), "{no_reply:?}");
    assert!(no_reply.unsent.is_none());
}

fn assert_is_handed_back(no_reply: &NoReply) {
    assert!(matches!(no_reply.error, SendError::Closed { left_us: false, .. }), "{no_reply:?}");
    assert_eq!(no_reply.unsent.as_deref(), Some(&b"packet"[..]));
}

#[tokio::test]
async fn a_packet_that_was_taken_is_not_sent_again() {
    // The server takes the packet, sends a GOAWAY up to it, and ends without an answer.
    let ends_silently = H2c::start(|_, mut frames: Frames| async move {
        let (stream, _) = frames.packet().await?;
        frames.goodbye(stream, NO_ERROR).await
    })
    .await;
    // The server begins its reply and then denies that there was a packet.
    let denies = H2c::start(|_, mut frames: Frames| async move {
        let (stream, _) = frames.packet().await?;
        frames.head(stream).await?;
        frames.write(DATA, 0, stream, b"ec").await?;
        frames.goodbye(0, NO_ERROR).await?;
        frames.packet().await.map(drop)
    })
    .await;
    let refuses_late = H2c::start(|_, mut frames: Frames| async move {
        let (stream, _) = frames.packet().await?;
        frames.head(stream).await?;
        frames.reset(stream, REFUSED_STREAM).await?;
        frames.packet().await.map(drop)
    })
    .await;
    for peer in [ends_silently, denies, refuses_late] {
        let client = client();
        assert_may_be_taken(&failure(&client, &peer.endpoint()).await);
        assert_eq!((peer.accepted(), peer.lost(), client.retries()), (1, 0, 0));
    }
}

#[tokio::test]
async fn a_refused_stream_is_tried_again_on_the_same_connection() {
    let peer = H2c::start(|_, mut frames: Frames| async move {
        for _ in 0..2 {
            let (stream, _) = frames.packet().await?;
            frames.reset(stream, REFUSED_STREAM).await?;
        }
        let (stream, packet) = frames.packet().await?;
        frames.echo(stream, &packet).await?;
        frames.packet().await.map(drop)
    })
    .await;
    let client = client();
    assert_eq!(send(&client, &peer.endpoint(), "packet").await.unwrap(), "echo:packet");
    assert_eq!((peer.accepted(), client.retries()), (1, 2));
}

#[tokio::test]
async fn a_stream_refused_before_its_packet_came_is_tried_again() {
    let peer = H2c::start(|_, mut frames: Frames| async move {
        let frame = loop {
            let frame = frames.read().await?;
            if frame.kind == HEADERS {
                break frame;
            }
        };
        frames.reset(frame.stream, REFUSED_STREAM).await?;
        let (stream, packet) = loop {
            let (stream, packet) = frames.packet().await?;
            if stream != frame.stream {
                break (stream, packet);
            }
        };
        assert_eq!(packet.len(), 20_000);
        frames.echo(stream, b"long").await?;
        frames.packet().await.map(drop)
    })
    .await;
    let client = client();
    let packet = "x".repeat(20_000);
    assert_eq!(send(&client, &peer.endpoint(), &packet).await.unwrap(), "echo:long");
    assert_eq!((peer.accepted(), client.retries()), (1, 1));
}

#[tokio::test]
async fn a_peer_that_takes_no_packet_gets_it_a_bounded_number_of_times() {
    let refuses = H2c::start(|_, mut frames: Frames| async move {
        loop {
            let (stream, _) = frames.packet().await?;
            frames.reset(stream, REFUSED_STREAM).await?;
        }
    })
    .await;
    let goes_away = H2c::start(|_, mut frames: Frames| async move {
        frames.packet().await?;
        frames.goodbye(0, NO_ERROR).await?;
        frames.packet().await.map(drop)
    })
    .await;
    for (peer, attempts) in [(refuses, 3), (goes_away, 20)] {
        let client = client();
        assert_is_handed_back(&failure(&client, &peer.endpoint()).await);
        assert_eq!((peer.lost(), client.retries()), (0, attempts - 1));
    }
}

#[tokio::test]
async fn a_hang_up_at_the_greeting_costs_no_packet() {
    // The peer acts as servers do while one replaces another: every second connection ends without
    // an answer, and the others take one packet.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/ilp", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        loop {
            drop(listener.accept().await.unwrap());
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut frames = Frames::accept(stream).await?;
                let (stream, packet) = frames.packet().await?;
                frames.goodbye(stream, NO_ERROR).await?;
                frames.echo(stream, &packet).await?;
                frames.packet().await.map(drop)
            });
        }
    });
    let client = client();
    for number in 0..10 {
        send_at_once(&client, &endpoint, number..number + 1).await;
    }
    assert_eq!(client.connections_opened(), 10);
    serving.abort();
}

/// Tests a server of HTTP/1.1 that doesn't answer a malformed request, and one that hangs up.
#[tokio::test]
async fn an_http1_server_that_does_not_answer_a_greeting_gets_its_packets() {
    for hangs_up in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/ilp", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    while let Some(request) = read_request(&mut stream).await {
                        assert!(request.starts_with("POST "), "{request}");
                        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhttp1";
                        stream.write_all(answer).await.unwrap();
                    }
                    if !hangs_up {
                        std::future::pending::<()>().await;
                    }
                });
            }
        });
        let probe_timeout = Duration::from_millis(50);
        let client = client_with(ClientOptions { probe_timeout, ..ClientOptions::default() });
        for _ in 0..10 {
            assert_eq!(send(&client, &endpoint, "packet").await.unwrap(), "http1");
        }
        assert_eq!(client.connections_opened(), 1);
        serving.abort();
    }
}

/// Tests a peer that speaks HTTP/1.1 at first and only HTTP/2 later. A packet that is under way
/// then is lost, since the peer may have taken it.
#[tokio::test]
async fn a_peer_that_changes_to_http2_alone_loses_one_packet() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/ilp", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        // The greeting.
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 1_024]).await.unwrap() > 0);
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        drop(stream);
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await.unwrap();
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhttp1";
        stream.write_all(answer).await.unwrap();
        drop(stream);
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut frames = Frames::accept(stream).await?;
                loop {
                    let (stream, packet) = frames.packet().await?;
                    frames.echo(stream, &packet).await?;
                }
                #[expect(unreachable_code, reason = "the block's type")]
                Some(())
            });
        }
    });
    let client = client();
    assert_eq!(send(&client, &endpoint, "packet").await.unwrap(), "http1");
    assert_may_be_taken(&failure(&client, &endpoint).await);
    for _ in 0..3 {
        assert_eq!(send(&client, &endpoint, "packet").await.unwrap(), "echo:packet");
    }
    serving.abort();
}
