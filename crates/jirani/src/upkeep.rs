//! The node's recurring work beside packets and operations.

use std::{sync::Arc, time::Duration};

use ilp_operator::{Operator, Webhooks, without_asset};
use ilp_store::Store;
use ilp_store_postgres::PageRetention;

use crate::{clock, config::Config, resources::Resources, tasks::Tasks, webhook};

/// The pause between two looks for pages that may be removed from a cluster's database.
const PAGES_PAUSE: Duration = Duration::from_secs(10 * 60);

/// Starts the recurring work: it voids expired withdrawals, sends events, and removes expired
/// records. Each task sleeps until there is work.
pub(crate) fn start_upkeep(
    config: &Config,
    resources: &Resources,
    operator: &Operator,
    tasks: &Tasks,
) {
    match config.webhook.url.clone() {
        Some(url) => {
            let rules = webhook::rules(&config.webhook);
            let timeout = Duration::from_millis(config.webhook.timeout_ms);
            let receiver = webhook::Receiver::new(url, timeout, &resources.web);
            let event_made = Arc::clone(&resources.event_made);
            let webhooks =
                Webhooks::new(resources.store.clone(), receiver, rules, clock::now, event_made);
            tasks.spawn_endless("webhooks", async move { webhooks.run().await });
        }
        None => {
            tracing::info!("webhook.url is not set: events are kept and listed, and not sent");
        }
    }
    let days = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
    let events_kept = days(config.retention.event_days);
    let audit_kept = days(config.retention.audit_days);
    let payments_kept = config.retention.payment_days.map(days);
    let work = || operator.clone();
    let operator = work();
    tasks.spawn_endless("expiry of withdrawals", async move {
        operator.liquidity().expire_withdrawals().await
    });
    let operator = work();
    tasks.spawn_endless("expiry of incoming payments", async move {
        operator.payments().expire_incoming().await;
    });
    let operator = work();
    tasks.spawn_endless("housekeeping", async move {
        operator.keep_house(events_kept, payments_kept).await;
    });
    let operator = work();
    tasks.spawn_endless("ended payments", async move { operator.payments().close_ended().await });
    let operator = work();
    tasks.spawn_endless("links of peers", async move { operator.peers().watch_links().await });
    let operator = work();
    tasks.spawn_endless("retention of audit records", async move {
        operator.audit().keep(audit_kept).await;
    });
    if let Some(retention) = resources.page_retention() {
        tasks.spawn_endless("pages of the cluster", keep_pages(retention, resources.store.clone()));
    }
}

/// Removes the pages in the cluster's database that snapshots stand for, for ever.
async fn keep_pages(retention: PageRetention, store: Store) {
    loop {
        tokio::time::sleep(PAGES_PAUSE).await;
        match retention.apply(&store).await {
            Ok(0) => {}
            Ok(pages) => tracing::info!(pages, "removed pages from the cluster's database"),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "pages in the cluster's database could not be removed; it is tried again"
            ),
        }
    }
}

/// Warns of configured rates between assets that don't exist: an asset may be created later, or its
/// code may be misspelt.
pub(crate) fn warn_of_rates(config: &Config, operator: &Operator) {
    let known = operator.rates().asset_codes();
    for (base, quote, _) in &config.rates.fixed {
        if let Some(missing) = without_asset(&known, base, quote) {
            tracing::warn!(
                "rates.fixed has {base}/{quote}, and there is no asset {missing}: the rate is used \
                 once there is one"
            );
        }
    }
}
