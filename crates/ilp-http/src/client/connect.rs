//! Opens a connection: look-up, TCP, TLS where the endpoint says so, and the HTTP that was agreed on.

use super::{
    ConnectError, HttpError,
    http1::{self, Http1},
    http2::{self, Http2},
    link::Link,
    links::{Links, Place},
};
use ilp_net::{DialTarget, Endpoint, Host};
use rustls::pki_types::ServerName;
use std::sync::Arc;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// A reply's head must fit in this. Our peers' heads have some 200 bytes.
pub(crate) const HEAD_BYTES_MAX: u32 = 16 * 1_024;

/// A connection fit for packets.
pub(super) enum Opened {
    Http1(Http1),
    Http2(Http2),
}

/// The reaction of a clear-text peer to a greeting in HTTP/2.
pub(super) enum Greeted {
    /// The peer speaks HTTP/2 on this connection.
    Http2(Http2),
    /// The peer answers with something else.
    Otherwise,
    /// The peer says nothing within the options' time.
    Silence,
    /// The peer ends the connection without an answer.
    HungUp,
}

/// Greets a clear-text peer in HTTP/2 (RFC 9113, section 3.3, "prior knowledge") and waits for its
/// first frame. The connection takes `place` only if the peer speaks HTTP/2.
///
/// # Errors
/// [`ConnectError`] when there is no connection.
pub(super) async fn greet(
    links: &Links,
    link: &Arc<Link>,
    place: Place,
) -> Result<Greeted, ConnectError> {
    let options = &links.options;
    let dialled = tokio::time::timeout(options.connect_timeout, dial(&link.endpoint)).await;
    let stream = dialled.unwrap_or(Err(ConnectError::Timeout))?;
    let Ok((http2, greeting, held)) = http2::greet(stream, options, link).await else {
        return Ok(Greeted::HungUp);
    };
    Ok(match tokio::time::timeout(options.probe_timeout, greeting).await {
        Ok(Ok(true)) => {
            links.opened_connection();
            // The cell is set only here, so this can't fail.
            let _ = held.set(links.connection(place));
            Greeted::Http2(http2)
        }
        Ok(Ok(false)) => Greeted::Otherwise,
        Ok(Err(_ended)) => Greeted::HungUp,
        Err(_elapsed) => Greeted::Silence,
    })
}

/// Opens a connection within the options' time. In clear text it speaks HTTP/1.1; over TLS the two
/// ends negotiate the protocol.
///
/// # Errors
/// [`ConnectError`] says what stood in the way.
pub(super) async fn open(links: &Links, link: &Arc<Link>) -> Result<Opened, ConnectError> {
    let endpoint = &link.endpoint;
    // The look-up of the host takes a descriptor too, but has closed it by the time the socket
    // opens.
    let place = links.place().await?;
    let opening = Box::pin(async {
        let stream = dial(endpoint).await?;
        if !endpoint.is_tls() {
            return start(stream, false, (links, link, place)).await;
        }
        let name = server_name(endpoint.host())?;
        let connector = TlsConnector::from(Arc::clone(&links.tls));
        let stream = connector
            .connect(name, stream)
            .await
            .map_err(|error| ConnectError::Tls(Arc::new(error)))?;
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        start(stream, http2, (links, link, place)).await
    });
    let opened = tokio::time::timeout(links.options.connect_timeout, opening)
        .await
        .unwrap_or(Err(ConnectError::Timeout))?;
    links.opened_connection();
    Ok(opened)
}

/// Looks the host up and connects to the first of its addresses that answers.
pub(crate) async fn dial(endpoint: &Endpoint) -> Result<TcpStream, ConnectError> {
    let stream = match endpoint.host().dial_target() {
        DialTarget::Address(address) => TcpStream::connect((address, endpoint.port())).await?,
        DialTarget::Name(name) => TcpStream::connect((name, endpoint.port())).await?,
    };
    // A packet is one small write; Nagle's algorithm would hold it back for the peer's next ACK.
    stream.set_nodelay(true)?;
    Ok(stream)
}

pub(crate) fn server_name(host: &Host) -> Result<ServerName<'static>, ConnectError> {
    match host.address() {
        Some(address) => Ok(ServerName::from(address)),
        None => ServerName::try_from(host.to_string()).map_err(|_| ConnectError::Name),
    }
}

async fn start<S>(
    stream: S,
    http2: bool,
    (links, link, place): (&Links, &Arc<Link>, Place),
) -> Result<Opened, ConnectError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let open = links.connection(place);
    let started = if http2 {
        http2::start(stream, &links.options, link, open).await.map(Opened::Http2)
    } else {
        http1::start(stream, open).await.map(Opened::Http1)
    };
    started.map_err(|error: HttpError| ConnectError::Handshake(Arc::new(error)))
}
