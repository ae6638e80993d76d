//! Operations on peers.

pub(crate) mod error;
pub(crate) mod fields;
pub(crate) mod inputs;
pub(crate) mod liquidity;
pub(crate) mod ping;
pub(crate) mod routes;
pub(crate) mod saving;
pub(crate) mod search;
pub(crate) mod terms;
pub(crate) mod tokens;
pub(crate) mod view;
pub(crate) mod watching;

use std::{collections::HashMap, sync::Arc};

use ilp_connector::account::AccountId;
use ilp_store::{InitialDeposit, PeerOrigin, PeerRecord, Rows, Transaction, shown};
use uuid::Uuid;

use crate::{
    assets::error::AssetError,
    books::error::LiquidityError,
    changes::{changing::Changing, error::Versioned, outcome::Outcome, recorded::Recorded},
    node::operator::{Inner, Operator},
    peers::{
        error::PeerError,
        inputs::{NewPeer, PeerEdit},
        view::PeerView,
    },
    vocabulary::{check, error::OperatorError, page::PageArguments},
};

/// A handle that reads peers: their records, routes, packets and liquidity.
#[derive(Clone, Copy, Debug)]
pub struct Peers<'a> {
    pub(crate) on: &'a Operator,
}

/// A handle that changes peers and their tokens.
#[derive(Clone, Copy, Debug)]
pub struct PeerChanges<'a> {
    pub(crate) on: &'a Recorded,
}

impl Operator {
    /// Returns the handle that reads peers.
    #[must_use]
    pub fn peers(&self) -> Peers<'_> {
        Peers { on: self }
    }
}

impl Recorded {
    /// Returns the handle that changes peers.
    #[must_use]
    pub fn peers(&self) -> PeerChanges<'_> {
        PeerChanges { on: self }
    }
}

impl PeerChanges<'_> {
    /// Makes a peer. Packets may come from and go to it when this returns.
    ///
    /// # Errors
    /// Bad input, an unknown asset, a duplicate of address and asset or of an incoming token.
    pub async fn create(self, new: NewPeer) -> Result<PeerView, OperatorError> {
        self.on.given(&new);
        let record = self.on.inner.record_of(new)?;
        // Two that are made at once meet in nothing but the store's checks, which are one step with
        // what they let in; and of their ids the lower may be listed a moment after the higher.
        let create = |changing: Changing| async move {
            changing.create_peer(record, PeerOrigin::Operator).await
        };
        self.on.change_beside(create).await
    }

    /// Changes a peer. Packets that arrive after this returned see the new terms.
    ///
    /// # Errors
    /// Those of [`PeerChanges::create`]; an unknown peer; a conflict when the edit is based on
    /// another version than the stored one.
    pub async fn update(self, edit: PeerEdit) -> Result<PeerView, OperatorError> {
        self.on.given(&edit);
        let id = peer_id(&edit.id)?;
        self.on.change(move |changing| async move { changing.update_peer(id, edit).await }).await
    }

    /// Deletes a peer and withdraws its liquidity to settlement. Packets on their way to or from
    /// it end as they would have; what they leave on its account is withdrawn after them. So is what
    /// comes back of a withdrawal that is still pending: it may be posted or voided as before, since
    /// the operator may be paying it out just now, and either way its amount ends in settlement.
    ///
    /// # Errors
    /// An unknown peer.
    pub async fn delete(self, id: &str) -> Result<(), OperatorError> {
        self.on.given(&shown! { "id": id });
        let id = peer_id(id)?;
        let operator = self.on.clone();
        self.on
            .change(move |changing| async move { changing.delete_peer(id, &operator).await })
            .await
    }
}

impl Peers<'_> {
    /// Returns the peer of this id.
    ///
    /// # Errors
    /// Not found.
    pub async fn get(self, id: &str) -> Result<PeerView, OperatorError> {
        let id = peer_id(id)?;
        self.on
            .read(move |inner| inner.peer_view(inner.store.peer(id)?.ok_or(PeerError::Unknown)?))
            .await
    }

    /// Returns a page of the peers.
    ///
    /// # Errors
    /// Bad input.
    pub async fn list(self, page: &PageArguments) -> Result<Rows<PeerView>, OperatorError> {
        let page = page.check()?;
        self.on
            .read(move |inner| {
                let Rows { rows, has_previous, has_next } = inner.store.peers_page(page)?;
                Ok(Rows { rows: inner.peer_views(rows)?, has_previous, has_next })
            })
            .await
    }
}

impl Changing {
    pub(crate) async fn create_peer(
        &self,
        record: PeerRecord,
        origin: PeerOrigin,
    ) -> Result<PeerView, OperatorError> {
        self.create_peer_as(record, origin, |peer| peer).await
    }

