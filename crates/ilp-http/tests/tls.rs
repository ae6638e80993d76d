use crate::support::{PATIENCE, send};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, Version, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use ilp_http::{
    Client, ClientOptions,
    client::ConnectError,
    spsp::{SpspClient, SpspError, SpspOptions},
    tls,
};
use ilp_net::ReceiverUrl;
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use std::{convert::Infallible, net::SocketAddr, sync::Arc};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A TLS server that answers with the HTTP version of each request.
pub(crate) async fn serve(alpn: &[&str]) -> (SocketAddr, CertificateDer<'static>) {
    let names = ["localhost", "127.0.0.1", "wallet.example"].map(str::to_owned).to_vec();
    let signed = rcgen::generate_simple_self_signed(names).unwrap();
    let certificate = signed.cert.der().clone();
    let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = service_fn(|request: hyper::Request<_>| async move {
                    let _: &hyper::body::Incoming = request.body();
                    let http2 = request.version() == Version::HTTP_2;
                    let text = if http2 { "http2" } else { "http1" };
                    Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(
                        text.as_bytes(),
                    ))))
                });
                let builder = auto::Builder::new(TokioExecutor::new());
                let _ = builder.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    (address, certificate)
}

fn trusting(certificate: Option<CertificateDer<'static>>) -> Client {
    let mut roots = RootCertStore::empty();
    if let Some(certificate) = certificate {
        roots.add(certificate).unwrap();
    }
    Client::new(ClientOptions::default(), tls::client_config_with_roots(roots).unwrap())
}

#[tokio::test]
async fn http2_is_agreed_on_and_its_connection_shared() {
    let (address, certificate) = serve(&["h2", "http/1.1"]).await;
    let client = trusting(Some(certificate));
    let endpoint = format!("https://localhost:{}/", address.port());
    let packets: Vec<_> = (0..100)
        .map(|_| {
            let (client, endpoint) = (client.clone(), endpoint.clone());
            tokio::spawn(async move { send(&client, &endpoint, "a").await })
        })
        .collect();
    for packet in packets {
        assert_eq!(packet.await.unwrap().unwrap(), "http2");
    }
    assert_eq!(client.connections_opened(), 1);
}

#[tokio::test]
async fn http1_is_spoken_where_the_peer_offers_nothing_else() {
    for alpn in [&["http/1.1"][..], &[]] {
        let (address, certificate) = serve(alpn).await;
        let client = trusting(Some(certificate));
        let endpoint = format!("https://127.0.0.1:{}/", address.port());
        for _ in 0..10 {
            assert_eq!(send(&client, &endpoint, "a").await.unwrap(), "http1");
        }
        assert_eq!(client.connections_opened(), 1);
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_refused() {
    let (address, _) = serve(&["h2"]).await;
    let endpoint = format!("https://localhost:{}/", address.port());
    let client = trusting(None);
    let sends = (0..10).map(|_| send(&client, &endpoint, "a"));
    for send in sends {
        let error = tokio::time::timeout(PATIENCE, send).await.unwrap().unwrap_err();
        assert_eq!((error.kind(), error.left_us()), ("tls", false), "{error:?}");
    }
}

#[tokio::test]
async fn clear_text_behind_an_https_endpoint_is_a_tls_error() {
    let stub = crate::support::answering("HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let endpoint = format!("https://{}/", stub.address);
    let client = trusting(None);
    let error =
        crate::support::send_within(&client, &endpoint, "a", std::time::Duration::from_millis(300))
            .await
            .unwrap_err();
    assert!(!error.left_us(), "{error:?}");
}

#[tokio::test]
async fn receivers_are_asked_over_tls_and_in_http1() {
    let (address, certificate) = serve(&["h2", "http/1.1"]).await;
    let receiver = format!("https://localhost:{}/bob", address.port());
    let receiver = ReceiverUrl::parse(&receiver).unwrap();
    let mut roots = RootCertStore::empty();
    let asked = async |roots| {
        let tls = tls::client_config_with_roots(roots).unwrap();
        SpspClient::new(SpspOptions::default(), &tls, &Arc::default())
            .query(&receiver)
            .await
            .unwrap_err()
    };
    let untrusted = asked(roots.clone()).await;
    assert!(matches!(untrusted, SpspError::Connect(ConnectError::Tls(_))), "{untrusted:?}");
    assert!(!untrusted.is_temporary());
    // The server's answer is its HTTP version in plain words, which is no SPSP: so it was reached.
    roots.add(certificate).unwrap();
    let answered = asked(roots).await;
    assert!(matches!(answered, SpspError::NotSpsp), "{answered:?}");
}

#[test]
fn a_machine_without_roots_can_still_speak_clear_text() {
    // Whatever this machine's roots are, the set-up itself succeeds.
    assert!(tls::client_config().is_ok());
}
