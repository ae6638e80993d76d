mod peer;

use crate::{
    frames::{ENHANCE_YOUR_CALM, Frames, GOAWAY},
    support::{self, PATIENCE, client, client_with, send, send_within, signal, until},
};
use bytes::Bytes;
use h2::{Reason, server};
use http::{HeaderMap, Response};
use ilp_http::{ClientOptions, SendError};
use interledger_packet::MAX_REPLY_BYTES;
use peer::{Peer, answer, answering, packet, peer, raw_peer, reset};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Semaphore, mpsc};

const SHORT: Duration = Duration::from_millis(100);

fn builder() -> server::Builder {
    server::Builder::new()
}

fn options() -> ClientOptions {
    ClientOptions::default()
}

fn assert_closed(error: &SendError) {
    assert!(matches!(error, SendError::Closed { left_us: true, .. }), "{error:?}");
}

#[tokio::test]
async fn the_request_is_as_peers_expect_it() {
    let peer = answering(builder(), |request, respond| async move {
        let headers = request.headers();
        assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/ilp"));
        assert!(request.uri().authority().is_some());
        assert_eq!(headers["content-type"], "application/octet-stream");
        assert_eq!(headers["accept"], "application/octet-stream");
        assert_eq!(headers["authorization"], "Bearer right");
        assert_eq!(headers["content-length"], "6");
        assert_eq!(headers.len(), 4, "{headers:?}");
        assert_eq!(packet(request).await, b"packet");
        answer(respond, "reply");
    })
    .await;
    let client = client();
    assert_eq!(send(&client, &peer.endpoint(), "packet").await.unwrap(), "reply");
}

#[tokio::test]
async fn a_packet_larger_than_the_peers_window_is_sent_in_pieces() {
    let mut builder = builder();
    builder.initial_window_size(100);
    let peer = answering(builder, |request, respond| async move {
        let packet = packet(request).await;
        answer(respond, if packet == vec![b'x'; 30_000] { "whole" } else { "not whole" });
    })
    .await;
    let client = client();
    for _ in 0..3 {
        let reply = send(&client, &peer.endpoint(), &"x".repeat(30_000)).await;
        assert_eq!(reply.unwrap(), "whole");
    }
}

#[tokio::test]
async fn a_reply_in_many_frames_with_trailers_is_put_together() {
    let peer = answering(builder(), |_, mut respond| async move {
        let mut stream = respond.send_response(Response::new(()), false).unwrap();
        for piece in 0..60 {
            stream.send_data(Bytes::from(format!("{piece:01000}")), false).unwrap();
            tokio::task::yield_now().await;
        }
        stream.send_trailers(HeaderMap::new()).unwrap();
    })
    .await;
    let client = client();
    let expected: String = (0..60).map(|piece| format!("{piece:01000}")).collect();
    // Together far longer than the connection's window, which so must have been given back.
    for _ in 0..40 {
        assert_eq!(send(&client, &peer.endpoint(), "packet").await.unwrap(), expected);
    }
}

#[tokio::test]
async fn a_reply_is_bounded_and_its_stream_reset() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let peer = answering(builder(), move |request, mut respond| {
        let tell = tell.clone();
        async move {
            let mut response = Response::new(());
            let announced = packet(request).await == b"announced";
            if announced {
                response.headers_mut().insert("content-length", "999999".parse().unwrap());
            }
            let mut stream = respond.send_response(response, false).unwrap();
            if !announced {
                let endless = Bytes::from(vec![0; MAX_REPLY_BYTES + 1]);
                stream.send_data(endless, false).unwrap();
            }
            tell.send(reset(|context| stream.poll_reset(context)).await).unwrap();
        }
    })
    .await;
    let client = client();
    for packet in ["announced", "endless"] {
        let error = send(&client, &peer.endpoint(), packet).await.unwrap_err();
        assert_eq!((error.kind(), error.left_us()), ("body_too_long", true), "{packet}");
        assert_eq!(within(told.recv()).await, Some(Reason::CANCEL));
    }
    assert_eq!(client.connections_opened(), 1);
}

#[tokio::test]
async fn a_refusal_costs_no_connection_and_its_text_no_window() {
    let peer = answering(builder(), |request, mut respond| async move {
        packet(request).await;
        let response = Response::builder().status(429).body(()).unwrap();
        let mut stream = respond.send_response(response, false).unwrap();
        for _ in 0..60 {
            stream.send_data(Bytes::from(vec![b'x'; 1_000]), false).unwrap();
        }
        stream.send_data(Bytes::new(), true).unwrap();
    })
    .await;
    let client = client();
    for _ in 0..40 {
        let error = send(&client, &peer.endpoint(), "packet").await.unwrap_err();
        assert!(error.is_busy(), "{error:?}");
    }
    assert_eq!((client.connections_opened(), client.connections_open()), (1, 1));
}

