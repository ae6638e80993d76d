//! `jirani liquidity`: money that comes in from outside and goes out again.

mod repeated;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use uuid::Uuid;

use self::repeated::{Asked, Kind};
use super::{
    Failure,
    admin_client::{AdminArgs, plain, print},
    lookup::{amount_in, find_asset, find_peer, scale_of},
};

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  jirani liquidity deposit 12.50 --peer g.othergreatwallet")]
pub(crate) enum LiquidityCommand {
    /// Add to what a peer may send, or to the node's own stock of an asset
    #[command(
        after_help = "Example:\n  jirani liquidity deposit 12.50 --peer g.othergreatwallet\n  \
        jirani liquidity deposit 5000 --asset USD"
    )]
    Deposit(MoveArgs),
    /// Take from what a peer may send, or from the node's own stock of an asset
    #[command(
        after_help = "Example:\n  jirani liquidity withdraw 12.50 --peer g.othergreatwallet\n  \
        jirani liquidity withdraw 5000 --asset USD --timeout 3600     then post or void it"
    )]
    Withdraw {
        #[command(flatten)]
        moved: MoveArgs,
        /// Only set the amount aside, for so many seconds or until it is posted or voided
        #[arg(long, value_name = "SECONDS", default_value_t = 0)]
        timeout: u64,
    },
    /// Take what a pending withdrawal has set aside for good
    #[command(
        after_help = "Example:\n  jirani liquidity post 0f9926a0-3b5c-4def-8123-456789abcdef"
    )]
    Post(EndArgs),
    /// Give back what a pending withdrawal has set aside
    #[command(
        after_help = "Example:\n  jirani liquidity void 0f9926a0-3b5c-4def-8123-456789abcdef"
    )]
    Void(EndArgs),
}

#[derive(Debug, Args)]
pub(crate) struct MoveArgs {
    /// How much, such as 12.50
    amount: String,
    #[command(flatten)]
    owner: OwnerArgs,
    /// A UUID of version 4 or 7 under which it is booked once, however often this is tried: a try
    /// with another amount or owner fails; made and printed if left out
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
            Self::Post(args) => end(&args, "postLiquidityWithdrawal", "posted"),
            Self::Void(args) => end(&args, "voidLiquidityWithdrawal", "voided"),
        }
    }
}

/// Whose liquidity moves: the part of the mutations' names that says what it is, the member that
/// names it, its id, what people call it, and what it is kept in.
struct Owner {
    kind: &'static str,
    member: &'static str,
    id: Value,
    name: String,
    asset: Value,
}

impl MoveArgs {
    fn owner(&self) -> Result<Owner, Failure> {
        if let Some(name) = &self.owner.asset {
            let asset = find_asset(&self.admin, name)?;
            let name = format!("the node's own {}", plain(&asset["code"]));
            return Ok(Owner {
                kind: "Asset",
                member: "assetId",
                id: asset["id"].clone(),
                name,
                asset,
            });
        }
        let mut peer = find_peer(&self.admin, self.owner.peer.as_deref().unwrap_or_default())?;
        Ok(Owner {
            kind: "Peer",
            member: "peerId",
            id: peer["id"].take(),
            name: plain(&peer["staticIlpAddress"]),
            asset: peer["asset"].take(),
        })
    }

    /// Returns the mutation's input, and the id in it.
    fn input(&self, owner: &Owner) -> Result<(Value, Uuid), Failure> {
        let amount = amount_in(&self.amount, scale_of(&owner.asset))?;
        let id = self.id.unwrap_or_else(Uuid::new_v4);
        let mut input = json!({
            "id": id,
            "amount": amount,
            // Each try has a key of its own: a transfer is booked once per id all the same, and the
            // answer to the second try says that it was booked before.
            "idempotencyKey": Uuid::new_v4(),
        });
        input[owner.member] = owner.id.clone();
        Ok((input, id))
    }
}

/// Books a transfer, or finds that it was booked before under its id. Returns which.
fn book(
    admin: &AdminArgs,
    mutation: &str,
    input: &Value,
    asked: Asked<'_>,
) -> Result<Done, Failure> {
    match mutate(admin, mutation, input) {
        Ok(()) => Ok(Done::Now),
        Err(refused) => asked.was_booked(admin, refused).map(|()| Done::Before),
    }
}

/// The time at which a transfer was booked: by this command, or before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Done {
    Now,
    Before,
}

fn deposit(args: &MoveArgs) -> Result<(), Failure> {
    let owner = args.owner()?;
    let (input, id) = args.input(&owner)?;
    let (amount, timeout_s) = (&input["amount"], 0);
    let asked = Asked { kind: Kind::Deposit, id, owner: &owner.id, amount, timeout_s };
    let mutation = format!("deposit{}Liquidity", owner.kind);
    let done = book(&args.admin, &mutation, &input, asked)?;
    let code = plain(&owner.asset["code"]);
    let what = format!("{} {code} for {}: {id}", args.amount, owner.name);
    let line = match done {
        Done::Now => format!("deposited {what}"),
        Done::Before => format!("already booked: {what}"),
    };
    let told = json!({ "id": id, "amount": amount, "alreadyBooked": done == Done::Before });
    print(&args.admin, &told, &[line])
}

fn withdraw(args: &MoveArgs, timeout_s: u64) -> Result<(), Failure> {
    let owner = args.owner()?;
    let (mut input, id) = args.input(&owner)?;
    input["timeoutSeconds"] = timeout_s.to_string().into();
    let amount = &input["amount"];
    let asked = Asked { kind: Kind::Withdrawal, id, owner: &owner.id, amount, timeout_s };
    let mutation = format!("create{}LiquidityWithdrawal", owner.kind);
    let done = book(&args.admin, &mutation, &input, asked)?;
    let what = format!("{} {} of {}", args.amount, plain(&owner.asset["code"]), owner.name);
    let mut lines = Vec::new();
    if done == Done::Before {
        lines.push(format!("already booked: {what}: {id}"));
    } else if timeout_s == 0 {
        lines.push(format!("withdrew {what}: {id}"));
    } else {
        lines.push(format!("set {what} aside for {timeout_s} seconds: {id}"));
        lines.push(format!("next: jirani liquidity post {id}, or void to give it back"));
    }
    let told = json!({
        "id": id, "amount": amount, "timeoutSeconds": timeout_s,
        "alreadyBooked": done == Done::Before,
    });
    print(&args.admin, &told, &lines)
}

fn end(args: &EndArgs, mutation: &str, done: &str) -> Result<(), Failure> {
    let input = json!({ "withdrawalId": args.id, "idempotencyKey": Uuid::new_v4() });
    mutate(&args.admin, mutation, &input)?;
    let line = format!("{done} {}", args.id);
    print(&args.admin, &json!({ "id": args.id, "state": done }), &[line])
}

fn mutate(admin: &AdminArgs, mutation: &str, input: &Value) -> Result<(), Failure> {
    let answer = admin.mutate(mutation, "success", input)?;
    if answer["success"] == true {
        return Ok(());
    }
    Err(Failure::Refused(format!("the node answers {}", plain(&answer))))
}
