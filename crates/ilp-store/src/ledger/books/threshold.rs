//! Creates one event when an account falls to its threshold, or gets a threshold that it is at or
//! below already.
//!
//! In the second case the event is part of the change that stores the threshold.
//!
//! Whether an account is low follows from the books alone, so it survives a restart with them. A
//! crossing is found while entries are applied, by the writer or by the replay after a crash, and
//! its event has an id that follows from the transfer and the account. A checkpoint is written only
//! after the events of all entries that it covers. So an event that a crash kept from the outbox is
//! made again by the replay, and an event that is there already isn't added twice.
//!
//! A balance that swings around its threshold crosses it with every other packet, so only the
//! latest crossing of each account waits for its event, and not before [`PAUSE`] has passed since
//! the last event. The event is made even if the account has risen meanwhile. So the latest
//! crossing of an account always gets its event, whatever happens to the earlier ones, and a
//! replay, which finds the same crossings and keeps the latest, gives the same result. Keeping the
//! first crossing would not: it may have got its event before the crash, and the latest would be
//! lost because of it. The pause is measured on the machine's own monotonic clock, since the
//! journal's time stands still while nothing is booked and after a clock was set back, and the
//! pause would never end. A checkpoint waits for no pause, since the crossings that it covers would
//! be lost with a crash.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use ilp_connector::account::{AccountId, AccountKind};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::{Builder, Uuid};

use super::state::{Crossing, State, Threshold};
use crate::{
    error::{StoreError, TransactionError},
    journal::Fields,
    ledger::DurableLedger,
    records::{
        forms::{
            event_record::{Delivery, EventRecord},
            keys::{Kind, hexadecimal, id_of},
            peer_records::AssetRecord,
            stored_form::position_of,
        },
        outbox::add_event,
    },
    store::Store,
};

/// The place of an account in a crossing that no transfer made, but the change of its threshold.
const SET: u8 = 4;

/// How long after an event of an account the next one comes at the earliest.
const PAUSE: Duration = Duration::from_secs(1);

/// The crossings that wait to be told: of each account, the latest.
#[derive(Default)]
pub(crate) struct Crossings {
    waiting: HashMap<AccountId, Crossing>,
    /// Whether an account waits that didn't when this was last asked.
    more: bool,
    /// When those accounts were last told of whose pause may not be over.
    told: HashMap<AccountId, Instant>,
}

impl Crossings {
    /// Adds a crossing in place of an earlier one of the account.
    pub(crate) fn add(&mut self, crossing: Crossing) {
        // The keeper already knows of an account whose crossing was waiting.
        self.more |= self.waiting.insert(crossing.account, crossing).is_none();
    }

    /// Returns whether an account has a waiting crossing that had none at the last call.
    pub(crate) fn take_more(&mut self) -> bool {
        std::mem::take(&mut self.more)
    }

    /// Takes what may be told now, or `all` of it, in the order of the transfers.
    pub(crate) fn take(&mut self, now: Instant, all: bool) -> Vec<Crossing> {
        self.told.retain(|_, told| now.saturating_duration_since(*told) < PAUSE);
        let told = &self.told;
        let mut taken: Vec<_> = self
            .waiting
            .extract_if(|account, _| all || !told.contains_key(account))
            .map(|(_, crossing)| crossing)
            .collect();
        taken.sort_unstable_by_key(|crossing| (crossing.sequence, crossing.account));
        self.told.extend(taken.iter().map(|crossing| (crossing.account, now)));
        taken
    }

    /// Returns whether no crossing waits for its event.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Removes the crossing whose event has this id, since the event is in the log.
    fn event_is_made(&mut self, id: Uuid) {
        self.waiting.retain(|_, crossing| event_id(crossing) != id);
    }

    /// When the first pause ends of those that wait, as of the last time that some were taken.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.waiting.keys().filter_map(|account| Some(*self.told.get(account)? + PAUSE)).min()
    }
}

/// The form on disk.
#[derive(Serialize, Deserialize)]
struct Form {
    amount: u64,
    since: u64,
    /// Whether the change that set the threshold made the event of an account that was low then.
    #[serde(default)]
    is_told: bool,
}

impl DurableLedger {
    /// Sets the amount, in the account's smallest unit, at or below which an event is due; `None`
    /// turns the event off. Durable when it returns; costs nothing when nothing changes. An account
    /// that is already at or below the amount makes an event at once, unless it was low by a
    /// threshold that was not lower.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn set_threshold(
        &self,
        account: AccountId,
        threshold: Option<u64>,
    ) -> Result<(), TransactionError> {
        let (set, low) = {
            let kept = self.books.lock();
            if kept.state.threshold(account).map(|set| set.amount) == threshold {
                return Ok(());
            }
            let since = kept.state.sequence;
            let set = threshold.map(|amount| Threshold { amount, since });
            (set, kept.state.made_low_by(account, set))
        };
        let event = set.zip(low).map(|(set, available)| {
            let at_ms = (self.clock_ms)();
            low_event(&self.store, fresh_id(at_ms), (account, set.amount, available), at_ms)
        });
        self.store.change(|tx| {
            let key = threshold_key(account);
            let Some(Threshold { amount, since }) = set else {
                tx.remove(key);
                return Ok(());
            };
            if let Some(event) = &event {
                add_event(tx, event)?;
            }
            let form = serde_json::to_vec(&Form { amount, since, is_told: event.is_some() });
            tx.put_bytes(key, &form.expect("a struct of integers becomes JSON"))
        })?;
        if event.is_some() {
            self.keeper.events_came();
        }
        Ok(())
    }
}

