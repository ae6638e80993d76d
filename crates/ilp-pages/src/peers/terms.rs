//! The fields of a peer, shared by the form for a new one and the form that changes one.

use ilp_connector::token::Secret;
use ilp_operator::{Edit, Field, Operator, PeerField, PeerTermsEdit, PeerView};
use interledger_packet::AddressPrefix;
use maud::{Markup, html};

use super::limits;
use crate::{
    fields::Fields,
    form::{Errors, Label, Typed, VERSION},
    parts::typed_amount,
};

/// The inputs of operations on peers, with the fields of the form.
pub(super) const INPUTS: [(Field, &str); 10] = [
    (Field::Routes, "routes"),
    (Field::StaticIlpAddress, "address"),
    (Field::Endpoint, "endpoint"),
    (Field::OutgoingToken, "outgoing_token"),
    (Field::IncomingTokens, "incoming_token"),
    (Field::Name, "name"),
    (Field::MaxPacketAmount, "max_packet_amount"),
    (Field::SpreadBasisPoints, "spread"),
    (Field::AssetShareInFlightPercentMax, "asset_share"),
    (Field::AssetId, "asset"),
];

/// The fields of the edit form above the limits, with the labels that the page shows.
const LABELS: [(&str, &str); 7] = [
    ("address", "ILP address"),
    ("name", "Name"),
    ("endpoint", "Endpoint"),
    ("routes", "Routes"),
    ("is_default_route", "Default route"),
    ("max_packet_amount", "Largest packet"),
    ("liquidity_threshold", "Tell me when its liquidity falls to"),
];

/// Returns the fields of the edit form, with the labels that the page shows.
pub(super) fn labels() -> Vec<(&'static str, &'static str)> {
    let spread = ("spread", "Spread in basis points");
    LABELS.into_iter().chain(limits::LABELS).chain([spread]).collect()
}

/// Reads a peer as far as it can be read, and checks each field by itself. Amounts are in units of an
/// asset of this scale. A field that is left empty becomes empty, but for the token, which is not
/// shown: the terms have an endpoint and a token only where both were typed.
pub(super) fn read(
    operator: &Operator,
    fields: &Fields,
    scale: u8,
    errors: &mut Errors,
) -> PeerTermsEdit {
    let address = fields.get("address").to_owned();
    let endpoint = fields.get("endpoint").to_owned();
    let name = fields.given("name").map(str::to_owned);
    let separators = |sign: char| sign.is_whitespace() || sign == ',';
    let routes = fields.get("routes").split(separators).filter(|route| !route.is_empty());
    let routes: Vec<String> = routes.map(str::to_owned).collect();
    let outgoing_token = fields.given("outgoing_token").map(|token| Secret::new(token.to_owned()));
    let mut check = |name, field| errors.check(name, operator.peers().check_field(field));
    check("address", PeerField::Address(&address));
    check("endpoint", PeerField::Endpoint(&endpoint));
    check("routes", PeerField::Routes(&routes));
    if let Some(name) = &name {
        check("name", PeerField::Name(name));
    }
    if let Some(token) = &outgoing_token {
        check("outgoing_token", PeerField::OutgoingToken(token));
    }
    let spread = errors.number(fields, "spread", 10_000);
    PeerTermsEdit {
        static_ilp_address: Some(address),
        name: Edit::set_or_clear(name),
        max_packet_amount: Edit::set_or_clear(errors.amount(fields, "max_packet_amount", scale)),
        liquidity_threshold: Edit::set_or_clear(errors.amount(
            fields,
            "liquidity_threshold",
            scale,
        )),
        routes: Edit::Set(routes),
        outgoing: outgoing_token.map(|token| (endpoint, token)),
        incoming_tokens: None,
        limits: limits::read(fields, scale, errors),
        is_default_route: Some(fields.given("is_default_route").is_some()),
        spread_basis_points: Edit::set_or_clear(spread.and_then(|it| i32::try_from(it).ok())),
    }
}

/// Returns the first content of a peer's form.
pub(super) fn fields_of(peer: &PeerView) -> Fields {
    let (terms, scale) = (&peer.record.terms, peer.asset.record.scale);
    let mut fields = Fields::default();
    fields.set("address", terms.address.as_str());
    fields.set("endpoint", &terms.endpoint);
    fields.set("name", terms.name.clone().unwrap_or_default());
    fields.set(
        "routes",
        terms.routes.iter().map(AddressPrefix::as_str).collect::<Vec<_>>().join("\n"),
    );
    let amounts = [
        ("max_packet_amount", terms.max_packet_amount),
        ("liquidity_threshold", terms.liquidity_threshold),
    ];
    for (name, amount) in amounts {
        fields.set(name, amount.map_or(String::new(), |amount| typed_amount(amount, scale)));
    }
    limits::fill(&mut fields, &terms.limits, scale);
    let spread = Some(terms.spread.basis_points()).filter(|spread| *spread > 0);
    fields.set("spread", spread.map_or(String::new(), |spread| spread.to_string()));
    fields.set(VERSION, peer.record.version.to_string());
    if terms.is_default_route {
        fields.set("is_default_route", "yes");
    }
    fields
}

/// Shows the fields that both operators agree on.
pub(super) fn agreed(typed: &Typed) -> Markup {
    html! {
        (typed.text(Label { name: "address", label: "ILP address", hint: "The other node's own address, such as g.othergreatwallet. Packets for it and what lies below go there." }))
        (typed.text(Label { name: "name", label: "Name", hint: "For you alone. Empty: the address is shown." }))
        (typed.text(Label { name: "endpoint", label: "Endpoint", hint: "Where it takes packets, such as ilp.othergreatwallet.com. Without a scheme it means https, or http on this machine and in private networks." }))
    }
}

/// Returns the fields that the node's operator decides alone.
pub(super) fn decided(typed: &Typed) -> Markup {
    html! {
        fieldset {
            legend { "Packets" }
            (typed.number(Label { name: "max_packet_amount", label: "Largest packet", hint: "The most that one packet from it may carry. Larger payments are split. Empty: the node's default." }))
            (typed.lines(Label { name: "routes", label: "Routes", hint: "What else is reached through it: address prefixes such as g.bob, one a line. Its own address is always one." }))
            (typed.tick(Label { name: "is_default_route", label: "Default route", hint: "Takes packets for addresses that no peer is nearer to." }))
            (typed.number(Label { name: "spread", label: "Spread in basis points", hint: "What this node keeps of whatever it sends: 25 is a quarter of a percent. Empty: nothing." }))
        }
        fieldset {
            legend { "Limits" }
            (typed.number(Label { name: "liquidity_threshold", label: "Tell me when its liquidity falls to", hint: "An event is sent once on each fall to this amount. Empty: never." }))
            (limits::inputs(typed))
        }
    }
}
