//! Opens a connection: look-up, TCP, TLS where the endpoint says so, and the HTTP that was agreed on.

use super::{
    ConnectError,
    link::{Http1, Http2},
    links::{Links, OpenConnection},
};
use crate::{Endpoint, body::OnePacket, endpoint::Host};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use interledger_packet::MAX_REPLY_BYTES;
use rustls::pki_types::ServerName;
use std::{future::Future, io, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// A reply's head must fit in this. Our peers' heads have some 200 bytes.
const HEAD_BYTES_MAX: usize = 16 * 1_024;
/// A reply of any length fits in a stream's window: 131,072 bytes against at most 66,571.
const STREAM_WINDOW_BYTES: u32 = 128 * 1_024;
/// All streams of a connection together: 1 MiB is 15 of the longest replies or 5,000 common ones.
const CONNECTION_WINDOW_BYTES: u32 = 1_024 * 1_024;
const _: () = assert!(MAX_REPLY_BYTES <= STREAM_WINDOW_BYTES as usize);

/// A connection fit for packets.
pub(super) enum Opened {
    Http1(Http1),
    Http2(Http2),
}

/// Opens a connection within the options' time. In clear text it speaks HTTP/2 if `prior_knowledge`
/// says that the peer does; over TLS the two ends agree.
pub(super) async fn open(
    links: &Links,
    endpoint: &Endpoint,
    prior_knowledge: bool,
) -> Result<Opened, ConnectError> {
    let opening = Box::pin(async {
        let stream = dial(endpoint).await?;
        if !endpoint.is_tls() {
            return start(stream, prior_knowledge, links).await;
        }
        let name = server_name(endpoint.host())?;
        let connector = TlsConnector::from(Arc::clone(&links.tls));
        let stream = connector
            .connect(name, stream)
            .await
            .map_err(|error| ConnectError::Tls(Arc::new(error)))?;
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        start(stream, http2, links).await
    });
    let opened = tokio::time::timeout(links.options.connect_timeout, opening)
        .await
        .unwrap_or(Err(ConnectError::Timeout))?;
    links.opened_connection();
    Ok(opened)
}

/// Looks the host up and connects to the first of its addresses that answers.
pub(crate) async fn dial(endpoint: &Endpoint) -> Result<TcpStream, ConnectError> {
    let connected = match endpoint.host() {
        Host::Address(address) => TcpStream::connect((*address, endpoint.port())).await,
        Host::Name(name) => TcpStream::connect((Host::resolved_name(name), endpoint.port())).await,
    };
    let unreachable = |error: io::Error| ConnectError::Unreachable(Arc::new(error));
    let stream = connected.map_err(unreachable)?;
    // A packet is one small write; Nagle's algorithm would hold it back for the peer's next ACK.
    stream.set_nodelay(true).map_err(unreachable)?;
    Ok(stream)
}

pub(crate) fn server_name(host: &Host) -> Result<ServerName<'static>, ConnectError> {
    match host {
        Host::Address(address) => Ok(ServerName::from(*address)),
        Host::Name(name) => ServerName::try_from(name.clone()).map_err(|_| ConnectError::Name),
    }
}

async fn start<S>(stream: S, http2: bool, links: &Links) -> Result<Opened, ConnectError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let failed = |error: hyper::Error| ConnectError::Handshake(Arc::new(error));
    let io = TokioIo::new(stream);
    if http2 {
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .keep_alive_interval(links.options.ping_interval)
            .keep_alive_timeout(links.options.ping_timeout)
            .handshake::<_, OnePacket>(io)
            .await
            .map_err(failed)?;
        drive(connection, links.connection());
        Ok(Opened::Http2(sender))
    } else {
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES_MAX)
            .handshake::<_, OnePacket>(io)
            .await
            .map_err(failed)?;
        drive(connection, links.connection());
        Ok(Opened::Http1(sender))
    }
}

/// Moves a connection's bytes until it closes. Its packets hear of an error themselves.
fn drive(
    connection: impl Future<Output = hyper::Result<()>> + Send + 'static,
    open: OpenConnection,
) {
    tokio::spawn(async move {
        let _open = open;
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to a next hop ended");
        }
    });
}
