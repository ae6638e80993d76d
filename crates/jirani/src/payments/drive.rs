//! The driver of a state machine: sends its packets over the node, and returns the replies to it.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt};
use ilp_connector::Source;
use ilp_stream::{Action, NoReply, Outcome, PacketId, Path, Prober, Sender};
use interledger_packet::Timestamp;
use tokio_util::sync::CancellationToken;

use super::random;
use crate::{clock::NeverBack, node::Node};

/// A state machine that sends packets and waits for their replies.
pub(super) trait Machine {
    /// The result of the machine.
    type Done;

    fn next(&mut self, now: Timestamp) -> Action<Self::Done>;
    fn reply(&mut self, id: PacketId, reply: Result<Bytes, NoReply>, now: Timestamp);
}

impl Machine for Sender {
    type Done = Outcome;

    fn next(&mut self, now: Timestamp) -> Action<Outcome> {
        Sender::next(self, now, &mut random)
    }

    fn reply(&mut self, id: PacketId, reply: Result<Bytes, NoReply>, now: Timestamp) {
        Sender::reply(self, id, reply, now);
    }
}

impl Machine for Prober {
    type Done = Result<Path, ilp_stream::EndReason>;

    fn next(&mut self, now: Timestamp) -> Action<Self::Done> {
        Prober::next(self, now, &mut random)
    }

    fn reply(&mut self, id: PacketId, reply: Result<Bytes, NoReply>, now: Timestamp) {
        Prober::reply(self, id, reply, now);
    }
}

/// Runs a machine to its end, and calls `replied` after each reply. `None` when the node stopped
/// meanwhile: then nothing more was sent, and the replies of packets in flight were awaited, since
/// a packet abandoned here would have no hold any more while the next hop may still fulfill it.
pub(super) async fn drive<M: Machine>(
    node: &Node,
    source: Source<'_>,
    machine: &mut M,
    stop: CancellationToken,
    mut replied: impl FnMut(&M),
) -> Option<M::Done> {
    let mut clock = NeverBack::new();
    let mut under_way = FuturesUnordered::new();
    let mut stopping = false;
    loop {
        let until = match stopping {
            true if under_way.is_empty() => return None,
            true => None,
            false => match machine.next(clock.now()) {
                Action::Send { id, prepare } => {
                    under_way.push(async move { (id, node.forward(source, prepare).await) });
                    continue;
                }
                Action::Done(done) => return Some(done),
                Action::Wait { until } => until,
            },
        };
        let wait = until.map(|until| until.saturating_ms_since(clock.now()));
        tokio::select! {
            Some((id, reply)) = under_way.next() => {
                machine.reply(id, Ok(reply), clock.now());
                replied(machine);
            }
            () = sleep(wait) => {}
            () = stop.cancelled(), if !stopping => stopping = true,
        }
    }
}

async fn sleep(wait_ms: Option<u64>) {
    match wait_ms {
        None => std::future::pending().await,
        Some(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
    }
}
