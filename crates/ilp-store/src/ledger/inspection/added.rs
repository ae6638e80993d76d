//! The books and the records as the log makes them, for those who check what is kept of them.

use std::{collections::HashMap, ops::Bound::Unbounded};

use ilp_connector::account::{AccountId, AccountKind};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128;

use crate::{
    error::StoreError,
    index::{Index, Sums, entry_hash},
    journal::{JournalError, Place, Scanned, check_chain, scan_until},
    ledger::books::{
        operator_transfer::{OperatorTransfer, TransferState},
        rows::{PENDING, ROW, TRANSFER, row_from},
        state::State,
    },
    log::{
        log_files::{Base, LogFiles},
        snapshot_file::SnapshotReader,
    },
    records::{
        forms::{
            keys::{Kind, id_of},
            peer_records::{DeletedPeerRecord, PeerRecord},
            stored_form::Stored,
        },
        wallets::wallet_records::{
            IncomingPaymentRecord, OutgoingPaymentRecord, WalletAddressRecord,
        },
    },
    store::start::replay,
};

/// The books as the log adds up, beside the index's own.
pub(crate) struct Added {
    pub(crate) journal: Uuid,
    /// Where the adding began.
    pub(crate) place: Place,
    pub(crate) state: State,
    pub(crate) owners: Owners,
    base: Base,
    /// The records that changed since the base, up to the index's position: for the hash of a key,
    /// its kind and the hash of the entry, or that it is removed. 48 bytes for each of them.
    changed: HashMap<u128, (u8, Option<u64>)>,
}

impl Added {
    /// Begins with the log's beginning, or with the oldest snapshot.
    ///
    /// # Errors
    /// When there is neither, or the snapshot is damaged.
    pub(crate) fn from_base(log: &LogFiles) -> Result<Self, StoreError> {
        let base = log.base()?;
        let (place, journal) = match &base {
            Base::Beginning => (Place::START, log.journal.unwrap_or_default()),
            Base::Snapshot(_, place, journal) => (*place, *journal),
        };
        let mut added = Self {
            journal,
            place,
            state: State::default(),
            owners: Owners::default(),
            base,
            changed: HashMap::new(),
        };
        added.state.sequence = place.next_sequence - 1;
        let mut transfers = HashMap::new();
        let Self { state, owners, base, .. } = &mut added;
        each_entry(base, |key, value| {
            let id = || id_of(key);
            match key.first().copied().unwrap_or_default() {
                ROW => {
                    let row = row_from(key, value).ok_or_else(|| damaged("a balance"))?;
                    state.load(row);
                }
                TRANSFER => {
                    let id = id().ok_or_else(|| damaged("a transfer"))?;
                    let transfer = OperatorTransfer::decode(id, value);
                    let transfer = transfer.map_err(|_| damaged("a transfer"))?;
                    if transfer.state == TransferState::Pending {
                        transfers.insert(id, transfer);
                    }
                }
                PENDING => {
                    let begun = id().and_then(|id| Some((id, transfers.remove(&id)?)));
                    let (id, begun) = begun.ok_or_else(|| damaged("a withdrawal"))?;
                    state.pending.insert(id, begun);
                }
                _ => owners.note(key, Some(value)),
            }
            Ok(())
        })?;
        Ok(added)
    }

    /// Reads what the log has before the base, which is in no sum any more.
    ///
    /// # Errors
    /// [`StoreError::Journal`] where it is damaged.
    pub(crate) fn read_history(&self, log: &LogFiles) -> Result<(), StoreError> {
        let Some(oldest) = log.oldest_place()? else { return Ok(()) };
        if oldest.next_sequence >= self.place.next_sequence {
            return Ok(());
        }
        check_chain(&log.directory, &log.segments, oldest.segment, self.journal)?;
        let last_sequence = self.place.next_sequence - 1;
        scan_until(&log.directory, self.journal, oldest, last_sequence, |_| Ok(()))?;
        Ok(())
    }

