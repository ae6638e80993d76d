//! `jirani wallet`: the addresses at which people are paid.

mod update;

use clap::{Args, Subcommand};
use ilp_admin_client::{
    Id, UInt64,
    payment::Amount,
    wallet::{
        AdditionalPropertyInput, CreateWalletAddressInput, CreateWalletAddressWithdrawalInput,
        ReceivedPayment, SentPayment, WalletAddress, WalletAddresses, WalletPayments,
    },
};
use ilp_net::{ReceiverUrl, WalletAddressUrl};
use serde::Serialize;
use uuid::Uuid;

use super::{
    Failure,
    admin_client::{AdminArgs, name_of, plain, plain_or_dash, print},
    lookup::{find_asset, find_wallet, shown_amount, shown_money},
    table::{Column, Table, described},
};

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  jirani wallet add '$wallet.example.com/alice' --asset USD")]
pub(crate) enum WalletCommand {
    /// Add a wallet address, which can be paid at once
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
    /// Change a wallet address; fields that are left out stay
    #[command(
        after_help = "Examples:\n  jirani wallet update '$wallet.example.com/alice' --name Alice\n  \
        jirani wallet update '$wallet.example.com/alice' --status inactive"
    )]
    Update(update::UpdateArgs),
    /// Withdraw the whole balance of a wallet address
    #[command(after_help = "Examples:\n  jirani wallet withdraw '$wallet.example.com/alice'\n  \
        jirani wallet withdraw '$wallet.example.com/alice' --timeout 3600\n    \
        then jirani liquidity post ID, or void")]
    Withdraw {
        /// Payment pointer, URL or id
        wallet: String,
        /// Only reserve the amount, for this many seconds or until it is posted or voided
        #[arg(long, value_name = "SECONDS", default_value_t = 0)]
        timeout: u64,
        /// A UUID of version 4 or 7 under which the withdrawal is booked once; made and printed if
        /// left out
        #[arg(long)]
        id: Option<Uuid>,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// Payment pointer or URL of the new wallet address
    address: String,
    /// Code or id of the wallet address's asset
    #[arg(long)]
    asset: String,
    /// Name that payers see
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    properties: PropertyArgs,
    #[command(flatten)]
    admin: AdminArgs,
}

/// The properties of a wallet address, which the operator defines.
#[derive(Debug, Args)]
struct PropertyArgs {
    /// A property that only you see, such as customer=1207; repeat it for several
    #[arg(long = "property", value_name = "KEY=VALUE", value_parser = property)]
    properties: Vec<(String, String)>,
    /// A property that payers see too, such as country=MX; repeat it for several
    #[arg(long = "public-property", value_name = "KEY=VALUE", value_parser = property)]
    public_properties: Vec<(String, String)>,
}

fn property(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected a key, `=` and a value, such as customer=1207".to_owned()),
    }
}

impl PropertyArgs {
    /// Returns the properties in the form of the API; `None` where none are given.
    fn given(&self) -> Option<Vec<AdditionalPropertyInput>> {
        let hidden = self.properties.iter().map(|property| (property, false));
        let public = self.public_properties.iter().map(|property| (property, true));
        let input = |((key, value), visible_in_open_payments): (&(String, String), bool)| {
            let (key, value) = (key.clone(), value.clone());
            AdditionalPropertyInput { key, value, visible_in_open_payments }
        };
        let given: Vec<_> = hidden.chain(public).map(input).collect();
        Some(given).filter(|given| !given.is_empty())
    }
}

impl WalletCommand {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Add(args) => add(&args),
            Self::List { admin } => list(&admin),
            Self::Show { wallet, admin } => show(&wallet, &admin),
            Self::Update(args) => args.run(),
            Self::Withdraw { wallet, timeout, id, admin } => withdraw(&wallet, timeout, id, &admin),
        }
    }
}

fn add(args: &AddArgs) -> Result<(), Failure> {
    let url = WalletAddressUrl::parse(&args.address)
        .map_err(|error| Failure::Refused(format!("{}: {error}", args.address)))?;
    let asset = find_asset(&args.admin, &args.asset)?;
    let wallet = create(
        &args.admin,
        url.as_str().to_owned(),
        asset.id,
        args.name.clone(),
        args.properties.given(),
    )?;
    let mut lines = vec![format!("added {}: {}", plain(&wallet.address), wallet.id)];
    lines.extend(pointer(&wallet.address).map(|pointer| format!("it is paid as {pointer}")));
    print(&args.admin, &wallet, &lines)
}

pub(super) fn create(
    admin: &AdminArgs,
    address: String,
    asset_id: Id,
    public_name: Option<String>,
    additional_properties: Option<Vec<AdditionalPropertyInput>>,
) -> Result<WalletAddress, Failure> {
    admin.ask(CreateWalletAddressInput {
        address,
        asset_id,
        public_name,
        additional_properties,
        tenant_id: None,
        idempotency_key: None,
    })
}

fn list(admin: &AdminArgs) -> Result<(), Failure> {
    let wallets = admin.all_rows(|after| WalletAddresses { after })?;
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
            plain(&wallet.address),
            plain_or_dash(wallet.public_name.as_ref()),
            shown_amount(wallet.liquidity, wallet.asset.scale),
            plain(&wallet.asset.code),
            name_of(wallet.status),
            wallet.id.to_string(),
        ]);
    }
    let lines = table.lines("no wallet addresses yet; add one: jirani wallet add URL --asset CODE");
    print(admin, &wallets, &lines)
}

