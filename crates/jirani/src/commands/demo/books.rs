//! The changes that a payment makes in the books of each node on its path.

use ilp_admin_client::{
    Id, UInt64,
    asset::AssetById,
    liquidity::{Movement, Movements, TransferType},
    peer::PeerById,
    wallet::WalletAddressById,
};
use ilp_connector::amount::format_amount;
use serde_json::{Value, json};

use super::node::DemoNode;
use crate::commands::{
    Failure,
    admin_client::AdminArgs,
    table::{Column, Table},
};

/// The scale of all the demo's assets.
const SCALE: u8 = 2;

/// An account whose balance the demo shows.
#[derive(Clone, Debug)]
pub(super) struct Account {
    node: &'static str,
    title: &'static str,
    admin: AdminArgs,
    owner: Owner,
    id: Id,
    code: &'static str,
}

/// The owner of an account.
#[derive(Clone, Copy, Debug)]
enum Owner {
    Peer,
    Asset,
    Wallet,
}

impl Account {
    /// Returns the account of a peer, whose balance the peer may still send.
    pub(super) fn peer(node: &DemoNode, title: &'static str, id: Id, code: &'static str) -> Self {
        Self::new(node, title, Owner::Peer, id, code)
    }

    /// Returns the account of the node's own stock of an asset.
    pub(super) fn asset(node: &DemoNode, title: &'static str, id: Id, code: &'static str) -> Self {
        Self::new(node, title, Owner::Asset, id, code)
    }

    /// Returns the account of a wallet address, whose balance is what it has received.
    pub(super) fn wallet(node: &DemoNode, title: &'static str, id: Id, code: &'static str) -> Self {
        Self::new(node, title, Owner::Wallet, id, code)
    }

    /// Moves an account of a node to the node that goes on in its place.
    pub(super) fn move_to(&mut self, node: &DemoNode) {
        if self.node == node.name {
            self.admin = node.admin.clone();
        }
    }

    fn new(node: &DemoNode, title: &'static str, owner: Owner, id: Id, code: &'static str) -> Self {
        Self { node: node.name, title, admin: node.admin.clone(), owner, id, code }
    }

    fn read(&self) -> Result<Entry, Failure> {
        let moved = self.admin.ask(Movements { id: self.id.clone() })?;
        let liquidity = self.liquidity()?.unwrap_or_default();
        Ok(Entry {
            account: self.clone(),
            liquidity: u128::from(liquidity.0),
            out: amounts(&moved.debits),
            into: amounts(&moved.credits),
        })
    }

    fn liquidity(&self) -> Result<Option<UInt64>, Failure> {
        let (admin, id) = (&self.admin, self.id.clone());
        Ok(match self.owner {
            Owner::Peer => admin.ask(PeerById { id })?.liquidity,
            Owner::Asset => admin.ask(AssetById { id })?.and_then(|asset| asset.liquidity),
            Owner::Wallet => {
                admin.ask(WalletAddressById { id })?.and_then(|wallet| wallet.liquidity)
            }
        })
    }
}

/// An account at one moment: its balance, and the amounts that packets have taken out and brought
/// in.
#[derive(Clone, Debug)]
struct Entry {
    account: Account,
    liquidity: u128,
    out: Vec<u128>,
    into: Vec<u128>,
}

/// All accounts at one moment, in the payment's direction.
#[derive(Clone, Debug)]
pub(super) struct Books(Vec<Entry>);

/// The number of packets that carried the payment, and their amounts.
#[derive(Debug)]
pub(super) struct Packets {
    pub(super) count: usize,
    pub(super) largest: String,
}

impl Books {
    pub(super) fn read(accounts: &[Account]) -> Result<Self, Failure> {
        accounts.iter().map(Account::read).collect::<Result<_, _>>().map(Self)
    }

    /// Returns the same balances with the transfers alone that came after `before`. The newest come first.
    pub(super) fn since(mut self, before: &Self) -> Self {
        for (now, then) in self.0.iter_mut().zip(&before.0) {
            now.out.truncate(now.out.len().saturating_sub(then.out.len()));
            now.into.truncate(now.into.len().saturating_sub(then.into.len()));
        }
        self
    }

    /// Returns the payment's packets as the connector's books have them on alice's account.
    pub(super) fn packets(&self) -> Packets {
        let first = self.0.iter().find(|entry| !entry.out.is_empty());
        let amounts = first.map(|entry| entry.out.as_slice()).unwrap_or_default();
        let code = first.map(|entry| entry.account.code).unwrap_or_default();
        let largest = amounts.iter().max().copied().unwrap_or(0);
        Packets { count: amounts.len(), largest: money(largest, code) }
    }

