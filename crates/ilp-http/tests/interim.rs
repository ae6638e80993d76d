use crate::{
    frames::{DATA, END_OR_ACK, Frame, Frames, H2c, RST_STREAM, WINDOW_UPDATE},
    support::{client, read_request, send, stub},
};
use ilp_http::spsp::{SpspClient, SpspError, SpspOptions};
use ilp_http::tls;
use ilp_net::ReceiverUrl;
use std::sync::Arc;
use tokio::io::AsyncWriteExt as _;

/// An interim response, which servers may send any number of times.
const INTERIM: &str = "HTTP/1.1 103 Early Hints\r\n\r\n";

#[tokio::test]
async fn interim_responses_are_read_over() {
    let http1 = stub(|_, mut stream| async move {
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nreply";
        while read_request(&mut stream).await.is_some() {
            let answer = [&INTERIM.repeat(20), answer].concat();
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    })
    .await;
    let http2 = H2c::start(|_, mut frames: Frames| async move {
        loop {
            let (stream, packet) = frames.packet().await?;
            for _ in 0..20 {
                frames.interim(stream).await?;
            }
            frames.echo(stream, &packet).await?;
        }
    })
    .await;
    let client = client();
    // The interim responses exceed the bound together, but the bound is counted anew for each
    // reply.
    for _ in 0..200 {
        assert_eq!(send(&client, &http1.endpoint(), "packet").await.unwrap(), "reply");
    }
    assert_eq!(http1.accepted(), 1);
    let client = crate::support::client();
    for _ in 0..200 {
        assert_eq!(send(&client, &http2.endpoint(), "packet").await.unwrap(), "echo:packet");
    }
    assert_eq!((http2.accepted(), http2.lost()), (1, 0));
}

#[tokio::test]
async fn interim_responses_without_an_end_are_no_answer() {
    let http1 = stub(|_, mut stream| async move {
        read_request(&mut stream).await;
        while stream.write_all(INTERIM.repeat(100).as_bytes()).await.is_ok() {}
    })
    .await;
    let http2 = H2c::start(|_, mut frames: Frames| async move {
        let (stream, _) = frames.packet().await?;
        loop {
            frames.interim(stream).await?;
        }
    })
    .await;
    for endpoint in [http1.endpoint(), http2.endpoint()] {
        let error = send(&client(), &endpoint, "packet").await.unwrap_err();
        assert_eq!((error.kind(), error.left_us()), ("not_http", true), "{error:?}");
        assert!(format!("{error:?}").contains("bytes came without a reply"), "{error:?}");
    }
}

/// Frames that are no part of a reply are bounded too, since a server may send them while a reply
/// is awaited.
#[tokio::test]
async fn frames_that_no_reply_is_made_of_are_bounded() {
    let http2 = H2c::start(|_, mut frames: Frames| async move {
        let (stream, _) = frames.packet().await?;
        frames.head(stream).await?;
        loop {
            // Frames of an unknown type must be ignored (RFC 9113, section 4.1).
            frames.write(0x42, 0, 0, &[0; 1_000]).await?;
        }
    })
    .await;
    let error = send(&client(), &http2.endpoint(), "packet").await.unwrap_err();
    assert_eq!((error.kind(), error.left_us()), ("closed", true), "{error:?}");
}

const REPLIES: usize = 200;
const PIECE_BYTES: usize = 8_000;

/// Begins [`REPLIES`] replies at once, sends three pieces of each, and ends those that were not
/// refused in the meantime.
async fn reply_in_pieces(mut frames: Frames) -> Option<()> {
    let (mut streams, mut refused, mut window) = (Vec::new(), Vec::new(), 65_535);
    while streams.len() < REPLIES {
        let frame = frames.read().await?;
        window += window_update(&frame);
        if frames.part(&frame).is_some() {
            frames.head(frame.stream).await?;
            streams.push(frame.stream);
        }
    }
    for _ in 0..3 {
        for stream in &streams {
            while window < PIECE_BYTES {
                let frame = frames.read().await?;
                window += window_update(&frame);
                if frame.kind == RST_STREAM {
                    refused.push(frame.stream);
                }
            }
            if !refused.contains(stream) {
                frames.write(DATA, 0, *stream, &[0; PIECE_BYTES]).await?;
                window -= PIECE_BYTES;
            }
        }
    }
    while refused.is_empty() {
        let frame = frames.read().await?;
        if frame.kind == RST_STREAM {
            refused.push(frame.stream);
        }
    }
    for stream in &streams {
        frames.write(DATA, END_OR_ACK, *stream, b"").await?;
    }
    while frames.read().await.is_some() {}
    Some(())
}

/// Returns the number of bytes by which a frame extends the window of the connection.
fn window_update(frame: &Frame) -> usize {
    match (frame.kind, frame.stream, &frame.payload[..]) {
        (WINDOW_UPDATE, 0, &[a, b, c, d]) => u32::from_be_bytes([a, b, c, d]) as usize,
        _ => 0,
    }
}

/// A server may send replies in pieces, and many at once, but the unfinished ones occupy memory.
#[tokio::test]
async fn replies_in_pieces_take_no_more_than_so_many_bytes_together() {
    let http2 = H2c::start(|_, frames| reply_in_pieces(frames)).await;
    let client = client();
    let packets: Vec<_> = (0..REPLIES)
        .map(|_| {
            let (client, endpoint) = (client.clone(), http2.endpoint());
            tokio::spawn(async move {
                let reply = send(&client, &endpoint, "packet").await;
                reply.map(|reply| reply.len())
            })
        })
        .collect();
    let mut whole = 0;
    for packet in packets {
        match packet.await.unwrap() {
            Ok(bytes) => {
                assert_eq!(bytes, 3 * PIECE_BYTES);
                whole += 1;
            }
            Err(error) => {
                let (kind, left_us) = (error.kind(), error.left_us());
                assert_eq!((kind, left_us), ("body_too_long", true), "{error:?}");
            }
        }
    }
    // At most 4 MiB are unfinished at once; the rest was refused.
    assert!((100..REPLIES).contains(&whole), "{whole}");
}

#[tokio::test]
async fn a_receiver_that_sends_interim_responses_without_an_end_is_given_up() {
    let receiver = stub(|_, mut stream| async move {
        while stream.write_all(INTERIM.repeat(100).as_bytes()).await.is_ok() {}
    })
    .await;
    let url = ReceiverUrl::parse(&format!("http://{}/bob", receiver.address)).unwrap();
    let tls = tls::client_config_with_roots(rustls::RootCertStore::empty()).unwrap();
    let client = SpspClient::new(SpspOptions::default(), &tls, &Arc::default());
    let error = client.query(&url).await.unwrap_err();
    assert!(matches!(error, SpspError::Http(_)), "{error:?}");
}
