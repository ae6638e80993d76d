//! Tests of the server's bounds against clients that take all they can get.

use crate::support::{PATIENCE, Running, post, quick, read_all, read_one, serve, until};
use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use http::Request;
use ilp_http::Limits;
use std::time::Duration;
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    time::{Instant, timeout},
};

/// Connects an HTTP/2 client that takes at most `window` bytes of each answer's body.
async fn http2(server: &Running, window: u32) -> SendRequest<Bytes> {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(window);
    let (sender, connection) = builder.handshake(stream).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn request(sender: &SendRequest<Bytes>, token: &str, packet: &str) -> ResponseFuture {
    let mut sender = sender.clone().ready().await.unwrap();
    let request = Request::post("http://x/")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/octet-stream")
        .body(())
        .unwrap();
    let (response, mut body) = sender.send_request(request, false).unwrap();
    body.send_data(Bytes::copy_from_slice(packet.as_bytes()), true).unwrap();
    response
}

fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or(answer)
}

#[tokio::test]
async fn a_reply_counts_until_the_client_takes_it() {
    let server = serve(Limits::default()).await;
    let client = http2(&server, 0).await;
    let mut responses = Vec::new();
    for _ in 0..10 {
        responses.push(request(&client, "right", "a").await.await.unwrap());
    }
    assert_eq!(server.handler.finished(), 10);
    assert_eq!(server.stats.requests_in_flight(), 10, "no reply has left");
    for response in &mut responses {
        // The client grants the first byte, and then the rest.
        let body = response.body_mut();
        body.flow_control().release_capacity(0).unwrap();
    }
    drop(responses);
    until("streams that are reset count no more", || server.stats.requests_in_flight() == 0).await;
    assert_eq!(server.stats.request_bytes(), 0);
}

#[tokio::test]
async fn a_client_that_takes_no_reply_loses_its_connection() {
    let server = serve(Limits { take_timeout: Duration::from_millis(100), ..quick() }).await;
    let client = http2(&server, 0).await;
    let response = request(&client, "right", "a").await.await.unwrap();
    let mut body = response.into_body();
    let end = timeout(PATIENCE, body.data()).await.expect("the connection ends");
    assert!(!matches!(end, Some(Ok(_))), "{end:?}");
    until("nothing is in flight", || server.stats.requests_in_flight() == 0).await;
    assert_eq!(server.stats.connections_timed_out(), 1);
}

#[tokio::test]
async fn a_client_that_writes_and_never_reads_is_cut() {
    let server = serve(Limits { take_timeout: Duration::from_millis(200), ..quick() }).await;
    for token in ["right", "wrong"] {
        let mut stream = server.connect().await;
        let request = String::from_utf8(post(&"x".repeat(30_000))).unwrap();
        let request = request.replace("right", token);
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < deadline, "the connection of `{token}` stays open");
            let write = timeout(Duration::from_millis(50), stream.write_all(request.as_bytes()));
            if matches!(write.await, Ok(Err(_))) {
                break;
            }
        }
    }
    until("nothing is in flight", || server.stats.requests_in_flight() == 0).await;
}

#[tokio::test]
async fn a_peer_gets_what_is_left_and_leaves_as_much_to_the_next() {
    let server = serve(Limits { requests_max: 16, ..Limits::default() }).await;
    let client = http2(&server, 65_535).await;
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(request(&client, "right", "hold").await);
    }
    until("as many as it may have", || server.handler.entered() == 8).await;
    assert_eq!(request(&client, "right", "a").await.await.unwrap().status(), 503);
    for _ in 0..4 {
        held.push(request(&client, "other", "hold").await);
    }
    until("half of the rest for the other", || server.handler.entered() == 12).await;
    assert_eq!(request(&client, "other", "a").await.await.unwrap().status(), 503);
    server.handler.gate.add_permits(12);
    for response in held {
        assert_eq!(response.await.unwrap().status(), 200);
    }
    assert_eq!(request(&client, "right", "a").await.await.unwrap().status(), 200);
}

