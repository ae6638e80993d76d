//! The check of the records when a store is opened: each can be read, and rows and indexes agree.
//!
//! Payments that have ended, quotes, and the audit log are skipped: there may be millions of them,
//! a start must not take longer as history grows, and no work depends on them. Damage there is
//! reported when such a record is read. Open payments are found by their index.
//!
//! sled takes a damaged part of its file for one that was never written in full and continues
//! without it, so a loss in the middle would otherwise pass unnoticed.
//!
//! The check is one pass in the order of the keys, while a second thread decodes the peers, of
//! which there may be a hundred thousand. The index entries that the rows call for are compared
//! with those present by two sums, not by as many look-ups. Where the sums differ, a look-up of
//! each entry finds what is wrong.

mod index_sum;
mod peers;

use std::collections::{HashMap, HashSet};

use sled::IVec;
use uuid::Uuid;

use self::index_sum::IndexSum;
use crate::{
    change::id_from,
    error::StoreError,
    indexed::Indexed,
    keys::{self, Kind, hexadecimal},
    outbox::{EventRecord, EventShift, due_key},
    peering_requests::PeeringRequestRecord,
    rates::RateRecord,
    records::{AssetRecord, DeletedPeerRecord, PeerRecord},
    store::Store,
    stored_form::Stored,
    wallet_records::{
        FeeRecord, IncomingPaymentRecord, OutgoingPaymentRecord, WalletAddressRecord,
    },
};

/// The kinds of record that a start skips, in the order of their numbers.
const PASSED_OVER: [Kind; 9] = [
    Kind::IncomingPayment,
    Kind::IncomingPaymentByWallet,
    Kind::Quote,
    Kind::QuoteByWallet,
    Kind::OutgoingPayment,
    Kind::OutgoingPaymentByWallet,
    Kind::OutgoingPaymentByQuote,
    Kind::Payment,
    Kind::Audit,
];

/// What was found on the way, of all but the peers.
#[derive(Default)]
struct Found {
    /// The index entries.
    indexes: IndexSum,
    assets: HashSet<Uuid>,
    /// The asset ids of wallet addresses and payments, by the id of the wallet address or payment.
    assets_of_owners: HashMap<Uuid, Uuid>,
    events: EventShift,
}

/// Told of each index entry that a record calls for, and of the id that it is to lead to.
type Wants<'a> = dyn FnMut(Vec<u8>, Uuid) -> Result<(), StoreError> + 'a;

impl Store {
    /// Returns the peers, oldest first, since each of them was decoded.
    ///
    /// # Errors
    /// [`StoreError::Record`] for one that can't be read, [`StoreError::Corrupt`] where rows and
    /// indexes disagree.
    pub(crate) fn check_records(&self) -> Result<Vec<PeerRecord>, StoreError> {
        let mut wanted = IndexSum::default();
        let mut found = Found { indexes: wanted.clone(), ..Found::default() };
        let peers = peers::decode_beside(wanted.clone(), |decoder| {
            for entry in self.entries() {
                let (key, bytes) = entry?;
                if key.first() == Some(&Kind::Peer.byte()) {
                    decoder.give(key, bytes);
                    continue;
                }
                self.look_at((&key, &bytes), &mut found, &mut |key, id| {
                    wanted.add(&key, id);
                    Ok(())
                })?;
            }
            Ok(())
        })?;
        if let Some(missing) = peers.assets.iter().find(|asset| !found.assets.contains(asset)) {
            let asset = Kind::Asset.key(missing.as_bytes());
            return Err(self.damaged(&asset, "is missing, though a peer uses it"));
        }
        wanted += peers.wanted;
        if wanted != found.indexes {
            return Err(self.disagreement(&peers.records, (&wanted, &found.indexes)));
        }
        self.inner.events.shift(found.events);
        *self.inner.owners_at_start.lock() = found.assets_of_owners;
        Ok(peers.records)
    }

    /// Returns the entries in the order of the keys, without the kinds that a start skips.
    fn entries(&self) -> impl Iterator<Item = Result<(IVec, IVec), StoreError>> {
        let starts = std::iter::once(0).chain(PASSED_OVER.map(|kind| kind.byte() + 1));
        let ends = PASSED_OVER.map(|kind| kind.byte()).into_iter().chain([u8::MAX]);
        let between = starts.zip(ends).filter(|(start, end)| start < end);
        let records = &self.inner.records;
        let entries = between.flat_map(|(start, end)| records.range(vec![start]..vec![end]));
        let entries = entries.map(|entry| entry.map_err(StoreError::read));
        entries.filter(|entry| !matches!(entry, Ok((key, _)) if key[..] == keys::CHANGES))
    }

