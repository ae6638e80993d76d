//! Takes operations on a node.

use std::{fmt::Display, sync::Arc};

use ilp_connector::{
    account::AccountId,
    ledger::{Ledger, Leg, Transfer, TransferKind},
};
use uuid::Uuid;

use super::{Actor, DEADLINE_MS, Node, Operation};
use crate::{
    AttemptOutcome, Claim, Companions, DurableLedger, Idempotency, OperatorStep, Snapshot, Store,
    TransferError, testing::block_on,
};

impl Actor {
    /// Takes an operation, and returns once its answer may leave the node.
    pub(in crate::ledger::tests) fn take(
        &self,
        operation: &Operation,
        node: &Node,
    ) -> Result<(), String> {
        let store = &node.store;
        match operation.clone() {
            Operation::InsertAsset(asset) => {
                store.change(|tx| tx.insert_asset(&asset)).map_err(text)
            }
            Operation::UpdateAsset(id, threshold) => store
                .change(|tx| {
                    tx.update_asset(id, |asset| asset.liquidity_threshold = Some(threshold))
                })
                .map_err(text)
                .map(drop),
            Operation::DeleteAsset(id) => {
                store.change(|tx| tx.delete_asset(id)).map_err(text).map(drop)
            }
            Operation::InsertPeer(peer, None) => {
                store.change(|tx| tx.insert_peer(&peer)).map_err(text)
            }
            Operation::InsertPeer(peer, Some((key, answer))) => {
                let claim = claim(store, &key)?;
                let answer = Snapshot::new().with_number("answer", answer);
                let unit = Companions::none().answering(&claim, &answer, 1);
                store.transact(unit, |tx| tx.insert_peer(&peer)).map_err(text)
            }
            Operation::UpdatePeer(id, name) => {
                let updated =
                    store.change(|tx| tx.update_peer(id, |peer| peer.terms.name = Some(name)));
                updated.map_err(text).map(drop)
            }
            Operation::DeletePeer(id) => {
                store.change(|tx| tx.delete_peer(id, 9)).map_err(text).map(drop)
            }
            Operation::AppendEvent(event) => {
                store.change(|tx| tx.append_event(&event)).map_err(text)
            }
            Operation::DeliverEvent(id) => {
                let outcome = AttemptOutcome::Delivered { at_ms: 9 };
                store.change(|tx| tx.record_attempt(id, outcome)).map_err(text).map(drop)
            }
            Operation::Set(name, value) => {
                store.change(|tx| tx.set_setting(&name, &value)).map_err(text)
            }
            Operation::Watch(amount) => {
                let watched = node.ledger.set_threshold(self.accounts()[0], Some(amount));
                watched.map_err(text)
            }
            Operation::InsertWallet(wallet) => {
                store.change(|tx| tx.insert_wallet_address(&wallet)).map_err(text)
            }
            Operation::OpenPayment(payment, event) => {
                store.change(|tx| tx.insert_incoming_payment(&payment, &event)).map_err(text)
            }
            Operation::Unit(step, key, answer) => {
                let claim = claim(store, &key)?;
                let answer = Snapshot::new().with_number("answer", answer);
                let step = self.step(&step, &node.ledger);
                let unit = Companions::none().answering(&claim, &answer, 1);
                let unit = unit.moving(&node.ledger, step);
                store.transact(unit, |tx| tx.set_setting(&key, b"done")).map_err(text)
            }
            operation => self.take_in_books(&operation, &node.ledger),
        }
    }

