//! The work that the node does by itself, beside its packets and its operator.

use std::{sync::Arc, time::Duration};

use ilp_operator::{Operator, Webhooks, without_asset};
use ilp_store::Store;
use tokio::sync::Notify;

use crate::{
    clock::{self, SteadyClock},
    config::Config,
    web::Web,
    webhook,
};

/// Does the node's own work until the node is told to stop: it gives back expired withdrawals,
/// sends events, and removes expired records. Each task sleeps until there is work.
pub(crate) async fn upkeep(
    (config, web): (&Config, &Web),
    store: &Store,
    operator: Operator,
    event_made: Arc<Notify>,
    stop: impl Future<Output = ()>,
) {
    let events = async {
        let Some(url) = config.webhook.url.clone() else {
            tracing::info!("webhook.url is not set: events are kept and listed, and not sent");
            return std::future::pending().await;
        };
        let rules = webhook::rules(&config.webhook);
        let timeout = Duration::from_millis(config.webhook.timeout_ms);
        let receiver = webhook::Receiver::new(url, timeout, web);
        Webhooks::new(store.clone(), receiver, rules, clock::now, event_made).run().await
    };
    let days = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
    let events_kept = days(config.retention.event_days);
    let audit_kept = days(config.retention.audit_days);
    let payments_kept = config.retention.payment_days.map(days);
    tokio::select! {
        () = operator.expire_withdrawals() => {}
        () = operator.expire_incoming_payments() => {}
        () = events => {}
        () = operator.keep_house(events_kept, payments_kept) => {}
        () = operator.close_ended_payments() => {}
        () = operator.watch_links() => {}
        () = operator.keep_audit(audit_kept) => {}
        () = stop => {}
    }
}

/// Notices when the machine's clock is set, until the node is told to stop.
pub(crate) async fn watch_clocks(
    steady: &SteadyClock,
    operator: &Operator,
    stop: impl Future<Output = ()>,
) {
    tokio::select! {
        () = steady.watch(|step_ms| operator.clock_stepped(step_ms)) => {}
        () = stop => {}
    }
}

/// Warns of configured rates between assets that don't exist: the assets may come later, or may be
/// misspelt.
pub(crate) fn warn_of_rates(config: &Config, operator: &Operator) {
    let known = operator.asset_codes();
    for (base, quote, _) in &config.rates.fixed {
        if let Some(missing) = without_asset(&known, base, quote) {
            tracing::warn!(
                "rates.fixed has {base}/{quote}, and there is no asset {missing}: the rate is used \
                 once there is one"
            );
        }
    }
}
