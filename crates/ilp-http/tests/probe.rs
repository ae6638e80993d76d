use crate::support::{answering, client, post, quick, read_one, send, send_within, serve, until};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::{
    Request,
    body::{Body, Frame},
    client::conn::http2,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use ilp_http::{Limits, SendError};
use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::io::AsyncWriteExt as _;

/// A body of which nothing ever comes.
struct Stalled;

impl Body for Stalled {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

#[tokio::test]
async fn a_stream_whose_body_stalls_is_answered_400() {
    let server = serve(quick()).await;
    let io = TokioIo::new(server.connect().await);
    let handshake = http2::Builder::new(TokioExecutor::new()).handshake(io);
    let (mut sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    let request = Request::post(format!("http://{}/", server.address))
        .header("authorization", "Bearer right")
        .header("content-type", "application/octet-stream")
        .body(Stalled)
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), 400);
    let text = response.into_body().collect().await.unwrap().to_bytes();
    assert!(text.starts_with(b"The body came too slowly"), "{text:?}");
    assert_eq!(server.stats.requests_in_flight(), 0);
}

#[tokio::test]
async fn packets_wait_for_a_stream_until_their_deadline() {
    let server = serve(Limits { streams_max: 2, ..Limits::default() }).await;
    let endpoint = format!("http://{}/", server.address);
    let client = client();
    send(&client, &endpoint, "a").await.unwrap();
    send(&client, &endpoint, "b").await.unwrap();
    let held: Vec<_> = (0..2)
        .map(|_| {
            let (client, endpoint) = (client.clone(), endpoint.clone());
            tokio::spawn(async move { send(&client, &endpoint, "hold").await })
        })
        .collect();
    until("both streams are taken", || server.handler.entered() == 4).await;
    let time = Duration::from_millis(50);
    let error = send_within(&client, &endpoint, "c", time).await.unwrap_err();
    // It was next in line for a stream, and not handed over before it had one.
    assert!(matches!(error, SendError::Timeout { left_us: false }), "{error:?}");
    server.handler.gate.add_permits(2);
    for task in held {
        assert_eq!(task.await.unwrap().unwrap(), "echo:hold");
    }
    assert_eq!(send(&client, &endpoint, "d").await.unwrap(), "echo:d");
}

#[tokio::test]
async fn http2_is_found_remembered_and_shared() {
    let server = serve(Limits::default()).await;
    let endpoint = format!("http://{}/", server.address);
    let client = client();
    assert_eq!(send(&client, &endpoint, "a").await.unwrap(), "echo:a");
    let held: Vec<_> = (0..50)
        .map(|_| {
            let (client, endpoint) = (client.clone(), endpoint.clone());
            tokio::spawn(async move { send(&client, &endpoint, "hold").await })
        })
        .collect();
    // All fifty are in the handler at once, on the existing connection.
    until("all are in the handler", || server.handler.entered() == 51).await;
    assert_eq!(client.connections_opened(), 1);
    server.handler.gate.add_permits(50);
    for task in held {
        assert_eq!(task.await.unwrap().unwrap(), "echo:hold");
    }
}

#[tokio::test]
async fn a_lost_http2_connection_costs_no_packet_that_comes_after() {
    let server = serve(Limits::default()).await;
    let address = server.address;
    let endpoint = format!("http://{address}/");
    let client = client();
    send(&client, &endpoint, "a").await.unwrap();
    send(&client, &endpoint, "b").await.unwrap();
    server.shut_down().await.unwrap();
    // Another server takes the port, and packets go there.
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                while crate::support::read_request(&mut stream).await.is_some() {
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nc";
                    stream.write_all(answer).await.unwrap();
                }
                // HTTP/1.1 servers answer a malformed request like this.
                let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            });
        }
    });
    assert_eq!(send(&client, &endpoint, "c").await.unwrap(), "c");
}

#[tokio::test]
async fn a_peer_without_http2_is_asked_once() {
    let stub = answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let client = client();
    send(&client, &stub.endpoint(), "a").await.unwrap();
    for _ in 0..50 {
        send(&client, &stub.endpoint(), "a").await.unwrap();
    }
    assert_eq!((stub.accepted(), stub.probed(), client.connections_opened()), (1, 1, 1));
}

#[tokio::test]
async fn http1_and_http2_share_the_port() {
    let server = serve(Limits::default()).await;
    let client = client();
    let endpoint = format!("http://{}/", server.address);
    send(&client, &endpoint, "a").await.unwrap();
    send(&client, &endpoint, "b").await.unwrap();
    let mut stream = server.connect().await;
    stream.write_all(&post("c")).await.unwrap();
    assert!(read_one(&mut stream).await.ends_with("echo:c"));
    assert_eq!(server.handler.finished(), 3);
}

#[tokio::test]
async fn a_stream_that_is_reset_cancels_nothing() {
    let server = serve(Limits::default()).await;
    let client = client();
    let endpoint = format!("http://{}/", server.address);
    send(&client, &endpoint, "a").await.unwrap();
    let held = tokio::spawn(async move { send(&client, &endpoint, "hold").await });
    until("it is in the handler", || server.handler.entered() == 2).await;
    held.abort();
    until("the server hears of it", || server.stats.requests_detached() == 1).await;
    server.handler.gate.add_permits(1);
    until("it is seen through", || server.handler.finished() == 2).await;
}

#[tokio::test]
async fn a_drain_lets_streams_finish() {
    let server = serve(Limits::default()).await;
    let client = client();
    let endpoint = format!("http://{}/", server.address);
    send(&client, &endpoint, "a").await.unwrap();
    let held = tokio::spawn(async move { send(&client, &endpoint, "hold").await });
    until("it is in the handler", || server.handler.entered() == 2).await;
    let handler = server.handler.clone();
    let ended = server.shut_down();
    handler.gate.add_permits(1);
    assert_eq!(held.await.unwrap().unwrap(), "echo:hold");
    assert_eq!(ended.await.unwrap().connections_cut, 0);
}