/// A wallet address with its latest payments, in the fields of the JSON output.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownWallet {
    #[serde(flatten)]
    wallet: WalletAddress,
    outgoing_payments: Vec<SentPayment>,
    incoming_payments: Vec<ReceivedPayment>,
}

fn show(name: &str, admin: &AdminArgs) -> Result<(), Failure> {
    let wallet = find_wallet(admin, name)?;
    let payments = admin.ask(WalletPayments { id: wallet.id.clone() })?;
    let sent = payments.outgoing_payments.map(|page| page.edges).unwrap_or_default();
    let received = payments.incoming_payments.map(|page| page.edges).unwrap_or_default();
    let shown = ShownWallet {
        outgoing_payments: sent.into_iter().map(|edge| edge.node).collect(),
        incoming_payments: received.into_iter().map(|edge| edge.node).collect(),
        wallet,
    };
    let wallet = &shown.wallet;
    let mut lines = described([
        ("address", plain(&wallet.address)),
        ("payment pointer", pointer(&wallet.address).unwrap_or_else(|| "-".to_owned())),
        ("name", plain_or_dash(wallet.public_name.as_ref())),
        ("id", wallet.id.to_string()),
        ("status", name_of(wallet.status)),
        ("liquidity", shown_money(wallet.liquidity, &wallet.asset)),
        ("added", plain(&wallet.created_at)),
    ]);
    for (title, rows) in [
        ("latest payments from it", sent_rows(&shown.outgoing_payments)),
        ("latest requests for payment to it", received_rows(&shown.incoming_payments)),
    ] {
        if !rows.is_empty() {
            lines.extend([String::new(), format!("{title}:")]);
            lines.extend(payment_lines(rows));
        }
    }
    print(admin, &shown, &lines)
}

fn withdraw(
    name: &str,
    timeout_s: u64,
    id: Option<Uuid>,
    admin: &AdminArgs,
) -> Result<(), Failure> {
    let wallet = find_wallet(admin, name)?;
    let id_of = |id: Uuid| Id::new(id.to_string());
    let withdrawal = admin.ask(CreateWalletAddressWithdrawalInput {
        wallet_address_id: wallet.id,
        id: id_of(id.unwrap_or_else(Uuid::new_v4)),
        idempotency_key: id_of(Uuid::new_v4()),
        timeout_seconds: UInt64(timeout_s),
    })?;
    let (id, amount) = (&withdrawal.id, shown_money(Some(withdrawal.amount), &wallet.asset));
    let lines = match timeout_s {
        0 => vec![format!("withdrew {amount}: {id}")],
        _ => vec![
            format!("set {amount} aside for {timeout_s} seconds: {id}"),
            format!("next: jirani liquidity post {id}, or void to give it back"),
        ],
    };
    print(admin, &withdrawal, &lines)
}

fn sent_rows(payments: &[SentPayment]) -> Vec<[String; 5]> {
    let row = |payment: &SentPayment| {
        [
            plain(&payment.created_at),
            name_of(payment.state),
            shown_value(&payment.sent_amount),
            plain(&payment.receiver),
            payment.id.to_string(),
        ]
    };
    payments.iter().map(row).collect()
}

fn received_rows(payments: &[ReceivedPayment]) -> Vec<[String; 5]> {
    let row = |payment: &ReceivedPayment| {
        [
            plain(&payment.created_at),
            name_of(payment.state),
            shown_value(&payment.received_amount),
            "-".to_owned(),
            payment.id.to_string(),
        ]
    };
    payments.iter().map(row).collect()
}

fn payment_lines(rows: Vec<[String; 5]>) -> Vec<String> {
    let mut table = Table::new(&[
        Column::Left("AT"),
        Column::Left("STATE"),
        Column::Right("AMOUNT"),
        Column::Left("TO"),
        Column::Left("ID"),
    ]);
    rows.into_iter().for_each(|row| table.row(row));
    table.lines("none")
}

/// Returns an amount in standard units, followed by its asset's code.
pub(super) fn shown_value(amount: &Amount) -> String {
    let number = shown_amount(Some(amount.value), amount.asset_scale);
    format!("{number} {}", plain(&amount.asset_code))
}

fn pointer(address: &str) -> Option<String> {
    ReceiverUrl::parse(address).ok()?.payment_pointer()
}

#[cfg(test)]
mod tests {
    use ilp_admin_client::payment::IncomingPaymentState;

    use super::*;

    #[test]
    fn payments_are_shown_in_their_own_assets() {
        let received_amount =
            Amount { value: UInt64(1_250), asset_code: "USD".to_owned(), asset_scale: 2 };
        let payments = [ReceivedPayment {
            id: Id::new("7"),
            state: IncomingPaymentState::Completed,
            created_at: "2026-11-24T07:00:00.000Z".to_owned(),
            received_amount,
        }];
        let lines = payment_lines(received_rows(&payments));
        assert_eq!(lines.len(), 2);
        assert!(lines[1].contains("COMPLETED  12.50 USD  -   7"), "{}", lines[1]);
    }

    #[test]
    fn a_wallet_is_known_by_its_pointer_where_it_has_one() {
        assert_eq!(pointer("https://a.example/bob").as_deref(), Some("$a.example/bob"));
        assert_eq!(pointer("http://127.0.0.1:3003/bob"), None);
        assert_eq!(pointer(""), None);
    }
}
