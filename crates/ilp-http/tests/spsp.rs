use crate::support::{PATIENCE, Stub, read_all, stub};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use ilp_http::{
    spsp::{
        Credentials, PaymentDetails, SpspClient, SpspError, SpspOptions,
        server::{self, Found, Invoice, Receivers, Target, Unavailable},
    },
    tls,
};
use ilp_net::{ReceiverUrl, WalletUrl};
use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A node with one wallet address, one request for payment, and one that is over.
struct Wallets {
    address: SocketAddr,
    queries: AtomicU8,
}

impl Receivers for Wallets {
    async fn find(&self, url: &WalletUrl) -> Result<Found, Unavailable> {
        let url = url.as_str();
        let here = |path: &str| format!("http://{}/{path}", self.address);
        let target = |invoice| Target {
            tag: "tag".to_owned(),
            url: url.to_owned(),
            public_name: Some("Bob \u{1f600}".to_owned()),
            asset_code: "EUR".to_owned(),
            asset_scale: 2,
            invoice,
        };
        Ok(match url {
            "https://wallet.example.com/bob" => Found::Target(target(None)),
            _ if url == here("bob") => Found::Target(target(None)),
            _ if url == here("bob/invoice") => {
                Found::Target(target(Some(Invoice { amount: 10_000, outstanding: 5_360 })))
            }
            _ if url == here("bob/paid") => Found::Over,
            _ if url == here("broken") => return Err(Unavailable),
            _ => Found::Nobody,
        })
    }

    fn credentials(&self, target: &Target) -> Result<Credentials, Unavailable> {
        assert_eq!(target.tag, "tag");
        let query = self.queries.fetch_add(1, Ordering::SeqCst);
        let destination = format!("g.node.{query}").parse().unwrap();
        Ok(Credentials { destination, shared_secret: [query; 32] })
    }
}

async fn serve() -> Arc<Wallets> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let wallets = Arc::new(Wallets { address, queries: AtomicU8::new(0) });
    let serving = Arc::clone(&wallets);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let wallets = Arc::clone(&serving);
            let service = service_fn(move |request: Request<Incoming>| {
                let wallets = Arc::clone(&wallets);
                async move {
                    let origin = Some("https://wallet.example.com/");
                    let answer = server::answer(&*wallets, origin, &request).await;
                    Ok::<Response<Full<Bytes>>, Infallible>(answer)
                }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    wallets
}

async fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{request}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    read_all(&mut stream).await
}

