//! Operations, and a naive model of what they do.

use std::collections::BTreeMap;

use sled::IVec;
use uuid::Uuid;

use crate::{
    AssetRecord, DeletedPeerRecord, Delivery, EventRecord, IncomingPaymentRecord, PeerRecord,
    TransferState, WalletAddressRecord,
    records::{
        forms::{
            keys::{self, Kind},
            stored_form::Stored,
        },
        outbox::due_key,
        wallets::indexed::Indexed,
    },
};

/// One operation, whose effects are durable as a whole or not at all.
#[derive(Clone, Debug)]
pub(in crate::ledger::tests) enum Operation {
    InsertAsset(AssetRecord),
    UpdateAsset(Uuid, u64),
    DeleteAsset(Uuid),
    /// With the key under which the answer is kept, and the answer.
    InsertPeer(Box<PeerRecord>, Option<(String, u64)>),
    UpdatePeer(Uuid, String),
    DeletePeer(Uuid),
    AppendEvent(EventRecord),
    DeliverEvent(Uuid),
    Set(String, Vec<u8>),
    /// Asks for an event when the payer falls to an amount.
    Watch(u64),
    InsertWallet(WalletAddressRecord),
    /// With the event that tells of the payment.
    OpenPayment(Box<IncomingPaymentRecord>, EventRecord),
    /// To the payer or to the asset.
    Deposit(Uuid, usize, u64),
    /// A deposit with an id that was used before, which is refused.
    Repeat(Uuid),
    /// From the payer to the asset, and from there less to the payee.
    Pay(u64, u64),
    /// From the payer to a payment.
    Fill(Uuid, u64),
    /// All that a payment has to the payee.
    Drain(Uuid, u64),
    /// Closes the account of an empty payment.
    Close(Uuid),
    Begin(Uuid, u64),
    Post(Uuid),
    Void(Uuid),
    /// Finds that the withdrawal's time is over.
    Expire(Uuid),
    /// A deposit, or a step of a withdrawal, in one unit with a setting and the answer that is kept
    /// under its key.
    Unit(Box<Operation>, String, u64),
}

/// An incoming payment and its account.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Payment {
    pub(super) credits: u64,
    pub(super) debits: u64,
    pub(super) is_closed: bool,
}

/// The effects of an actor's operations.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::ledger::tests) struct Model {
    pub(super) assets: BTreeMap<Uuid, AssetRecord>,
    pub(super) peers: BTreeMap<Uuid, PeerRecord>,
    pub(super) events: BTreeMap<Uuid, EventRecord>,
    /// All entries, indexes included.
    pub(super) records: BTreeMap<Vec<u8>, IVec>,
    pub(super) answers: BTreeMap<String, u64>,
    pub(super) transfers: BTreeMap<Uuid, TransferState>,
    pub(super) payments: BTreeMap<Uuid, Payment>,
    /// The withdrawal that has begun, and its amount.
    pub(super) pending: Option<(Uuid, u64)>,
    /// The amounts that the payer, the asset and the payee own.
    pub(super) owned: [u64; 3],
    /// The payer's threshold, and whether the payer is at or below it.
    pub(super) threshold: Option<u64>,
    is_low: bool,
    /// The amount that the payer had available each time that it fell to its threshold, or got a
    /// threshold that it was below.
    pub(super) crossings: Vec<u64>,
}

impl Model {
    fn put<R: Stored>(&mut self, kind: Kind, record: &R) {
        self.records.insert(kind.key(record.id().as_bytes()), record.encode().into());
    }

    fn lead(&mut self, key: Vec<u8>, id: Uuid) {
        self.records.insert(key, id.as_bytes().into());
    }

    fn put_indexed<R: Indexed>(&mut self, record: &R) {
        self.put(R::KIND, record);
        record.index_keys().into_iter().for_each(|key| self.lead(key, record.id()));
    }

    fn put_asset(&mut self, asset: &AssetRecord) {
        self.put(Kind::Asset, asset);
        self.lead(keys::asset_by_code(&asset.code, asset.scale), asset.id);
        self.assets.insert(asset.id, asset.clone());
    }

    fn remove_asset(&mut self, id: Uuid) {
        let asset = self.assets.remove(&id).expect("an actor deletes assets that it has");
        self.records.remove(&Kind::Asset.key(id.as_bytes()));
        self.records.remove(&keys::asset_by_code(&asset.code, asset.scale));
        self.put(Kind::DeletedAsset, &asset);
    }

    fn put_peer(&mut self, peer: &PeerRecord) {
        self.put(Kind::Peer, peer);
        self.lead(keys::peer_by_address(peer.asset_id, peer.terms.address.as_str()), peer.id);
        self.lead(keys::peer_by_token(&peer.terms.incoming_tokens[0].digest), peer.id);
        self.peers.insert(peer.id, peer.clone());
    }

