//! Reports when a peer can't be reached, and when it answers again: one log line and one event
//! each.

use std::{collections::HashMap, sync::Arc, time::Duration};

use ilp_connector::{LinkTrouble, Reachability, peer::Peer};
use ilp_store::EventRecord;
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    changes::writes::Duty, node::operator::Operator, peers::Peers,
    vocabulary::error::OperatorError, webhook::event_kind::EventKind,
};

/// The pause after the first report about a peer before the next one. Each further report doubles
/// it, so that a peer that comes and goes with every packet can't fill the log and the disk.
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(10 * 60);

/// The time that a peer has to stay as it is until the pauses start anew. It is longer than the
/// longest pause, or a peer that changes after each pause would always start anew.
const QUIET: Duration = Duration::from_secs(20 * 60);

/// The last report about a peer.
#[derive(Clone, Copy, Debug)]
struct LastEvent {
    is_unreachable: bool,
    /// The reports without a long pause between them.
    changes: u32,
    at: Instant,
}

impl LastEvent {
    fn pause(&self) -> Duration {
        let doublings = self.changes.saturating_sub(1).min(16);
        PAUSE_MIN.saturating_mul(1 << doublings).min(PAUSE_MAX)
    }

    /// Returns the next report, made at `now`.
    fn next(before: Option<Self>, is_unreachable: bool, now: Instant) -> Self {
        let lately = before.filter(|told| now.saturating_duration_since(told.at) < QUIET);
        let changes = lately.map_or(0, |told| told.changes).saturating_add(1);
        Self { is_unreachable, changes, at: now }
    }
}

impl Peers<'_> {
    /// Writes a log line and an event for each change of a peer between reachable and unreachable.
    /// A peer that changes again during the pause after a report is looked at when the pause is
    /// over, and is reported only if its state differs from the last report. Never ends.
    pub async fn watch_links(self) {
        let links = &self.on.inner.links;
        let mut told: HashMap<Uuid, LastEvent> = HashMap::new();
        let mut waiting: HashMap<Uuid, Instant> = HashMap::new();
        loop {
            match waiting.values().min() {
                None => links.changed.notified().await,
                Some(at) => tokio::select! {
                    () = links.changed.notified() => {}
                    () = tokio::time::sleep_until(*at) => {}
                },
            }
            let now = Instant::now();
            for peer in std::mem::take(&mut *links.peers.lock()) {
                let at = told.get(&peer).map_or(now, |told| told.at + told.pause());
                waiting.entry(peer).or_insert(at);
            }
            let due: Vec<Uuid> =
                waiting.iter().filter(|(_, at)| **at <= now).map(|(peer, _)| *peer).collect();
            for id in due {
                waiting.remove(&id);
                let Some(peer) = self.on.inner.parts.connector.peer(id) else {
                    told.remove(&id);
                    continue;
                };
                let is_unreachable = match peer.reachability() {
                    Reachability::Unreachable => true,
                    Reachability::Reachable => false,
                    // The peer has moved to another endpoint, to which no packet was sent yet.
                    Reachability::Unknown => continue,
                };
                let before = told.get(&id).copied();
                if before.is_some_and(|told| told.is_unreachable) == is_unreachable {
                    continue;
                }
                told.insert(id, LastEvent::next(before, is_unreachable, now));
                if let Err(error) = self.on.tell_link(&peer, is_unreachable).await {
                    tracing::warn!(peer = %id, %error, "the event of a peer's link can't be kept");
                }
            }
            told.retain(|_, told| {
                told.is_unreachable || now.saturating_duration_since(told.at) < QUIET
            });
        }
    }
}

impl Operator {
    async fn tell_link(&self, peer: &Arc<Peer>, is_unreachable: bool) -> Result<(), OperatorError> {
        let trouble = peer.last_trouble();
        let (id, address) = (peer.id, peer.terms().address.clone());
        let kind = if is_unreachable {
            let why = trouble.map(|trouble| trouble.message()).unwrap_or_default();
            tracing::warn!(peer = %id, %address, why, "a peer can't be reached");
            EventKind::PeerUnreachable
        } else {
            tracing::info!(peer = %id, %address, "a peer that could not be reached answers again");
            EventKind::PeerReachable
        };
        self.read(move |inner| {
            let Some(record) = inner.store.peer(id)? else { return Ok(()) };
            let Some(asset) = inner.store.asset(record.asset_id)? else { return Ok(()) };
            let data = json!({
                "id": id,
                "staticIlpAddress": record.terms.address.as_str(),
                "name": record.terms.name,
                "asset": { "id": asset.id, "code": asset.code, "scale": asset.scale },
                "lastFailure": trouble.map(|trouble| failure(&trouble)),
            });
            let now_ms = (inner.parts.clock)().unix_ms();
            let data = data.to_string().into_bytes();
            let event = EventRecord::new(inner.new_id(), kind.name(), data, now_ms);
            inner.writes.as_node(Duty::Links, |tx| tx.append_event(&event))
        })
        .await
    }
}

fn failure(trouble: &LinkTrouble) -> Value {
    json!({
        "kind": trouble.cause.label(),
        "message": trouble.message(),
        "httpStatus": trouble.status,
        "at": trouble.at.to_string(),
        "count": trouble.count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_comes_and_goes_is_told_of_ever_more_rarely_until_it_stays() {
        let mut now = Instant::now();
        let mut told = LastEvent::next(None, true, now);
        assert_eq!(told.pause(), PAUSE_MIN);
        let mut changes = 0;
        let begun = now;
        while now < begun + Duration::from_secs(24 * 60 * 60) {
            now += told.pause();
            told = LastEvent::next(Some(told), !told.is_unreachable, now);
            changes += 1;
        }
        assert!((100..200).contains(&changes), "{changes} in a day");
        let later = LastEvent::next(Some(told), true, now + QUIET);
        assert_eq!(later.pause(), PAUSE_MIN);
    }
}
