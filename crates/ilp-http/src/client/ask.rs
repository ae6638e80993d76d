//! Finds out which protocol a next hop speaks, before the first packet goes to it and whenever the
//! HTTP/2 connection has ended.
//!
//! Over TLS the two ends negotiate a protocol. In clear text the client greets the next hop in
//! HTTP/2, and the answer shows whether the next hop speaks it. No packet is handed to a connection
//! before the answer: a server of HTTP/2 alone ends a connection that begins as HTTP/1.1, and the
//! packet would be lost.

use super::{
    ConnectError, HttpError,
    connect::{self, Greeted, Opened},
    http1::Http1,
    http2::Http2,
    link::{Kept, Link, Speaks},
    links::Links,
};
use std::{io, sync::Arc, time::Duration};
use tokio::sync::watch;

/// The number of times that a next hop is greeted if it hangs up. A server that is being restarted
/// hangs up once, a server of HTTP/1.1 perhaps always.
const GREETINGS_MAX: usize = 2;

/// The result of asking: the HTTP/2 connection, or `None` for a next hop that speaks HTTP/1.1.
pub(super) type Answer = Result<Option<Http2>, ConnectError>;

/// An answer that is awaited by any number of packets.
pub(super) type PendingAnswer = watch::Receiver<Option<Answer>>;

/// Begins to ask the next hop which protocol it speaks, unless a task is asking already. A task
/// does it, because the time of the packet that began it may end before there is an answer.
pub(super) fn ask(kept: &mut Kept, links: &Arc<Links>, link: &Arc<Link>) -> PendingAnswer {
    // A channel whose sender is gone belongs to a task that was aborted or panicked.
    if let Some(pending) =
        kept.pending_answer.as_ref().filter(|pending| pending.has_changed().is_ok())
    {
        return pending.clone();
    }
    let (tell, pending) = watch::channel(None);
    kept.pending_answer = Some(pending.clone());
    let (links, link, known) = (Arc::clone(links), Arc::clone(link), kept.speaks);
    tokio::spawn(async move {
        let found = find_out(&links, &link, known).await;
        // The receivers are gone if no packet waits any more.
        let _ = tell.send(Some(learn(&links, &link, found)));
    });
    pending
}

/// The protocol that a next hop was found to speak.
enum Found {
    Http2(Http2),
    Http1 {
        /// The connection, if one was opened to find out.
        first: Option<Http1>,
        /// The time until a clear-text next hop is asked again.
        again_after: Duration,
    },
}

async fn find_out(links: &Links, link: &Arc<Link>, known: Speaks) -> Result<Found, ConnectError> {
    let options = &links.options;
    if link.endpoint.is_tls() {
        return Ok(match connect::open(links, link).await? {
            Opened::Http2(http2) => Found::Http2(http2),
            Opened::Http1(first) => {
                Found::Http1 { first: Some(first), again_after: options.probe_interval }
            }
        });
    }
    let http1 = |again_after| Ok(Found::Http1 { first: None, again_after });
    for _ in 0..GREETINGS_MAX {
        // Asking a next hop of HTTP/1.1 again can wait, so it must not take the last places from
        // packets.
        let place = match known {
            Speaks::Http1 => links.place_to_spare()?,
            Speaks::Unknown | Speaks::Http2 => links.place().await?,
        };
        match connect::greet(links, link, place).await? {
            Greeted::Http2(http2) => return Ok(Found::Http2(http2)),
            Greeted::Otherwise => return http1(options.probe_interval),
            // An HTTP/1.1 server that waits for more bytes. A server of HTTP/2 would have sent the
            // first frame.
            Greeted::Silence if known != Speaks::Http2 => return http1(options.probe_interval),
            Greeted::Silence => return Err(ConnectError::Timeout),
            Greeted::HungUp => {}
        }
    }
    if known == Speaks::Http2 {
        let error = HttpError::Io(io::ErrorKind::UnexpectedEof.into());
        return Err(ConnectError::Handshake(Arc::new(error)));
    }
    // Before anything is known, hanging up may be a passing fault, so the next hop is asked again
    // soon.
    http1(match known {
        Speaks::Http1 => options.probe_interval,
        Speaks::Unknown | Speaks::Http2 => options.probe_retry_interval,
    })
}

fn learn(links: &Links, link: &Link, found: Result<Found, ConnectError>) -> Answer {
    let tick = links.tick();
    let mut kept = link.kept.lock();
    kept.pending_answer = None;
    match found {
        Ok(Found::Http2(http2)) => {
            kept.keep_http2(http2.clone(), tick);
            Ok(Some(http2))
        }
        Ok(Found::Http1 { first, again_after }) => {
            kept.speaks = Speaks::Http1;
            kept.ask_from = tick.wrapping_add(links.options.ticks(again_after));
            if let Some(first) = first {
                kept.keep(first, tick);
            }
            Ok(None)
        }
        Err(error) => {
            // Only host and port are logged: a query may hold a secret.
            let next_hop = link.endpoint.authority();
            tracing::debug!(%error, next_hop, "can't find out what a next hop speaks");
            kept.ask_from = tick.wrapping_add(links.options.retry_ticks());
            if kept.speaks == Speaks::Http2 && !matches!(error, ConnectError::NoDescriptor) {
                // The server that comes up there next may speak another protocol.
                kept.speaks = Speaks::Unknown;
            }
            Err(error)
        }
    }
}
