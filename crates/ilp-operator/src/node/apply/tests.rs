//! The live state after each change is the one that a start makes of the records.

use std::fmt::Write;

use ilp_connector::{peer::Terms, token::Secret};
use ilp_store::{LedgerOptions, Page};

use super::*;
use crate::{
    assets::{
        inputs::{AssetEdit, NewAsset},
        rates::NewRate,
    },
    node::{
        operator::Operator,
        testing::{self, TestNetwork, clock},
    },
    peering::{PeeringOffer, PeeringRules},
    peers::inputs::{NewPeer, PeerEdit, PeerLimitsEdit, PeerTermsEdit},
    vocabulary::edit::Edit,
};

/// Returns everything live that is a copy of records, as text.
fn live_state(operator: &Operator) -> String {
    let inner = &operator.inner;
    let mut lines: Vec<_> = inner
        .assets
        .read()
        .values()
        .map(|asset| format!("asset {} {} {}", asset.id, asset.code, asset.scale))
        .collect();
    inner.parts.connector.visit_peers(|peer| {
        let terms = Terms::clone(&peer.terms());
        // A next hop has an id of its own in each process.
        let (endpoint, token) = (terms.next_hop.endpoint.clone(), terms.next_hop.token.clone());
        let text = format!("{terms:?}").replace(&format!("{:?}", terms.next_hop), "");
        let token = token.reveal();
        lines.push(format!("peer {} in {} {text} {endpoint} {token}", peer.id, peer.asset.code));
    });
    lines.sort();
    let mut thresholds: Vec<_> =
        inner.thresholds.lock().iter().map(|(account, set)| format!("{account:?} {set}")).collect();
    thresholds.sort();
    let mut state = lines.join("\n");
    write!(
        state,
        "\n{thresholds:#?}\n{:#?}\n{} requests wait",
        inner.parts.connector.rates().in_use(),
        inner.peering_waiting.load(Ordering::Relaxed)
    )
    .expect("a String takes all that is written");
    state
}

fn unloaded(dir: &std::path::Path) -> Operator {
    let network = TestNetwork(|_| Err("no other node is there".to_owned()));
    let (options, rules) = (LedgerOptions::default(), PeeringRules::default());
    testing::unloaded(dir, options, rules, clock, network, |books| books).0
}

fn new_peer(asset: &str, address: &str) -> NewPeer {
    NewPeer {
        asset_id: asset.to_owned(),
        terms: PeerTermsEdit {
            static_ilp_address: Some(address.to_owned()),
            name: Edit::Set(address.to_owned()),
            max_packet_amount: Edit::Set(100),
            liquidity_threshold: Edit::Set(10),
            outgoing: Some((
                format!("https://{address}.example"),
                Secret::new("theirs".to_owned()),
            )),
            incoming_tokens: Some(vec![Secret::new(format!("{address}-token"))]),
            ..PeerTermsEdit::default()
        },
        initial_liquidity: 1_000,
    }
}

/// Makes one change of each kind that touches something live, and calls `check` after each.
async fn change_everything(operator: &Operator, mut check: impl FnMut(&str)) {
    let changes = operator.unrecorded();
    let asset = |code: &str| NewAsset {
        code: code.to_owned(),
        scale: 2,
        withdrawal_threshold: None,
        liquidity_threshold: Some(5),
    };
    let usd = changes.assets().create(asset("USD")).await.unwrap().record.id.to_string();
    let eur = changes.assets().create(asset("EUR")).await.unwrap().record.id.to_string();
    check("assets are made");
    changes.assets().delete(&eur).await.unwrap();
    check("an asset is deleted");
    let liquidity_threshold = Edit::Set(7);
    let edit = AssetEdit { id: usd.clone(), liquidity_threshold, ..AssetEdit::default() };
    changes.assets().update(edit).await.unwrap();
    check("a threshold of an asset is changed");
    let alice = changes.peers().create(new_peer(&usd, "test.alice")).await.unwrap();
    let bob = changes.peers().create(new_peer(&usd, "test.bob")).await.unwrap();
    check("peers are made");
    let packets_per_minute_max = Edit::Set(60);
    let terms = PeerTermsEdit {
        routes: Edit::Set(vec!["test.alice".to_owned(), "test.far".to_owned()]),
        incoming_tokens: Some(vec![Secret::new("another".to_owned())]),
        liquidity_threshold: Edit::Clear,
        limits: PeerLimitsEdit { packets_per_minute_max, ..PeerLimitsEdit::default() },
        spread_basis_points: Edit::Set(25),
        ..PeerTermsEdit::default()
    };
    let edit = PeerEdit { id: alice.record.id.to_string(), terms, version: None };
    changes.peers().update(edit).await.unwrap();
    check("a peer is changed");
    changes.peers().delete(&bob.record.id.to_string()).await.unwrap();
    check("a peer is deleted");
    for (base, quote, rate) in [("USD", "EUR", "0.92"), ("USD", "XRP", "2"), ("USD", "EUR", "0.93")]
    {
        let [base, quote, rate] = [base, quote, rate].map(str::to_owned);
        changes.rates().set(NewRate { base, quote, rate }).await.unwrap();
    }
    changes.rates().delete("USD".to_owned(), "XRP".to_owned()).await.unwrap();
    check("rates are set and deleted");
    let offer = PeeringOffer {
        static_ilp_address: "test.carol".to_owned(),
        connector_url: "https://carol.example".to_owned(),
        asset_code: "USD".to_owned(),
        asset_scale: 2,
        token: Secret::new("carols".to_owned()),
        max_packet_amount: None,
        name: None,
        proof: None,
        caller: None,
    };
    operator.peering().accept(offer).await.unwrap();
    check("a peering is asked for");
    let page = operator.store().peering_requests_page(Page::newest(1)).unwrap();
    changes.peering().reject(&page.rows[0].id.to_string()).await.unwrap();
    check("a peering is refused");
}

