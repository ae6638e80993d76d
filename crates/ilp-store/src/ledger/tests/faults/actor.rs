//! A client of a node under test, with a naive model of what its operations do.

pub(crate) mod check;
mod execution;
mod model;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound::{Excluded, Included},
    path::Path,
    sync::Arc,
};

use ilp_connector::account::{AccountId, AccountKind};
use sled::IVec;
use uuid::Uuid;

pub(super) use self::{
    check::check,
    model::{Model, Operation},
};
use crate::{
    AssetRecord, Delivery, DurableLedger, EventRecord, IncomingPaymentRecord, LedgerOptions,
    PeerRecord, Store, StoreError, WalletAddressRecord,
    journal::Files,
    records::forms::keys::Kind,
    testing::{asset, incoming_payment, peer, random::Random, wallet_address},
};

/// How many operations make an actor's accounts and fund them.
pub(super) const FIRST_OPERATIONS: usize = 6;
/// When a withdrawal expires, in milliseconds since 1970.
const DEADLINE_MS: u64 = 1_005;

/// An open node.
pub(super) struct Node {
    pub(super) ledger: DurableLedger,
    pub(super) store: Store,
}

impl Node {
    /// Opens the store and the ledger in a directory, on a disk.
    pub(super) fn open(
        dir: &Path,
        files: &Arc<dyn Files>,
        options: LedgerOptions,
    ) -> Result<Self, StoreError> {
        let store = Store::open_with(dir, Arc::clone(files))?;
        let options = LedgerOptions { files: Arc::clone(files), ..options };
        Ok(Self { ledger: DurableLedger::open(&store, options)?, store })
    }

    /// Returns the records that operations make. Those that have parts which no model knows are
    /// compared by asking for them: kept answers, thresholds, and the events of those.
    pub(super) fn records(&self) -> Result<BTreeMap<Vec<u8>, IVec>, StoreError> {
        let mut records = BTreeMap::new();
        for entry in self.store.range(Included(vec![1]), Excluded(vec![0x80])) {
            let (key, value) = entry?;
            let is_apart = match Kind::from_byte(key[0]) {
                Some(Kind::Idempotency | Kind::IdempotencyByTime | Kind::Threshold) => true,
                Some(Kind::Event) => is_low_event(&value),
                // The events of thresholds are due from the beginning of time on.
                Some(Kind::EventDue) => key[1..9] == [0; 8],
                _ => false,
            };
            if !is_apart {
                records.insert(key.to_vec(), value);
            }
        }
        Ok(records)
    }
}

/// The kind of the event of an account that fell to its threshold.
const LOW: &str = "peer.liquidity_low";

fn is_low_event(value: &[u8]) -> bool {
    value.windows(LOW.len()).any(|part| part == LOW.as_bytes())
}

/// An actor that moves money and remembers each answer.
pub(super) struct Actor {
    number: u128,
    random: Random,
    /// How many ids were made.
    made: u128,
    /// The model before the first operation, and after each one that was begun.
    pub(super) history: Vec<Model>,
    /// Everything that an operation ever tried to make.
    keys: BTreeSet<Vec<u8>>,
    answers: BTreeSet<String>,
    transfers: BTreeSet<Uuid>,
    payments: BTreeSet<Uuid>,
}

impl Actor {
    pub(super) fn new(number: u64, seed: u64) -> Self {
        Self {
            number: u128::from(number) + 1,
            random: Random::new(seed ^ number.wrapping_mul(0x9e37_79b9)),
            made: 0,
            history: vec![Model::default()],
            keys: BTreeSet::new(),
            answers: BTreeSet::new(),
            transfers: BTreeSet::new(),
            payments: BTreeSet::new(),
        }
    }

    /// Goes on from the state after so many operations: what came behind it was lost.
    pub(super) fn go_on_from(&mut self, operations: usize) {
        self.history.truncate(operations + 1);
    }

    /// Chooses the next operation, and returns it after the model has moved on.
    pub(super) fn begin(&mut self) -> Operation {
        let operation = self.choose();
        let mut model = self.model().clone();
        model.apply(&operation);
        self.keys.extend(model.records.keys().cloned());
        self.answers.extend(model.answers.keys().cloned());
        self.transfers.extend(model.transfers.keys());
        self.payments.extend(model.payments.keys());
        self.history.push(model);
        operation
    }

    fn id(&mut self) -> Uuid {
        self.made += 1;
        Uuid::from_u128((self.number << 64) | self.made)
    }

    /// The ids of the asset, the payer and the payee.
    fn owner(&self, which: u128) -> Uuid {
        Uuid::from_u128((self.number << 64) | (1 << 32) | which)
    }

    fn accounts(&self) -> [AccountId; 3] {
        let asset = AccountId { kind: AccountKind::AssetLiquidity, owner: self.owner(0) };
        [AccountId::peer(self.owner(1)), asset, AccountId::peer(self.owner(2))]
    }

    fn choose(&mut self) -> Operation {
        match self.history.len() - 1 {
            0 => Operation::InsertAsset(self.asset(self.owner(0))),
            step @ (1 | 2) => {
                Operation::InsertPeer(Box::new(self.peer(self.owner(step as u128))), None)
            }
            step @ (3 | 4) => Operation::Deposit(self.id(), step - 3, 500),
            5 => Operation::InsertWallet(self.wallet()),
            _ => {
                let chosen = if self.random.below(2) == 0 {
                    self.choose_transfer().map(|transfer| self.perhaps_in_unit(transfer))
                } else {
                    self.choose_change()
                };
                chosen.unwrap_or_else(|| self.setting())
            }
        }
    }

