//! The metrics of `GET /metrics`: the node's counters, in the text format of Prometheus.
//!
//! Packets are not slowed down by them. A packet updates counters where it passes: those of a peer
//! in [`ilp_connector::traffic`], times in [`Latency`], others in the parts that they are about.
//! This module only reads them, on a request and on a thread that carries no packets; so the
//! library serves as a writer of text alone.
//!
//! The text is bounded: every label has a known set of values, except peers, of which
//! `metrics.peers_max` are named, and assets and rates, of which 100 and 200 are.

#![expect(clippy::float_arithmetic, reason = "Prometheus counts seconds and parts in floats")]

mod classic;
mod latency;
mod packets;
mod page;
mod peers;
mod process;
mod rates;
mod services;
mod survey;

use std::{
    collections::HashSet,
    fmt::{self, Result},
    sync::Arc,
};

use ilp_admin::MetricsFormat;
use ilp_connector::{Connector, histogram::Durations};
use ilp_http::ServerStats;
use ilp_operator::Operator;
use ilp_store::{DurableLedger, Store};
use parking_lot::Mutex;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, text},
    registry::Registry,
};
use uuid::Uuid;

pub(crate) use self::latency::{Latency, Stopwatch, Times};
use self::{latency::Latencies, page::Page, survey::Survey};
use crate::{clock, node::Node};

/// The longest part of a peer's name that is shown, in characters: the name is the operator's text.
const NAME_CHARACTERS_MAX: usize = 100;

/// The parts of the node that have counters.
pub(crate) struct Sources {
    pub(crate) connector: Arc<Connector<DurableLedger>>,
    pub(crate) operator: Operator,
    pub(crate) store: Store,
    /// The nodes of the threads that carry packets, and the operator's.
    pub(crate) nodes: Vec<Node>,
    pub(crate) server: Arc<ServerStats>,
    pub(crate) transfers_in_flight_max: usize,
    /// The number of peers with metrics of their own.
    pub(crate) peers_max: usize,
}

impl Sources {
    /// Returns a function that adds up how long packets took.
    pub(crate) fn packet_times(&self) -> ilp_pages::PacketTimes {
        let nodes = self.nodes.clone();
        Box::new(move || {
            let mut times = Durations::default();
            nodes.iter().for_each(|node| times.add(&node.latency().total()));
            times
        })
    }
}

/// Writes the metrics.
pub(crate) struct Metrics {
    registry: Registry,
}

impl Metrics {
    pub(crate) fn new(sources: Sources) -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Reader { sources, labelled: Mutex::default() }));
        Self { registry }
    }

    /// Returns all metrics as of now, in one of two formats. The time grows with the number of
    /// peers.
    pub(crate) fn text(&self, format: MetricsFormat) -> String {
        let mut text = String::new();
        // Writing to memory doesn't fail, so an error would be the library's.
        if let Err(error) = text::encode(&mut text, &self.registry) {
            tracing::error!(%error, "the metrics are incomplete");
        }
        match format {
            MetricsFormat::OpenMetrics => text,
            MetricsFormat::Classic => classic::classic(&text),
        }
    }
}

/// Reads all counters and writes them as text.
struct Reader {
    sources: Sources,
    /// The peers that had metrics of their own at the last request.
    labelled: Mutex<HashSet<Uuid>>,
}

impl Collector for Reader {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result {
        let Sources { connector, operator, store, nodes, server, .. } = &self.sources;
        let page = &mut Page::new(encoder);
        let survey = self.survey();
        page.info("jirani_build", "The program", [&[("version", env!("CARGO_PKG_VERSION"))][..]])?;
        page.gauge("jirani_peers", "Peers", survey.peers)?;
        packets::write(page, &survey)?;
        packets::write_causes(page, connector)?;
        write_latencies(page, nodes)?;
        self.write_peer_names(page, &survey)?;
        packets::write_peers(page, &survey)?;
        peers::write(page, &survey, connector)?;
        rates::write(page, connector.rates(), clock::now())?;
        services::write_assets(page, operator, connector)?;
        services::write_ledger(page, connector.ledger(), self.sources.transfers_in_flight_max)?;
        services::write_server(page, server)?;
        services::write_clients(page, &nodes.iter().map(Node::client).collect::<Vec<_>>())?;
        services::write_events(page, store)?;
        services::write_peering(page, operator)?;
        process::write(page)
    }
}

impl Reader {
    fn survey(&self) -> Survey {
        let mut labelled = self.labelled.lock();
        let survey = Survey::take(&self.sources.connector, self.sources.peers_max, &labelled);
        *labelled = survey.labelled.iter().map(|peer| peer.id).collect();
        survey
    }

    /// Writes the names of the peers with metrics of their own. They are a metric of their own, so
    /// that a peer which is renamed keeps its counters; a query joins the two by the label `peer`.
    fn write_peer_names(&self, page: &mut Page<'_>, survey: &Survey) -> Result {
        let mut rows = Vec::with_capacity(survey.labelled.len());
        for peer in &survey.labelled {
            // A peer that was removed meanwhile, or that can't be read, has counters and no name.
            let Ok(Some(record)) = self.sources.store.peer(peer.id) else { continue };
            let name = record.terms.name.unwrap_or_default();
            rows.push([
                ("peer", peer.id.to_string()),
                ("name", name.chars().take(NAME_CHARACTERS_MAX).collect()),
                ("address", record.terms.address.to_string()),
                ("asset", peer.asset.code.clone()),
                ("scale", peer.asset.scale.to_string()),
            ]);
        }
        let rows = rows.iter().map(|row| row.each_ref().map(|(name, text)| (*name, text.as_str())));
        let rows: Vec<_> = rows.collect();
        page.info("jirani_peer", "Who a peer is", rows.iter().map(|row| &row[..]))
    }
}

fn write_latencies(page: &mut Page<'_>, nodes: &[Node]) -> Result {
    let mut latencies = Latencies::default();
    nodes.iter().for_each(|node| latencies.add(node.latency()));
    let Latencies { total, own, next_hop, durability } = latencies;
    let help = "How long packets took, from their arrival to their answer";
    page.histogram("jirani_packet_seconds", help, &total)?;
    let help = "What of it was this node's own work";
    page.histogram("jirani_packet_own_seconds", help, &own)?;
    let help = "What of it was waiting for the next hop, of packets that were sent on";
    page.histogram("jirani_packet_next_hop_seconds", help, &next_hop)?;
    let help = "What of it was waiting for the disk, of packets that were paid for";
    page.histogram("jirani_packet_durability_seconds", help, &durability)
}

impl fmt::Debug for Reader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> Result {
        formatter.debug_struct("Reader").finish_non_exhaustive()
    }
}
