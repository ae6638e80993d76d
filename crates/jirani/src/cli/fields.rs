//! A test that every input field of the admin API has an option or an argument, or is listed here
//! with the reason why it has none.

use std::collections::BTreeSet;

use clap::{Command, CommandFactory};

use super::Cli;

const SCHEMA: &str = include_str!("../../../ilp-admin/schema.graphql");

/// Fields of an input, each with the option or argument for it.
type Options = &'static [(&'static str, &'static str)];

/// The command of each mutation, and the options whose names are not those of the fields: a field of
/// the input, or of an input inside of it after a dot, and the option or argument for it.
const COMMANDS: &[(&str, &str, Options)] = &[
    (
        "createPeer",
        "peer add",
        &[
            ("staticIlpAddress", "address"),
            ("assetId", "asset"),
            ("http.incoming.authTokens", "incoming-token"),
            ("http.outgoing.endpoint", "endpoint"),
            ("http.outgoing.authToken", "outgoing-token"),
            ("initialLiquidity", "liquidity"),
            ("isDefaultRoute", "default-route"),
            ("routes", "route"),
        ],
    ),
    (
        "updatePeer",
        "peer update",
        &[
            ("id", "peer"),
            ("staticIlpAddress", "address"),
            ("http.incoming.authTokens", "incoming-token"),
            ("http.outgoing.endpoint", "endpoint"),
            ("http.outgoing.authToken", "outgoing-token"),
            ("isDefaultRoute", "default-route"),
            ("routes", "route"),
            ("version", "if-version"),
        ],
    ),
    ("deletePeer", "peer remove", &[("id", "peer")]),
    ("addPeerToken", "peer token add", &[("peerId", "peer"), ("authToken", "token")]),
    (
        "revokePeerToken",
        "peer token revoke",
        &[("peerId", "peer"), ("authToken", "token"), ("tokenId", "id")],
    ),
    ("createAsset", "asset add", &[]),
    ("updateAsset", "asset update", &[("id", "asset"), ("version", "if-version")]),
    ("deleteAsset", "asset remove", &[("id", "asset")]),
    ("depositPeerLiquidity", "liquidity deposit", &[("peerId", "peer")]),
    ("depositAssetLiquidity", "liquidity deposit", &[("assetId", "asset")]),
    (
        "createPeerLiquidityWithdrawal",
        "liquidity withdraw",
        &[("peerId", "peer"), ("timeoutSeconds", "timeout")],
    ),
    (
        "createAssetLiquidityWithdrawal",
        "liquidity withdraw",
        &[("assetId", "asset"), ("timeoutSeconds", "timeout")],
    ),
    ("postLiquidityWithdrawal", "liquidity post", &[("withdrawalId", "id")]),
    ("voidLiquidityWithdrawal", "liquidity void", &[("withdrawalId", "id")]),
    ("setRate", "rate set", &[]),
    ("deleteRate", "rate delete", &[]),
    (
        "setFee",
        "fee set",
        &[("assetId", "asset"), ("fee.fixed", "fixed"), ("fee.basisPoints", "percent")],
    ),
    (
        "createWalletAddress",
        "wallet add",
        &[
            ("assetId", "asset"),
            ("publicName", "name"),
            ("additionalProperties.key", "property"),
            ("additionalProperties.value", "property"),
            ("additionalProperties.visibleInOpenPayments", "public-property"),
        ],
    ),
    (
        "updateWalletAddress",
        "wallet update",
        &[
            ("id", "wallet"),
            ("publicName", "name"),
            ("additionalProperties.key", "property"),
            ("additionalProperties.value", "property"),
            ("additionalProperties.visibleInOpenPayments", "public-property"),
            ("version", "if-version"),
        ],
    ),
    (
        "createWalletAddressWithdrawal",
        "wallet withdraw",
        &[("walletAddressId", "wallet"), ("timeoutSeconds", "timeout")],
    ),
    (
        "createQuote",
        "pay",
        &[
            ("walletAddressId", "from"),
            ("debitAmount.value", "send"),
            ("debitAmount.assetCode", "from"),
            ("debitAmount.assetScale", "from"),
            ("receiveAmount.value", "deliver"),
            ("receiveAmount.assetCode", "receiver-asset"),
            ("receiveAmount.assetScale", "receiver-asset"),
        ],
    ),
    ("createOutgoingPayment", "pay", &[("walletAddressId", "from")]),
    ("approvePeeringRequest", "peering approve", &[]),
    ("rejectPeeringRequest", "peering reject", &[]),
    (
        "createOrUpdatePeerByUrl",
        "peering ask",
        &[("assetId", "asset"), ("liquidityToDeposit", "liquidity")],
    ),
    ("retryWebhookEvent", "events retry", &[]),
    ("backup", "backup", &[]),
];

/// Mutations that no command sends.
const WITHOUT_COMMAND: &[(&str, &str)] = &[
    ("cancelOutgoingPayment", "the command that pays funds the payment at once"),
    ("createIncomingPayment", "receivers make these through Open Payments, or programs do"),
    ("createIncomingPaymentWithdrawal", "the program that made the incoming payment pays it out"),
    ("createOutgoingPaymentWithdrawal", "jirani pay takes out the whole rest at once"),
    ("depositOutgoingPaymentLiquidity", "jirani pay funds the whole payment at once"),
];

