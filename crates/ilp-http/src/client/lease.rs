//! Finds the connection for a packet: the shared HTTP/2 one, else an idle HTTP/1.1 one, or a new one.

use super::{
    ConnectError, SendError,
    connect::{self, Opened},
    link::{Http1, Http2, Kept, Link, Speaks},
    links::Links,
    probe,
};
use std::sync::Arc;
use tokio::sync::SemaphorePermit;

/// A connection that a packet may use now.
pub(super) enum Lease<'a> {
    /// Shared with other packets.
    Http2(Http2),
    /// Exclusive until the reply has been read.
    Http1 {
        sender: Http1,
        /// Gives way to the next packet that waits for a connection.
        permit: SemaphorePermit<'a>,
    },
}

/// Finds a connection where [`http2`] has none, waiting for one to come free or opening one where it
/// has to.
pub(super) async fn lease<'a>(
    links: &Arc<Links>,
    link: &'a Arc<Link>,
) -> Result<Lease<'a>, SendError> {
    if link.endpoint.is_tls()
        && link.kept.lock().speaks != Speaks::Http1
        && let Some(sender) = open_first(links, link).await?
    {
        return Ok(Lease::Http2(sender));
    }
    // The semaphore is closed nowhere; were it, the packet would not have left.
    let permit = link.connections.acquire().await.map_err(|_| SendError::Overloaded)?;
    while let Some(mut sender) = pop_idle(link) {
        // A connection just given back is ready as soon as its task has run.
        if sender.is_ready() || sender.ready().await.is_ok() {
            return Ok(Lease::Http1 { sender, permit });
        }
    }
    match open(links, link).await.map_err(SendError::Connect)? {
        Opened::Http1(sender) => Ok(Lease::Http1 { sender, permit }),
        Opened::Http2(sender) => {
            link.keep_http2(sender.clone(), links.tick());
            Ok(Lease::Http2(sender))
        }
    }
}

fn pop_idle(link: &Link) -> Option<Http1> {
    let mut kept = link.kept.lock();
    while let Some(idle) = kept.idle.pop() {
        if !idle.sender.is_closed() {
            return Some(idle.sender);
        }
    }
    None
}

/// The live HTTP/2 connection. Where there is none in clear text and it is time to ask, a task does
/// so while this packet and those after it go by HTTP/1.1.
pub(super) fn http2(links: &Arc<Links>, link: &Arc<Link>) -> Option<Http2> {
    let now = links.tick();
    let mut kept = link.kept.lock();
    let retry_ticks = links.options.ticks(links.options.probe_retry_interval);
    if let Some(sender) = kept.live_http2(now, retry_ticks) {
        return Some(sender);
    }
    let due = now.wrapping_sub(kept.probe_from) <= u32::MAX / 2;
    if !link.endpoint.is_tls() && !kept.probing && due {
        kept.probing = true;
        tokio::spawn(probe::probe(Arc::clone(links), Arc::clone(link)));
    }
    None
}

/// Opens the first connection over TLS, one packet at a time, to learn what the peer speaks.
/// `None` means HTTP/1.1, whose connection now waits among the idle.
async fn open_first(links: &Arc<Links>, link: &Arc<Link>) -> Result<Option<Http2>, SendError> {
    let failures = link.kept.lock().failures;
    let _opening = link.opening.lock().await;
    {
        let mut kept = link.kept.lock();
        // Whoever held the lock before may have opened a connection, or failed for all who waited.
        if let Some(sender) = kept.live_http2(links.tick(), 0) {
            return Ok(Some(sender));
        }
        if kept.speaks == Speaks::Http1 {
            return Ok(None);
        }
        if let Some(error) = failed_meanwhile(&kept, failures) {
            return Err(SendError::Connect(error));
        }
    }
    match open(links, link).await.map_err(SendError::Connect)? {
        Opened::Http2(sender) => {
            link.keep_http2(sender.clone(), links.tick());
            Ok(Some(sender))
        }
        Opened::Http1(sender) => {
            link.kept.lock().speaks = Speaks::Http1;
            link.keep(sender, links.tick());
            Ok(None)
        }
    }
}

fn failed_meanwhile(kept: &Kept, failures_before: u32) -> Option<ConnectError> {
    kept.last_failure.clone().filter(|_| kept.failures != failures_before)
}

async fn open(links: &Arc<Links>, link: &Arc<Link>) -> Result<Opened, ConnectError> {
    let opened = connect::open(links, link, false).await;
    if let Err(error) = &opened {
        let mut kept = link.kept.lock();
        kept.failures = kept.failures.wrapping_add(1);
        kept.last_failure = Some(error.clone());
        // Whatever comes up there next may speak something else.
        kept.speaks = Speaks::Unknown;
        let retry_ticks = links.options.ticks(links.options.probe_retry_interval);
        kept.probe_from = links.tick().wrapping_add(retry_ticks);
    }
    opened
}
