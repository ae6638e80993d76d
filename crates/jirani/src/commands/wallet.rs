//! `jirani wallet`: the addresses that people are paid at.

use clap::{Args, Subcommand};
use ilp_net::{ReceiverUrl, WalletAddressUrl};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Failure,
    admin_client::{AdminArgs, all_rows, plain, print},
    lookup::{WALLET, find_asset, find_wallet, shown_amount, shown_money},
    table::{Column, Table, described},
};

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  jirani wallet add '$wallet.example.com/alice' --asset USD")]
pub(crate) enum WalletCommand {
    /// Add a wallet address: somebody can be paid at it at once
    #[command(
        after_help = "Examples:\n  jirani wallet add '$wallet.example.com/alice' --asset USD\n  \
        jirani wallet add https://wallet.example.com/bob --asset USD --name 'Bob'"
    )]
    Add(AddArgs),
    /// List the wallet addresses
    #[command(after_help = "Example:\n  jirani wallet list")]
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Show a wallet address and its latest payments
    #[command(after_help = "Example:\n  jirani wallet show '$wallet.example.com/alice'")]
    Show {
        /// Payment pointer, URL or id
        wallet: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Take out all that a wallet address has received
    #[command(after_help = "Examples:\n  jirani wallet withdraw '$wallet.example.com/alice'\n  \
        jirani wallet withdraw '$wallet.example.com/alice' --timeout 3600\n    \
        then jirani liquidity post ID, or void")]
    Withdraw {
        /// Payment pointer, URL or id
        wallet: String,
        /// Only set it aside, for so many seconds or until it is posted or voided
        #[arg(long, value_name = "SECONDS", default_value_t = 0)]
        timeout: u64,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// Payment pointer or URL, under which payers find it
    address: String,
    /// Code or id of the asset that it is kept in
    #[arg(long)]
    asset: String,
    /// What payers are shown
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    admin: AdminArgs,
}

impl WalletCommand {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Add(args) => add(&args),
            Self::List { admin } => list(&admin),
            Self::Show { wallet, admin } => show(&wallet, &admin),
            Self::Withdraw { wallet, timeout, admin } => withdraw(&wallet, timeout, &admin),
        }
    }
}

fn add(args: &AddArgs) -> Result<(), Failure> {
    let url = WalletAddressUrl::parse(&args.address)
        .map_err(|error| Failure::Refused(format!("{}: {error}", args.address)))?;
    let asset = find_asset(&args.admin, &args.asset)?;
    let wallet = create(&args.admin, url.as_str(), &asset, args.name.as_deref())?;
    let mut lines = vec![format!("added {}: {}", plain(&wallet["address"]), plain(&wallet["id"]))];
    lines.extend(pointer(&wallet).map(|pointer| format!("it is paid as {pointer}")));
    print(&args.admin, &wallet, &lines)
}

pub(super) fn create(
    admin: &AdminArgs,
    url: &str,
    asset: &Value,
    name: Option<&str>,
) -> Result<Value, Failure> {
    let input = json!({ "address": url, "assetId": asset["id"], "publicName": name });
    let selection = format!("walletAddress {{ {WALLET} }}");
    Ok(admin.mutate("createWalletAddress", &selection, &input)?["walletAddress"].take())
}

fn list(admin: &AdminArgs) -> Result<(), Failure> {
    let query = format!(
        "query($after: String) {{
            walletAddresses(first: 100, after: $after) {{
                pageInfo {{ hasNextPage endCursor }}
                edges {{ node {{ {WALLET} }} }}
            }}
        }}"
    );
    let wallets = all_rows(admin, &query, "walletAddresses")?;
    let mut table = Table::new(&[
        Column::Left("ADDRESS"),
        Column::Left("NAME"),
        Column::Right("LIQUIDITY"),
        Column::Left("ASSET"),
        Column::Left("STATUS"),
        Column::Left("ID"),
    ]);
    for wallet in &wallets {
        table.row([
            plain(&wallet["address"]),
            plain(&wallet["publicName"]),
            shown_amount(&wallet["liquidity"], &wallet["asset"]["scale"]),
            plain(&wallet["asset"]["code"]),
            plain(&wallet["status"]),
            plain(&wallet["id"]),
        ]);
    }
    let lines = table.lines("no wallet addresses yet; add one: jirani wallet add URL --asset CODE");
    print(admin, &Value::Array(wallets), &lines)
}