    fn remove_peer(&mut self, id: Uuid) {
        let peer = self.peers.remove(&id).expect("an actor deletes peers that it has");
        self.records.remove(&Kind::Peer.key(id.as_bytes()));
        self.records.remove(&keys::peer_by_address(peer.asset_id, peer.terms.address.as_str()));
        self.records.remove(&keys::peer_by_token(&peer.terms.incoming_tokens[0].digest));
        let deleted = DeletedPeerRecord {
            id,
            asset_id: peer.asset_id,
            static_ilp_address: peer.terms.address.to_string(),
            name: peer.terms.name,
            created_at_ms: peer.created_at_ms,
            deleted_at_ms: 9,
        };
        self.put(Kind::DeletedPeer, &deleted);
    }

    fn put_event(&mut self, event: &EventRecord) {
        if let Some(key) = due_key(event) {
            self.lead(key, event.id);
        }
        self.put(Kind::Event, event);
        self.events.insert(event.id, event.clone());
    }

    fn deliver(&mut self, id: Uuid) {
        let mut event = self.events[&id].clone();
        if let Some(key) = due_key(&event) {
            self.records.remove(&key);
        }
        event.attempts += 1;
        event.delivery = Delivery::Delivered { at_ms: 9 };
        self.put_event(&event);
    }

    fn payment(&mut self, id: Uuid) -> &mut Payment {
        self.payments.get_mut(&id).expect("an actor pays to payments that it has")
    }

    fn end_withdrawal(&mut self, id: Uuid, state: TransferState) {
        self.transfers.insert(id, state);
        let (_, amount) = self.pending.take().expect("the withdrawal has begun");
        if state == TransferState::Posted {
            self.owned[0] -= amount;
        }
    }

    /// Returns what the payer can spend.
    pub(super) fn available(&self) -> u64 {
        self.owned[0] - self.pending.map_or(0, |(_, amount)| amount)
    }

    fn watch(&mut self, amount: u64) {
        if self.threshold == Some(amount) {
            return;
        }
        let was_low_at = self.threshold.filter(|_| self.is_low);
        self.threshold = Some(amount);
        self.is_low = self.available() <= amount;
        if self.is_low && self.threshold > was_low_at {
            self.crossings.push(self.available());
        }
    }

    fn note_crossing(&mut self) {
        let is_low = self.threshold.is_some_and(|amount| self.available() <= amount);
        if is_low && !self.is_low {
            self.crossings.push(self.available());
        }
        self.is_low = is_low;
    }

    pub(super) fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::Watch(amount) => self.watch(*amount),
            Operation::InsertAsset(asset) => self.put_asset(asset),
            Operation::UpdateAsset(id, threshold) => {
                let mut asset = self.assets[id].clone();
                asset.liquidity_threshold = Some(*threshold);
                asset.version += 1;
                self.put_asset(&asset);
            }
            Operation::DeleteAsset(id) => self.remove_asset(*id),
            Operation::InsertPeer(peer, kept) => {
                self.put_peer(peer);
                self.answers.extend(kept.clone());
            }
            Operation::UpdatePeer(id, name) => {
                let mut peer = self.peers[id].clone();
                peer.terms.name = Some(name.clone());
                peer.version += 1;
                self.put_peer(&peer);
            }
            Operation::DeletePeer(id) => self.remove_peer(*id),
            Operation::AppendEvent(event) => self.put_event(event),
            Operation::DeliverEvent(id) => self.deliver(*id),
            Operation::Set(name, value) => {
                self.records.insert(Kind::Setting.key(name.as_bytes()), value.as_slice().into());
            }
            Operation::Unit(step, key, answer) => {
                self.apply_to_books(step);
                self.records.insert(Kind::Setting.key(key.as_bytes()), b"done".into());
                self.answers.insert(key.clone(), *answer);
            }
            Operation::InsertWallet(wallet) => self.put_indexed(wallet),
            Operation::OpenPayment(payment, event) => {
                self.put_event(event);
                self.put_indexed(&**payment);
                self.payments.insert(payment.id, Payment::default());
            }
            _ => self.apply_to_books(operation),
        }
    }

    fn apply_to_books(&mut self, operation: &Operation) {
        match *operation {
            Operation::Deposit(id, place, amount) => {
                self.transfers.insert(id, TransferState::Posted);
                self.owned[place] += amount;
            }
            Operation::Pay(sent, received) => {
                self.owned[0] -= sent;
                self.owned[1] += sent - received;
                self.owned[2] += received;
            }
            Operation::Fill(id, amount) => {
                self.owned[0] -= amount;
                self.payment(id).credits += amount;
            }
            Operation::Drain(id, amount) => {
                self.payment(id).debits += amount;
                self.owned[2] += amount;
            }
            Operation::Close(id) => self.payment(id).is_closed = true,
            Operation::Begin(id, amount) => {
                self.transfers.insert(id, TransferState::Pending);
                self.pending = Some((id, amount));
            }
            Operation::Post(id) => self.end_withdrawal(id, TransferState::Posted),
            Operation::Void(id) => self.end_withdrawal(id, TransferState::Voided),
            Operation::Expire(id) => self.end_withdrawal(id, TransferState::Expired),
            // The others change records, or are refused.
            _ => {}
        }
        self.note_crossing();
    }
}
