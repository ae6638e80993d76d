//! The live state follows from the records, here alone.
//!
//! Assets, peers with their routes and tokens, set rates, thresholds, open recipients and the
//! number of waiting peering requests are copies of records. The store calls [`Inner::apply`] after
//! each durable transaction, before the caller that made it learns of it, whichever operation or
//! duty it was.

use std::sync::{Arc, atomic::Ordering};

use ilp_connector::{
    account::AccountId,
    peer::NextHop,
    rates::{Quote, RateOrigin},
};
use ilp_store::{ChangedRecord, PeerRecord, PeerTerms, RateRecord};
use interledger_packet::Timestamp;
use uuid::Uuid;

use crate::{
    assets::error::AssetError,
    node::operator::Inner,
    peers::terms::{live_terms, next_hop},
    vocabulary::error::OperatorError,
};

impl Inner {
    /// Lets the changes of the store be applied from now on.
    pub(crate) fn follow(self: &Arc<Self>) {
        // The store outlives the operator in tests and at the end of a node.
        let inner = Arc::downgrade(self);
        self.writes.on_change(Arc::new(move |changed| {
            let Some(inner) = inner.upgrade() else { return Ok(()) };
            inner.apply(changed).map_err(|error| error.to_string())
        }));
    }

    /// Makes what is live equal to the records named. Waits for the disk where a threshold changes.
    ///
    /// # Errors
    /// When a record can't be read or is damaged.
    pub(crate) fn apply(&self, changed: &[ChangedRecord]) -> Result<(), OperatorError> {
        for record in changed {
            if *record == ChangedRecord::Events {
                // Comes also from within the change of a threshold, which holds the lock below.
                self.parts.event_made.notify_one();
                continue;
            }
            // Each record is read under the lock, so a later state is never replaced by an earlier one.
            let _one_at_a_time = self.applying.lock();
            self.apply_one(record)?;
        }
        Ok(())
    }

    fn apply_one(&self, record: &ChangedRecord) -> Result<(), OperatorError> {
        match record {
            ChangedRecord::Asset(id) => self.apply_asset(*id),
            ChangedRecord::Events => Ok(()),
            ChangedRecord::IncomingPayment(id) => self.apply_incoming_payment(*id),
            ChangedRecord::Peer(id) => self.apply_peer(*id),
            ChangedRecord::PeeringRequests => self.count_peering_requests(),
            ChangedRecord::Rate { base, quote } => self.apply_rate(base, quote),
            ChangedRecord::WalletAddress(id) => {
                let record = self.store.wallet_address(*id)?;
                let is_open = record.is_some_and(|record| record.is_active());
                self.wallets.recipients.set_open(*id, is_open);
                Ok(())
            }
        }
    }

    fn apply_asset(&self, id: Uuid) -> Result<(), OperatorError> {
        let Some(record) = self.store.asset(id)? else {
            self.assets.write().remove(&id);
            return self.watch(AccountId::asset(id), None);
        };
        if self.asset(id).is_none() {
            self.know_asset(&record);
            self.rates_wanted.notify_one();
        }
        self.watch(AccountId::asset(id), record.liquidity_threshold)
    }

    fn apply_peer(&self, id: Uuid) -> Result<(), OperatorError> {
        let connector = &self.parts.connector;
        let Some(record) = self.store.peer(id)? else {
            connector.remove_peer(id);
            // From here on, emptying the account for good is no event.
            return self.watch(AccountId::peer(id), None);
        };
        // A peer that is owed its first deposit becomes live with it.
        if record.initial_deposit.is_some() {
            return Ok(());
        }
        if connector.peer(id).is_some() {
            connector.update_peer(id, live_terms(&record.terms, self.next_hop(&record)));
        } else {
            let asset = self.asset(record.asset_id).ok_or(AssetError::Unknown)?;
            connector.add_peer(self.live_peer(&record, asset));
        }
        self.watch(AccountId::peer(id), record.terms.liquidity_threshold)
    }

    /// Returns the next hop of the peer; the present one where its settings are unchanged, so that
    /// open connections stay in use.
    pub(crate) fn next_hop(&self, record: &PeerRecord) -> NextHop {
        let PeerTerms { endpoint, outgoing_token, .. } = &record.terms;
        let live = self.parts.connector.peer(record.id);
        match live.map(|peer| peer.terms().next_hop.clone()) {
            Some(same) if same.endpoint == *endpoint && same.token == *outgoing_token => same,
            _ => next_hop(&record.terms),
        }
    }

    fn apply_rate(&self, base: &str, quote: &str) -> Result<(), OperatorError> {
        match self.store.rate(base, quote)? {
            Some(record) => self.give_rate(&record),
            None => {
                self.parts.connector.rates().take_back(RateOrigin::Set, base, quote);
            }
        }
        Ok(())
    }

    /// Lets packets be converted at a rate that an operator has set.
    pub(crate) fn give_rate(&self, record: &RateRecord) {
        let RateRecord { base, quote, rate, updated_at_ms } = record;
        let updated_at = Timestamp::from_unix_ms(*updated_at_ms);
        let given = Quote { rate: *rate, updated_at, good_until: None };
        self.parts.connector.rates().give(RateOrigin::Set, base, quote, given);
    }

    fn apply_incoming_payment(&self, id: Uuid) -> Result<(), OperatorError> {
        let is_open = self.store.incoming_payment(id)?.is_some_and(|payment| payment.is_open());
        if is_open {
            // It may expire before all others.
            self.wallets.incoming_payment_made.notify_one();
        } else {
            self.wallets.recipients.set_open(id, false);
            self.wallets.ended.may_close(AccountId::incoming_payment(id));
        }
        Ok(())
    }

    /// Counts the peering requests that wait for the operator.
    pub(crate) fn count_peering_requests(&self) -> Result<(), OperatorError> {
        let waiting = self.store.all_peering_requests();
        let waiting = waiting.map(|request| request.map(drop)).collect::<Result<Vec<()>, _>>()?;
        self.peering_waiting.store(waiting.len(), Ordering::Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
