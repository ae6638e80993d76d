//! The books: what each account has seen, what of it came when, and whether all of it adds up.

pub(crate) mod error;
pub(crate) mod inputs;
pub(crate) mod liquidity;
pub(crate) mod movements;
pub(crate) mod transfers;
pub(crate) mod withdrawals;

use std::{sync::Arc, time::Duration};

use ilp_connector::{
    account::{AccountId, AccountKind, Total},
    peer::Asset,
};
use ilp_store::{LedgerStats, Older, OperatorTransfer, Position, Report, Rows};
use uuid::Uuid;

use crate::{
    assets::view::AssetView,
    books::{
        error::LiquidityError,
        liquidity::Liquidity,
        transfers::{TransferView, accounts_named, view},
    },
    node::operator::{Inner, Operator},
    vocabulary::{
        check,
        error::OperatorError,
        input_error::InputError,
        page::{PageArguments, views},
    },
};

/// Most rows of a page of transfers.
const ROWS_MAX: usize = 100;

/// Who an account belongs to, as people know it: a name, an address, a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountOwner {
    /// The account.
    pub account: AccountId,
    /// The name by which people know the account.
    pub title: String,
    /// The asset of the account.
    pub asset: AccountAsset,
    /// Whether it is there no more. Its books stay.
    pub is_deleted: bool,
}

/// The asset of an account, by code and scale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountAsset {
    /// The asset's id.
    pub id: Uuid,
    /// Such as `USD`.
    pub code: String,
    /// Decimal places of the smallest unit.
    pub scale: u8,
}

/// An account as it is now.
#[derive(Clone, Debug)]
pub struct AccountView {
    /// Whose it is.
    pub owner: AccountOwner,
    /// The credits and debits so far, in the asset's smallest unit.
    pub total: Total,
}

/// Movements on an account, newest first.
#[derive(Clone, Debug)]
pub struct Movements {
    /// Each with what the account on its other side is called.
    pub rows: Vec<(TransferView, String)>,
    /// Where to go on, when there are older ones.
    pub next: Option<String>,
    /// Whether there were older ones that are not kept any more. The balance still counts them.
    pub are_older_gone: bool,
}

/// How an asset stands in the books, in its smallest unit.
#[derive(Clone, Debug)]
pub struct AssetBooks {
    /// The asset, with the node's own stock.
    pub asset: AssetView,
    /// All that ever came in from outside.
    pub deposited: u128,
    /// All that ever went out again.
    pub withdrawn: u128,
    /// The node's own stock, what is on hold with it.
    pub stock: u128,
}

/// A handle that reads the books: accounts, and the transfers between them.
#[derive(Clone, Copy, Debug)]
pub struct Books<'a> {
    on: &'a Operator,
}

impl Operator {
    /// Returns the handle that reads the books.
    #[must_use]
    pub fn books(&self) -> Books<'_> {
        Books { on: self }
    }
}

impl AssetBooks {
    /// Returns the sum of the accounts of all others. Every transfer takes from one account the
    /// amount that it gives to another, so this sum is all deposits, less all withdrawals and less
    /// the node's own stock.
    #[must_use]
    pub fn owed(&self) -> u128 {
        self.deposited.saturating_sub(self.withdrawn).saturating_sub(self.stock)
    }
}

impl Books<'_> {
    /// Returns a page of the assets, each with how it stands in the books.
    ///
    /// # Errors
    /// Bad input.
    pub async fn of_assets(self, page: &PageArguments) -> Result<Rows<AssetBooks>, OperatorError> {
        let page = page.check()?;
        self.on
            .read(move |inner| {
                views(inner.store.assets_page(page)?, |record| {
                    let total = |account| inner.ledger().total(account);
                    let settlement = total(AccountId::settlement(record.id));
                    Ok(AssetBooks {
                        stock: total(AccountId::asset(record.id)).total(),
                        deposited: settlement.debits,
                        withdrawn: settlement.credits,
                        asset: inner.asset_view(record),
                    })
                })
            })
            .await
    }

    /// Returns the account that `name` means: the id of its peer, asset, wallet address or payment,
    /// or an asset's id and `:settlement`; also that of a peer which was deleted.
    ///
    /// # Errors
    /// Not found.
    pub async fn account(self, name: &str) -> Result<AccountView, OperatorError> {
        let accounts = accounts_named(name);
        self.on
            .read(move |inner| {
                for account in accounts {
                    if let Some(owner) = inner.account_owner(account)? {
                        return Ok(AccountView { owner, total: inner.ledger().total(account) });
                    }
                }
                Err(LiquidityError::UnknownAccount.into())
            })
            .await
    }

    /// Returns what an account has seen, in its asset's smallest unit.
    #[must_use]
    pub fn total(self, account: AccountId) -> Total {
        self.on.inner.ledger().total(account)
    }

    /// Returns at most `limit` movements on an account, the newest or those before a cursor.
    ///
    /// # Errors
    /// A malformed cursor, or one of another account.
    pub async fn movements(
        self,
        account: AccountId,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Movements, OperatorError> {
        let before =
            before.map(|text| text.parse().map_err(|_| InputError::NoPlace)).transpose()?;
        let limit = limit.min(ROWS_MAX);
        self.on
            .read(move |inner| {
                let now_ms = (inner.parts.clock)().unix_ms();
                let from = before.map(Position::from_u64);
                let listed = inner.ledger().transfers(account, from, limit);
                // A made-up cursor leads to no entry, or to one of another account.
                let listed = listed.map_err(|error| match from {
                    Some(_) => OperatorError::from(InputError::NoPlace),
                    None => error.into(),
                })?;
                let next = listed.rows.last().filter(|_| listed.older == Older::More);
                let next = next.map(|row| row.position.to_u64().to_string());
                let mut rows = Vec::with_capacity(listed.rows.len());
                for row in listed.rows {
                    let other = if row.debit == account { row.credit } else { row.debit };
                    rows.push((view(row, now_ms), inner.account_title(other)?));
                }
                Ok(Movements { rows, next, are_older_gone: listed.older == Older::Gone })
            })
            .await
    }

    /// Returns how the ledger does, and what it takes of the disk.
    #[must_use]
    pub fn stats(self) -> LedgerStats {
        self.on.inner.ledger().stats()
    }

    /// Adds up the whole journal as it is now and compares it with every balance, and says how long
    /// that took. The node goes on meanwhile, but writes no checkpoint; what it costs grows with the
    /// journal. The caller ensures that it never runs twice at once.
    ///
    /// # Errors
    /// When the journal can't be read. What is wrong with the books is in the report.
    pub async fn verify(self) -> Result<(Report, Duration), OperatorError> {
        let begun = std::time::Instant::now();
        let report = self.on.read(|inner| Ok(inner.ledger().verify()?)).await?;
        Ok((report, begun.elapsed()))
    }
}

