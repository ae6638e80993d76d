//! The demo's three nodes, configured as their operators would do it: assets, peers, a rate, wallet
//! addresses.

use std::path::Path;

use ilp_admin_client::{
    Id,
    asset::Asset,
    liquidity::DepositAssetLiquidityInput,
    node::{Ping, PingResult},
    peer::{CreatePeerInput, HttpInput, documented},
    wallet::WalletAddress,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    books::Account,
    node::{Children, DemoNode, Starting},
    tail,
};
use crate::commands::{
    Failure, admin_client::plain, asset, init::fresh_token, lookup::amount_in, rate, wallet,
};

/// The scale of all the demo's assets.
const SCALE: u8 = 2;

/// The largest amount of a packet, so small that the payment is split.
const PACKET_MAX: &str = "0.50";

/// The liquidity of each peer, and the connector's stock of each currency.
const LIQUIDITY: &str = "1000.00";

/// The rate in euros for a dollar.
const RATE: &str = "0.92";

/// The number of lines of each log that are shown when a payment fails.
const LOG_LINES: usize = 10;

/// The nodes with their accounts.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) alice: DemoNode,
    connector: DemoNode,
    bob: DemoNode,
    /// The wallet address that pays.
    pub(super) alice_wallet: WalletAddress,
    /// The wallet address that is paid.
    pub(super) bob_url: String,
    /// The accounts that the payment moves, in its direction.
    pub(super) accounts: Vec<Account>,
}

/// One side of a peering.
struct Side<'a> {
    node: &'a DemoNode,
    asset: &'a Asset,
    /// The amount that the other node may send before it must settle.
    liquidity: &'a str,
    /// Prefixes beyond the other node's own address.
    routes: &'a [&'a str],
}

impl Network {
    /// Starts the nodes and sets them up. The connector may be started in another way.
    pub(super) fn start(
        dir: &Path,
        connector: Option<Starting>,
        children: &Children,
    ) -> Result<Self, Failure> {
        let spawn = |name| Starting::spawn(name, dir, children);
        let connector = match connector {
            Some(starting) => starting,
            None => spawn("connector")?,
        };
        let starting = [spawn("alice")?, connector, spawn("bob")?];
        let mut nodes = Vec::with_capacity(starting.len());
        for node in starting {
            nodes.push(node.ready(children)?);
        }
        let [alice, connector, bob] = <[DemoNode; 3]>::try_from(nodes)
            .map_err(|_| Failure::Refused("not all of the nodes are there".to_owned()))?;

        let create = |node: &DemoNode, code| asset::create(&node.admin, code, SCALE);
        let (alice_usd, bob_eur) = (create(&alice, "USD")?, create(&bob, "EUR")?);
        let (usd, eur) = (create(&connector, "USD")?, create(&connector, "EUR")?);
        rate::create(&connector.admin, "USD", "EUR", RATE)?;
        stock(&connector, &usd)?;
        stock(&connector, &eur)?;

        // The sender of packets needs liquidity at the node that receives them. The two outer nodes
        // know one neighbour and route everything there; the connector has a route to each of them.
        let everywhere = &["test"][..];
        let (at_alice, alice_at_connector) = peer(
            &Side { node: &alice, asset: &alice_usd, liquidity: "0", routes: everywhere },
            &Side { node: &connector, asset: &usd, liquidity: LIQUIDITY, routes: &[] },
        )?;
        let (bob_at_connector, at_bob) = peer(
            &Side { node: &connector, asset: &eur, liquidity: "0", routes: &[] },
            &Side { node: &bob, asset: &bob_eur, liquidity: LIQUIDITY, routes: everywhere },
        )?;

        let (alice_url, bob_url) =
            (format!("{}/alice", alice.wallet_url), format!("{}/bob", bob.wallet_url));
        let wallet = |node: &DemoNode, url: &str, asset: Asset, name: &str| {
            wallet::create(&node.admin, url.to_owned(), asset.id, Some(name.to_owned()), None)
        };
        let alice_wallet = wallet(&alice, &alice_url, alice_usd, "Alice")?;
        let bob_wallet = wallet(&bob, &bob_url, bob_eur, "Bob")?;
        let accounts = vec![
            Account::peer(&alice, "the connector", at_alice, "USD"),
            Account::peer(&connector, "alice", alice_at_connector, "USD"),
            Account::asset(&connector, "its own dollars", usd.id, "USD"),
            Account::asset(&connector, "its own euros", eur.id, "EUR"),
            Account::peer(&connector, "bob", bob_at_connector, "EUR"),
            Account::peer(&bob, "the connector", at_bob, "EUR"),
            Account::wallet(&bob, "bob's wallet", bob_wallet.id, "EUR"),
        ];
        Ok(Self { alice, connector, bob, alice_wallet, bob_url, accounts })
    }

