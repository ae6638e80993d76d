//! Tells once when an account falls to its threshold.
//!
//! Whether an account is low follows from the books alone, so it survives a restart with them. A
//! crossing is found while entries are applied, by the writer or by the replay after a crash, and
//! its event has an id that follows from the transfer and the account. So what a crash kept from
//! the outbox comes again with the replay, as a checkpoint is written only after the events of all
//! that it passes; and what came already isn't there twice.

use std::collections::HashMap;

use ilp_connector::account::{AccountId, AccountKind};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::{Builder, Uuid};

use super::{
    DurableLedger,
    state::{Crossing, Threshold},
};
use crate::{
    error::{Refusal, StoreError},
    journal::Fields,
    keys::{Kind, hexadecimal},
    outbox::EventRecord,
    store::Store,
    stored_form::position_of,
};

/// The form on disk.
#[derive(Serialize, Deserialize)]
struct Form {
    amount: u64,
    since: u64,
}

impl DurableLedger {
    /// Sets the amount, in the account's smallest unit, at or below which an event is due, or
    /// `None` for no such event. Durable when it returns; costs nothing when nothing changes. An
    /// account that is as low already makes an event only after it has been above.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn set_threshold(&self, account: AccountId, threshold: Option<u64>) -> Result<(), Refusal> {
        let set = {
            let mut kept = self.books.lock();
            if kept.state.threshold(account).map(|set| set.amount) == threshold {
                return Ok(());
            }
            let since = kept.state.sequence;
            let set = threshold.map(|amount| Threshold { amount, since });
            kept.state.set_threshold(account, set);
            set
        };
        self.store.change(|change| {
            let key = threshold_key(account);
            let Some(Threshold { amount, since }) = set else {
                change.remove(key);
                return Ok(());
            };
            let form = serde_json::to_vec(&Form { amount, since });
            change.put_bytes(key, &form.expect("a struct of integers becomes JSON"))
        })
    }
}

impl Store {
    /// All thresholds.
    pub(crate) fn thresholds(&self) -> Result<HashMap<AccountId, Threshold>, StoreError> {
        let mut thresholds = HashMap::new();
        for entry in self.inner.records.scan_prefix([Kind::Threshold.byte()]) {
            let (key, value) = entry.map_err(StoreError::read)?;
            let broken = |detail| StoreError::Record {
                tree: Kind::Threshold.name(),
                key: hexadecimal(&key[1..]),
                detail,
            };
            let account = Fields::new(&key[1..]).account();
            let account = account.ok_or_else(|| broken("it is for no account".to_owned()))?;
            let Form { amount, since } =
                serde_json::from_slice(&value).map_err(|cause| broken(position_of(&cause)))?;
            thresholds.insert(account, Threshold { amount, since });
        }
        Ok(thresholds)
    }
}

/// The event that tells of a crossing.
pub(crate) fn event(store: &Store, crossing: &Crossing) -> Result<EventRecord, StoreError> {
    let owner = crossing.account.owner;
    let (kind, asset_id) = match crossing.account.kind {
        AccountKind::PeerLiquidity => {
            let asset_id = match store.peer(owner)? {
                Some(peer) => Some(peer.asset_id),
                None => store.deleted_peer(owner)?.map(|peer| peer.asset_id),
            };
            ("peer.liquidity_low", asset_id)
        }
        AccountKind::AssetLiquidity => ("asset.liquidity_low", Some(owner)),
        _ => ("account.liquidity_low", None),
    };
    let asset = match asset_id {
        Some(id) => match store.asset(id)? {
            Some(asset) => Some(asset),
            None => store.deleted_asset(id)?,
        },
        None => None,
    };
    let data = json!({
        "id": owner,
        "asset": asset.map(|asset| {
            json!({ "id": asset.id, "code": asset.code, "scale": asset.scale })
        }),
        "liquidityThreshold": crossing.threshold.to_string(),
        "balance": crossing.available.to_string(),
    });
    let data = data.to_string().into_bytes();
    Ok(EventRecord::new(event_id(crossing), kind, data, crossing.time_ms))
}

/// A UUID v7 whose random part names the transfer and the account.
fn event_id(crossing: &Crossing) -> Uuid {
    let [.., a, b] = *crossing.account.owner.as_bytes();
    let mut name = [0; 10];
    name[..2].copy_from_slice(&[a ^ crossing.account.kind.to_byte(), b]);
    name[2..].copy_from_slice(&crossing.sequence.to_be_bytes());
    Builder::from_unix_timestamp_millis(crossing.time_ms, &name).into_uuid()
}

fn threshold_key(account: AccountId) -> Vec<u8> {
    let mut rest = vec![account.kind.to_byte()];
    rest.extend_from_slice(account.owner.as_bytes());
    Kind::Threshold.key(&rest)
}
