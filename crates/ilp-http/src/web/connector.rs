//! Connections for web requests: direct or through a proxy, encrypted where the URL says so, and
//! only to the hosts that a client may reach.

use super::{HEAD_BYTES_MAX, Proxies, WebOptions, bounded::Bounded};
use crate::client::{ConnectError, connect};
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::{
    client::{
        legacy::connect::{Connected, Connection, proxy::Tunnel},
        proxy::matcher::Intercept,
    },
    rt::TokioIo,
};
use ilp_net::{DialTarget, Host};
use rustls::ClientConfig;
use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use tower_service::Service;

/// The hosts that connections may lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// To any host.
    Anywhere,
    /// Public addresses only, not this machine or private networks. The addresses of a name are
    /// checked, and the connection goes to one of the checked ones. Through a proxy only hosts
    /// written as addresses can be checked: the proxy resolves names.
    Public,
}

/// The reason why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectFailure {
    #[error("the URL has no host")]
    Url,
    #[error("the host is not public")]
    NotPublic,
    #[error(transparent)]
    Connect(ConnectError),
    #[error("the proxy does not lead on: {0}")]
    Proxy(String),
}

/// Opens connections for the pool of a [`WebClient`](super::WebClient).
#[derive(Clone)]
pub(super) struct Connector {
    tls: TlsConnector,
    proxies: Arc<Proxies>,
    reach: Reach,
    time_max: Duration,
    /// Twice the longest answer, which leaves room for the framing of chunked bodies.
    answer_bytes_max: u64,
}

type Opening<T> = Pin<Box<dyn Future<Output = Result<T, ConnectFailure>> + Send>>;

impl Connector {
    pub(super) fn new(mut tls: ClientConfig, proxies: Arc<Proxies>, options: &WebOptions) -> Self {
        // HTTP/2 has no advantage for a small answer now and then.
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self {
            tls: TlsConnector::from(Arc::new(tls)),
            proxies,
            reach: options.reach,
            time_max: options.connect_time_max.min(options.time_max),
            answer_bytes_max: (2 * (HEAD_BYTES_MAX + options.body_bytes_max)) as u64,
        }
    }

    fn stream(&self, io: TokioIo<Io>, is_proxied: bool) -> Stream {
        let io = Bounded::new(io.into_inner(), self.answer_bytes_max);
        Stream { io: TokioIo::new(io), is_proxied }
    }

    async fn open(self, uri: Uri) -> Result<Stream, ConnectFailure> {
        let direct = Dial { tls: self.tls.clone(), reach: self.reach };
        let Some(proxy) = self.proxies.find(&uri) else {
            return Ok(self.stream(direct.dial(uri).await?, false));
        };
        if self.reach == Reach::Public && !may_be_public(&host(&uri)?) {
            return Err(ConnectFailure::NotPublic);
        }
        let mut dial = Dial { tls: self.tls.clone(), reach: Reach::Anywhere };
        if !is_https(&uri) {
            return Ok(self.stream(dial.call(proxy.uri().clone()).await?, true));
        }
        let tunnel = self.tunnel(proxy, dial, uri.clone()).await?;
        Ok(self.stream(encrypted(&self.tls, &host(&uri)?, tunnel).await?, false))
    }

    async fn tunnel(
        &self,
        proxy: Intercept,
        dial: Dial,
        to: Uri,
    ) -> Result<TokioIo<Io>, ConnectFailure> {
        let mut tunnel = Tunnel::new(proxy.uri().clone(), dial);
        if let Some(credentials) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(credentials.clone());
        }
        tunnel.call(to).await.map_err(|error| {
            // The error of the dial to the proxy says more than that there is no tunnel.
            match std::error::Error::source(&error) {
                Some(source) => ConnectFailure::Proxy(source.to_string()),
                None => ConnectFailure::Proxy(error.to_string()),
            }
        })
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = ConnectFailure;
    type Future = Opening<Stream>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectFailure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let time_max = connector.time_max;
            let opened = tokio::time::timeout(time_max, connector.open(uri)).await;
            opened.unwrap_or(Err(ConnectFailure::Connect(ConnectError::Timeout)))
        })
    }
}

/// Connects to the host of a URL itself, with TLS where the URL says so.
#[derive(Clone)]
struct Dial {
    tls: TlsConnector,
    reach: Reach,
}

impl Dial {
    async fn dial(self, uri: Uri) -> Result<TokioIo<Io>, ConnectFailure> {
        let host = host(&uri)?;
        let port = uri.port_u16().unwrap_or(if is_https(&uri) { 443 } else { 80 });
        let unreachable =
            |error: io::Error| ConnectFailure::Connect(ConnectError::Unreachable(Arc::new(error)));
        let addresses = match self.reach {
            Reach::Anywhere => look_up(&host, port).await.map_err(unreachable)?,
            Reach::Public => {
                let mut addresses = look_up(&host, port).await.unwrap_or_default();
                addresses
                    .retain(|address| ilp_net::Reach::of(address.ip()) == ilp_net::Reach::Public);
                addresses
            }
        };
        if addresses.is_empty() {
            return Err(ConnectFailure::NotPublic);
        }
        let stream = TcpStream::connect(&addresses[..]).await.map_err(unreachable)?;
        // A request is one small write; Nagle's algorithm would hold back its end.
        stream.set_nodelay(true).map_err(unreachable)?;
        let stream = TokioIo::new(Box::new(stream) as Io);
        if is_https(&uri) { encrypted(&self.tls, &host, stream).await } else { Ok(stream) }
    }
}

impl Service<Uri> for Dial {
    type Response = TokioIo<Io>;
    type Error = ConnectFailure;
    type Future = Opening<TokioIo<Io>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectFailure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().dial(uri))
    }
}

fn is_https(uri: &Uri) -> bool {
    uri.scheme_str() == Some("https")
}

fn host(uri: &Uri) -> Result<Host, ConnectFailure> {
    let host = uri.host().and_then(|host| Host::parse(host).ok()).map(Host::dialled);
    host.ok_or(ConnectFailure::Url)
}

/// Returns whether a host that a proxy is to resolve may be public, as far as its text tells.
fn may_be_public(host: &Host) -> bool {
    host.reach().is_none_or(|reach| reach == ilp_net::Reach::Public)
}

async fn look_up(host: &Host, port: u16) -> io::Result<Vec<SocketAddr>> {
    match host.dial_target() {
        DialTarget::Address(address) => Ok(vec![SocketAddr::new(address, port)]),
        DialTarget::Name(name) => Ok(tokio::net::lookup_host((name, port)).await?.collect()),
    }
}

async fn encrypted(
    tls: &TlsConnector,
    host: &Host,
    stream: TokioIo<Io>,
) -> Result<TokioIo<Io>, ConnectFailure> {
    let name = connect::server_name(host).map_err(ConnectFailure::Connect)?;
    let stream = tls.connect(name, stream.into_inner()).await;
    let stream =
        stream.map_err(|error| ConnectFailure::Connect(ConnectError::Tls(Arc::new(error))))?;
    Ok(TokioIo::new(Box::new(stream)))
}

/// A connection with or without TLS. The indirection costs a rare request nothing.
type Io = Box<dyn ReadAndWrite>;

trait ReadAndWrite: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ReadAndWrite for T {}

/// A connection that requests can be sent on.
pub(super) struct Stream {
    io: TokioIo<Bounded<Io>>,
    /// Whether requests name the whole URL, for a proxy that forwards them.
    is_proxied: bool,
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new().proxy(self.is_proxied)
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
