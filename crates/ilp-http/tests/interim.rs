use crate::{
    frames::{Frames, H2c},
    support::{client, read_request, send, stub},
};
use ilp_http::spsp::{SpspClient, SpspError, SpspOptions};
use ilp_http::{ReceiverUrl, tls};
use std::sync::Arc;
use tokio::io::AsyncWriteExt as _;

/// An interim response, as many as anyone wants to write.
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
    // Together more than one reply may have before it, which is counted anew for each.
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

/// Other frames bring no reply nearer either, and a server may send them while one is awaited.
#[tokio::test]
async fn frames_that_no_reply_is_made_of_are_bounded() {
    let http2 = H2c::start(|_, mut frames: Frames| async move {
        let (stream, _) = frames.packet().await?;
        frames.head(stream).await?;
        loop {
            // Of a type that has no meaning, which must be ignored (RFC 9113, section 4.1).
            frames.write(0x42, 0, 0, &[0; 1_000]).await?;
        }
    })
    .await;
    let error = send(&client(), &http2.endpoint(), "packet").await.unwrap_err();
    assert_eq!((error.kind(), error.left_us()), ("closed", true), "{error:?}");
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
