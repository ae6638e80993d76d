//! The protocol in small, in every order of events: pages with a fence, allowances that are granted and
//! released, takeovers, and a database that replicates, restarts and fails over.
//!
//! Two nodes have a book each, and share one account. A packet debits one unit, and its Fulfill leaves
//! once its page is acknowledged; another credits one unit, which can be spent at once. The database is
//! the primary's log and the prefix of it that the synchronous standby has. A commit is acknowledged once
//! it is in that prefix; until then nobody else sees it, and what conflicts with it waits, unless the
//! primary was restarted meanwhile, which shows all of its log. A failover cuts the log to the prefix. There
//! is no clock: a holder may be taken for dead at any moment.
//!
//! Today's nodes use pages, takeovers and signs of life. Grants and releases are for nodes that are active
//! together. `JIRANI_CLUSTER_WRITES` sets how many writes there are at the most.

mod rows;
mod search;
mod state;

use self::search::{Bounds, Fault, Search};

fn search(fault: Fault, writes: u8) -> Result<usize, String> {
    let bounds = Bounds { writes, failures: 2, kills: 1, credits: 1, units: 2 };
    Search { fault, bounds }.run()
}

#[test]
fn the_protocol_does_no_harm_in_any_order_of_events() {
    let writes = std::env::var("JIRANI_CLUSTER_WRITES").ok();
    let writes = writes.and_then(|text| text.parse().ok()).unwrap_or(5);
    let states = search(Fault::None, writes).unwrap();
    println!("no harm in {states} states, up to {writes} writes");
    assert!(states > 10_000, "{states} states are no search");
}

#[test]
fn each_rule_that_is_left_out_does_harm() {
    for (fault, harm) in [
        (Fault::BelievesReads, "Fulfills have left"),
        (Fault::ReadsEpoch, "below zero"),
        (Fault::NoFence, "two pages of one number"),
        (Fault::ReleasesEarly, "below zero"),
    ] {
        let found = search(fault, 6).unwrap_err();
        println!("{fault:?}: {found}");
        assert!(found.starts_with(harm) || found.contains(harm), "{fault:?}: {found}");
    }
}
