//! Verification of the whole journal while the node runs.

use std::{sync::Arc, time::Duration};

use axum::{extract::State, response::Response};
use ilp_operator::OperatorError;
use ilp_store::{LedgerStats, Report};
use interledger_packet::Timestamp;
use maud::{Markup, html};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::TABS;
use crate::{
    Pages,
    answer::see_other,
    layout::{Section, form_token, show as page},
    live::{Part, following},
    parts::{duration, moment, plain, state, tabs},
    visit::{Submitted, Visit},
};

/// The time that a form's answer waits for the result. A later result appears on the page by
/// itself.
const WAIT: Duration = Duration::from_secs(2);

/// The number of faults that a page shows.
const FAULTS_SHOWN: usize = 50;

/// The verification that runs, at most one at a time, and the last result.
#[derive(Debug)]
pub(crate) struct Verifying {
    /// The one permit, which a verification holds while it runs.
    turn: Arc<Semaphore>,
    last: Mutex<Option<Arc<Last>>>,
}

impl Default for Verifying {
    fn default() -> Self {
        Self { turn: Arc::new(Semaphore::new(1)), last: Mutex::default() }
    }
}

#[derive(Debug)]
struct Last {
    at: Timestamp,
    found: Result<(Report, Duration), OperatorError>,
}

pub(super) async fn show(State(pages): State<Arc<Pages>>, visit: Visit) -> Response {
    let is_running = pages.verifying.turn.available_permits() == 0;
    let body = html! {
        div.head {
            h1 { "Verify" }
            p { "Reads the whole log, adds it up again, and compares with every balance and record. Packets flow on meanwhile; it takes longer the longer the log is." }
        }
        (tabs(&TABS, "/books/verify"))
        (following("books/verify"))
        section.card #result data-live { (result(&pages, is_running)) }
        (disk(&pages.operator.books().stats()))
        form.card method="post" action="/books/verify" {
            (form_token(&visit))
            button type="submit" { "Add it all up" }
        }
        p.quiet.small { "Independent of this node's memory, and of a copy instead: " code { "jirani backup DIR && jirani ledger verify --data-dir DIR" } }
    };
    page(&visit, Section::Books, "Verify", &body)
}

/// Shows the store's size on disk, and its bound: `retention`, two snapshots and the index.
fn disk(stats: &LedgerStats) -> Markup {
    let megabytes = |bytes: u64| format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10);
    html! {
        section.card {
            h2 { "On the disk" }
            dl.facts {
                dt { "Log" } dd { (megabytes(stats.disk_bytes)) " in " (stats.segments) " segments" }
                dt { "Snapshots" } dd { (megabytes(stats.snapshot_bytes)) }
                dt { "Index" } dd { (megabytes(stats.index_bytes)) ", " (stats.index_lag) " entries behind the log" }
                dt { "Not in the index yet" } dd { (megabytes(stats.overlay_bytes)) " of memory" }
            }
        }
    }
}

/// Returns the result as a live part.
pub(crate) fn live(pages: &Pages) -> Part {
    ("result", result(pages, pages.verifying.turn.available_permits() == 0))
}

/// Starts a verification unless one runs, and waits a moment for the result.
pub(super) async fn start(State(pages): State<Arc<Pages>>, _form: Submitted) -> Response {
    if let Ok(turn) = Arc::clone(&pages.verifying.turn).try_acquire_owned() {
        let verified = tokio::spawn(verify(Arc::clone(&pages), turn));
        // A verification that takes longer goes on by itself.
        let _ = tokio::time::timeout(WAIT, verified).await;
    }
    see_other("/books/verify")
}

async fn verify(pages: Arc<Pages>, turn: OwnedSemaphorePermit) {
    let found = pages.operator.books().verify().await;
    *pages.verifying.last.lock() = Some(Arc::new(Last { at: pages.operator.now(), found }));
    drop(turn);
}

fn result(pages: &Pages, is_running: bool) -> Markup {
    let last = pages.verifying.last.lock().clone();
    html! {
        h2 { "Result" }
        @if is_running { p { (state("warn", "Running")) " What it finds is shown here." } }
        @match last.as_deref() {
            None if is_running => {}
            None => p.quiet { "Not done since the node was started." },
            Some(Last { at, found: Err(error) }) => {
                p { (state("bad", "Can't be read")) " " (moment(*at, pages.operator.now())) }
                p { (error.to_string()) }
            }
            Some(Last { at, found: Ok((report, took)) }) => (found(report, *took, &moment(*at, pages.operator.now()))),
        }
    }
}

fn found(report: &Report, took: Duration, when: &Markup) -> Markup {
    let Report {
        transfers,
        accounts,
        first_sequence,
        last_sequence,
        faults,
        unchecked,
        is_cut_short,
    } = report;
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    html! {
        p {
            @if !faults.is_empty() { (state("bad", "The books do not add up")) }
            @else if !unchecked.is_empty() { (state("warn", "Not everything could be checked")) }
            @else { (state("good", "The books add up")) }
            " " (when)
        }
        dl.facts {
            dt { "Transfers read" } dd { (transfers) @if *transfers > 0 { ", in the log's entries " (first_sequence) " to " (last_sequence) } }
            dt { "Accounts" } dd { (accounts) }
            dt { "Took" } dd { @if took_ms < 1_000 { (took_ms) " ms" } @else { (duration(took_ms)) } }
        }
        @if *is_cut_short { p { "Part of it is missing or damaged, and what that holds is not in the sums." } }
        @if !faults.is_empty() {
            ul { @for fault in faults.iter().take(FAULTS_SHOWN) { li { (plain(fault)) } } }
            p { "Keep the data directory as it is, make a backup, and let nothing overwrite the last one." }
        }
        @if !unchecked.is_empty() {
            p { "Not checked:" }
            ul { @for check in unchecked { li { (plain(check)) } } }
        }
    }
}