    /// Returns an operator's transfer as a step of a unit.
    fn step(&self, operation: &Operation, ledger: &DurableLedger) -> OperatorStep {
        let outside = ledger.account(AccountId::settlement(self.owner(0)));
        let account = |place: usize| ledger.account(self.accounts()[place]);
        let book = |(id, kind), debit, credit, amount, expires_at_ms| {
            let first = Leg { debit, credit, amount };
            let transfer = Transfer { id, kind, first, second: None };
            OperatorStep::Book { transfer, created_at_ms: 5, expires_at_ms }
        };
        match *operation {
            Operation::Deposit(id, place, amount) => {
                book((id, TransferKind::Deposit), outside, account(place), amount, None)
            }
            Operation::Begin(id, amount) => {
                let named = (id, TransferKind::Withdrawal);
                book(named, account(0), outside, amount, Some(DEADLINE_MS))
            }
            Operation::Post(id) => OperatorStep::Post { id, now_ms: 6 },
            Operation::Void(id) => OperatorStep::Void { id, now_ms: 6 },
            ref other => unreachable!("{other:?} is not an operator's transfer"),
        }
    }

    fn take_in_books(&self, operation: &Operation, ledger: &DurableLedger) -> Result<(), String> {
        let [payer, asset, payee] = self.accounts();
        let outside = AccountId::settlement(self.owner(0));
        let leg = |debit, credit, amount| Leg {
            debit: ledger.account(debit),
            credit: ledger.account(credit),
            amount,
        };
        let deposit = |id, place: usize, amount| {
            let first = leg(outside, self.accounts()[place], amount);
            let transfer = Transfer { id, kind: TransferKind::Deposit, first, second: None };
            block_on(ledger.transfer(transfer, 5))
        };
        match *operation {
            Operation::Pay(sent, received) => {
                pay(ledger, leg(payer, asset, sent), Some(leg(asset, payee, received)))
            }
            Operation::Fill(id, amount) => {
                pay(ledger, leg(payer, AccountId::incoming_payment(id), amount), None)
            }
            Operation::Drain(id, amount) => {
                pay(ledger, leg(AccountId::incoming_payment(id), payee, amount), None)
            }
            Operation::Close(id) => {
                let account = AccountId::incoming_payment(id);
                match block_on(ledger.close_account(account, self.owner(0), 7)) {
                    Ok(true) => Ok(()),
                    other => Err(format!("{other:?}")),
                }
            }
            Operation::Deposit(id, place, amount) => deposit(id, place, amount).map_err(text),
            Operation::Repeat(id) => {
                refused(&deposit(id, 0, 1), |error| matches!(error, TransferError::Exists))
            }
            Operation::Begin(id, amount) => {
                let (kind, first) = (TransferKind::Withdrawal, leg(payer, outside, amount));
                let transfer = Transfer { id, kind, first, second: None };
                block_on(ledger.begin_withdrawal(transfer, 5, DEADLINE_MS - 5)).map_err(text)
            }
            Operation::Post(id) => block_on(ledger.post_withdrawal(id, 6)).map_err(text),
            Operation::Void(id) => block_on(ledger.void_withdrawal(id, 6)).map_err(text),
            Operation::Expire(id) => {
                refused(&block_on(ledger.post_withdrawal(id, DEADLINE_MS)), |error| {
                    matches!(error, TransferError::Expired)
                })
            }
            ref other => Err(format!("{other:?} is not an operation of the books")),
        }
    }
}

fn claim(store: &Store, key: &str) -> Result<Arc<Claim>, String> {
    match store.idempotency_begin(key, [7; 32], 1).map_err(text)? {
        Idempotency::New(claim) => Ok(Arc::new(claim)),
        known => Err(format!("{known:?}")),
    }
}

fn text(error: impl Display) -> String {
    error.to_string()
}

fn refused(
    outcome: &Result<(), TransferError>,
    is_right: impl FnOnce(&TransferError) -> bool,
) -> Result<(), String> {
    match outcome {
        Err(error) if is_right(error) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

fn pay(ledger: &DurableLedger, first: Leg, second: Option<Leg>) -> Result<(), String> {
    let packet = Transfer { id: Uuid::now_v7(), kind: TransferKind::Packet, first, second };
    let held = block_on(ledger.hold(packet)).map_err(|error| format!("{error:?}"))?;
    block_on(ledger.post(held)).map_err(|error| format!("{error:?}"))
}
