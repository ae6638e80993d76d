//! Tests of requests that carry no packet: proxies, redirections, and the hosts that a client may
//! reach.

use crate::support::{PATIENCE, Stub, stub};
use bytes::Bytes;
use http::{HeaderMap, Request, Uri};
use ilp_http::{
    client::ConnectError,
    spsp::{PrivateReceivers, SpspClient, SpspError, SpspOptions},
    tls,
    web::{Proxies, Reach, WebClient, WebError, WebOptions},
};
use ilp_net::ReceiverUrl;
use rustls::RootCertStore;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    time::Instant,
};

fn proxies(variables: &[(&str, &str)]) -> Arc<Proxies> {
    let find = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Arc::new(Proxies::from_variables(find).0)
}

fn client(roots: RootCertStore, proxies: Arc<Proxies>, options: WebOptions) -> WebClient {
    WebClient::new(&tls::client_config_with_roots(roots).unwrap(), proxies, options)
}

fn plain(proxies: Arc<Proxies>) -> WebClient {
    client(RootCertStore::empty(), proxies, WebOptions::default())
}

async fn get(client: &WebClient, url: &str) -> Result<String, WebError> {
    let answered = client.get(url.parse::<Uri>().unwrap(), HeaderMap::new());
    let answered = tokio::time::timeout(PATIENCE, answered).await.unwrap()?;
    let body = String::from_utf8(answered.body().to_vec()).unwrap();
    Ok(format!("{} {body}", answered.status().as_u16()))
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(char::from(byte)),
            Err(_) => return head,
        }
    }
    head
}