    fn model(&self) -> &Model {
        self.history.last().expect("there is a first state")
    }

    /// Returns one of some ids.
    fn any(&mut self, ids: &[Uuid]) -> Option<Uuid> {
        (!ids.is_empty()).then(|| ids[self.random.index(ids.len())])
    }

    /// Chooses what is to move, or `None` where that isn't possible.
    fn choose_transfer(&mut self) -> Option<Operation> {
        let model = self.model();
        let ([_, liquidity, _], pending) = (model.owned, model.pending);
        let available = model.available();
        let transfers: Vec<_> = model.transfers.keys().copied().collect();
        let open = model.payments.iter().filter(|(_, payment)| !payment.is_closed);
        let open: Vec<_> = open.map(|(id, payment)| (*id, *payment)).collect();
        let amount = 1 + self.random.below(9);
        let payment = (!open.is_empty()).then(|| open[self.random.index(open.len())]);
        Some(match self.random.below(12) {
            0..=3 if available >= amount && liquidity >= amount => {
                Operation::Pay(amount, amount - self.random.below(amount))
            }
            4 => Operation::Deposit(self.id(), self.random.index(2), amount * 10),
            5 => Operation::Repeat(self.any(&transfers)?),
            6..=8 => match pending {
                None if available >= amount => Operation::Begin(self.id(), amount),
                None => return None,
                Some((id, _)) if amount < 4 => Operation::Post(id),
                Some((id, _)) if amount < 7 => Operation::Void(id),
                Some((id, _)) => Operation::Expire(id),
            },
            _ => match payment? {
                (id, payment) if payment.credits > payment.debits => {
                    Operation::Drain(id, payment.credits - payment.debits)
                }
                (id, payment) if payment.credits > 0 && amount < 6 => Operation::Close(id),
                (id, _) if available >= amount => Operation::Fill(id, amount),
                _ => return None,
            },
        })
    }

    /// Puts an operator's transfer into one unit with records, every other time.
    fn perhaps_in_unit(&mut self, operation: Operation) -> Operation {
        let is_operators = matches!(
            operation,
            Operation::Deposit(..) | Operation::Begin(..) | Operation::Post(_) | Operation::Void(_)
        );
        if !is_operators || self.random.below(2) == 0 {
            return operation;
        }
        let key = format!("unit {}", self.id());
        Operation::Unit(Box::new(operation), key, self.random.below(9))
    }

    /// Chooses a change of records, or `None` where that isn't possible.
    fn choose_change(&mut self) -> Option<Operation> {
        let own: Vec<Uuid> = (0..3).map(|which| self.owner(which)).collect();
        let model = self.model();
        let assets: Vec<_> = model.assets.keys().filter(|id| !own.contains(id)).copied().collect();
        let peers: Vec<_> = model.peers.keys().filter(|id| !own.contains(id)).copied().collect();
        let due = |event: &&EventRecord| matches!(event.delivery, Delivery::Due { .. });
        let events: Vec<_> = model.events.values().filter(due).map(|event| event.id).collect();
        let available = model.available();
        let number = self.random.below(9);
        Some(match self.random.below(14) {
            0 => {
                let id = self.id();
                Operation::InsertAsset(self.asset(id))
            }
            1 => Operation::UpdateAsset(self.any(&assets)?, number),
            2 => Operation::DeleteAsset(self.any(&assets)?),
            3..=5 => {
                let id = self.id();
                let kept = self.random.below(2) == 0;
                let kept = kept.then(|| (format!("key {id}"), number));
                Operation::InsertPeer(Box::new(self.peer(id)), kept)
            }
            6 => Operation::UpdatePeer(self.any(&peers)?, format!("name {number}")),
            7 => Operation::DeletePeer(self.any(&peers)?),
            8 => Operation::AppendEvent(self.event()),
            9 => Operation::DeliverEvent(self.any(&events)?),
            12 => Operation::Watch(available.saturating_sub(number)),
            10 | 11 => {
                let payment =
                    IncomingPaymentRecord { id: self.id(), ..incoming_payment(&self.wallet(), 99) };
                Operation::OpenPayment(Box::new(payment), self.event())
            }
            _ => return None,
        })
    }

    /// A record of any size, now and then larger than a segment of the tests.
    fn setting(&mut self) -> Operation {
        let bytes = [1, 40, 900, 6_000][self.random.index(4)];
        let name = format!("{} {}", self.number, self.random.below(4));
        let value = vec![u8::try_from(self.random.below(256)).unwrap_or(0); bytes];
        Operation::Set(name, value)
    }

    fn asset(&self, id: Uuid) -> AssetRecord {
        AssetRecord { id, ..asset(&format!("A{id}")) }
    }

    fn peer(&self, id: Uuid) -> PeerRecord {
        PeerRecord { id, ..peer(self.owner(0), &format!("g.{id}"), &[&id.to_string()]) }
    }

    fn event(&mut self) -> EventRecord {
        EventRecord::new(self.id(), "test", b"{}".to_vec(), 1)
    }

    fn wallet(&self) -> WalletAddressRecord {
        let id = self.owner(3);
        WalletAddressRecord { id, ..wallet_address(self.owner(0), &id.to_string()) }
    }
}
