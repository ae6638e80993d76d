//! One HTTP/2 connection: how it begins, what moves its bytes, and how its death is found out.

use super::Http2;
use crate::client::{
    ClientOptions, HttpError,
    connect::HEAD_BYTES_MAX,
    link::Link,
    links::OpenConnection,
    watched::{Greeting, Meter, Watched},
};
use bytes::Bytes;
use h2::{
    Ping, PingPong,
    client::{Builder, SendRequest},
};
use interledger_packet::MAX_REPLY_BYTES;
use std::{
    sync::{Arc, OnceLock, Weak},
    time::Duration,
};
use tokio::io::{AsyncRead, AsyncWrite};

/// A reply of any length fits in a stream's window: 131,072 bytes against at most 66,571.
const STREAM_WINDOW_BYTES: u32 = 128 * 1_024;
/// All streams of a connection together: 1 MiB is 15 of the longest replies or 5,000 common ones.
const CONNECTION_WINDOW_BYTES: u32 = 1_024 * 1_024;
const _: () = assert!(MAX_REPLY_BYTES <= STREAM_WINDOW_BYTES as usize);

/// The maximum number of bytes that bring no reply nearer: the part of the windows that replies may
/// fill before their packets read them, and 1 MiB of other frames. A waiting packet gives a peer
/// reason for two WINDOW_UPDATE frames of 13 bytes each, so 1 MiB is enough for 40,000 packets.
const UNANSWERED_BYTES_MAX: u32 = CONNECTION_WINDOW_BYTES + 1_024 * 1_024;

/// Streams opened before the peer has said how many it allows: as many as RFC 9113, section 6.5.2,
/// wants every peer to allow.
const INITIAL_STREAMS_MAX: usize = 100;

/// The count of a connection, held by the task that moves its bytes. It is empty while the peer has
/// not shown that it speaks HTTP/2.
type Held = Arc<OnceLock<OpenConnection>>;

/// Begins HTTP/2 on a stream of bytes whose other end is known to speak it. `open` counts the
/// connection for as long as it lives.
pub(in crate::client) async fn start<S>(
    stream: S,
    options: &ClientOptions,
    link: &Arc<Link>,
    open: OpenConnection,
) -> Result<Http2, HttpError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let meter = Meter::new(UNANSWERED_BYTES_MAX);
    let stream = Watched::new(stream, Arc::clone(&meter));
    let sender = begin(stream, options, link, Arc::new(OnceLock::from(open))).await?;
    Ok(Http2 { sender, meter })
}

/// Begins HTTP/2 on a stream of bytes whose other end has yet to show whether it speaks it. Once it
/// does, the caller puts the count of the connection into the last of the three values.
pub(in crate::client) async fn greet<S>(
    stream: S,
    options: &ClientOptions,
    link: &Arc<Link>,
) -> Result<(Http2, Greeting, Held), HttpError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let meter = Meter::new(UNANSWERED_BYTES_MAX);
    let (stream, greeting) = Watched::greeted(stream, Arc::clone(&meter));
    let held = Held::default();
    let sender = begin(stream, options, link, Arc::clone(&held)).await?;
    Ok((Http2 { sender, meter }, greeting, held))
}

async fn begin<S>(
    stream: Watched<S>,
    options: &ClientOptions,
    link: &Arc<Link>,
    held: Held,
) -> Result<SendRequest<Bytes>, HttpError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, mut connection) = Builder::new()
        .initial_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .initial_max_send_streams(INITIAL_STREAMS_MAX)
        .max_header_list_size(HEAD_BYTES_MAX)
        .enable_push(false)
        .handshake(stream)
        .await?;
    let pings = connection.ping_pong();
    // Moves the connection's bytes until it closes. Its packets hear of an error themselves.
    let mut driven = tokio::spawn(async move {
        let _held = held;
        if let Err(error) = connection.await.map_err(HttpError::from) {
            tracing::debug!(%error, "a connection to a next hop ended");
        }
    });
    let pings = pings.map(|pings| Pings::new(pings, link, options));
    // Pings have a task of their own, so that the one above, which runs for every packet, looks at
    // no timer. It holds nothing that keeps the connection open, and ends with it.
    tokio::spawn(async move {
        let Some(pings) = pings else { return };
        tokio::select! {
            _ = &mut driven => {}
            () = pings.until_dead() => {
                tracing::debug!("a connection to a next hop ended: a ping was not answered in time");
                // h2 tells the packets when the connection is dropped.
                driven.abort();
            }
        }
    });
    Ok(sender)
}

/// Finds out whether the peer is still there, for as long as packets wait for it.
struct Pings {
    pings: PingPong,
    link: Weak<Link>,
    interval: Duration,
    timeout: Duration,
}

impl Pings {
    fn new(pings: PingPong, link: &Arc<Link>, options: &ClientOptions) -> Pings {
        Pings {
            pings,
            link: Arc::downgrade(link),
            interval: options.ping_interval,
            timeout: options.ping_timeout,
        }
    }

    /// Returns when a ping has not been answered in time.
    async fn until_dead(mut self) {
        loop {
            tokio::time::sleep(self.interval).await;
            // Pings on an idle connection are what servers hang up for.
            if !self.link.upgrade().is_some_and(|link| link.is_in_use()) {
                continue;
            }
            let asked = self.pings.ping(Ping::opaque());
            match tokio::time::timeout(self.timeout, asked).await {
                Ok(Ok(_pong)) => {}
                // The connection has ended by itself, which its task tells.
                Ok(Err(_closed)) => std::future::pending().await,
                Err(_elapsed) => return,
            }
        }
    }
}