    /// Does what a page says, and returns how many steps of transfers it has. Changes of records are
    /// noted up to the entry `indexed`.
    ///
    /// # Errors
    /// [`JournalError::CheckpointWrong`] where that can't be.
    pub(crate) fn page(&mut self, scanned: &Scanned<'_>, indexed: u64) -> Result<u64, StoreError> {
        let (owners, changed) = (&mut self.owners, &mut self.changed);
        let mut records = 0;
        replay(&mut self.state, scanned, |sequence, key, value| {
            records += 1;
            owners.note(key, value);
            if sequence <= indexed {
                let hash = value.map(|value| entry_hash(key, value));
                changed.insert(xxh3_128(key), (key.first().copied().unwrap_or_default(), hash));
            }
        })?;
        Ok(u64::from(scanned.page.count) - records)
    }

    /// Compares the records with the entries of the index, and these with their sums. Returns what
    /// differs.
    ///
    /// # Errors
    /// When index or snapshot can't be read.
    pub(crate) fn check_records(&self, index: &Index) -> Result<Vec<String>, StoreError> {
        let mut added = Sums::default();
        each_entry(&self.base, |key, value| {
            if is_record(key) && !self.changed.contains_key(&xxh3_128(key)) {
                added.add(key, value);
            }
            Ok(())
        })?;
        for (kind, hash) in self.changed.values() {
            if let Some(hash) = hash {
                added.add_hash(*kind, *hash);
            }
        }
        let mut found = Sums::default();
        let all = (Unbounded, Unbounded);
        index.visit(all, false, |key, value| {
            found.add(&key, &value);
            true
        })?;
        let kept = index.position().map(|position| position.sums).unwrap_or_default();
        let mut faults = Vec::new();
        for kind in found.differences(&kept) {
            faults.push(format!("the index's entries of kind {kind} aren't those of their sum"));
        }
        for kind in added.differences(&found).filter(|kind| is_record(&[*kind])) {
            let (added, found) = (added.of(kind).count(), found.of(kind).count());
            faults.push(format!(
                "the log makes {added} records of kind {kind}, and the index has {found} or others"
            ));
        }
        Ok(faults)
    }
}

fn is_record(key: &[u8]) -> bool {
    key.first().is_some_and(|kind| *kind < 0x80)
}

fn damaged(what: &str) -> StoreError {
    let detail = format!("{what} in the snapshot can't be read");
    JournalError::CheckpointWrong { sequence: 0, detail }.into()
}

/// Calls `visit` with each entry of the base.
fn each_entry(
    base: &Base,
    mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let Base::Snapshot(path, ..) = base else { return Ok(()) };
    for entry in SnapshotReader::open(path)? {
        let (key, value) = entry?;
        visit(&key, &value)?;
    }
    Ok(())
}

/// The assets of those who have accounts, by the owner's id.
#[derive(Default)]
pub(crate) struct Owners(HashMap<Uuid, Uuid>);

impl Owners {
    /// Notes what the change of a record says. The asset of an owner never changes, and an account
    /// may outlive its owner's record, so removals say nothing.
    fn note(&mut self, key: &[u8], value: Option<&[u8]>) {
        let Some(value) = value else { return };
        let Some(kind) = key.first().and_then(|byte| Kind::from_byte(*byte)) else { return };
        let asset = match kind {
            Kind::Peer => PeerRecord::decode(kind, key, value).ok().map(|it| it.asset_id),
            Kind::DeletedPeer => {
                DeletedPeerRecord::decode(kind, key, value).ok().map(|it| it.asset_id)
            }
            Kind::WalletAddress => {
                WalletAddressRecord::decode(kind, key, value).ok().map(|it| it.asset_id)
            }
            Kind::IncomingPayment => {
                IncomingPaymentRecord::decode(kind, key, value).ok().map(|it| it.asset_id)
            }
            Kind::OutgoingPayment => {
                OutgoingPaymentRecord::decode(kind, key, value).ok().map(|it| it.quote.asset_id)
            }
            _ => None,
        };
        if let (Some(asset), Some(id)) = (asset, id_of(key)) {
            self.0.insert(id, asset);
        }
    }

    /// Returns the asset of an account.
    pub(crate) fn asset_of(&self, AccountId { kind, owner }: AccountId) -> Option<Uuid> {
        match kind {
            AccountKind::AssetLiquidity
            | AccountKind::Settlement
            | AccountKind::ClosedIncomingPayments
            | AccountKind::ClosedOutgoingPayments => Some(owner),
            AccountKind::PeerLiquidity
            | AccountKind::WalletAddress
            | AccountKind::IncomingPayment
            | AccountKind::OutgoingPayment => self.0.get(&owner).copied(),
        }
    }
}
