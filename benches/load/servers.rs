//! The servers of the load: a next hop that fulfills every packet, the bare reverse proxy that is
//! the baseline, and a server that only answers. Each is this binary again, as a separate process.

use std::{convert::Infallible, io::Write, net::SocketAddr, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, Uri,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::packets;

type Answer = Result<Response<Full<Bytes>>, Infallible>;

/// The time that the slow next hop takes for a packet.
pub(crate) const SLOWNESS: Duration = Duration::from_millis(10);

/// The versions of HTTP that a server speaks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    Http1,
    Both,
}

/// Serves as a next hop that reads each packet and answers with a Fulfill.
pub(crate) async fn sink(speaks: Speaks) {
    let fulfill = packets::fulfill();
    serve(speaks, move |request: Request<Incoming>| {
        let fulfill = fulfill.clone();
        async move {
            // The sender of a body that breaks off waits for no answer.
            let _ = request.into_body().collect().await;
            Ok(answer(fulfill))
        }
    })
    .await;
}

/// Serves as a next hop that takes its time, so that the node is bound by its packets in flight.
pub(crate) async fn slow_sink() {
    let fulfill = packets::fulfill();
    serve(Speaks::Both, move |request: Request<Incoming>| {
        let fulfill = fulfill.clone();
        async move {
            let _ = request.into_body().collect().await;
            tokio::time::sleep(SLOWNESS).await;
            Ok(answer(fulfill))
        }
    })
    .await;
}

/// Serves as a next hop whose replies are almost as long as a reply may be.
pub(crate) async fn long_sink() {
    let fulfill = packets::long_fulfill();
    serve(Speaks::Both, move |request: Request<Incoming>| {
        let fulfill = fulfill.clone();
        async move {
            let _ = request.into_body().collect().await;
            Ok(answer(fulfill))
        }
    })
    .await;
}

/// Serves as a next hop whose answers never end: behind the begin of a head it sends `piece` again
/// and again, as fast as it is read or with this pause in between. Over HTTP/1.1 alone.
pub(crate) async fn endless_sink(piece: &'static [u8], pause: Option<Duration>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    println!("{}", listener.local_addr().expect("an address"));
    std::io::stdout().flush().expect("somebody reads the port");
    loop {
        let Ok((mut stream, _)) = listener.accept().await else { continue };
        tokio::spawn(async move {
            let mut request = [0; 4_096];
            let Ok(bytes) = stream.read(&mut request).await else { return };
            if request[..bytes].starts_with(b"PRI") {
                let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
                return;
            }
            if pause.is_some() && stream.write_all(b"HTTP/1.1 200 OK\r\nx: ").await.is_err() {
                return;
            }
            while stream.write_all(piece).await.is_ok() {
                if let Some(pause) = pause {
                    tokio::time::sleep(pause).await;
                }
            }
        });
    }
}

/// Serves with the least work possible for a packet: reads and refuses it.
pub(crate) async fn hello() {
    let reject = packets::reject();
    serve(Speaks::Http1, move |request: Request<Incoming>| {
        let reject = reject.clone();
        async move {
            let _ = request.into_body().collect().await;
            Ok(answer(reject))
        }
    })
    .await;
}

/// Serves as a reverse proxy made of hyper and hyper-util's client, over HTTP/1.1.
pub(crate) async fn proxy(to: SocketAddr, speaks: Speaks) {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<_, Full<Bytes>> =
        Client::builder(TokioExecutor::new()).pool_max_idle_per_host(1_024).build(connector);
    let uri: Uri = format!("http://{to}/").parse().expect("a URI");
    serve(speaks, move |request: Request<Incoming>| {
        let (client, uri) = (client.clone(), uri.clone());
        async move {
            let (head, body) = request.into_parts();
            let Ok(body) = body.collect().await else { return Ok(answer(Bytes::new())) };
            let mut onward =
                Request::post(uri).body(Full::new(body.to_bytes())).expect("a request");
            for name in [CONTENT_TYPE, hyper::header::AUTHORIZATION] {
                if let Some(value) = head.headers.get(&name) {
                    onward.headers_mut().insert(name, value.clone());
                }
            }
            let reply = client.request(onward).await.expect("the sink answers");
            let reply = reply.into_body().collect().await.expect("the sink's whole answer");
            Ok(answer(reply.to_bytes()))
        }
    })
    .await;
}

fn answer(body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    response
}

/// Serves on a free port, which it prints, until the process is killed.
async fn serve<F>(
    speaks: Speaks,
    handler: impl Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
) where
    F: Future<Output = Answer> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    println!("{}", listener.local_addr().expect("an address"));
    std::io::stdout().flush().expect("somebody reads the port");
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let (io, handler) = (TokioIo::new(stream), handler.clone());
        tokio::spawn(async move {
            let service = service_fn(handler);
            // Connections end when the load does, some of them in the middle of a request.
            match speaks {
                Speaks::Http1 => {
                    let _ = http1::Builder::new().serve_connection(io, service).await;
                }
                Speaks::Both => {
                    let mut builder = auto::Builder::new(TokioExecutor::new());
                    builder.http2().max_concurrent_streams(1_024);
                    let _ = builder.serve_connection(io, service).await;
                }
            }
        });
    }
}
