//! `jirani liquidity`: deposits and withdrawals.

mod repeated;

use clap::{Args, Subcommand};
use ilp_admin_client::{
    Id, Request, UInt64,
    asset::{Asset, Unit},
    liquidity::{
        CreateAssetLiquidityWithdrawalInput, CreatePeerLiquidityWithdrawalInput,
        DepositAssetLiquidityInput, DepositPeerLiquidityInput, PostLiquidityWithdrawalInput,
        TransferType, VoidLiquidityWithdrawalInput,
    },
};
use serde_json::json;
use uuid::Uuid;

use self::repeated::RequestedTransfer;
use super::{
    Failure,
    admin_client::{AdminArgs, plain, print},
    lookup::{amount_in, find_asset, find_peer},
};

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  jirani liquidity deposit 12.50 --peer g.othergreatwallet")]
pub(crate) enum LiquidityCommand {
    /// Add to the amount that a peer may send, or to the node's own stock of an asset
    #[command(
        after_help = "Example:\n  jirani liquidity deposit 12.50 --peer g.othergreatwallet\n  \
        jirani liquidity deposit 5000 --asset USD"
    )]
    Deposit(MoveArgs),
    /// Take from the amount that a peer may send, or from the node's own stock of an asset
    #[command(
        after_help = "Example:\n  jirani liquidity withdraw 12.50 --peer g.othergreatwallet\n  \
        jirani liquidity withdraw 5000 --asset USD --timeout 3600     then post or void it"
    )]
    Withdraw {
        #[command(flatten)]
        moved: MoveArgs,
        /// Only reserve the amount, for this many seconds or until it is posted or voided
        #[arg(long, value_name = "SECONDS", default_value_t = 0)]
        timeout: u64,
    },
    /// Complete a pending withdrawal
    #[command(
        after_help = "Example:\n  jirani liquidity post 0f9926a0-3b5c-4def-8123-456789abcdef"
    )]
    Post(EndArgs),
    /// Cancel a pending withdrawal, and return the reserved amount
    #[command(
        after_help = "Example:\n  jirani liquidity void 0f9926a0-3b5c-4def-8123-456789abcdef"
    )]
    Void(EndArgs),
}

#[derive(Debug, Args)]
pub(crate) struct MoveArgs {
    /// The amount, such as 12.50
    amount: String,
    #[command(flatten)]
    owner: OwnerArgs,
    /// A UUID of version 4 or 7 under which the transfer is booked once, however often the command
    /// is repeated; a repetition with another amount or owner fails; made and printed if left out
    #[arg(long)]
    id: Option<Uuid>,
    #[command(flatten)]
    admin: AdminArgs,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct OwnerArgs {
    /// ILP address or id of the peer
    #[arg(long)]
    peer: Option<String>,
    /// Code or id of the asset
    #[arg(long)]
    asset: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct EndArgs {
    /// The withdrawal's id
    id: String,
    #[command(flatten)]
    admin: AdminArgs,
}

impl LiquidityCommand {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Deposit(moved) => deposit(&moved),
            Self::Withdraw { moved, timeout } => withdraw(&moved, timeout),
            Self::Post(args) => {
                let (withdrawal_id, idempotency_key) = (Id::new(&args.id), fresh_id());
                let post = PostLiquidityWithdrawalInput { withdrawal_id, idempotency_key };
                end(&args, post, "posted")
            }
            Self::Void(args) => {
                let (withdrawal_id, idempotency_key) = (Id::new(&args.id), fresh_id());
                let void = VoidLiquidityWithdrawalInput { withdrawal_id, idempotency_key };
                end(&args, void, "voided")
            }
        }
    }
}

/// The account whose liquidity moves.
enum Owner {
    Peer { id: Id, address: String, asset: Unit },
    Asset(Unit),
}

impl Owner {
    fn id(&self) -> &Id {
        match self {
            Self::Peer { id, .. } | Self::Asset(Unit { id, .. }) => id,
        }
    }

    fn unit(&self) -> &Unit {
        match self {
            Self::Peer { asset, .. } | Self::Asset(asset) => asset,
        }
    }

    /// Returns the owner's name for people.
    fn name(&self) -> String {
        match self {
            Self::Peer { address, .. } => plain(address),
            Self::Asset(asset) => format!("the node's own {}", plain(&asset.code)),
        }
    }
}

impl MoveArgs {
    fn owner(&self) -> Result<Owner, Failure> {
        if let Some(name) = &self.owner.asset {
            return find_asset(&self.admin, name).map(|asset: Asset| Owner::Asset(asset.into()));
        }
        let peer = find_peer(&self.admin, self.owner.peer.as_deref().unwrap_or_default())?;
        Ok(Owner::Peer { id: peer.id, address: peer.static_ilp_address, asset: peer.asset })
    }

