//! The transport that operations use: pings, the reach of endpoints, and peering requests.

use std::sync::Arc;

use ilp_connector::{Source, peer::Peer};
use ilp_net::Endpoint;
use ilp_operator::{
    BoxError, BoxFuture, Network, PeeringPost, PeeringReply, PingOutcome, PingReply, PingWay,
};
use interledger_packet::{Address, ErrorCode, PrepareBuilder, Reply};
use ring::rand::{SecureRandom, SystemRandom};
use tokio::time::Instant;

use crate::{
    clock,
    node::Node,
    peering::{self, Asker},
    web::Web,
};

/// The time that a ping may take: the usual life of a packet.
const PING_MS_MAX: u64 = 20_000;

/// Sends pings and resolves endpoints, over a node of its own on the operator's thread.
pub(crate) struct Peering {
    node: Node,
    asker: Asker,
}

impl Peering {
    /// Makes the transport: pings go through `node`, and requests to other nodes through `web`.
    pub(crate) fn new(node: Node, web: &Web) -> Self {
        Self { node, asker: Asker::new(web) }
    }

    async fn ask(&self, destination: Address, way: PingWay) -> PingOutcome {
        let (started, started_at) = (Instant::now(), clock::now());
        let next_hop = self.next_hop(&destination, &way);
        // A random condition has no known fulfillment. Without random numbers the condition is
        // zero, which has none either.
        let mut execution_condition = [0; 32];
        let _ = SystemRandom::new().fill(&mut execution_condition);
        let packet = PrepareBuilder {
            amount: 0,
            expires_at: clock::now().saturating_add_ms(PING_MS_MAX),
            execution_condition: &execution_condition,
            destination: destination.as_addr(),
            data: &[],
        };
        let source = match &way {
            PingWay::Any => Source::Own,
            PingWay::InAsset(asset) => Source::Probe(asset),
            PingWay::Over(peer) => Source::Test(peer),
        };
        let reply = match packet.build() {
            Ok(packet) => Reply::parse(self.node.forward(source, packet).await).ok(),
            Err(_) => None,
        };
        let took_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let is_ours = reply.as_ref().is_none_or(|reply| self.is_ours(reply));
        // A failure of another packet at the same time most likely has the same cause.
        let trouble = next_hop.filter(|_| is_ours).and_then(|peer| peer.last_trouble());
        let trouble = trouble.filter(|trouble| trouble.at >= started_at);
        PingOutcome { reply: reply.and_then(|reply| self.told(&reply)), trouble, took_us }
    }

    /// Returns the peer that a ping is sent to first.
    fn next_hop(&self, destination: &Address, way: &PingWay) -> Option<Arc<Peer>> {
        match way {
            PingWay::Any => self.node.way_to(destination.as_addr(), None),
            PingWay::InAsset(asset) => self.node.way_to(destination.as_addr(), Some(asset)),
            PingWay::Over(peer) => Some(Arc::clone(peer)),
        }
    }

    fn is_ours(&self, reply: &Reply) -> bool {
        let Reply::Reject(reject) = reply else { return false };
        reject.triggered_by().is_some_and(|by| by.to_address() == *self.node.address())
    }

    /// Returns the content of a reply; `None` for this node's own word that none came.
    fn told(&self, reply: &Reply) -> Option<PingReply> {
        let Reply::Reject(reject) = reply else { return None };
        let triggered_by = reject.triggered_by().map(|address| address.to_address());
        if self.is_ours(reply) && reject.code() == ErrorCode::R00_TRANSFER_TIMED_OUT {
            return None;
        }
        Some(PingReply {
            triggered_by,
            code: reject.code().to_string(),
            message: reject.message_lossy().into_owned(),
        })
    }
}

impl Network for Peering {
    fn ping(&self, destination: Address, way: PingWay) -> BoxFuture<'_, PingOutcome> {
        Box::pin(self.ask(destination, way))
    }

    fn check_public<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async { Ok(peering::check_public(endpoint).await?) })
    }

    fn ask_for_peering(&self, post: PeeringPost) -> BoxFuture<'_, Result<PeeringReply, BoxError>> {
        Box::pin(async { Ok(self.asker.ask(post).await?) })
    }
}
