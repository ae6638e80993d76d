//! An operator over a store in a directory, for tests.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use ilp_connector::{Connector, InFlightDefaults, Policy};
use ilp_net::Endpoint;
use ilp_store::{DurableLedger, LedgerOptions, Store, ledger::BatchWriter};
use interledger_packet::{Address, Timestamp};
use tokio::sync::Notify;

use crate::{
    node::{
        operator::Operator,
        parts::{Clock, Parts},
        tenant_profile::{TenantProfile, TenantSettingName},
    },
    peering::{
        PeeringRules,
        network::{Network, PeeringPost, PeeringReply, PingOutcome, PingReply, PingWay},
    },
    vocabulary::{boxed_future::BoxFuture, error::box_error::BoxError},
};

static NOW_MS: AtomicU64 = AtomicU64::new(1_795_000_000_000);

/// Returns a time that is a millisecond later at each call.
pub fn clock() -> Timestamp {
    Timestamp::from_unix_ms(NOW_MS.fetch_add(1, Ordering::Relaxed))
}

/// Puts the clock forward for every test of the process, so no test may mind a few seconds.
pub fn put_forward(ms: u64) {
    NOW_MS.fetch_add(ms, Ordering::Relaxed);
}

/// A function that answers what another node would answer to a peering request.
pub type PeeringAnswers = fn(&PeeringPost) -> Result<PeeringReply, String>;

/// A network in which every ping is answered and every host but those named localhost is public.
#[derive(Debug)]
pub struct TestNetwork(pub PeeringAnswers);

impl Network for TestNetwork {
    fn ping(&self, destination: Address, _way: PingWay) -> BoxFuture<'_, PingOutcome> {
        Box::pin(async move {
            let reply = PingReply {
                triggered_by: Some(destination),
                code: "F06".to_owned(),
                message: "no payment".to_owned(),
            };
            PingOutcome { reply: Some(reply), trouble: None, took_us: 42 }
        })
    }

    fn check_public<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, Result<(), BoxError>> {
        let is_near = endpoint.host().is_near();
        Box::pin(async move { if is_near { Err("it is near".into()) } else { Ok(()) } })
    }

    fn ask_for_peering(&self, post: PeeringPost) -> BoxFuture<'_, Result<PeeringReply, BoxError>> {
        Box::pin(async move { Ok((self.0)(&post)?) })
    }
}

/// Returns an operator over the store in `dir`, and its connector.
///
/// # Panics
/// When the store can't be opened.
pub async fn operator(dir: &Path) -> (Operator, Arc<Connector<DurableLedger>>) {
    let network = TestNetwork(|_| Err("no other node is there".to_owned()));
    let rules = PeeringRules::default();
    operator_with(dir, LedgerOptions::default(), rules, clock, network, |books| books).await
}

/// Returns an operator with a clock of its own, and another writer around the one of the books.
///
/// # Panics
/// When the store can't be opened.
pub async fn operator_with(
    dir: &Path,
    options: LedgerOptions,
    peering: PeeringRules,
    now: Clock,
    network: TestNetwork,
    wrap: impl FnOnce(Box<dyn BatchWriter>) -> Box<dyn BatchWriter>,
) -> (Operator, Arc<Connector<DurableLedger>>) {
    let (operator, connector) = unloaded(dir, options, peering, now, network, wrap);
    operator.load().await.expect("the store can be read");
    (operator, connector)
}

/// Returns an operator as [`operator_with`], before anything that is stored is live.
///
/// # Panics
/// When the store can't be opened.
pub(crate) fn unloaded(
    dir: &Path,
    options: LedgerOptions,
    peering: PeeringRules,
    now: Clock,
    network: TestNetwork,
    wrap: impl FnOnce(Box<dyn BatchWriter>) -> Box<dyn BatchWriter>,
) -> (Operator, Arc<Connector<DurableLedger>>) {
    let store = Store::open(dir).expect("the directory is private");
    let event_made = Arc::new(Notify::new());
    let wake = Arc::clone(&event_made);
    let options = LedgerOptions {
        clock_ms: Arc::new(|| clock().unix_ms()),
        on_event: Some(Arc::new(move || wake.notify_one())),
        ..options
    };
    let ledger = DurableLedger::open_with(&store, options, wrap).expect("the books open");
    let address = "test.jirani".parse().expect("an ILP address");
    let connector = Arc::new(Connector::new(address, policy(), ledger));
    let parts = Parts {
        connector: Arc::clone(&connector),
        network: Arc::new(network),
        clock: now,
        tenant_id: "438fa74a-fa7d-4317-9ced-dde32ece1787".to_owned(),
        tenant: TenantProfile {
            public_name: "jirani".to_owned(),
            has_secret: true,
            settings: vec![(TenantSettingName::IlpAddress, "test.jirani".to_owned())],
        },
        peering,
        version: "0.1.0",
        hold_ms_max: 30_000,
        event_made,
    };
    (Operator::new(store, parts), connector)
}

fn policy() -> Policy {
    Policy {
        packets_per_minute_max_default: None,
        in_flight_default: InFlightDefaults {
            packets_max: 100,
            packets_ceiling: 1_000,
            amount_max: None,
            asset_share_percent_max: 50,
        },
        amount_max_default: None,
        expiry_margin_ms: 1_000,
        hold_ms_max: 30_000,
    }
}