    /// An entry that is no peer.
    fn look_at(
        &self,
        entry @ (key, bytes): (&[u8], &[u8]),
        found: &mut Found,
        wants: &mut Wants<'_>,
    ) -> Result<(), StoreError> {
        let Some(kind) = key.first().and_then(|byte| Kind::from_byte(*byte)) else {
            return Err(self.damaged(key, "is of no known kind"));
        };
        match kind {
            Kind::Asset => {
                let asset = AssetRecord::decode(kind, key, bytes)?;
                found.assets.insert(asset.id);
                wants(keys::asset_by_code(&asset.code, asset.scale), asset.id)?;
            }
            Kind::DeletedAsset => drop(AssetRecord::decode(kind, key, bytes)?),
            Kind::DeletedPeer => drop(DeletedPeerRecord::decode(kind, key, bytes)?),
            Kind::PeeringRequest => drop(PeeringRequestRecord::decode(kind, key, bytes)?),
            Kind::Event => {
                let event = EventRecord::decode(kind, key, bytes)?;
                found.events.is(&event);
                due_key(&event).map_or(Ok(()), |due| wants(due, event.id))?;
            }
            Kind::Rate => drop(RateRecord::decode(key, bytes)?),
            // Read when they are asked for, and of no weight for what others hold.
            Kind::Setting
            | Kind::Idempotency
            | Kind::IdempotencyByTime
            | Kind::Threshold
            | Kind::Signature
            | Kind::Audit
            | Kind::PeerBehindUrl
            | Kind::AutoPeered => {}
            Kind::IncomingPaymentDue => {
                let payment: IncomingPaymentRecord = self.look_at_open(entry)?;
                found.assets_of_owners.insert(payment.id, payment.asset_id);
            }
            Kind::OutgoingPaymentUnfinished => {
                let payment: OutgoingPaymentRecord = self.look_at_open(entry)?;
                found.assets_of_owners.insert(payment.id, payment.quote.asset_id);
            }
            kind if kind.is_index() => found.indexes.add(key, id_from(key, bytes)?),
            Kind::WalletAddress => {
                let wallet = look_at::<WalletAddressRecord>(entry, wants)?;
                found.assets_of_owners.insert(wallet.id, wallet.asset_id);
            }
            Kind::Fee => {
                look_at::<FeeRecord>(entry, wants)?;
            }
            _ => return Err(self.damaged(key, "is of a kind that nobody looks at")),
        }
        Ok(())
    }

    /// Checks an open payment, which the index of open payments leads to.
    fn look_at_open<R: Indexed>(&self, (key, bytes): (&[u8], &[u8])) -> Result<R, StoreError> {
        let id = id_from(key, bytes)?;
        let record: Option<R> = self.read(R::KIND, id)?;
        let record = record.ok_or_else(|| self.damaged(key, "leads nowhere"))?;
        let keys = record.index_keys();
        if !keys.iter().any(|wanted| wanted == key) {
            return Err(self.damaged(key, "leads to a payment that has ended"));
        }
        keys.iter().try_for_each(|wanted| self.expect_index(wanted, id))?;
        Ok(record)
    }

    /// What is wrong where the sums differ.
    fn disagreement(&self, peers: &[PeerRecord], sums: (&IndexSum, &IndexSum)) -> StoreError {
        if let Err(error) = self.look_up_indexes(peers) {
            return error;
        }
        // Every entry that is called for is there, so some lead nowhere.
        let (wanted, found) = (sums.0.count(), sums.1.count());
        let detail = format!("{found} index entries for records that call for {wanted}");
        StoreError::Corrupt { path: self.inner.path.clone(), detail }
    }

    fn look_up_indexes(&self, peers: &[PeerRecord]) -> Result<(), StoreError> {
        let mut found = Found::default();
        for entry in self.entries() {
            let (key, bytes) = entry?;
            if key.first() != Some(&Kind::Peer.byte()) {
                let mut expect = |key: Vec<u8>, id| self.expect_index(&key, id);
                self.look_at((&key, &bytes), &mut found, &mut expect)?;
            }
        }
        for peer in peers {
            peers::index_keys(peer).try_for_each(|key| self.expect_index(&key, peer.id))?;
        }
        Ok(())
    }

    fn expect_index(&self, key: &[u8], id: Uuid) -> Result<(), StoreError> {
        match self.follow(key)? {
            Some(found) if found == id => Ok(()),
            Some(_) => Err(self.damaged(key, "leads to another record")),
            None => Err(self.damaged(key, "is missing")),
        }
    }

    fn damaged(&self, key: &[u8], what: &str) -> StoreError {
        let kind = key.first().and_then(|byte| Kind::from_byte(*byte));
        let name = kind.map_or("records", Kind::name);
        let rest = hexadecimal(key.get(1..).unwrap_or_default());
        let detail = format!("the entry {rest} of {name} {what}");
        StoreError::Corrupt { path: self.inner.path.clone(), detail }
    }
}

/// A record that names its own index entries.
fn look_at<R: Indexed>(
    (key, bytes): (&[u8], &[u8]),
    wants: &mut Wants<'_>,
) -> Result<R, StoreError> {
    let record = R::decode(R::KIND, key, bytes)?;
    record.index_keys().into_iter().try_for_each(|key| wants(key, record.id()))?;
    Ok(record)
}