    /// Returns the node that is the connector.
    pub(super) fn connector(&self) -> &DemoNode {
        &self.connector
    }

    /// Lets another node be the connector, with the same books.
    pub(super) fn replace_connector(&mut self, node: DemoNode) {
        self.accounts.iter_mut().for_each(|account| account.move_to(&node));
        self.connector = node;
    }

    fn nodes(&self) -> [&DemoNode; 3] {
        [&self.alice, &self.connector, &self.bob]
    }

    pub(super) fn bob_address(&self) -> &str {
        &self.bob.ilp_address
    }

    /// Pings bob's node from alice's.
    pub(super) fn ping_bob(&self) -> Result<PingResult, Failure> {
        let address = self.bob_address().to_owned();
        self.alice.admin.ask(Ping { address, peer: None, asset: None })
    }

    /// Returns the last lines of the nodes' logs.
    pub(super) fn logs(&self) -> String {
        let said =
            self.nodes().map(|node| format!("{}:\n{}", node.name, tail(&node.log, LOG_LINES)));
        said.join("\n")
    }

    pub(super) fn json(&self) -> Value {
        let node = |node: &DemoNode| {
            json!({
                "name": node.name,
                "ilpAddress": node.ilp_address,
                "adminUrl": node.admin_url,
                "ilpUrl": node.ilp_url,
                "walletUrl": node.wallet_url,
            })
        };
        self.nodes().map(node).to_vec().into()
    }

    /// Returns commands to try while the nodes run.
    pub(super) fn look_around(&self) -> Vec<String> {
        let mut lines = vec!["The nodes run on until Ctrl-C:".to_owned()];
        lines.extend(self.nodes().map(|node| {
            format!(
                "  {:<10} admin {}  packets {}  wallets {}",
                node.name, node.admin_url, node.ilp_url, node.wallet_url
            )
        }));
        let (alice, bob) = (plain(&self.alice_wallet.address), &self.bob_url);
        lines.extend([
            "Try:".to_owned(),
            format!("  jirani peer list --url {}", self.connector.admin_url),
            format!("  jirani pay {alice} --from {bob} --send 5 --url {}", self.bob.admin_url),
            format!("  curl -s {bob} -H 'Accept: application/spsp4+json'"),
        ]);
        lines
    }
}

/// Deposits some of an asset into the node's own stock, from which it pays out conversions.
fn stock(node: &DemoNode, asset: &Asset) -> Result<(), Failure> {
    let fresh_id = || Id::new(Uuid::new_v4().to_string());
    node.admin.ask(DepositAssetLiquidityInput {
        id: fresh_id(),
        asset_id: asset.id.clone(),
        amount: amount_in(LIQUIDITY, SCALE)?,
        idempotency_key: fresh_id(),
    })
}

/// Makes two nodes each other's peers, and returns each one's id for the other.
fn peer(left: &Side<'_>, right: &Side<'_>) -> Result<(Id, Id), Failure> {
    let (to_left, to_right) = (fresh_token()?, fresh_token()?);
    let at_left = left.add(right.node, &to_left, &to_right)?;
    let at_right = right.add(left.node, &to_right, &to_left)?;
    Ok((at_left, at_right))
}

impl Side<'_> {
    /// Adds the other node by the mutation of the operator's documentation.
    fn add(&self, other: &DemoNode, incoming: &str, outgoing: &str) -> Result<Id, Failure> {
        let http = HttpInput::new(incoming.to_owned(), other.ilp_url.clone(), outgoing.to_owned());
        let input = CreatePeerInput {
            name: Some(other.name.to_owned()),
            max_packet_amount: Some(amount_in(PACKET_MAX, SCALE)?),
            initial_liquidity: Some(amount_in(self.liquidity, SCALE)?),
            routes: Some(self.routes.iter().map(|&route| route.to_owned()).collect()),
            ..CreatePeerInput::new(other.ilp_address.clone(), self.asset.id.clone(), http)
        };
        let created = self.node.admin.ask(documented::Creation(input))?;
        match created.peer {
            Some(peer) if created.success => Ok(peer.id),
            _ => {
                let (node, message) = (self.node.name, plain(&created.message));
                let name = other.name;
                Err(Failure::Refused(format!("{node} doesn't take {name} as a peer: {message}")))
            }
        }
    }
}
