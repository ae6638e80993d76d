//! Metrics of the services around packets: ledger, HTTP in both directions, events.

use std::fmt::Result;

use ilp_connector::{Connector, account::AccountId};
use ilp_http::{Client, SendError, ServerStats};
use ilp_operator::Operator;
use ilp_store::{DurableLedger, LedgerStats, Store};

use super::{
    packets::ASSETS_MAX,
    page::{Kind, Page},
    survey::name,
};

pub(super) fn write_ledger(
    page: &mut Page<'_>,
    ledger: &DurableLedger,
    transfers_in_flight_max: usize,
) -> Result {
    let LedgerStats {
        posted_transfers,
        posted_sequence,
        durable_sequence,
        permits_left,
        commits,
        written_bytes,
        segments,
        disk_bytes,
        snapshot_bytes,
        index_bytes,
        index_lag,
        overlay_bytes,
    } = ledger.stats();
    let help = "1 once the books take nothing more; the node ends then";
    page.gauge("jirani_ledger_stopped", help, ledger.stopped().is_some())?;
    let help = "1 while something will stop the books unless somebody sees to it";
    page.gauge("jirani_ledger_warning", help, ledger.warning().is_some())?;
    let help = "1 while the cluster's database takes no page, so that no packet is taken";
    page.gauge("jirani_cluster_stalled", help, ledger.is_stalled())?;
    let help = "Transfers that the books have, durable or on their way to the disk";
    page.counter("jirani_ledger_posted", help, posted_transfers)?;
    let help = "Entries of the log, transfers and records, that are not durable yet";
    page.gauge("jirani_journal_lag", help, posted_sequence.saturating_sub(durable_sequence))?;
    let help = "Transfers on hold or on their way to the disk";
    let in_flight = transfers_in_flight_max.saturating_sub(permits_left);
    page.gauge("jirani_transfers_in_flight", help, in_flight)?;
    let help = "How many there may be; packets beyond are answered T03";
    page.gauge("jirani_transfers_in_flight_max", help, transfers_in_flight_max)?;
    let help = "How long commits of the journal took, from the write to the end of the sync";
    page.histogram("jirani_journal_commit_seconds", help, &commits)?;
    let help = "What was written to the journal since the start of the node";
    page.counter("jirani_journal_written_bytes", help, written_bytes)?;
    page.gauge("jirani_journal_segments", "Segments of the journal", segments)?;
    page.gauge("jirani_journal_disk_bytes", "What they take of the disk", disk_bytes)?;
    page.gauge(
        "jirani_snapshots_disk_bytes",
        "What the snapshots take of the disk",
        snapshot_bytes,
    )?;
    let help = "Durable entries of the log that the index doesn't have yet";
    page.gauge("jirani_index_lag", help, index_lag)?;
    let help = "Memory that the changes take which the index doesn't have yet";
    page.gauge("jirani_index_overlay_bytes", help, overlay_bytes)?;
    page.gauge("jirani_index_disk_bytes", "What the index takes of the disk", index_bytes)
}

pub(super) fn write_assets(
    page: &mut Page<'_>,
    operator: &Operator,
    connector: &Connector<DurableLedger>,
) -> Result {
    let mut assets = operator.assets().live();
    page.gauge("jirani_assets", "Assets", assets.len())?;
    assets.sort_unstable_by_key(|asset| name(asset));
    let help = "The node's own stock of an asset that is not on hold, in its smallest unit";
    let mut family = page.family(Kind::Gauge, "jirani_asset_liquidity", help)?;
    for asset in assets.iter().take(ASSETS_MAX) {
        let total = connector.ledger().total(AccountId::asset(asset.id));
        let labels = [("asset", asset.code.as_str()), ("scale", &asset.scale.to_string())];
        family.row(&labels, total.available())?;
    }
    Ok(())
}

pub(super) fn write_peering(page: &mut Page<'_>, operator: &Operator) -> Result {
    let help = "Nodes that asked to become peers and wait for the operator's approval";
    page.gauge("jirani_peering_requests_waiting", help, operator.peering().requests_waiting())
}

pub(super) fn write_server(page: &mut Page<'_>, server: &ServerStats) -> Result {
    let help = "Connections of peers that are open";
    page.gauge("jirani_http_connections_open", help, server.connections_open())?;
    let help = "Connections of peers that were taken";
    page.counter("jirani_http_connections_accepted", help, server.connections_accepted())?;
    let help = "Connections that were refused since as many were open as may be";
    page.counter("jirani_http_connections_refused", help, server.connections_refused())?;
    let help = "Connections that were closed for being slow or idle";
    page.counter("jirani_http_connections_timed_out", help, server.connections_timed_out())?;
    let help = "Connections that were closed to make room for another client's";
    page.counter("jirani_http_connections_evicted", help, server.connections_evicted())?;
    let help = "Requests with a known token whose reply has not left yet";
    page.gauge("jirani_http_requests_in_flight", help, server.requests_in_flight())?;
    let help = "Bytes that those requests and their replies occupy";
    page.gauge("jirani_http_request_bytes", help, server.request_bytes())?;
    let help = "Replies that were dropped since their peer left too many untaken";
    page.counter("jirani_http_replies_dropped", help, server.replies_dropped())?;
    let help = "Requests of peers by the HTTP status of their answer";
    let mut family = page.family(Kind::Counter, "jirani_http_responses", help)?;
    for (status, count) in server.responses() {
        family.row(&[("status", &status.to_string())], count)?;
    }
    let help = "Packets that went on without the stream or connection they came by";
    page.counter("jirani_http_requests_detached", help, server.requests_detached())?;
    let help = "Packets over which the node stumbled: each is a bug";
    page.counter("jirani_http_handler_panics", help, server.handler_panics())
}

pub(super) fn write_clients(page: &mut Page<'_>, clients: &[&Client]) -> Result {
    let sum = |count: fn(&Client) -> u64| clients.iter().map(|client| count(client)).sum::<u64>();
    let help = "Connections to next hops that are open";
    page.gauge("jirani_client_connections_open", help, sum(Client::connections_open))?;
    let help = "Connections to next hops that were opened";
    page.counter("jirani_client_connections_opened", help, sum(Client::connections_opened))?;
    let help = "Packets that were sent again over another connection, as none of them had left";
    page.counter("jirani_client_retries", help, sum(Client::retries))?;
    let help = "Packets that got no reply from the next hop, by what happened";
    let mut family = page.family(Kind::Counter, "jirani_client_failures", help)?;
    let mut failures = SendError::KINDS.map(|kind| (kind, 0));
    for client in clients {
        for ((_, sum), (_, count)) in failures.iter_mut().zip(client.failures()) {
            *sum += count;
        }
    }
    failures.iter().try_for_each(|(kind, count)| family.row(&[("kind", kind)], *count))
}

pub(super) fn write_events(page: &mut Page<'_>, store: &Store) -> Result {
    let events = store.event_counts();
    page.gauge("jirani_events_due", "Events that wait to be taken by the webhook", events.due)?;
    let help = "Events that the webhook didn't take and that are tried no more";
    page.gauge("jirani_events_dead", help, events.dead)
}
