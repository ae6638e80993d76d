//! Finds out whether a clear-text peer speaks HTTP/2, on a socket of its own and beside the packets.

use super::{
    ConnectError,
    connect::{self, Opened},
    link::{Link, Speaks},
    links::Links,
};
use std::{io, sync::Arc};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// What a client that knows HTTP/2 to be spoken begins with (RFC 9113, section 3.4): the preface,
/// then a SETTINGS frame: no payload, type 4, no flags, stream 0.
const GREETING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const FRAME_HEAD_BYTES: usize = 9;
const SETTINGS: u8 = 4;
/// No server announces more settings than there are, each of 6 bytes; garbage does.
const SETTINGS_BYTES_MAX: usize = 100 * 6;

/// Asks once, and opens the HTTP/2 connection if the answer is yes. Meanwhile packets go by
/// HTTP/1.1, so whatever happens here costs none of them.
pub(super) async fn probe(links: Arc<Links>, link: Arc<Link>) {
    let options = &links.options;
    let asked = tokio::time::timeout(options.probe_timeout, speaks_http2(&links, &link)).await;
    // A peer that takes the greeting and says nothing is an HTTP/1.1 server waiting for more.
    let spoken = asked.unwrap_or(Ok(false));
    let opened = match spoken {
        Ok(true) => connect::open(&links, &link, true).await.map(Some),
        Ok(false) => Ok(None),
        Err(error) => Err(error),
    };
    let again_after = match opened {
        Ok(Some(Opened::Http2(sender))) => {
            link.keep_http2(sender, links.tick());
            // Should it be lost, it may be opened again at once.
            std::time::Duration::ZERO
        }
        Ok(_) => {
            link.kept.lock().speaks = Speaks::Http1;
            options.probe_interval
        }
        Err(error) => {
            // Host and port only: a query may hold a secret.
            let next_hop = link.endpoint.authority();
            tracing::debug!(%error, next_hop, "can't ask a next hop for HTTP/2");
            options.probe_retry_interval
        }
    };
    let mut kept = link.kept.lock();
    kept.probe_from = links.tick().wrapping_add(options.ticks(again_after));
    kept.probing = false;
}

/// Whether the peer answers an HTTP/2 greeting with HTTP/2's first frame.
async fn speaks_http2(links: &Links, link: &Link) -> Result<bool, ConnectError> {
    let _place = links.place_to_spare()?;
    let mut stream = connect::dial(&link.endpoint).await?;
    let mut head = [0; FRAME_HEAD_BYTES];
    let answered: io::Result<usize> = async {
        stream.write_all(GREETING).await?;
        stream.read_exact(&mut head).await
    }
    .await;
    // A server that hangs up on the greeting has answered too.
    Ok(answered.is_ok() && is_settings(head))
}

/// Whether a frame's head is that of a server's first SETTINGS frame.
fn is_settings(head: [u8; FRAME_HEAD_BYTES]) -> bool {
    let [high, middle, low, kind, flags, stream @ ..] = head;
    let bytes = u32::from_be_bytes([0, high, middle, low]) as usize;
    bytes <= SETTINGS_BYTES_MAX && kind == SETTINGS && flags == 0 && stream == [0; 4]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_settings_frame_on_stream_zero_is_http2() {
        assert!(is_settings([0, 0, 0, 4, 0, 0, 0, 0, 0]));
        assert!(is_settings([0, 0, 18, 4, 0, 0, 0, 0, 0]));
        assert!(!is_settings(*b"HTTP/1.1 "));
        assert!(!is_settings([0, 0, 0, 4, 1, 0, 0, 0, 0]), "an acknowledgement comes second");
        assert!(!is_settings([0, 0, 0, 4, 0, 0, 0, 0, 1]), "settings are for the connection");
        assert!(!is_settings([0, 0, 8, 7, 0, 0, 0, 0, 0]), "a goodbye is no welcome");
    }
}