    fn requested(
        &self,
        kind: TransferType,
        owner: &Owner,
        timeout_s: u64,
    ) -> Result<RequestedTransfer, Failure> {
        let id = self.id.unwrap_or_else(Uuid::new_v4);
        Ok(RequestedTransfer {
            kind,
            id: Id::new(id.to_string()),
            owner: owner.id().clone(),
            amount: amount_in(&self.amount, owner.unit().scale)?,
            timeout_s,
        })
    }

    /// Books a transfer, or finds that an earlier command booked it under its id.
    fn book<R: Request<Answer = ()>>(
        &self,
        request: R,
        requested: &RequestedTransfer,
    ) -> Result<Booking, Failure> {
        match self.admin.ask(request) {
            Ok(()) => Ok(Booking::New),
            Err(refused) => requested.was_booked(&self.admin, refused).map(|()| Booking::Earlier),
        }
    }
}

/// Whether this command booked a transfer, or an earlier one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Booking {
    New,
    Earlier,
}

/// Each attempt has an idempotency key of its own. A transfer is booked once per id all the same,
/// and the answer to a second attempt says that it was booked before.
fn fresh_id() -> Id {
    Id::new(Uuid::new_v4().to_string())
}

fn deposit(args: &MoveArgs) -> Result<(), Failure> {
    let owner = args.owner()?;
    let requested = args.requested(TransferType::Deposit, &owner, 0)?;
    let RequestedTransfer { id, amount, .. } = requested.clone();
    let idempotency_key = fresh_id();
    let booking = match &owner {
        Owner::Peer { id: peer, .. } => {
            let peer_id = peer.clone();
            args.book(
                DepositPeerLiquidityInput { id, peer_id, amount, idempotency_key },
                &requested,
            )?
        }
        Owner::Asset(asset) => {
            let asset_id = asset.id.clone();
            args.book(
                DepositAssetLiquidityInput { id, asset_id, amount, idempotency_key },
                &requested,
            )?
        }
    };
    let id = &requested.id;
    let what = format!("{} {} for {}: {id}", args.amount, plain(&owner.unit().code), owner.name());
    let line = match booking {
        Booking::New => format!("deposited {what}"),
        Booking::Earlier => format!("already booked: {what}"),
    };
    let booked =
        json!({ "id": id, "amount": amount, "alreadyBooked": booking == Booking::Earlier });
    print(&args.admin, &booked, &[line])
}

fn withdraw(args: &MoveArgs, timeout_s: u64) -> Result<(), Failure> {
    let owner = args.owner()?;
    let requested = args.requested(TransferType::Withdrawal, &owner, timeout_s)?;
    let RequestedTransfer { id, amount, .. } = requested.clone();
    let (timeout_seconds, idempotency_key) = (UInt64(timeout_s), fresh_id());
    let booking = match &owner {
        Owner::Peer { id: peer, .. } => {
            let peer_id = peer.clone();
            let input = CreatePeerLiquidityWithdrawalInput {
                id,
                peer_id,
                amount,
                timeout_seconds,
                idempotency_key,
            };
            args.book(input, &requested)?
        }
        Owner::Asset(asset) => {
            let asset_id = asset.id.clone();
            let input = CreateAssetLiquidityWithdrawalInput {
                id,
                asset_id,
                amount,
                timeout_seconds,
                idempotency_key,
            };
            args.book(input, &requested)?
        }
    };
    let id = &requested.id;
    let what = format!("{} {} of {}", args.amount, plain(&owner.unit().code), owner.name());
    let mut lines = Vec::new();
    if booking == Booking::Earlier {
        lines.push(format!("already booked: {what}: {id}"));
    } else if timeout_s == 0 {
        lines.push(format!("withdrew {what}: {id}"));
    } else {
        lines.push(format!("set {what} aside for {timeout_s} seconds: {id}"));
        lines.push(format!("next: jirani liquidity post {id}, or void to give it back"));
    }
    let booked = json!({
        "id": id, "amount": amount, "timeoutSeconds": timeout_s,
        "alreadyBooked": booking == Booking::Earlier,
    });
    print(&args.admin, &booked, &lines)
}

fn end<R: Request<Answer = ()>>(args: &EndArgs, request: R, state: &str) -> Result<(), Failure> {
    args.admin.ask(request)?;
    let line = format!("{state} {}", args.id);
    print(&args.admin, &json!({ "id": args.id, "state": state }), &[line])
}