/// Starts a proxy that answers each request with the request's text, and connects each tunnel to
/// `to`.
async fn proxy(to: SocketAddr) -> Stub {
    stub(move |_, mut stream| async move {
        loop {
            let head = read_head(&mut stream).await;
            if head.is_empty() {
                return;
            }
            if head.starts_with("CONNECT ") {
                assert!(head.contains("Proxy-Authorization: Basic dXNlcjpodXNo\r\n"), "{head}");
                assert!(head.starts_with("CONNECT wallet.example:443 HTTP/1.1\r\n"), "{head}");
                stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await.unwrap();
                let mut there = TcpStream::connect(to).await.unwrap();
                let _ = copy_bidirectional(&mut stream, &mut there).await;
                return;
            }
            let length = head.len();
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{head}");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    })
    .await
}

#[tokio::test]
async fn clear_text_goes_through_a_proxy_in_absolute_form_and_tls_through_a_tunnel() {
    let (server, certificate) = crate::tls::serve(&["h2", "http/1.1"]).await;
    let proxy = proxy(server).await;
    let url = format!("http://user:hush@{}", proxy.address);
    let proxies = proxies(&[("HTTP_PROXY", &url), ("https_proxy", &url)]);
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = client(roots, proxies, WebOptions::default());

    let seen = get(&client, "http://rates.example:8080/rates?base=USD").await.unwrap();
    assert!(
        seen.starts_with("200 GET http://rates.example:8080/rates?base=USD HTTP/1.1"),
        "{seen}"
    );
    assert!(seen.contains("host: rates.example:8080\r\n"), "{seen}");
    assert!(seen.contains("proxy-authorization: Basic dXNlcjpodXNo\r\n"), "{seen}");
    // The server at the tunnel's other end answers only with the version of HTTP.
    assert_eq!(get(&client, "https://wallet.example/bob").await.unwrap(), "200 http1");
}

#[tokio::test]
async fn this_machine_and_exempt_networks_are_reached_straight() {
    let here = stub(|_, mut stream| async move {
        let head = read_head(&mut stream).await;
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{head}", head.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    let dead_proxy = [("ALL_PROXY", "http://127.0.0.1:1")];
    let client = plain(proxies(&dead_proxy));
    for host in ["127.0.0.1", "localhost", "a.localhost"] {
        let url = format!("http://{host}:{}/x", here.address.port());
        let seen = get(&client, &url).await.unwrap();
        assert!(seen.starts_with("200 GET /x HTTP/1.1"), "{seen}");
        assert!(!seen.contains("proxy"), "{seen}");
    }
    // Other hosts are reached only through the proxy, so a dead proxy makes the request fail.
    for url in ["http://rates.example/", "https://rates.example/"] {
        let refused = get(&client, url).await.unwrap_err();
        let is_it =
            matches!(refused, WebError::Connect(ConnectError::Unreachable(_)) | WebError::Proxy(_));
        assert!(is_it, "{refused:?}");
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_as_such() {
    let refusing = stub(|_, mut stream| async move {
        read_head(&mut stream).await;
        let answer = "HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    let url = refusing.address.to_string();
    let client = plain(proxies(&[("HTTPS_PROXY", &url), ("HTTP_PROXY", &url)]));
    let refused = get(&client, "https://wallet.example/bob").await.unwrap_err();
    assert!(
        matches!(&refused, WebError::Proxy(why) if why.contains("authorization")),
        "{refused:?}"
    );
    assert_eq!(get(&client, "http://wallet.example/bob").await.unwrap(), "407 ");
}

#[tokio::test]
async fn a_name_and_password_in_a_url_go_where_http_has_them() {
    let here = stub(|_, mut stream| async move {
        let head = read_head(&mut stream).await;
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{head}", head.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    let url = format!("http://me:p%40ss@{}/rates", here.address);
    let seen = get(&plain(Arc::default()), &url).await.unwrap();
    assert!(seen.contains("authorization: Basic bWU6cEBzcw==\r\n"), "{seen}");
    assert!(seen.starts_with("200 GET /rates ") && !seen.contains("p%40ss"), "{seen}");
}

#[tokio::test]
async fn redirections_are_followed_on_one_host_alone() {
    let stub = stub(|number, mut stream| async move {
        let head = read_head(&mut stream).await;
        let to = match number {
            1 => "/rates/latest?base=USD",
            2 => "today?base=USD",
            3 => {
                assert!(head.starts_with("GET /rates/today?base=USD HTTP/1.1"), "{head}");
                let answer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhere";
                return stream.write_all(answer.as_bytes()).await.unwrap();
            }
            4 => "http://other.example/rates",
            _ => "/again",
        };
        let answer = format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    let client = plain(Arc::default());
    let url = format!("http://{}/rates?base=USD", stub.address);
    assert_eq!(get(&client, &url).await.unwrap(), "200 here");
    let refused = get(&client, &url).await.unwrap_err();
    assert!(matches!(refused, WebError::Elsewhere(_)), "{refused:?}");
    let refused = get(&client, &url).await.unwrap_err();
    assert!(matches!(refused, WebError::Redirects), "{refused:?}");
    assert_eq!(stub.accepted(), 8, "three, one, and one with three redirections");
}

#[tokio::test]
async fn an_answer_without_end_is_cut_whatever_it_is_made_of() {
    for part in
        ["HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n", "X: yyyyyyyyyyyyyyyyyyyyyyyyyy\r\n"]
    {
        let endless = stub(move |_, mut stream| async move {
            read_head(&mut stream).await;
            if part.starts_with('X') {
                stream.write_all(b"HTTP/1.1 200 OK\r\n").await.unwrap();
            }
            while stream.write_all(part.as_bytes()).await.is_ok() {}
        })
        .await;
        let options = WebOptions { time_max: PATIENCE * 6, ..WebOptions::default() };
        let client = client(RootCertStore::empty(), Arc::default(), options);
        let refused = get(&client, &format!("http://{}/", endless.address)).await.unwrap_err();
        assert!(matches!(refused, WebError::Http(_)), "{refused:?}");
    }
}

#[tokio::test]
async fn a_client_for_the_public_goes_nowhere_near_with_or_without_a_proxy() {
    let options = WebOptions { reach: Reach::Public, ..WebOptions::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let dead_proxy = proxies(&[("ALL_PROXY", "http://127.0.0.1:1")]);
    for proxies in [Arc::default(), dead_proxy] {
        let client = client(RootCertStore::empty(), proxies, options.clone());
        for host in [
            "127.0.0.1",
            "localhost",
            "x.localhost",
            "[::1]",
            "10.0.0.1",
            "0.0.0.0",
            "169.254.169.254",
            "[::ffff:127.0.0.1]",
            "[fd00::1]",
        ] {
            let refused = get(&client, &format!("http://{host}:{port}/")).await.unwrap_err();
            assert!(matches!(refused, WebError::NotPublic), "{host}: {refused:?}");
        }
    }
    let nothing = tokio::time::timeout(Duration::from_millis(1), listener.accept()).await;
    assert!(nothing.is_err(), "a connection was made");
}

/// Queries a receiver, and returns the error and the time that the query took.
async fn asked(client: &SpspClient, url: &str) -> (SpspError, Duration) {
    let started = Instant::now();
    let refused = client.query(&ReceiverUrl::parse(url).unwrap()).await.unwrap_err();
    (refused, started.elapsed())
}

#[tokio::test]
async fn queries_are_no_port_scanner() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let answering = |answer: &'static str| {
        stub(move |_, mut stream| async move {
            read_head(&mut stream).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
        })
    };
    let missing = answering("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n").await;
    let page =
        answering("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n").await;
    let shell = answering("SSH-2.0-OpenSSH\r\n\r\n").await;
    let elsewhere =
        answering("HTTP/1.1 302 X\r\nLocation: http://127.0.0.2/x\r\nContent-Length: 0\r\n\r\n")
            .await;
    let urls: Vec<String> = [
        silent.local_addr().unwrap(),
        closed,
        missing.address,
        page.address,
        shell.address,
        elsewhere.address,
    ]
    .iter()
    .map(|address| format!("http://{address}/bob"))
    .chain(["http://nobody.localhost:1/bob".to_owned()])
    .collect();
    let tls = tls::client_config_with_roots(RootCertStore::empty()).unwrap();
    let private_time = Duration::from_millis(300);
    let client = |private_receivers| {
        let options = SpspOptions { private_receivers, private_time, ..SpspOptions::default() };
        SpspClient::new(options, &tls, &Arc::default())
    };
    let (unspecific, refused) =
        (client(PrivateReceivers::Unspecific), client(PrivateReceivers::Refused));
    let mut words = Vec::new();
    for url in &urls {
        let (error, took) = asked(&unspecific, url).await;
        assert!(matches!(error, SpspError::Unspecified), "{url}: {error:?}");
        assert!(took >= private_time, "{url}: {took:?}");
        words.push(error.to_string());
        let (error, _) = asked(&refused, url).await;
        assert!(matches!(error, SpspError::NotPublic), "{url}: {error:?}");
        words.push(error.to_string());
    }
    words.sort();
    words.dedup();
    assert_eq!(words.len(), 2, "{words:?}");
    // A query to a receiver that has answered before reports the reason of the failure.
    let (error, _) = asked(&unspecific.of_known_receivers(), &urls[2]).await;
    assert!(matches!(error, SpspError::Unknown), "{error:?}");
    let (error, _) = asked(&refused.of_known_receivers(), &urls[2]).await;
    assert!(matches!(error, SpspError::NotPublic), "{error:?}");
    // A receiver that works is queried as usual.
    let works = answering("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 93\r\n\r\n\
        {\"destination_account\":\"g.bob\",\"shared_secret\":\"6jR5iNIVRvqeasJeCty6C-YB5X9FhSOUPCL_5nha5Vs\"}").await;
    let receiver = ReceiverUrl::parse(&format!("http://{}/bob", works.address)).unwrap();
    assert!(unspecific.query(&receiver).await.is_ok());
}

#[tokio::test]
async fn a_post_is_sent_whole_and_its_connection_kept() {
    let stub = stub(|_, mut stream| async move {
        loop {
            let head = read_head(&mut stream).await;
            if head.is_empty() {
                return;
            }
            let mut body = [0; 5];
            stream.read_exact(&mut body).await.unwrap();
            assert_eq!(&body, b"hello");
            stream.write_all(b"HTTP/1.1 204 Thanks\r\n\r\n").await.unwrap();
        }
    })
    .await;
    let options = WebOptions { idle_connections_max: 1, ..WebOptions::default() };
    let client = client(RootCertStore::empty(), Arc::default(), options);
    for _ in 0..3 {
        let request = Request::post(format!("http://{}/hook", stub.address));
        let request = request.body(Bytes::from_static(b"hello")).unwrap();
        assert_eq!(client.send(request).await.unwrap().status(), 204);
    }
    assert_eq!(stub.accepted(), 1);
}