/// Names every record of which a live copy is kept, assets before the peers that count in them.
fn every_record(operator: &Operator) -> Vec<ChangedRecord> {
    let store = operator.store();
    let assets = store.all_assets().map(|asset| ChangedRecord::Asset(asset.unwrap().id));
    let peers = store.all_peers().map(|peer| ChangedRecord::Peer(peer.unwrap().id));
    let rates = store.all_rates().unwrap().into_iter();
    let rates = rates.map(|RateRecord { base, quote, .. }| ChangedRecord::Rate { base, quote });
    let requests = [ChangedRecord::PeeringRequests, ChangedRecord::Events];
    assets.chain(peers).chain(rates).chain(requests).collect()
}

#[tokio::test]
async fn what_is_live_after_each_change_is_what_a_start_makes_of_the_records() {
    let dir = tempfile::tempdir().unwrap();
    let (operator, connector) = testing::operator(dir.path()).await;
    let mut states = Vec::new();
    change_everything(&operator, |step| states.push((step.to_owned(), live_state(&operator))))
        .await;
    assert!(states.windows(2).all(|pair| pair[0].1 != pair[1].1), "each step changes something");
    let (_, last) = states.pop().unwrap();
    // Withdrawing what a deleted peer has left may still go on.
    operator.changes_done().await;
    drop((operator, connector));
    let restarted = unloaded(dir.path());
    restarted.load().await.unwrap();
    assert_eq!(live_state(&restarted), last);
}

#[tokio::test]
async fn applying_every_record_one_by_one_makes_what_a_start_makes() {
    let dir = tempfile::tempdir().unwrap();
    let (operator, connector) = testing::operator(dir.path()).await;
    change_everything(&operator, |_| {}).await;
    let loaded = live_state(&operator);
    operator.changes_done().await;
    drop((operator, connector));
    let empty = unloaded(dir.path());
    let records = every_record(&empty);
    let inner = Arc::clone(&empty.inner);
    // Twice, since a record may be told of more than once.
    for _ in 0..2 {
        inner.apply(&records).unwrap();
        assert_eq!(live_state(&empty), loaded);
    }
}

#[tokio::test]
async fn a_record_that_cannot_become_live_stops_the_node() {
    let dir = tempfile::tempdir().unwrap();
    let (operator, connector) = testing::operator(dir.path()).await;
    let changes = operator.unrecorded();
    let new = NewAsset {
        code: "USD".to_owned(),
        scale: 2,
        withdrawal_threshold: None,
        liquidity_threshold: None,
    };
    let usd = changes.assets().create(new).await.unwrap().record.id.to_string();
    let peer = changes.peers().create(new_peer(&usd, "test.alice")).await.unwrap();
    // The asset is stored and not live, so a peer of it can't become live either.
    operator.inner.assets.write().clear();
    let terms = PeerTerms::at("test.bob".parse().unwrap());
    let record = PeerRecord { id: Uuid::now_v7(), terms, ..peer.record };
    let store = operator.store();
    let companions = ilp_store::Companions::none();
    let inserted = store
        .transact(companions, |tx| tx.insert_peer_from(&record, &ilp_store::PeerOrigin::Operator));
    inserted.unwrap_err();
    assert!(connector.ledger().stopped().is_some());
}