impl Liquidity<'_> {
    /// Returns at most `limit` withdrawals that wait to be posted or voided, in the order in which
    /// they expire, after the one of a cursor; each with the account that it takes from. Where
    /// there are more, the last one's cursor is in the second place.
    ///
    /// # Errors
    /// A malformed cursor.
    pub async fn pending_withdrawals(
        self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<(OperatorTransfer, AccountOwner)>, Option<String>), OperatorError> {
        let after =
            after.map(|text| read_expiry_cursor(text).ok_or(InputError::NoPlace)).transpose()?;
        let limit = limit.min(ROWS_MAX);
        self.on
            .read(move |inner| {
                let mut pending = inner.ledger().pending_withdrawals(after, limit + 1);
                let has_more = pending.len() > limit;
                pending.truncate(limit);
                let cursor = |last: &OperatorTransfer| {
                    format!("{}:{}", last.expires_at_ms.unwrap_or(0), last.id)
                };
                let next = pending.last().filter(|_| has_more).map(cursor);
                let mut rows = Vec::with_capacity(pending.len());
                for transfer in pending {
                    if let Some(owner) = inner.account_owner(transfer.debit)? {
                        rows.push((transfer, owner));
                    }
                }
                Ok((rows, next))
            })
            .await
    }
}

impl Inner {
    /// Returns the name of an account towards people: the kind of its owner, and the owner's own
    /// name.
    pub(crate) fn account_title(&self, account: AccountId) -> Result<String, OperatorError> {
        let owner = self.account_owner(account)?;
        let title = owner.map_or_else(|| account.owner.to_string(), |owner| owner.title);
        Ok(match account.kind {
            AccountKind::PeerLiquidity => format!("peer {title}"),
            AccountKind::AssetLiquidity => format!("own stock of {title}"),
            AccountKind::Settlement => format!("settlement of {title}"),
            AccountKind::WalletAddress => format!("wallet address {title}"),
            AccountKind::IncomingPayment => format!("incoming payment {title}"),
            AccountKind::OutgoingPayment => format!("payment to {title}"),
            AccountKind::ClosedIncomingPayments => format!("closed incoming payments in {title}"),
            AccountKind::ClosedOutgoingPayments => format!("closed outgoing payments in {title}"),
        })
    }

    /// Reads the store. `None` for an account without an owner.
    fn account_owner(&self, account: AccountId) -> Result<Option<AccountOwner>, OperatorError> {
        let (store, id) = (&self.store, account.owner);
        let found = match account.kind {
            AccountKind::PeerLiquidity => match store.peer(id)? {
                Some(peer) => {
                    let title = peer.terms.name.filter(|name| !name.trim().is_empty());
                    Some((
                        title.unwrap_or_else(|| peer.terms.address.to_string()),
                        peer.asset_id,
                        false,
                    ))
                }
                None => store
                    .deleted_peer(id)?
                    .map(|peer| (peer.static_ilp_address, peer.asset_id, true)),
            },
            AccountKind::AssetLiquidity
            | AccountKind::Settlement
            | AccountKind::ClosedIncomingPayments
            | AccountKind::ClosedOutgoingPayments => {
                self.asset(id).map(|asset| (asset.code.clone(), id, false))
            }
            AccountKind::WalletAddress => {
                store.wallet_address(id)?.map(|wallet| (wallet.url, wallet.asset_id, false))
            }
            AccountKind::IncomingPayment => {
                store.incoming_payment(id)?.map(|payment| (payment.url, payment.asset_id, false))
            }
            AccountKind::OutgoingPayment => store
                .outgoing_payment(id)?
                .map(|payment| (payment.quote.receiver, payment.quote.asset_id, false)),
        };
        let Some((title, asset_id, is_deleted)) = found else { return Ok(None) };
        // The asset of a deleted peer may have gone after it.
        let Some(asset) = self.asset(asset_id) else { return Ok(None) };
        Ok(Some(AccountOwner { account, title, asset: AccountAsset::of(&asset), is_deleted }))
    }
}

impl AccountAsset {
    fn of(asset: &Arc<Asset>) -> Self {
        Self { id: asset.id, code: asset.code.clone(), scale: asset.scale }
    }
}

fn read_expiry_cursor(text: &str) -> Option<(u64, Uuid)> {
    let (expires_at_ms, id) = text.split_once(':')?;
    Some((expires_at_ms.parse().ok()?, check::id(id)?))
}