    /// Returns the amount that reached the last account.
    pub(super) fn received(&self, before: &Self) -> String {
        let (Some(now), Some(then)) = (self.0.last(), before.0.last()) else {
            return String::new();
        };
        money(now.liquidity.saturating_sub(then.liquidity), now.account.code)
    }

    pub(super) fn table(&self, before: &Self) -> Vec<String> {
        let mut table = Table::new(&[
            Column::Left("BOOKS OF"),
            Column::Left("ACCOUNT"),
            Column::Right("BEFORE"),
            Column::Right("OUT"),
            Column::Right("IN"),
            Column::Right("AFTER"),
            Column::Left(""),
            Column::Right("TRANSFERS"),
        ]);
        for (now, then) in self.0.iter().zip(&before.0) {
            let plain = |amount: u128| format_amount(amount, SCALE);
            let moved = |amounts: &[u128]| match amounts {
                [] => "-".to_owned(),
                amounts => plain(amounts.iter().sum()),
            };
            table.row([
                now.account.node.to_owned(),
                now.account.title.to_owned(),
                plain(then.liquidity),
                moved(&now.out),
                moved(&now.into),
                plain(now.liquidity),
                now.account.code.to_owned(),
                (now.out.len() + now.into.len()).to_string(),
            ]);
        }
        table.lines("no accounts")
    }

    /// Checks that each account adds up by itself, and that the two accounts of each peering agree.
    pub(super) fn check(&self, before: &Self) -> Result<(), Failure> {
        for (now, then) in self.0.iter().zip(&before.0) {
            let (out, into): (u128, u128) = (now.out.iter().sum(), now.into.iter().sum());
            if then.liquidity + into != now.liquidity + out {
                let Account { node, title, .. } = &now.account;
                return Err(Failure::Refused(format!(
                    "the account {title} of {node} doesn't add up"
                )));
            }
        }
        // The amount that one node paid into its neighbour's account is what the neighbour took out
        // of its own.
        for pair in self.0.windows(2) {
            if let [left, right] = pair
                && left.account.node != right.account.node
                && left.into.iter().sum::<u128>() != right.out.iter().sum::<u128>()
            {
                let (left, right) = (left.account.node, right.account.node);
                return Err(Failure::Refused(format!("{left} and {right} don't agree")));
            }
        }
        Ok(())
    }

    pub(super) fn json(&self, before: &Self) -> Value {
        let rows = self.0.iter().zip(&before.0).map(|(now, then)| {
            json!({
                "node": now.account.node,
                "account": now.account.title,
                "asset": { "code": now.account.code, "scale": SCALE },
                "before": then.liquidity.to_string(),
                "out": now.out.iter().sum::<u128>().to_string(),
                "in": now.into.iter().sum::<u128>().to_string(),
                "after": now.liquidity.to_string(),
                "transfers": now.out.len() + now.into.len(),
            })
        });
        rows.collect()
    }
}

/// Returns the amounts that packets moved, without the deposits before them.
fn amounts(moved: &[Movement]) -> Vec<u128> {
    let packets = moved.iter().filter(|moved| moved.transfer_type == TransferType::Transfer);
    packets.map(|moved| u128::from(moved.amount.0)).collect()
}

fn money(amount: u128, code: &str) -> String {
    format!("{} {code}", format_amount(amount, SCALE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(node: &'static str, liquidity: u128, out: &[u128], into: &[u128]) -> Entry {
        let admin = AdminArgs::at(String::new());
        let account =
            Account { node, title: "a", admin, owner: Owner::Peer, id: Id::new(""), code: "USD" };
        Entry { account, liquidity, out: out.to_vec(), into: into.to_vec() }
    }

    #[test]
    fn books_that_add_up_pass_and_others_are_named() {
        let before = Books(vec![entry("alice", 0, &[], &[]), entry("bob", 1_000, &[], &[])]);
        let now = |alice, bob, taken| {
            Books(vec![entry("alice", alice, &[], &[50, 25]), entry("bob", bob, taken, &[])])
        };
        let right = now(75, 925, &[50, 25]);
        right.check(&before).unwrap();
        assert_eq!((right.packets().count, right.packets().largest.as_str()), (2, "0.50 USD"));
        let table = right.table(&before).join("\n");
        assert!(table.contains("bob") && table.contains("10.00  0.75     -   9.25"), "{table}");
        let words = |books: &Books| books.check(&before).unwrap_err().to_string();
        assert!(words(&now(74, 925, &[50, 25])).contains("of alice doesn't add up"));
        assert!(words(&now(75, 950, &[50])).contains("alice and bob don't agree"));
    }

    #[test]
    fn deposits_are_no_packets() {
        let moved = |amount, transfer_type| Movement { amount: UInt64(amount), transfer_type };
        let transfers = [moved(100, TransferType::Deposit), moved(50, TransferType::Transfer)];
        assert_eq!(amounts(&transfers), [50]);
    }
}