#[tokio::test]
async fn a_stream_that_the_peer_ends_early_is_an_error() {
    let peer = answering(builder(), |request, mut respond| async move {
        match packet(request).await.as_slice() {
            b"before the head" => respond.send_reset(Reason::INTERNAL_ERROR),
            b"in the body" => {
                let mut stream = respond.send_response(Response::new(()), false).unwrap();
                stream.send_data(Bytes::from_static(b"rep"), false).unwrap();
                until_sent().await;
                stream.send_reset(Reason::INTERNAL_ERROR);
            }
            _ => {
                let response = Response::builder().header("content-length", "9").body(()).unwrap();
                let mut stream = respond.send_response(response, false).unwrap();
                stream.send_data(Bytes::from_static(b"rep"), true).unwrap();
            }
        }
    })
    .await;
    let client = client();
    for packet in ["before the head", "in the body", "shorter than it says"] {
        assert_closed(&send(&client, &peer.endpoint(), packet).await.unwrap_err());
    }
    // None of it is the connection's fault.
    assert_eq!((client.connections_opened(), client.connections_open()), (1, 1));
    assert_eq!(client.retries(), 0);
}

async fn within<T>(happening: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, happening).await.expect("it happens in time")
}

/// Lets the connection's task write what it has.
async fn until_sent() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_packet_whose_time_is_over_resets_its_stream() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let peer = answering(builder(), move |_, mut respond| {
        let tell = tell.clone();
        async move { tell.send(reset(|context| respond.poll_reset(context)).await).unwrap() }
    })
    .await;
    let client = client();
    let error = send_within(&client, &peer.endpoint(), "packet", SHORT).await.unwrap_err();
    assert!(matches!(error, SendError::Timeout { left_us: true }), "{error:?}");
    assert_eq!(within(told.recv()).await, Some(Reason::CANCEL));
}

#[tokio::test]
async fn a_peer_that_allows_one_stream_gets_one_packet_at_a_time() {
    let mut builder = builder();
    builder.max_concurrent_streams(1);
    let active = Arc::new(AtomicUsize::new(0));
    let peer = answering(builder, move |request, respond| {
        let active = Arc::clone(&active);
        async move {
            assert_eq!(active.fetch_add(1, Ordering::SeqCst), 0, "another stream is open");
            packet(request).await;
            active.fetch_sub(1, Ordering::SeqCst);
            answer(respond, "reply");
        }
    })
    .await;
    let client = client();
    // From the first on, the client knows how many streams there may be.
    send(&client, &peer.endpoint(), "packet").await.unwrap();
    let packets: Vec<_> = (0..50)
        .map(|_| {
            let (client, endpoint) = (client.clone(), peer.endpoint());
            tokio::spawn(async move { send(&client, &endpoint, "packet").await })
        })
        .collect();
    for packet in packets {
        assert_eq!(packet.await.unwrap().unwrap(), "reply");
    }
}