    /// Makes a peer. The same unit of the log has its first deposit and
    /// keeps the outcome that `outcome` makes of it.
    pub(crate) async fn create_peer_as<T: Outcome>(
        &self,
        mut record: PeerRecord,
        origin: PeerOrigin,
        outcome: impl FnOnce(PeerView) -> T,
    ) -> Result<T, OperatorError> {
        let asset = self.inner.asset(record.asset_id).ok_or(AssetError::Unknown)?;
        record.id = self.new_id();
        record.created_at_ms = self.now().unix_ms();
        let deposit = record.initial_deposit.take();
        let made = outcome(self.made(&record, deposit.map_or(0, |it| it.amount)).await?);
        let id = record.id;
        let insert = move |tx: &mut Transaction<'_>| tx.insert_peer_from(&record, &origin);
        match deposit {
            None => self.commit(&made, insert).await?,
            Some(InitialDeposit { amount, .. }) => {
                let account = self.inner.ledger().account(AccountId::peer(id));
                let step = self.deposit_step(self.new_id(), &asset, account, amount);
                self.commit_step(&made, step, insert).await?;
            }
        }
        Ok(made)
    }

    /// Returns the peer as it will be with its first deposit.
    async fn made(&self, record: &PeerRecord, amount: u64) -> Result<PeerView, OperatorError> {
        let made = self.view(record.clone()).await?;
        Ok(PeerView { liquidity: amount.into(), ..made })
    }

    /// Books the deposit that the record of a peer still owes, and takes it off the record, by which the
    /// peer becomes live. Only a crash in a store of format 1 leaves such a record.
    pub(crate) async fn finish_initial_deposit(
        &self,
        record: &PeerRecord,
    ) -> Result<(), OperatorError> {
        let Some(InitialDeposit { transfer_id, amount }) = record.initial_deposit else {
            return Ok(());
        };
        let asset = self.inner.asset(record.asset_id).ok_or(AssetError::Unknown)?;
        let account = self.inner.ledger().account(AccountId::peer(record.id));
        let step = self.deposit_step(transfer_id, &asset, account, amount);
        let id = record.id;
        let settled = move |tx: &mut Transaction<'_>| tx.settle_initial_deposit(id).map(drop);
        match self.commit_step(&(), step, settled).await {
            // It was booked before the last end of the node, and only the record lagged behind.
            Err(OperatorError::Liquidity(LiquidityError::Exists)) => {
                self.commit(&(), settled).await
            }
            booked => booked,
        }
    }

    pub(crate) async fn update_peer(
        &self,
        id: Uuid,
        edit: PeerEdit,
    ) -> Result<PeerView, OperatorError> {
        let record = self.stored_peer(id).await?;
        // No other change runs between this check and the write: changes are made one at a time.
        check::version(edit.version, record.version, Versioned::Peer)?;
        let terms = self.inner.parse_terms(edit.terms, Some(record.terms))?;
        let edited = PeerRecord { terms, ..record };
        self.save_peer(edited).await
    }

    async fn delete_peer(&self, id: Uuid, operator: &Operator) -> Result<(), OperatorError> {
        let record = self.store(move |store| store.peer(id)).await?.ok_or(PeerError::Unknown)?;
        let now_ms = self.now().unix_ms();
        self.commit(&(), move |tx| tx.delete_peer(id, now_ms)).await?;
        // From here on no new packet finds the peer, and what it has left goes to settlement: now,
        // once its last packets are over, or at the next start.
        let account = self.inner.ledger().account(AccountId::peer(id));
        if let Err(error) = self.withdraw_all(&account, record.asset_id).await {
            tracing::warn!(peer = %id, %error, "what a deleted peer has left is settled later");
        }
        operator.settle_late_packets(account, record.asset_id);
        Ok(())
    }

    pub(crate) async fn view(&self, record: PeerRecord) -> Result<PeerView, OperatorError> {
        let inner = Arc::clone(&self.inner);
        crate::node::operator::blocking(move || inner.peer_view(record)).await
    }
}

impl Inner {
    /// Peers share few assets, so each is read once.
    pub(crate) fn peer_views(
        &self,
        records: Vec<PeerRecord>,
    ) -> Result<Vec<PeerView>, OperatorError> {
        let mut assets = HashMap::new();
        let mut views = Vec::with_capacity(records.len());
        for record in records {
            let view = match assets.get(&record.asset_id) {
                Some(asset) => self.peer_view_with(record, Clone::clone(asset)),
                None => self.peer_view(record)?,
            };
            assets.entry(view.record.asset_id).or_insert_with(|| view.asset.clone());
            views.push(view);
        }
        Ok(views)
    }
}

fn peer_id(text: &str) -> Result<Uuid, PeerError> {
    check::id(text).ok_or(PeerError::Unknown)
}