fn show(name: &str, admin: &AdminArgs) -> Result<(), Failure> {
    let mut wallet = find_wallet(admin, name)?;
    let query = "query($id: String!) {
        walletAddress(id: $id) {
            outgoingPayments(first: 10) { edges { node {
                id state receiver createdAt
                debitAmount { value assetCode assetScale } sentAmount { value assetCode assetScale }
            } } }
            incomingPayments(first: 10) { edges { node {
                id state createdAt receivedAmount { value assetCode assetScale }
            } } }
        }
    }";
    let payments = admin.query(query, &json!({ "id": wallet["id"] }))?["walletAddress"].take();
    let mut lines = described([
        ("address", plain(&wallet["address"])),
        ("payment pointer", pointer(&wallet).unwrap_or_else(|| "-".to_owned())),
        ("name", plain(&wallet["publicName"])),
        ("id", plain(&wallet["id"])),
        ("status", plain(&wallet["status"])),
        ("liquidity", shown_money(&wallet["liquidity"], &wallet["asset"])),
        ("added", plain(&wallet["createdAt"])),
    ]);
    for (field, title, amount) in [
        ("outgoingPayments", "latest payments from it", "sentAmount"),
        ("incomingPayments", "latest requests for payment to it", "receivedAmount"),
    ] {
        let edges = payments[field]["edges"].as_array().map(Vec::as_slice).unwrap_or_default();
        let rows: Vec<Value> = edges.iter().map(|edge| edge["node"].clone()).collect();
        if !rows.is_empty() {
            lines.extend([String::new(), format!("{title}:")]);
            lines.extend(payment_lines(&rows, amount));
        }
        wallet[field] = rows.into();
    }
    print(admin, &wallet, &lines)
}

fn withdraw(name: &str, timeout_s: u64, admin: &AdminArgs) -> Result<(), Failure> {
    let wallet = find_wallet(admin, name)?;
    let input = json!({
        "walletAddressId": wallet["id"],
        "id": Uuid::new_v4(),
        "idempotencyKey": Uuid::new_v4(),
        "timeoutSeconds": timeout_s.to_string(),
    });
    let answer =
        admin.mutate("createWalletAddressWithdrawal", "withdrawal { id amount }", &input)?;
    let withdrawal = &answer["withdrawal"];
    let (id, amount) =
        (plain(&withdrawal["id"]), shown_money(&withdrawal["amount"], &wallet["asset"]));
    let lines = match timeout_s {
        0 => vec![format!("withdrew {amount}: {id}")],
        _ => vec![
            format!("set {amount} aside for {timeout_s} seconds: {id}"),
            format!("next: jirani liquidity post {id}, or void to give it back"),
        ],
    };
    print(admin, withdrawal, &lines)
}

fn payment_lines(payments: &[Value], amount: &str) -> Vec<String> {
    let mut table = Table::new(&[
        Column::Left("AT"),
        Column::Left("STATE"),
        Column::Right("AMOUNT"),
        Column::Left("TO"),
        Column::Left("ID"),
    ]);
    for payment in payments {
        table.row([
            plain(&payment["createdAt"]),
            plain(&payment["state"]),
            shown_value(&payment[amount]),
            plain(&payment["receiver"]),
            plain(&payment["id"]),
        ]);
    }
    table.lines("none")
}

/// An amount as payments have it, with its asset beside it.
pub(super) fn shown_value(amount: &Value) -> String {
    let number = shown_amount(&amount["value"], &amount["assetScale"]);
    format!("{number} {}", plain(&amount["assetCode"]))
}

fn pointer(wallet: &Value) -> Option<String> {
    ReceiverUrl::parse(wallet["address"].as_str()?).ok()?.payment_pointer()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payments_are_shown_in_their_own_assets() {
        let payments = [json!({
            "createdAt": "2026-11-24T07:00:00.000Z", "state": "COMPLETED", "receiver": null,
            "id": "7", "sentAmount": { "value": "1250", "assetCode": "USD", "assetScale": 2 },
        })];
        let lines = payment_lines(&payments, "sentAmount");
        assert_eq!(lines.len(), 2);
        assert!(lines[1].contains("COMPLETED  12.50 USD  -   7"), "{}", lines[1]);
    }

    #[test]
    fn a_wallet_is_known_by_its_pointer_where_it_has_one() {
        let wallet = |address: &str| json!({ "address": address });
        assert_eq!(pointer(&wallet("https://a.example/bob")).as_deref(), Some("$a.example/bob"));
        assert_eq!(pointer(&wallet("http://127.0.0.1:3003/bob")), None);
        assert_eq!(pointer(&json!({})), None);
    }
}
