//! The record of packets to a peer that got no reply: the last cause, its time, and their number.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use interledger_packet::Timestamp;
use strum::VariantArray;
use uuid::Uuid;

/// The cause for which a packet to a peer got no reply, in the detail that an operator needs to
/// repair the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum LinkCause {
    /// The endpoint can't be used.
    BadEndpoint,
    /// The token can't be sent in an HTTP header.
    BadToken,
    /// The endpoint's name has no address.
    Dns,
    /// The host refuses connections to the port.
    Refused,
    /// No connection came about, for another reason.
    Connect,
    /// The host didn't answer the attempt to connect.
    ConnectTimeout,
    /// TLS failed: the certificate is not valid, or the other end does not speak TLS.
    Tls,
    /// The other end does not speak HTTP.
    NotHttp,
    /// The connection ended before the reply.
    Closed,
    /// The packet expired first.
    Timeout,
    /// HTTP status 401: the peer does not know the token.
    Unauthorized,
    /// HTTP status 429 or 503.
    Busy,
    /// Another HTTP status than 200.
    Status,
    /// The reply is longer than any ILP packet.
    TooLong,
    /// The reply is not an ILP reply.
    NotIlp,
}

impl LinkCause {
    /// Returns a short constant name, for programs.
    #[must_use]
    pub fn label(self) -> &'static str {
        self.into()
    }

    /// Returns what failed and what to look at, for people. The text never holds words of the peer.
    fn words(self) -> &'static str {
        match self {
            Self::BadEndpoint => "the endpoint can't be used: enter it anew",
            Self::BadToken => "the outgoing token holds characters that no HTTP header can carry",
            Self::Dns => "the endpoint's host name has no address: is it mistyped?",
            Self::Refused => {
                "connection refused: no program listens at the endpoint's host and port; is the port \
                 right, and does the peer's node run?"
            }
            Self::Connect => {
                "no connection to the endpoint's host: is the address right, and does a firewall let \
                 it through?"
            }
            Self::ConnectTimeout => {
                "the endpoint's host does not answer: is the address right, and does a firewall let \
                 connections through?"
            }
            Self::Tls => {
                "TLS failed: is the peer's certificate valid for the endpoint's name, and does the \
                 endpoint speak TLS, or should it begin with http://?"
            }
            Self::NotHttp => {
                "the endpoint does not speak HTTP: is it the port for ILP over HTTP, and should it \
                 begin with https://?"
            }
            Self::Closed => "the peer closed the connection before its reply was complete",
            Self::Timeout => "no reply came before the packet expired",
            Self::Unauthorized => {
                "the peer refuses our token: compare the outgoing token with the one that its \
                 operator entered for us"
            }
            Self::Busy => "the peer says that it has too much to do",
            Self::Status => "the endpoint does not take packets: are its port and its path right?",
            Self::TooLong => "the reply is longer than any ILP packet: is the endpoint right?",
            Self::NotIlp => {
                "the reply is not an ILP packet: are the endpoint's port and path right?"
            }
        }
    }
}

/// The last time that a packet to a peer got no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkTrouble {
    /// The cause.
    pub cause: LinkCause,
    /// The HTTP status, where the peer answered with one other than 200.
    pub status: Option<u16>,
    /// The time of the last packet without a reply.
    pub at: Timestamp,
    /// The number of packets without a reply since the node's start, or since the endpoint or token
    /// changed.
    pub count: u64,
}

impl LinkTrouble {
    /// Returns what failed and what to look at, for people.
    #[must_use]
    pub fn message(&self) -> String {
        let words = self.cause.words();
        match self.status {
            Some(status) => format!("HTTP status {status}: {words}"),
            None => words.to_owned(),
        }
    }
}

/// The record of a peer's packets that got no reply. It takes two words and no lock: a packet
/// without a reply costs a store and an addition, a packet with a reply nothing.
#[derive(Debug, Default)]
pub(crate) struct LinkRecord {
    /// The last failure, from the low end: 6 bits for the cause, from 1 on; 10 for the HTTP status,
    /// 0 for none; and 48 for the milliseconds since 1970, which last until the year 9999. Zero
    /// before the first failure. Accesses are relaxed: the word orders nothing but itself.
    last: AtomicU64,
    count: AtomicU64,
}

const CAUSE_BITS: u32 = 6;
const STATUS_BITS: u32 = 10;

impl LinkRecord {
    pub(crate) fn note(&self, cause: LinkCause, status: Option<u16>, now: Timestamp) {
        let place = LinkCause::VARIANTS.iter().zip(1..).find(|(known, _)| **known == cause);
        let place: u64 = place.map_or(1, |(_, place)| place);
        let status = status.filter(|status| u64::from(*status) < 1 << STATUS_BITS);
        let status = u64::from(status.unwrap_or_default());
        let word = (now.unix_ms() << (CAUSE_BITS + STATUS_BITS)) | (status << CAUSE_BITS) | place;
        self.last.store(word, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Clears the record, since packets now go to another endpoint.
    pub(crate) fn reset(&self) {
        self.last.store(0, Ordering::Relaxed);
        self.count.store(0, Ordering::Relaxed);
    }

    pub(crate) fn last(&self) -> Option<LinkTrouble> {
        let word = self.last.load(Ordering::Relaxed);
        let bits = |from: u32, count: u32| (word >> from) & ((1 << count) - 1);
        let place = bits(0, CAUSE_BITS).checked_sub(1).and_then(|at| usize::try_from(at).ok())?;
        let status = u16::try_from(bits(CAUSE_BITS, STATUS_BITS)).ok().filter(|status| *status > 0);
        Some(LinkTrouble {
            cause: *LinkCause::VARIANTS.get(place)?,
            status,
            at: Timestamp::from_unix_ms(word >> (CAUSE_BITS + STATUS_BITS)),
            count: self.count.load(Ordering::Relaxed),
        })
    }
}

/// A listener that gets the id of each peer that is found unreachable or answers again.
pub(crate) struct LinkObserver(pub(crate) Box<dyn Fn(Uuid) + Send + Sync>);

impl fmt::Debug for LinkObserver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LinkObserver")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_kept_with_its_status_its_time_and_the_count() {
        let record = LinkRecord::default();
        assert_eq!(record.last(), None);
        let mut labels = std::collections::BTreeSet::new();
        for (number, &cause) in LinkCause::VARIANTS.iter().enumerate() {
            for status in [None, Some(401), Some(599), Some(999)] {
                let at = Timestamp::from_unix_ms(253_402_300_799_999 - number as u64);
                record.note(cause, status, at);
                let last = record.last().unwrap();
                assert_eq!((last.cause, last.status, last.at), (cause, status, at));
            }
            assert_eq!(record.last().unwrap().count, 4 * (number as u64 + 1));
            assert!(labels.insert(cause.label()), "{}", cause.label());
        }
        record.reset();
        assert_eq!(record.last(), None);
    }
}