async fn get(wallets: &Wallets, path: &str, accept: &str) -> String {
    let address = wallets.address;
    ask(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: {accept}\r\n")).await
}

fn client(options: SpspOptions) -> SpspClient {
    let tls = tls::client_config_with_roots(rustls::RootCertStore::empty()).unwrap();
    SpspClient::new(options, &tls, &Arc::default())
}

async fn query(address: SocketAddr, path: &str) -> Result<PaymentDetails, SpspError> {
    let receiver = ReceiverUrl::parse(&format!("http://{address}{path}")).unwrap();
    client(SpspOptions::default()).query(&receiver).await
}

#[tokio::test]
async fn each_query_gets_credentials_of_its_own() {
    let wallets = serve().await;
    let first = query(wallets.address, "/bob").await.unwrap();
    let second = query(wallets.address, "/bob/").await.unwrap();
    assert_eq!(first.credentials.destination.as_str(), "g.node.0");
    assert_eq!(first.credentials.shared_secret, [0; 32]);
    assert_eq!(second.credentials.destination.as_str(), "g.node.1");
    let asset = first.asset.unwrap();
    assert_eq!((asset.code.as_str(), asset.scale, first.outstanding), ("EUR", 2, None));
    let invoice = query(wallets.address, "/bob/invoice").await.unwrap();
    assert_eq!(invoice.outstanding, Some(5_360));
    assert!(matches!(query(wallets.address, "/bob/paid").await, Err(SpspError::Over)));
    assert!(matches!(query(wallets.address, "/alice").await, Err(SpspError::Unknown)));
    let broken = query(wallets.address, "/broken").await.unwrap_err();
    assert!(matches!(broken, SpspError::Status(503)) && broken.is_temporary(), "{broken:?}");
}

#[tokio::test]
async fn an_answer_has_the_rfcs_form_and_headers() {
    let wallets = serve().await;
    let answer = get(&wallets, "/bob", "application/spsp4+json, application/spsp+json").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    for line in [
        "content-type: application/spsp4+json",
        "cache-control: no-cache",
        "access-control-allow-origin: *",
        "vary: accept",
    ] {
        assert!(head.contains(line), "{head}");
    }
    assert_eq!(
        body,
        "{\"asset_info\":{\"code\":\"EUR\",\"scale\":2},\"destination_account\":\"g.node.0\",\
         \"receipts_enabled\":false,\"receiver_info\":{\"name\":\"Bob \u{1f600}\"},\
         \"shared_secret\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}"
    );
}

#[tokio::test]
async fn browsers_and_tools_are_told_who_it_is_and_no_secret() {
    let wallets = serve().await;
    for accept in ["application/json", "text/html,*/*;q=0.8"] {
        let answer = get(&wallets, "/bob", accept).await;
        assert!(answer.contains("content-type: application/json\r\n"), "{answer}");
        let identity = "\"assetCode\":\"EUR\",\"assetScale\":2,\"id\":\"http://";
        assert!(answer.contains(identity) && answer.contains("publicName"), "{answer}");
    }
    assert_eq!(wallets.queries.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_proxys_host_is_mended_by_the_public_url() {
    let wallets = serve().await;
    let asked =
        |host: &str| format!("GET /bob HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\n");
    for host in ["backend:8080", "wallet.example.com"] {
        let answer = ask(wallets.address, &asked(host)).await;
        assert!(answer.contains("\"id\":\"https://wallet.example.com/bob\""), "{answer}");
    }
}

#[tokio::test]
async fn what_is_no_query_is_refused() {
    let wallets = serve().await;
    let address = wallets.address;
    let spsp = "Accept: application/spsp4+json\r\n";
    for (line, headers, status, said) in [
        ("GET /bob?amount=5", spsp, "400", "remove what is behind ?"),
        ("GET /bob", "Accept: image/png\r\n", "406", "application/spsp4+json"),
        ("GET /alice", spsp, "404", "InvalidReceiverError"),
        ("GET /bob/../alice", spsp, "404", "InvalidReceiverError"),
        ("GET /bob/paid", spsp, "410", "paid already"),
        ("GET /broken", spsp, "503", "retry-after: 5"),
        ("POST /bob", "Content-Length: 0\r\n", "405", "allow: GET, HEAD, OPTIONS"),
        ("DELETE /bob", spsp, "405", "only GET and HEAD"),
        ("OPTIONS /bob", "Origin: https://shop.example\r\n", "204", "access-control-allow-methods"),
    ] {
        let request = format!("{line} HTTP/1.1\r\nHost: {address}\r\n{headers}");
        let answer = ask(address, &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{line}: {answer}");
        assert!(answer.contains(said), "{line}: {answer}");
        assert!(answer.contains("access-control-allow-origin: *"), "{line}: {answer}");
    }
    let head = ask(address, &format!("HEAD /bob HTTP/1.1\r\nHost: {address}\r\n{spsp}")).await;
    assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
    assert!(head.contains("content-type: application/spsp4+json"), "{head}");
    assert_eq!(wallets.queries.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn answers_that_are_none_are_told_apart() {
    for (answer, said) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi",
            "not with SPSP",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
            "missing",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99999\r\n\r\n",
            "longer",
        ),
        ("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "status 500"),
        ("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", "without saying where"),
        ("HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n", "too often"),
        (
            "HTTP/1.1 302 Found\r\nLocation: https://evil.example/bob\r\nContent-Length: 0\r\n\r\n",
            "another host, https://evil.example/bob",
        ),
        ("SSH-2.0-OpenSSH\r\n\r\n", "speaks no HTTP"),
    ] {
        let stub = answering(answer).await;
        let refusal = query(stub.address, "/bob").await.unwrap_err();
        assert!(refusal.to_string().contains(said), "{answer}: {refusal}");
    }
    // No server listens on a port that was just given back.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let refusal = query(free, "/bob").await.unwrap_err();
    assert!(matches!(refusal, SpspError::Connect(_)) && refusal.is_temporary(), "{refusal:?}");
}

const ANSWER: &str = "{\"destination_account\":\"g.bob\",\
    \"shared_secret\":\"6jR5iNIVRvqeasJeCty6C-YB5X9FhSOUPCL_5nha5Vs\"}";

fn whole_answer() -> String {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/spsp4+json";
    format!("{head}\r\nContent-Length: {}\r\n\r\n{ANSWER}", ANSWER.len())
}

/// Reads the head of a request, which has no body.
async fn read_head(stream: &mut TcpStream) -> String {
    let mut bytes = [0; 2_048];
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        let read = stream.read(&mut bytes).await.unwrap();
        assert!(read > 0, "the client left: {text}");
        text.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
    }
    text
}

/// A stub that answers each request with the same bytes, on a connection of its own.
async fn answering(answer: &'static str) -> Stub {
    stub(move |_, mut stream| async move {
        read_head(&mut stream).await;
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await
}

#[tokio::test]
async fn a_redirection_on_the_same_host_is_followed() {
    let stub: Stub = stub(|number, mut stream| async move {
        let request = read_head(&mut stream).await;
        assert!(request.contains("accept: application/spsp4+json\r\n"), "{request}");
        let answer = if number == 1 {
            assert!(request.starts_with("GET /bob HTTP/1.1\r\n"), "{request}");
            "HTTP/1.1 308 There\r\nLocation: /wallets/bob\r\nContent-Length: 0\r\n\r\n".to_owned()
        } else {
            assert!(request.starts_with("GET /wallets/bob HTTP/1.1\r\n"), "{request}");
            whole_answer()
        };
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    let details = query(stub.address, "/bob").await.unwrap();
    assert_eq!(details.credentials.destination.as_str(), "g.bob");
    assert_eq!(stub.accepted(), 2);
}

#[tokio::test]
async fn a_server_that_dawdles_is_left() {
    let stub = stub(|_, mut stream| async move {
        read_head(&mut stream).await;
        let whole = whole_answer();
        stream.write_all(&whole.as_bytes()[..whole.len() - 1]).await.unwrap();
        // Until the client leaves.
        let _ = stream.read(&mut [0]).await;
    })
    .await;
    let time_max = Duration::from_millis(200);
    let client = client(SpspOptions { time_max, ..SpspOptions::default() });
    let receiver = ReceiverUrl::parse(&format!("http://{}/bob", stub.address)).unwrap();
    let left = tokio::time::timeout(PATIENCE, client.query(&receiver)).await.unwrap();
    let refusal = left.unwrap_err();
    assert!(matches!(refusal, SpspError::Timeout(_)) && refusal.is_temporary(), "{refusal:?}");
}
