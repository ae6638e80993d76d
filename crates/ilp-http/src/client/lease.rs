//! Finds the connection for a packet: the shared HTTP/2 one, else an idle HTTP/1.1 one, or a new one.

use super::{
    ConnectError, SendError,
    ask::ask,
    connect::{self, Opened},
    http1::Http1,
    http2::Http2,
    link::{Link, Speaks},
    links::Links,
    shares::Share,
};
use std::sync::Arc;
use tokio::sync::SemaphorePermit;

/// A connection that a packet may use now.
pub(super) enum Lease<'a> {
    /// Shared with other packets.
    Http2(Http2),
    /// Exclusive until the reply has been read.
    Http1 {
        connection: Http1,
        /// Whether the packet is the first on this connection.
        is_new: bool,
        /// The right to the connection, which passes to the next packet when it is dropped.
        turn: Turn<'a>,
    },
}

/// A packet's right to one HTTP/1.1 connection, which passes to the next waiting packet when it is
/// dropped.
pub(super) struct Turn<'a> {
    _permit: SemaphorePermit<'a>,
    _share: Share<'a>,
}

/// Finds a connection where [`http2`] has none, waiting for one to come free or opening one where it
/// has to.
pub(super) async fn lease<'a>(
    links: &'a Arc<Links>,
    link: &'a Arc<Link>,
    sender: u64,
) -> Result<Lease<'a>, SendError> {
    if let Some(shared) = shared(links, link).await.map_err(SendError::Connect)? {
        return Ok(Lease::Http2(shared));
    }
    // The share is taken before the wait, so that waiting packets of one sender don't keep out
    // another's.
    let share = links.shares.take(sender).ok_or(SendError::Overloaded)?;
    // The semaphore is closed nowhere; were it, the packet would not have left.
    let permit = link.connections.acquire().await.map_err(|_| SendError::Overloaded)?;
    let turn = Turn { _permit: permit, _share: share };
    while let Some(mut connection) = pop_idle(link) {
        // A connection just given back is ready as soon as its task has run.
        if connection.is_ready().await {
            return Ok(Lease::Http1 { connection, is_new: false, turn });
        }
    }
    match connect::open(links, link).await {
        Ok(Opened::Http1(connection)) => Ok(Lease::Http1 { connection, is_new: true, turn }),
        Ok(Opened::Http2(http2)) => {
            link.kept.lock().keep_http2(http2.clone(), links.tick());
            Ok(Lease::Http2(http2))
        }
        Err(error) => {
            // A lack of descriptors says nothing about the next hop. After any other failure, the
            // server that comes up there next may speak another protocol.
            if !matches!(error, ConnectError::NoDescriptor) {
                link.kept.lock().speaks = Speaks::Unknown;
            }
            Err(SendError::Connect(error))
        }
    }
}

/// Returns the HTTP/2 connection that packets share, once it is known what the next hop speaks;
/// `None` for HTTP/1.1.
async fn shared(links: &Arc<Links>, link: &Arc<Link>) -> Result<Option<Http2>, ConnectError> {
    let mut pending_answer = {
        let mut kept = link.kept.lock();
        if let Some(http2) = kept.live_http2(links, link.endpoint.is_tls()) {
            return Ok(Some(http2));
        }
        if kept.speaks == Speaks::Http1 {
            return Ok(None);
        }
        ask(&mut kept, links, link)
    };
    let answer =
        pending_answer.wait_for(Option::is_some).await.ok().and_then(|answer| answer.clone());
    // The answer is missing if the task was ended, as at a shutdown.
    answer.unwrap_or(Err(ConnectError::Timeout))
}

fn pop_idle(link: &Link) -> Option<Http1> {
    let mut kept = link.kept.lock();
    while let Some(idle) = kept.idle.pop() {
        if !idle.connection.is_closed() {
            return Some(idle.connection);
        }
    }
    None
}

/// Returns the live HTTP/2 connection, if there is one. A clear-text next hop that spoke HTTP/1.1
/// is asked again from time to time by a task, while packets go to it by HTTP/1.1.
pub(super) fn http2(links: &Arc<Links>, link: &Arc<Link>) -> Option<Http2> {
    let mut kept = link.kept.lock();
    if let Some(http2) = kept.live_http2(links, link.endpoint.is_tls()) {
        return Some(http2);
    }
    let due = links.tick().wrapping_sub(kept.ask_from) <= u32::MAX / 2;
    if kept.speaks == Speaks::Http1 && due && !link.endpoint.is_tls() {
        ask(&mut kept, links, link);
    }
    None
}