#[tokio::test]
async fn replies_beyond_twice_the_share_are_dropped() {
    let server = serve(Limits { request_bytes_max: 300_000, ..Limits::default() }).await;
    let client = http2(&server, 0).await;
    let mut held = Vec::new();
    for _ in 0..10 {
        held.push(request(&client, "right", "hold long").await);
    }
    until("all are let in", || server.handler.entered() == 10).await;
    server.handler.gate.add_permits(10);
    let (mut taken, mut dropped) = (Vec::new(), 0);
    for response in held {
        match response.await {
            Ok(response) => taken.push(response),
            Err(error) => {
                assert_eq!(error.reason(), Some(h2::Reason::ENHANCE_YOUR_CALM));
                dropped += 1;
            }
        }
    }
    // The replies occupy about two thirds of all bytes.
    assert_eq!((taken.len(), dropped), (7, 3));
    assert_eq!(server.stats.replies_dropped(), 3);
    assert!(server.stats.request_bytes() <= 222_000, "{}", server.stats.request_bytes());
    assert_eq!(request(&client, "right", "a").await.await.unwrap().status(), 503);
    // Another peer still gets its answers.
    let other = http2(&server, 65_535).await;
    assert_eq!(request(&other, "other", "a").await.await.unwrap().status(), 200);
    drop(taken);
    until("nothing is in flight", || server.stats.requests_in_flight() == 0).await;
    assert_eq!(request(&other, "right", "a").await.await.unwrap().status(), 200);
}

#[tokio::test]
async fn guesses_end_their_connection() {
    let server = serve(Limits::default()).await;
    let guess = String::from_utf8(post("a")).unwrap().replace("right", "wrong");
    let mut stream = server.connect().await;
    let mut guesses = 0;
    loop {
        if stream.write_all(guess.as_bytes()).await.is_err() {
            break;
        }
        let mut first = [0; 1];
        match timeout(PATIENCE, stream.peek(&mut first)).await.expect("an answer or an end") {
            Ok(bytes) if bytes > 0 => {
                assert_eq!(status(&read_one(&mut stream).await), "401");
                guesses += 1;
            }
            _ => break,
        }
    }
    assert!((16..=17).contains(&guesses), "{guesses}");
    // A client that has shown a token may have more requests refused, and a valid request starts
    // the count again.
    let mut stream = server.connect().await;
    for round in 0..3 {
        stream.write_all(&post("a")).await.unwrap();
        assert_eq!(status(&read_one(&mut stream).await), "200", "{round}");
        for _ in 0..100 {
            stream.write_all(guess.as_bytes()).await.unwrap();
            assert_eq!(status(&read_one(&mut stream).await), "401", "{round}");
        }
    }
}

#[tokio::test]
async fn refusals_that_nobody_takes_have_no_text_after_a_few() {
    let server = serve(Limits::default()).await;
    let client = http2(&server, 0).await;
    request(&client, "right", "a").await.await.unwrap();
    let mut waiting = Vec::new();
    for _ in 0..40 {
        let response = request(&client, "wrong", "a").await.await.unwrap();
        assert_eq!(response.status(), 401);
        waiting.push(response);
    }
    let with_text = waiting.iter().filter(|response| !response.body().is_end_stream()).count();
    assert_eq!(with_text, 16);
}

#[tokio::test]
async fn a_stranger_makes_room_for_the_next_and_none_for_a_peer() {
    // One of the eight places is a stranger's.
    let server = serve(Limits { connections_max: 8, ..Limits::default() }).await;
    let mut peer = server.connect().await;
    peer.write_all(&post("a")).await.unwrap();
    read_one(&mut peer).await;
    let mut silent = server.connect().await;
    until("the silent one has its place", || server.stats.connections_open() == 2).await;
    for round in 1..=3 {
        let next = server.connect().await;
        assert_eq!(read_all(&mut silent).await, "", "the older one is cut");
        silent = next;
        until("one stranger is left", || server.stats.connections_open() == 2).await;
        assert_eq!(server.stats.connections_evicted(), round);
        peer.write_all(&post("a")).await.unwrap();
        assert_eq!(status(&read_one(&mut peer).await), "200");
    }
}

#[tokio::test]
async fn an_idle_connection_of_the_peer_with_the_most_makes_room() {
    let server = serve(Limits { connections_max: 8, ..Limits::default() }).await;
    let mut connections = Vec::new();
    for _ in 0..6 {
        let mut stream = server.connect().await;
        stream.write_all(&post("a")).await.unwrap();
        assert_eq!(status(&read_one(&mut stream).await), "200");
        connections.push(stream);
    }
    let other = String::from_utf8(post("a")).unwrap().replace("right", "other");
    for expected in ["200", "200", "200"] {
        let mut stream = server.connect().await;
        stream.write_all(other.as_bytes()).await.unwrap();
        assert_eq!(status(&read_one(&mut stream).await), expected);
        connections.push(stream);
    }
    assert_eq!(server.stats.connections_evicted(), 2);
    until("seven are open", || server.stats.connections_open() == 7).await;
}