#[tokio::test]
async fn a_packet_that_waited_for_a_stream_in_vain_is_sent_on_another_connection() {
    let mut builder = builder();
    builder.max_concurrent_streams(1);
    let (hang_up, told) = signal();
    let entered = Arc::new(AtomicUsize::new(0));
    let enter = Arc::clone(&entered);
    let peer = peer(builder, move |mut connection| {
        let (told, enter) = (Arc::clone(&told), Arc::clone(&enter));
        async move {
            let Some(Ok((_, respond))) = connection.accept().await else { return };
            answer(respond, "first");
            let mut held = Vec::new();
            loop {
                tokio::select! {
                    stream = connection.accept() => held.push(stream),
                    () = told.notified() => return,
                }
                enter.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
    .await;
    let client = client();
    assert_eq!(send(&client, &peer.endpoint(), "packet").await.unwrap(), "first");
    let endpoint = peer.endpoint();
    let held = tokio::spawn({
        let (client, endpoint) = (client.clone(), endpoint.clone());
        async move { send(&client, &endpoint, "held").await }
    });
    until("the stream is taken", || entered.load(Ordering::SeqCst) == 1).await;
    // Its time is over before its turn comes: it has not left us, and nor does it later.
    let error = send_within(&client, &endpoint, "late", SHORT).await.unwrap_err();
    assert!(matches!(error, SendError::Timeout { left_us: false }), "{error:?}");
    let waiting = send(&client, &endpoint, "waiting");
    let hang_up = async {
        until_sent().await;
        hang_up.notify_one();
    };
    let (waited, ()) = tokio::join!(waiting, hang_up);
    assert_eq!(waited.unwrap(), "first");
    assert_closed(&held.await.unwrap().unwrap_err());
    assert_eq!((entered.load(Ordering::SeqCst), client.retries()), (1, 1));
}

#[tokio::test]
async fn a_peer_that_allows_no_stream_gets_no_packet() {
    let mut builder = builder();
    builder.max_concurrent_streams(0);
    let peer = answering(builder, |_, _| async { panic!("a stream was opened") }).await;
    let client = client();
    for _ in 0..10 {
        let error = send_within(&client, &peer.endpoint(), "packet", SHORT).await.unwrap_err();
        assert_eq!((error.kind(), error.left_us()), ("overloaded", false), "{error:?}");
    }
}

#[tokio::test]
async fn a_peer_that_goes_away_finishes_what_it_has() {
    let peer = peer(builder(), |mut connection| async move {
        let Some(Ok((request, respond))) = connection.accept().await else { return };
        connection.graceful_shutdown();
        tokio::spawn(async move {
            packet(request).await;
            answer(respond, "last");
        });
        while connection.accept().await.is_some() {}
    })
    .await;
    let client = client();
    assert_eq!(send(&client, &peer.endpoint(), "packet").await.unwrap(), "last");
    until("the connection is gone", || client.connections_open() == 0).await;
    // The next packet has a new connection at once.
    assert_eq!(send(&client, &peer.endpoint(), "packet").await.unwrap(), "last");
}

/// Starts a peer whose HTTP/2 connections end with an error while a packet is on them.
async fn broken(last_stream: u32) -> Peer {
    raw_peer(move |stream| async move {
        let Some(mut frames) = Frames::accept(stream).await else { return };
        if frames.packet().await.is_some() {
            let reason =
                [&last_stream.to_be_bytes()[..], &ENHANCE_YOUR_CALM.to_be_bytes(), b"gibb"];
            frames.write(GOAWAY, 0, 0, &reason.concat()).await;
        }
    })
    .await
}

#[tokio::test]
async fn a_goodbye_before_the_answer_is_an_error_without_the_peers_words() {
    let (peer, client) = (broken(1).await, client());
    let error = send(&client, &peer.endpoint(), "packet").await.unwrap_err();
    assert_closed(&error);
    let SendError::Closed { source, .. } = &error else { unreachable!() };
    assert!(!format!("{error:?} {error} {source}").contains("gibb"), "{error:?}");
}

#[tokio::test]
async fn a_peer_whose_http2_is_broken_gets_packets_by_http1() {
    // The peer may have taken the packets that are lost. With a last stream of 0 it says that it
    // took none.
    let (peer, client) = (broken(1).await, client());
    for _ in 0..2 {
        assert_closed(&send(&client, &peer.endpoint(), "packet").await.unwrap_err());
    }
    assert_eq!(send(&client, &peer.endpoint(), "packet").await.unwrap(), "http1");
    let (peer, client) = (broken(0).await, support::client());
    assert_eq!(send(&client, &peer.endpoint(), "packet").await.unwrap(), "http1");
    assert_eq!(client.retries(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_no_ping_is_given_up_while_packets_wait_for_it() {
    let stalled = Arc::new(Semaphore::new(0));
    let (stall, gate) = (Arc::clone(&stalled), Arc::clone(&stalled));
    let peer = peer(builder(), move |mut connection| {
        let gate = Arc::clone(&gate);
        async move {
            // From here on it serves until it is told to do nothing any more, not even hang up.
            let serving = async {
                while let Some(Ok((_, respond))) = connection.accept().await {
                    answer(respond, "reply");
                }
            };
            tokio::select! {
                () = serving => {}
                permit = gate.acquire() => {
                    permit.unwrap().forget();
                    std::future::pending::<()>().await;
                }
            }
        }
    })
    .await;
    let ping_options =
        ClientOptions { ping_interval: SHORT / 5, ping_timeout: SHORT / 5, ..options() };
    let client = client_with(ping_options);
    assert_eq!(send(&client, &peer.endpoint(), "packet").await.unwrap(), "reply");
    stall.add_permits(1);
    until("it does nothing any more", || stall.available_permits() == 0).await;
    // No packet waits, so no ping is sent, and the connection stays.
    tokio::time::sleep(SHORT * 2).await;
    assert_eq!(client.connections_open(), 1);
    let error = send_within(&client, &peer.endpoint(), "packet", PATIENCE).await.unwrap_err();
    assert_closed(&error);
    until("the connection is gone", || client.connections_open() == 0).await;
    assert_eq!(send(&client, &peer.endpoint(), "packet").await.unwrap(), "reply");
}

#[tokio::test(start_paused = true)]
async fn a_slow_peer_that_answers_pings_is_waited_for_until_the_deadline() {
    let peer = answering(builder(), |_, respond| async move {
        tokio::time::sleep(PATIENCE - SHORT).await;
        answer(respond, "late");
    })
    .await;
    let ping_options = ClientOptions { ping_interval: SHORT, ..options() };
    let client = client_with(ping_options);
    assert_eq!(send(&client, &peer.endpoint(), "packet").await.unwrap(), "late");
}
