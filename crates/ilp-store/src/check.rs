//! The look at every record when a store is opened: each can be read, and rows and indexes agree.
//!
//! sled takes a damaged part of its file for one that was never written in full and goes on
//! without it, so a loss in the middle would otherwise pass unnoticed.

use uuid::Uuid;

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
        FeeRecord, IncomingPaymentRecord, OutgoingPaymentRecord, QuoteRecord, WalletAddressRecord,
    },
};

/// What was counted on the way.
#[derive(Default)]
struct Counts {
    /// How many index entries the rows call for.
    wanted: u64,
    /// How many there are.
    found: u64,
    events: EventShift,
}

impl Store {
    /// # Errors
    /// [`StoreError::Record`] for one that can't be read, [`StoreError::Corrupt`] where rows and
    /// indexes disagree.
    pub(crate) fn check_records(&self) -> Result<(), StoreError> {
        let mut counts = Counts::default();
        // What was done is read when somebody asks for it, and there may be far more of it than of
        // all else, so a start passes over it.
        let (audit, after) = ([Kind::Audit.byte()], [Kind::Audit.byte() + 1]);
        let before = self.inner.records.range(..audit);
        for entry in before.chain(self.inner.records.range(after..)) {
            let (key, bytes) = entry.map_err(StoreError::read)?;
            if key[..] == keys::CHANGES {
                continue;
            }
            match key.first().and_then(|byte| Kind::from_byte(*byte)) {
                Some(Kind::Asset) => {
                    let asset = AssetRecord::decode(Kind::Asset, &key, &bytes)?;
                    let by_code = keys::asset_by_code(&asset.code, asset.scale);
                    self.expect_index(&by_code, asset.id, &mut counts)?;
                }
                Some(Kind::Peer) => {
                    let peer = PeerRecord::decode(Kind::Peer, &key, &bytes)?;
                    self.check_peer(&peer, &mut counts)?;
                }
                Some(Kind::DeletedAsset) => {
                    AssetRecord::decode(Kind::DeletedAsset, &key, &bytes)?;
                }
                Some(Kind::DeletedPeer) => {
                    DeletedPeerRecord::decode(Kind::DeletedPeer, &key, &bytes)?;
                }
                Some(Kind::PeeringRequest) => {
                    PeeringRequestRecord::decode(Kind::PeeringRequest, &key, &bytes)?;
                }
                Some(Kind::Event) => {
                    let event = EventRecord::decode(Kind::Event, &key, &bytes)?;
                    counts.events.is(&event);
                    if let Some(due) = due_key(&event) {
                        self.expect_index(&due, event.id, &mut counts)?;
                    }
                }
                Some(Kind::Rate) => {
                    RateRecord::decode(&key, &bytes)?;
                }
                // Read when they are asked for, and of no weight for what others hold.
                Some(
                    Kind::Setting
                    | Kind::Idempotency
                    | Kind::IdempotencyByTime
                    | Kind::Threshold
                    | Kind::Signature
                    | Kind::Audit
                    | Kind::PeerBehindUrl
                    | Kind::AutoPeered,
                ) => {}
                Some(kind) if kind.is_index() => {
                    id_from(&key, &bytes)?;
                    counts.found += 1;
                }
                Some(kind) => self.check_wallets(kind, (&key, &bytes), &mut counts)?,
                None => return Err(self.damaged(&key, "is of no known kind")),
            }
        }
        self.inner.events.shift(counts.events);
        // Every entry that is called for is there, so more of them means some that lead nowhere.
        if counts.found == counts.wanted {
            Ok(())
        } else {
            Err(StoreError::Corrupt {
                path: self.inner.path.clone(),
                detail: format!(
                    "{} index entries for records that call for {}",
                    counts.found, counts.wanted
                ),
            })
        }
    }

    fn check_peer(&self, peer: &PeerRecord, counts: &mut Counts) -> Result<(), StoreError> {
        let asset = Kind::Asset.key(peer.asset_id.as_bytes());
        if !self.has(&asset)? {
            return Err(self.damaged(&asset, "is missing, though a peer uses it"));
        }
        let by_address = keys::peer_by_address(peer.asset_id, &peer.static_ilp_address);
        self.expect_index(&by_address, peer.id, counts)?;
        for token in &peer.incoming_tokens {
            self.expect_index(&keys::peer_by_token(&token.digest), peer.id, counts)?;
        }
        Ok(())
    }

    /// A record of wallets, whose kind says which.
    fn check_wallets(
        &self,
        kind: Kind,
        entry: (&[u8], &[u8]),
        counts: &mut Counts,
    ) -> Result<(), StoreError> {
        match kind {
            Kind::WalletAddress => self.check_indexed::<WalletAddressRecord>(entry, counts),
            Kind::IncomingPayment => self.check_indexed::<IncomingPaymentRecord>(entry, counts),
            Kind::Quote => self.check_indexed::<QuoteRecord>(entry, counts),
            Kind::OutgoingPayment => self.check_indexed::<OutgoingPaymentRecord>(entry, counts),
            Kind::Fee => self.check_indexed::<FeeRecord>(entry, counts),
            _ => Err(self.damaged(entry.0, "is no record of wallets")),
        }
    }

    fn check_indexed<R: Indexed>(
        &self,
        (key, bytes): (&[u8], &[u8]),
        counts: &mut Counts,
    ) -> Result<(), StoreError> {
        let record = R::decode(R::KIND, key, bytes)?;
        let mut keys = record.index_keys().into_iter();
        keys.try_for_each(|key| self.expect_index(&key, record.id(), counts))
    }

    fn expect_index(&self, key: &[u8], id: Uuid, counts: &mut Counts) -> Result<(), StoreError> {
        counts.wanted += 1;
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