/// Fields without an option, by mutation; `*` is every mutation.
const WITHOUT_OPTION: &[(&str, &str, &str)] = &[
    ("*", "idempotencyKey", "each run is a request of its own; transfers are booked once by --id"),
    ("*", "tenantId", "there is one tenant"),
    ("createOutgoingPayment", "quoteId", "the command has made the quote"),
];

#[test]
fn every_field_of_an_input_has_an_option_or_a_reason() {
    let mut faults = Vec::new();
    for (mutation, input) in mutations() {
        if WITHOUT_COMMAND.iter().any(|(name, _)| *name == mutation) {
            continue;
        }
        let entries: Vec<_> = COMMANDS.iter().filter(|(name, ..)| *name == mutation).collect();
        let [(_, path, names)] = entries.as_slice() else {
            faults.push(format!("{mutation}: {} commands, expected one", entries.len()));
            continue;
        };
        let options = options(path);
        let fields = input.map(|input| leaves(&input)).unwrap_or_default();
        for field in &fields {
            let name = names.iter().find(|(name, _)| name == field);
            let option = name.map_or_else(|| kebab(field), |(_, option)| (*option).to_owned());
            let has_option = options.contains(&option);
            match (has_option, is_without_option(&mutation, field)) {
                (true, false) | (false, true) => {}
                (false, false) => {
                    faults.push(format!("jirani {path} has no --{option} for {field}"))
                }
                (true, true) => faults.push(format!("{mutation}.{field} has an option after all")),
            }
        }
        let unknown = names.iter().filter(|(name, _)| !fields.iter().any(|field| field == name));
        faults.extend(unknown.map(|(name, _)| format!("{mutation} has no field {name}")));
    }
    let known: BTreeSet<String> = mutations().into_iter().map(|(name, _)| name).collect();
    let named =
        COMMANDS.iter().map(|(name, ..)| name).chain(WITHOUT_COMMAND.iter().map(|(name, _)| name));
    faults.extend(
        named.filter(|name| !known.contains(**name)).map(|name| format!("no mutation {name}")),
    );
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_schema_is_read_as_it_is() {
    let fields = leaves("CreatePeerInput");
    for field in ["assetShareInFlightPercentMax", "http.outgoing.authToken", "routes"] {
        assert!(fields.iter().any(|leaf| leaf == field), "{fields:?}");
    }
    assert!(mutations().len() > 30);
    assert!(mutations().contains(&("backup".to_owned(), None)));
    let create = ("createPeer".to_owned(), Some("CreatePeerInput".to_owned()));
    assert!(mutations().contains(&create));
}

fn is_without_option(mutation: &str, field: &str) -> bool {
    let mut reasons = WITHOUT_OPTION.iter();
    reasons.any(|(of, name, _)| (*of == "*" || *of == mutation) && *name == field)
}

/// Returns the names of the options and arguments of the command at a path such as `peer add`.
fn options(path: &str) -> BTreeSet<String> {
    let root = Cli::command();
    let find = |command: &Command, name: &str| command.find_subcommand(name).cloned();
    let command = path.split(' ').try_fold(root, |command, name| find(&command, name));
    let command = command.unwrap_or_else(|| panic!("no command {path}"));
    let name = |argument: &clap::Arg| match argument.get_long() {
        Some(long) => long.to_owned(),
        None => argument.get_id().as_str().replace('_', "-"),
    };
    command.get_arguments().map(name).collect()
}

/// Returns the mutations of the schema, each with the type of its input if it has one. An argument
/// stands in a line of its own.
fn mutations() -> Vec<(String, Option<String>)> {
    let mut mutations: Vec<(String, Option<String>)> = Vec::new();
    for line in body("type Mutation") {
        if let Some(name) = line.strip_suffix('(') {
            mutations.push((name.to_owned(), None));
        } else if let (Some(kind), Some(last)) =
            (line.strip_prefix("input: "), mutations.last_mut())
        {
            last.1 = Some(kind.trim_end_matches('!').to_owned());
        }
    }
    mutations
}

/// Returns the fields of an input that are not inputs themselves, each with the path to it.
fn leaves(input: &str) -> Vec<String> {
    let mut leaves = Vec::new();
    for line in body(&format!("input {input}")) {
        let Some((name, kind)) = line.split_once(": ") else { continue };
        let kind = kind.trim_matches(|character: char| !character.is_ascii_alphanumeric());
        if body(&format!("input {kind}")).is_empty() {
            leaves.push(name.to_owned());
        } else {
            leaves.extend(self::leaves(kind).into_iter().map(|leaf| format!("{name}.{leaf}")));
        }
    }
    leaves
}

/// Returns the lines of a definition, without descriptions.
fn body(head: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut is_description = false;
    let definition = SCHEMA.lines().skip_while(|line| *line != format!("{head} {{")).skip(1);
    for line in definition.take_while(|line| *line != "}") {
        let line = line.trim();
        if line == "\"\"\"" {
            is_description = !is_description;
        } else if !is_description {
            lines.push(line.to_owned());
        }
    }
    lines
}

/// Returns a field's name in the form of options: `maxPacketAmount` is `max-packet-amount`.
fn kebab(field: &str) -> String {
    let mut name = String::new();
    for character in field.chars() {
        if character.is_ascii_uppercase() {
            name.push('-');
        }
        name.push(character.to_ascii_lowercase());
    }
    name
}
