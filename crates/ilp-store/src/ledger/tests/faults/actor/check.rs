//! Compares what a node has with models.

use std::{collections::BTreeMap, ops::RangeInclusive};

use ilp_connector::account::{AccountId, AccountKind};
use sled::IVec;

use super::{Actor, LOW, Model, Node};
use crate::{EventFilter, Idempotency, Page, records::forms::keys};

impl Actor {
    /// Returns after how many operations, of those counts that are possible, a node is that has all
    /// of what they made and nothing else of this actor's.
    fn find(
        &self,
        node: &Node,
        records: &BTreeMap<Vec<u8>, IVec>,
        counts: RangeInclusive<usize>,
    ) -> Result<usize, String> {
        let own = records.iter().filter(|(key, _)| self.keys.contains(*key));
        let own: BTreeMap<_, _> = own.map(|(key, value)| (key.clone(), value.clone())).collect();
        let mut reasons = Vec::new();
        for count in counts.rev() {
            match self.compare(node, &own, &self.history[count]) {
                Ok(()) => return Ok(count),
                Err(reason) => reasons.push(format!("after {count} operations: {reason}")),
            }
        }
        Err(format!("actor {}: {}", self.number, reasons.join("; ")))
    }

    fn compare(
        &self,
        node: &Node,
        records: &BTreeMap<Vec<u8>, IVec>,
        model: &Model,
    ) -> Result<(), String> {
        if *records != model.records {
            let missing =
                model.records.iter().find(|(key, value)| records.get(*key) != Some(value));
            let extra = records.iter().find(|(key, value)| model.records.get(*key) != Some(value));
            let of =
                |entry: Option<(&Vec<u8>, &IVec)>| entry.map(|(key, _)| keys::hexadecimal(key));
            return Err(format!("lacks {:?} and has {:?}", of(missing), of(extra)));
        }
        self.compare_balances(node, model)?;
        self.compare_events(node, model)?;
        for id in &self.transfers {
            let found = node.ledger.operator_transfer(*id).map_err(|error| error.to_string())?;
            let (found, wanted) = (found.map(|transfer| transfer.state), model.transfers.get(id));
            if found.as_ref() != wanted {
                return Err(format!("transfer {id} is {found:?}, not {wanted:?}"));
            }
        }
        for key in &self.answers {
            let known = node.store.idempotency_begin(key, [7; 32], 2);
            let known = known.map_err(|error| error.to_string())?;
            let found = match &known {
                Idempotency::New(_) => None,
                Idempotency::Replay(answer) => answer.number::<u64>("answer"),
                other => return Err(format!("{key} is {other:?}")),
            };
            if found.as_ref() != model.answers.get(key) {
                return Err(format!("the answer of {key} is {found:?}"));
            }
        }
        Ok(())
    }

    /// Returns what the payer had available by the events that tell of its threshold.
    fn told(&self, node: &Node) -> Result<Vec<u64>, String> {
        let payer = self.owner(1).to_string();
        let filter = EventFilter { only: Some(vec![LOW.to_owned()]), ..EventFilter::default() };
        let events = node.store.events_page(Page::newest(1_000), &filter);
        let events = events.map_err(|error| error.to_string())?.rows.into_iter();
        let data = events.map(|event| serde_json::from_slice::<serde_json::Value>(&event.data));
        let data = data.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
        let own = data.iter().filter(|data| data["id"] == payer);
        let balances = own.map(|data| data["balance"].as_str().and_then(|text| text.parse().ok()));
        balances.collect::<Option<_>>().ok_or_else(|| "an event has no balance".to_owned())
    }

    /// Checks the payer's threshold, and that the events about it tell of what was.
    fn compare_events(&self, node: &Node, model: &Model) -> Result<(), String> {
        let set = node.ledger.books.lock().state.threshold(self.accounts()[0]);
        if set.map(|set| set.amount) != model.threshold {
            return Err(format!("the threshold is {set:?}, not {:?}", model.threshold));
        }
        let mut untold = model.crossings.clone();
        for told in self.told(node)? {
            let Some(place) = untold.iter().position(|crossing| *crossing == told) else {
                return Err(format!("an event of {told} is not of {:?}", model.crossings));
            };
            untold.remove(place);
        }
        Ok(())
    }

    /// Checks that the last time that the payer fell to its threshold has its event, as it must once
    /// a ledger was closed.
    pub(in crate::ledger::tests) fn check_told(&self, node: &Node) -> Result<(), String> {
        let crossings = &self.model().crossings;
        let told = self.told(node)?;
        match crossings.last() {
            Some(last) if !told.contains(last) => {
                Err(format!("the events {told:?} lack the last one of {crossings:?}"))
            }
            _ => Ok(()),
        }
    }

    fn compare_balances(&self, node: &Node, model: &Model) -> Result<(), String> {
        let held = model.pending.map_or(0, |(_, amount)| amount);
        let own = self.accounts().into_iter().zip(model.owned.into_iter().zip([held, 0, 0]));
        for (account, (owned, held)) in own {
            let balance = node.ledger.total(account);
            if (balance.total(), balance.debits_pending) != (owned.into(), held.into()) {
                return Err(format!("{account:?} has {balance:?}, not {owned} and {held} on hold"));
            }
        }
        let mut closed = 0;
        for id in &self.payments {
            let payment = model.payments.get(id).copied().unwrap_or_default();
            closed += if payment.is_closed { payment.credits } else { 0 };
            let account = AccountId::incoming_payment(*id);
            let balance = node.ledger.total(account);
            let sums = (balance.credits, balance.debits);
            if sums != (payment.credits.into(), payment.debits.into()) {
                return Err(format!("{account:?} has {balance:?}, not {payment:?}"));
            }
        }
        let kind = AccountKind::ClosedIncomingPayments;
        let balance = node.ledger.total(AccountId { kind, owner: self.owner(0) });
        if (balance.credits, balance.debits) != (closed.into(), closed.into()) {
            return Err(format!("the closed payments have {balance:?}, not {closed}"));
        }
        Ok(())
    }
}

/// Checks that a node has what its actors made and nothing else, and that its books add up. Returns
/// after how many operations of each actor that is.
pub(in crate::ledger::tests) fn check(
    node: &Node,
    actors: &[(&Actor, RangeInclusive<usize>)],
) -> Result<Vec<usize>, String> {
    let records = node.records().map_err(|error| error.to_string())?;
    let mut found = Vec::with_capacity(actors.len());
    let mut wanted = 0;
    for (actor, counts) in actors {
        let count = actor.find(node, &records, counts.clone())?;
        wanted += actor.history[count].records.len();
        found.push(count);
    }
    if records.len() != wanted {
        return Err(format!("{} records are there, not {wanted}", records.len()));
    }
    for (account, balance) in node.ledger.totals() {
        let is_short = balance.debits + balance.debits_pending > balance.credits;
        if is_short && account.kind != AccountKind::Settlement {
            return Err(format!("{account:?} is below zero: {balance:?}"));
        }
    }
    let report = node.ledger.verify().map_err(|error| error.to_string())?;
    if !report.faults.is_empty() || !report.unchecked.is_empty() {
        return Err(format!("{report:?}"));
    }
    Ok(found)
}