/// Sets a threshold as the index has it.
///
/// # Errors
/// When the record of the threshold can't be read.
pub(crate) fn load(state: &mut State, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
    let (account, form) = form_of(key, Some(value))?;
    // What made the account low was told when it came.
    let _ = state.set_threshold(account, form.as_ref().map(Form::threshold));
    Ok(())
}

/// Does to the books what the change of a record does, at its place in the log: a threshold is set or
/// removed, or the event of a crossing is made. So a replay finds the crossings that were found when
/// the log was written.
///
/// # Errors
/// When the record of a threshold can't be read.
pub(crate) fn replay(
    state: &mut State,
    key: &[u8],
    value: Option<&[u8]>,
) -> Result<(), StoreError> {
    match key.first().and_then(|byte| Kind::from_byte(*byte)) {
        Some(Kind::Threshold) => {
            let (account, form) = form_of(key, value)?;
            let low = state.set_threshold(account, form.as_ref().map(Form::threshold));
            if let (Some(available), Some(Form { amount, is_told: false, .. })) = (low, form) {
                // The account fell between the look at it and this place in the log.
                state.crossings.add(Crossing {
                    account,
                    place: SET,
                    threshold: amount,
                    available,
                    sequence: state.sequence,
                    time_ms: state.time_ms,
                });
            }
        }
        Some(Kind::Event) if value.is_some() => {
            if let Some(id) = id_of(key) {
                state.crossings.event_is_made(id);
            }
        }
        _ => {}
    }
    Ok(())
}

/// Reads the change of a threshold's record.
fn form_of(key: &[u8], value: Option<&[u8]>) -> Result<(AccountId, Option<Form>), StoreError> {
    let broken = |detail| StoreError::Record {
        tree: Kind::Threshold.name(),
        key: hexadecimal(key.get(1..).unwrap_or_default()),
        detail,
    };
    let account = Fields::new(key.get(1..).unwrap_or_default()).account();
    let account = account.ok_or_else(|| broken("it is for no account".to_owned()))?;
    let form = value.map(serde_json::from_slice).transpose();
    Ok((account, form.map_err(|cause| broken(position_of(&cause)))?))
}

impl Form {
    fn threshold(&self) -> Threshold {
        Threshold { amount: self.amount, since: self.since }
    }
}

/// Returns the event for a crossing.
pub(crate) fn event(store: &Store, crossing: &Crossing) -> EventRecord {
    let Crossing { account, threshold, available, time_ms, .. } = *crossing;
    low_event(store, event_id(crossing), (account, threshold, available), time_ms)
}

/// Returns the event for an account whose available amount is at or below its threshold. The event
/// matters more than the asset's code, which is left out where the asset can't be read.
fn low_event(
    store: &Store,
    id: Uuid,
    (account, threshold, available): (AccountId, u64, u128),
    at_ms: u64,
) -> EventRecord {
    let owner = account.owner;
    let kind = match account.kind {
        AccountKind::PeerLiquidity => "peer.liquidity_low",
        AccountKind::AssetLiquidity => "asset.liquidity_low",
        _ => "account.liquidity_low",
    };
    let asset = asset_of(store, account).unwrap_or_else(|error| {
        tracing::error!(%error, ?account, "an event can't name its asset");
        None
    });
    let data = json!({
        "id": owner,
        "asset": asset.map(|asset| {
            json!({ "id": asset.id, "code": asset.code, "scale": asset.scale })
        }),
        "liquidityThreshold": threshold.to_string(),
        "balance": available.to_string(),
    });
    let data = data.to_string().into_bytes();
    // Due at once, whatever a clock said that may be right again by the time it's read.
    let delivery = Delivery::Due { at_ms: 0 };
    EventRecord { delivery, ..EventRecord::new(id, kind, data, at_ms) }
}

/// Returns a UUID v7 of this time that no other event has.
fn fresh_id(at_ms: u64) -> Uuid {
    let mut random = [0; 10];
    random.copy_from_slice(&Uuid::new_v4().as_bytes()[6..]);
    Builder::from_unix_timestamp_millis(at_ms, &random).into_uuid()
}

/// Returns the asset of an account, also if it or its peer is deleted.
fn asset_of(store: &Store, account: AccountId) -> Result<Option<AssetRecord>, StoreError> {
    let owner = account.owner;
    let id = match account.kind {
        AccountKind::PeerLiquidity => match store.peer(owner)? {
            Some(peer) => Some(peer.asset_id),
            None => store.deleted_peer(owner)?.map(|peer| peer.asset_id),
        },
        AccountKind::AssetLiquidity => Some(owner),
        _ => None,
    };
    let Some(id) = id else { return Ok(None) };
    match store.asset(id)? {
        Some(asset) => Ok(Some(asset)),
        None => store.deleted_asset(id),
    }
}

/// A UUID v7 whose random part names the transfer, by its sequence, and the account, by its place
/// among the transfer's own. Its version and variant cover the highest four bits of the name's first
/// byte and the highest two of the sequence, which no journal lives to count to: so no two crossings
/// have one id.
fn event_id(crossing: &Crossing) -> Uuid {
    let mut name = [0; 10];
    name[1] = crossing.place;
    name[2..].copy_from_slice(&crossing.sequence.to_be_bytes());
    Builder::from_unix_timestamp_millis(crossing.time_ms, &name).into_uuid()
}

fn threshold_key(account: AccountId) -> Vec<u8> {
    let mut rest = vec![account.kind.to_byte()];
    rest.extend_from_slice(account.owner.as_bytes());
    Kind::Threshold.key(&rest)
}
