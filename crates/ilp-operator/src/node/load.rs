//! The start: what is stored becomes live, and what a crash left half done is done.

use std::{
    collections::HashSet,
    panic::resume_unwind,
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{SyncSender, sync_channel},
    },
    thread,
};

use ilp_connector::{
    account::{AccountId, AccountKind},
    peer::Peer,
};
use ilp_store::PeerRecord;
use uuid::Uuid;

use crate::{
    assets::error::AssetError,
    changes::changing::Changing,
    node::operator::{Inner, Operator},
    vocabulary::error::OperatorError,
};

/// How many peers that are made may wait to be added.
const PEERS_WAITING_MAX: usize = 1_024;

/// The findings of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// How many assets.
    pub assets: usize,
    /// How many peers, all of them live now.
    pub peers: usize,
}

impl Operator {
    /// Brings every stored asset and peer into the connector. Comes before the first packet and
    /// the first operation.
    ///
    /// # Errors
    /// When the store can't be read, or the ledger stops over what was left to book.
    pub async fn load(&self) -> Result<Loaded, OperatorError> {
        let loaded = self.as_node().change(|changing| async move { changing.load().await }).await?;
        self.resume_wallets().await?;
        self.inner.is_loaded.store(true, Ordering::Release);
        Ok(loaded)
    }
}

impl Changing {
    async fn load(&self) -> Result<Loaded, OperatorError> {
        let now = self.now();
        self.read(move |inner| crate::node::tenants::note_creation(inner, now)).await?;
        let inner = Arc::clone(&self.inner);
        let owed_a_deposit = crate::node::operator::blocking(move || inner.load_records()).await?;
        for record in owed_a_deposit {
            self.finish_initial_deposit(&record).await?;
        }
        self.load_rates().await?;
        self.read(|inner| inner.count_peering_requests()).await?;
        self.settle_deleted_peers().await?;
        Ok(Loaded {
            assets: self.inner.assets.read().len(),
            peers: self.inner.parts.connector.peer_count(),
        })
    }

    /// Withdraws what is on the account of a peer that is no more: a packet that was on its way
    /// when the peer was deleted may have left it there, or a withdrawal that was never posted.
    pub(crate) async fn settle_deleted_peers(&self) -> Result<(), OperatorError> {
        let inner = Arc::clone(&self.inner);
        for (peer, asset) in
            crate::node::operator::blocking(move || inner.left_by_deleted_peers()).await?
        {
            let account = self.inner.ledger().account(AccountId::peer(peer));
            self.withdraw_all(&account, asset).await?;
        }
        Ok(())
    }
}

impl Inner {
    /// Makes live what is whole, and returns the peers whose creation was cut short before their
    /// deposit was booked.
    fn load_records(&self) -> Result<Vec<PeerRecord>, OperatorError> {
        for asset in self.store.all_assets() {
            let asset = asset?;
            self.know_asset(&asset);
            self.watch(AccountId::asset(asset.id), asset.liquidity_threshold)?;
        }
        let records = self.store.take_peers()?;
        let (made, live) = sync_channel(PEERS_WAITING_MAX);
        thread::scope(|scope| {
            let making = scope.spawn(move || self.make_peers(records, &made));
            live.into_iter().for_each(|peer| self.parts.connector.add_peer(peer));
            making.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    }

    /// Makes what is whole, to be added beside it, and returns the peers that are owed a deposit.
    fn make_peers(
        &self,
        records: Vec<PeerRecord>,
        made: &SyncSender<Arc<Peer>>,
    ) -> Result<Vec<PeerRecord>, OperatorError> {
        let mut owed_a_deposit = Vec::new();
        for record in records {
            self.watch(AccountId::peer(record.id), record.terms.liquidity_threshold)?;
            if record.initial_deposit.is_some() {
                owed_a_deposit.push(record);
                continue;
            }
            let asset = self.asset(record.asset_id).ok_or(AssetError::Unknown)?;
            if made.send(self.live_peer(&record, asset)).is_err() {
                // Whoever adds them has panicked, which is told there.
                break;
            }
        }
        Ok(owed_a_deposit)
    }

    /// Ids of deleted peers whose accounts hold something, with their assets.
    fn left_by_deleted_peers(&self) -> Result<Vec<(Uuid, Uuid)>, OperatorError> {
        let holding: HashSet<Uuid> = self
            .ledger()
            .totals()
            .into_iter()
            .filter(|(id, balance)| {
                id.kind == AccountKind::PeerLiquidity && balance.available() > 0
            })
            .map(|(id, _)| id.owner)
            .filter(|peer| self.parts.connector.peer(*peer).is_none())
            .collect();
        let mut left = Vec::new();
        for peer in holding {
            if let Some(record) = self.store.deleted_peer(peer)? {
                left.push((peer, record.asset_id));
            }
        }
        Ok(left)
    }
}
