use crate::support::{
    PATIENCE, Stub, answering, client, client_with, read_request, send, send_within, signal, stub,
    until,
};
use bytes::Bytes;
use ilp_http::{Client, ClientOptions, NextHop, NoReply, SendError};
use interledger_packet::MAX_REPLY_BYTES;
use std::{pin::pin, sync::Arc, time::Duration};
use tokio::{io::AsyncWriteExt as _, net::TcpListener, time::Instant};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nreply";
const SHORT: Duration = Duration::from_millis(100);

#[tokio::test]
async fn what_each_answer_means() {
    let rows = [
        ("HTTP/1.1 500 Oops\r\ncontent-length: 5\r\n\r\nsorry", "status"),
        (
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
            "status",
        ),
        ("HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n", "status"),
        ("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n", "status"),
        ("HTTP/1.1 429 Slow down\r\ncontent-length: 0\r\n\r\n", "busy"),
        ("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n", "busy"),
        ("SSH-2.0-OpenSSH_9.6\r\n\r\n", "not_http"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 999999\r\n\r\n", "body_too_long"),
    ];
    for (answer, kind) in rows {
        let stub = answering(answer).await;
        let error = send(&client(), &stub.endpoint(), "packet").await.unwrap_err();
        assert_eq!(error.kind(), kind, "{answer}: {error:?}");
        assert!(error.left_us(), "{answer}");
        assert_eq!(error.is_busy(), kind == "busy");
        assert!(!format!("{error} {error:?}").contains("right"), "the token shows: {error:?}");
    }
}

#[tokio::test]
async fn a_reply_of_any_content_type_and_framing_is_taken() {
    for answer in [
        OK,
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 5\r\n\r\nreply",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nre\r\n3\r\nply\r\n0\r\n\r\n",
    ] {
        let stub = answering(answer).await;
        assert_eq!(send(&client(), &stub.endpoint(), "packet").await.unwrap(), "reply");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_is_waited_for_until_the_deadline_and_no_longer() {
    let late = stub(|_, mut stream| async move {
        while read_request(&mut stream).await.is_some() {
            tokio::time::sleep(PATIENCE - SHORT).await;
            if stream.write_all(OK.as_bytes()).await.is_err() {
                break;
            }
        }
    })
    .await;
    let client = client();
    assert_eq!(send(&client, &late.endpoint(), "packet").await.unwrap(), "reply");
    let error = send_within(&client, &late.endpoint(), "packet", PATIENCE - SHORT * 2).await;
    let error = error.unwrap_err();
    assert!(matches!(error, SendError::Timeout { left_us: true }), "{error:?}");
}

#[tokio::test]
async fn a_reply_is_bounded_while_it_is_read() {
    let chunk = format!("{:x}\r\n{}\r\n", 10_000, "x".repeat(10_000));
    let endless = stub(move |_, mut stream| {
        let chunk = chunk.clone();
        async move {
            read_request(&mut stream).await;
            let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
            let mut going = stream.write_all(head).await.is_ok();
            while going {
                going = stream.write_all(chunk.as_bytes()).await.is_ok();
            }
        }
    })
    .await;
    let error = send(&client(), &endless.endpoint(), "packet").await.unwrap_err();
    assert_eq!(error.kind(), "body_too_long", "{MAX_REPLY_BYTES}");
}

#[tokio::test]
async fn the_request_is_as_peers_expect_it() {
    let (seen, tell) = signal();
    let stub = stub(move |_, mut stream| {
        let tell = tell.clone();
        async move {
            let request = read_request(&mut stream).await.unwrap();
            let head = request.to_ascii_lowercase();
            assert!(head.starts_with("post /ilp http/1.1\r\n"), "{head}");
            assert!(head.contains("\r\nhost: 127.0.0.1:"), "{head}");
            assert!(head.contains("\r\ncontent-type: application/octet-stream\r\n"), "{head}");
            assert!(head.contains("\r\naccept: application/octet-stream\r\n"), "{head}");
            assert!(request.contains("\r\nauthorization: Bearer right\r\n"), "{request}");
            assert!(request.ends_with("\r\n\r\npacket"), "{request}");
            stream.write_all(OK.as_bytes()).await.unwrap();
            tell.notify_one();
        }
    })
    .await;
    assert_eq!(send(&client(), &stub.endpoint(), "packet").await.unwrap(), "reply");
    seen.notified().await;
}

#[tokio::test]
async fn connections_are_kept() {
    let stub = answering(OK).await;
    let client = client();
    for _ in 0..20 {
        assert_eq!(send(&client, &stub.endpoint(), "packet").await.unwrap(), "reply");
    }
    assert_eq!((stub.accepted(), client.connections_opened()), (1, 1));
}

#[tokio::test]
async fn a_refusal_costs_no_connection() {
    let stub = answering("HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy").await;
    let client = client();
    for _ in 0..5 {
        assert!(send(&client, &stub.endpoint(), "packet").await.unwrap_err().is_busy());
    }
    assert_eq!(stub.accepted(), 1);
    until("the greeting's is gone", || client.connections_open() == 1).await;
    let failures: Vec<_> = client.failures().filter(|(_, count)| *count > 0).collect();
    assert_eq!(failures, [("busy", 5)]);
}

#[tokio::test]
async fn idle_connections_are_let_go_before_the_peer_does() {
    let (closed, tell) = signal();
    let stub = stub(move |_, mut stream| {
        let tell = tell.clone();
        async move {
            read_request(&mut stream).await.unwrap();
            stream.write_all(OK.as_bytes()).await.unwrap();
            assert_eq!(read_request(&mut stream).await, None);
            tell.notify_one();
        }
    })
    .await;
    let idle_timeout = Duration::from_millis(40);
    let client = client_with(ClientOptions { idle_timeout, ..ClientOptions::default() });
    send(&client, &stub.endpoint(), "packet").await.unwrap();
    closed.notified().await;
}

#[tokio::test]
async fn a_connection_closed_while_idle_costs_no_packet() {
    // The stub closes after each answer without saying so.
    let stub = stub(|_, mut stream| async move {
        read_request(&mut stream).await.unwrap();
        stream.write_all(OK.as_bytes()).await.unwrap();
    })
    .await;
    let client = client();
    for _ in 0..10 {
        assert_eq!(send(&client, &stub.endpoint(), "packet").await.unwrap(), "reply");
        until("the client hears of the end", || client.connections_idle() == 0).await;
        until("the connection is gone", || client.connections_open() == 0).await;
    }
    assert_eq!(stub.accepted(), 10);
}

#[tokio::test]
async fn a_packet_that_may_have_been_seen_is_not_sent_again() {
    let stub = stub(|number, mut stream| async move {
        read_request(&mut stream).await.unwrap();
        if number == 1 {
            stream.write_all(OK.as_bytes()).await.unwrap();
            // The second packet is read, and the connection closed without a word.
            read_request(&mut stream).await.unwrap();
        }
    })
    .await;
    let client = client();
    assert_eq!(send(&client, &stub.endpoint(), "first").await.unwrap(), "reply");
    let error = send(&client, &stub.endpoint(), "second").await.unwrap_err();
    assert!(matches!(error, SendError::Closed { left_us: true, .. }), "{error:?}");
    assert_eq!((stub.accepted(), client.retries()), (1, 0));
}

#[tokio::test]
async fn a_reply_cut_short_is_an_error() {
    let stub = stub(|_, mut stream| async move {
        read_request(&mut stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nrep").await.unwrap();
    })
    .await;
    let error = send(&client(), &stub.endpoint(), "packet").await.unwrap_err();
    assert_eq!((error.kind(), error.left_us()), ("closed", true));
}

#[tokio::test]
async fn a_peer_that_never_answers_costs_the_deadline() {
    for start in ["", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nrep"] {
        let stub = answering(start).await;
        let error = send_within(&client(), &stub.endpoint(), "packet", SHORT).await.unwrap_err();
        assert!(matches!(error, SendError::Timeout { left_us: true }), "{error:?}");
    }
}

#[tokio::test]
async fn a_refused_connection_leaves_the_packet_here() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = send(&client(), &endpoint, "packet").await.unwrap_err();
    assert_eq!((error.kind(), error.left_us()), ("connect", false));
}

#[tokio::test]
async fn endpoints_and_tokens_that_cannot_be_used() {
    let client = client();
    let deadline = Instant::now() + SHORT;
    let bad_endpoint = NextHop { id: 1, endpoint: "ftp://x", token: "t" };
    let error = client.send(bad_endpoint, 0, Bytes::new(), deadline).await.unwrap_err().error;
    assert_eq!((error.kind(), error.left_us()), ("bad_endpoint", false));
    let bad_token = NextHop { id: 2, endpoint: "http://127.0.0.1:1", token: "secret\r\nX: y" };
    let error = client.send(bad_token, 0, Bytes::new(), deadline).await.unwrap_err().error;
    assert_eq!((error.kind(), error.left_us()), ("bad_token", false));
    assert!(!format!("{error:?} {bad_token:?}").contains("secret"));
}

/// A packet that has not left is handed back; one that may have been seen never is.
#[tokio::test]
async fn a_packet_is_handed_back_if_and_only_if_it_has_not_left() {
    let (client, packet) = (client(), Bytes::from_static(b"packet"));
    let closing = stub(|_, mut stream| async move {
        read_request(&mut stream).await;
    })
    .await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let endpoints = [("ftp://x", true), (&nobody, true), (&closing.endpoint(), false)];
    for (id, (endpoint, is_handed_back)) in (1..).zip(endpoints) {
        let next_hop = NextHop { id, endpoint, token: "right" };
        let deadline = Instant::now() + PATIENCE;
        let no_reply = client.send(next_hop, 0, packet.clone(), deadline).await.unwrap_err();
        assert_eq!(no_reply.unsent, is_handed_back.then(|| packet.clone()), "{endpoint}");
        assert_eq!(no_reply.error.left_us(), !is_handed_back);
    }
}

#[tokio::test]
async fn waiting_packets_are_bounded() {
    let stub = answering("").await;
    let client = client_with(ClientOptions {
        connections_max: 1,
        packets_max: 2,
        ..ClientOptions::default()
    });
    let endpoint = stub.endpoint();
    let first = send_within(&client, &endpoint, "a", SHORT);
    let second = send_within(&client, &endpoint, "b", SHORT);
    let third = send_within(&client, &endpoint, "c", SHORT);
    let (first, second, third) = tokio::join!(first, second, third);
    // One of the two waited in vain for the only connection.
    let mut left_us = [first, second].map(|outcome| match outcome.unwrap_err() {
        SendError::Timeout { left_us } => left_us,
        error => panic!("{error:?}"),
    });
    left_us.sort_unstable();
    assert_eq!(left_us, [false, true]);
    let third = third.unwrap_err();
    assert_eq!((third.kind(), third.left_us()), ("overloaded", false));
}

#[tokio::test]
async fn a_sender_whose_packets_stay_unanswered_leaves_connections_to_the_others() {
    let (silent, answering) = (answering("").await, answering(OK).await);
    let client =
        client_with(ClientOptions { sender_connections_max: 2, ..ClientOptions::default() });
    let send = |id: u64, stub: &Stub, sender: u64, time: Duration| {
        let (client, endpoint) = (client.clone(), stub.endpoint());
        async move {
            let next_hop = NextHop { id, endpoint: &endpoint, token: "right" };
            let packet = Bytes::from_static(b"packet");
            client.send(next_hop, sender, packet, Instant::now() + time).await
        }
    };
    // The two don't wait for each other, so each is polled once before the next one begins.
    let first = pin!(send(1, &silent, 1, PATIENCE));
    let second = pin!(send(1, &silent, 1, PATIENCE));
    let mut held = pin!(async { tokio::join!(first, second) });
    let others = async {
        until("both packets are there", || silent.accepted() == 2).await;
        let no_reply = send(2, &answering, 1, PATIENCE).await.unwrap_err();
        assert_eq!((no_reply.error.kind(), no_reply.error.left_us()), ("overloaded", false));
        assert_eq!(no_reply.unsent.as_deref(), Some(&b"packet"[..]));
        send(2, &answering, 2, PATIENCE).await.unwrap();
    };
    tokio::select! {
        _ = &mut held => panic!("the silent next hop answered"),
        () = others => {}
    }
}

#[tokio::test]
async fn a_forgotten_next_hop_loses_its_connections() {
    let (closed, tell) = signal();
    let stub = stub(move |_, mut stream| {
        let tell = tell.clone();
        async move {
            read_request(&mut stream).await.unwrap();
            stream.write_all(OK.as_bytes()).await.unwrap();
            read_request(&mut stream).await;
            tell.notify_one();
        }
    })
    .await;
    let client = client();
    send(&client, &stub.endpoint(), "packet").await.unwrap();
    client.forget(1);
    closed.notified().await;
}

#[tokio::test]
async fn links_are_bounded_and_still_reached_after_eviction() {
    let stub = answering(OK).await;
    let endpoint = stub.endpoint();
    let client = client_with(ClientOptions { links_max: 8, ..ClientOptions::default() });
    for id in 0..100 {
        let next_hop = NextHop { id, endpoint: &endpoint, token: "right" };
        let deadline = Instant::now() + PATIENCE;
        client.send(next_hop, 0, Bytes::from_static(b"p"), deadline).await.unwrap();
    }
    let shown = format!("{client:?}");
    assert!(shown.contains("links: 8"), "{shown}");
}

/// Sends to a separate next hop, and so over a separate connection.
async fn send_to(client: &Client, id: u64, stub: &Stub) -> Result<Bytes, NoReply> {
    let endpoint = stub.endpoint();
    let next_hop = NextHop { id, endpoint: &endpoint, token: "right" };
    client.send(next_hop, 0, Bytes::from_static(b"packet"), Instant::now() + PATIENCE).await
}

#[tokio::test]
async fn connections_over_all_next_hops_are_bounded_and_idle_ones_give_way() {
    let (first, second) = (answering(OK).await, answering(OK).await);
    let (release, told) = signal();
    let slow = stub(move |_, mut stream| {
        let told = Arc::clone(&told);
        async move {
            read_request(&mut stream).await.unwrap();
            told.notified().await;
            stream.write_all(OK.as_bytes()).await.unwrap();
        }
    })
    .await;
    let client = client_with(ClientOptions { connections_open_max: 1, ..ClientOptions::default() });
    for _ in 0..3 {
        send_to(&client, 1, &first).await.unwrap();
        send_to(&client, 2, &second).await.unwrap();
    }
    assert_eq!((client.connections_open(), first.accepted(), second.accepted()), (1, 3, 3));
    // The only connection is in use, so the packet comes back unsent. This says nothing about its
    // next hop.
    let (under_way, refused) = tokio::join!(send_to(&client, 3, &slow), async {
        until("the slow one has its packet", || slow.accepted() == 1).await;
        let refused = send_to(&client, 1, &first).await.unwrap_err();
        release.notify_one();
        refused
    });
    under_way.unwrap();
    assert_eq!((refused.error.kind(), refused.error.left_us()), ("no_descriptor", false));
    assert!(refused.unsent.is_some());
    send_to(&client, 1, &first).await.unwrap();
}
