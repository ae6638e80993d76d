//! The fields of a peer, shared by the form for a new one and the form that changes one.

use ilp_connector::token::Secret;
use ilp_operator::{Edit, NewPeer, Operator, PeerEdit, PeerField, PeerView};
use maud::{Markup, html};

use crate::{
    fields::Fields,
    form::{Errors, Label, Typed, VERSION},
    parts::typed_amount,
};

/// The names by which operations refuse fields, with the fields of the form.
pub(super) const WORDS: [(&str, &str); 11] = [
    ("invalid ILP address: in routes", "routes"),
    ("invalid ILP address", "address"),
    ("duplicate peer", "address"),
    ("invalid HTTP endpoint", "endpoint"),
    ("invalid outgoing token", "outgoing_token"),
    ("invalid incoming token", "incoming_token"),
    ("duplicate incoming token", "incoming_token"),
    ("invalid name", "name"),
    ("invalid spreadBasisPoints", "spread"),
    ("invalid assetShareInFlightPercentMax", "asset_share"),
    ("unknown asset", "asset"),
];

/// The fields of the edit form, with the labels that the page shows.
pub(super) const LABELS: [(&str, &str); 13] = [
    ("address", "ILP address"),
    ("name", "Name"),
    ("endpoint", "Endpoint"),
    ("routes", "Routes"),
    ("is_default_route", "Default route"),
    ("max_packet_amount", "Largest packet"),
    ("liquidity_threshold", "Tell me when its liquidity falls to"),
    ("packets_per_minute", "Packets in a minute"),
    ("amount_per_second", "Amount in a second"),
    ("packets_in_flight", "Packets under way at once"),
    ("amount_in_flight", "Amount under way at once"),
    ("asset_share", "Share of another asset's stock, in percent"),
    ("spread", "Spread in basis points"),
];

/// A peer's fields, each empty where it could not be read.
#[derive(Debug)]
pub(super) struct Terms {
    address: String,
    name: Option<String>,
    endpoint: String,
    outgoing_token: Option<Secret>,
    routes: Vec<String>,
    max_packet_amount: Option<u64>,
    liquidity_threshold: Option<u64>,
    packets_per_minute_max: Option<u64>,
    amount_per_second_max: Option<u64>,
    packets_in_flight_max: Option<u64>,
    amount_in_flight_max: Option<u64>,
    asset_share_percent_max: Option<u8>,
    is_default_route: bool,
    spread_basis_points: Option<i32>,
}

impl Terms {
    /// Reads and checks each field by itself. Amounts are in units of an asset of this scale.
    pub(super) fn read(
        operator: &Operator,
        fields: &Fields,
        scale: u8,
        errors: &mut Errors,
    ) -> Self {
        let address = fields.get("address").to_owned();
        let endpoint = fields.get("endpoint").to_owned();
        let name = fields.given("name").map(str::to_owned);
        let separators = |sign: char| sign.is_whitespace() || sign == ',';
        let routes = fields.get("routes").split(separators).filter(|route| !route.is_empty());
        let routes: Vec<String> = routes.map(str::to_owned).collect();
        let outgoing_token =
            fields.given("outgoing_token").map(|token| Secret::new(token.to_owned()));
        errors.check("address", operator.peers().check_field(PeerField::Address(&address)));
        errors.check("endpoint", operator.peers().check_field(PeerField::Endpoint(&endpoint)));
        errors.check("routes", operator.peers().check_field(PeerField::Routes(&routes)));
        if let Some(name) = &name {
            errors.check("name", operator.peers().check_field(PeerField::Name(name)));
        }
        if let Some(token) = &outgoing_token {
            errors.check(
                "outgoing_token",
                operator.peers().check_field(PeerField::OutgoingToken(token)),
            );
        }
        let share = errors.number(fields, "asset_share", 100);
        let spread = errors.number(fields, "spread", 10_000);
        Self {
            address,
            name,
            endpoint,
            outgoing_token,
            routes,
            max_packet_amount: errors.amount(fields, "max_packet_amount", scale),
            liquidity_threshold: errors.amount(fields, "liquidity_threshold", scale),
            packets_per_minute_max: errors.number(fields, "packets_per_minute", u64::MAX),
            amount_per_second_max: errors.amount(fields, "amount_per_second", scale),
            packets_in_flight_max: errors.number(fields, "packets_in_flight", u64::MAX),
            amount_in_flight_max: errors.amount(fields, "amount_in_flight", scale),
            asset_share_percent_max: share.and_then(|share| u8::try_from(share).ok()),
            is_default_route: fields.given("is_default_route").is_some(),
            spread_basis_points: spread.and_then(|spread| i32::try_from(spread).ok()),
        }
    }

    pub(super) fn new_peer(
        self,
        asset_id: String,
        initial: u64,
        incoming: Option<Vec<Secret>>,
    ) -> NewPeer {
        NewPeer {
            asset_id,
            static_ilp_address: self.address,
            name: self.name,
            max_packet_amount: self.max_packet_amount,
            liquidity_threshold: self.liquidity_threshold,
            routes: self.routes,
            endpoint: self.endpoint,
            outgoing_token: self.outgoing_token.unwrap_or_else(|| Secret::new(String::new())),
            incoming_tokens: incoming,
            packets_per_minute_max: self.packets_per_minute_max,
            amount_per_second_max: self.amount_per_second_max,
            packets_in_flight_max: self.packets_in_flight_max,
            amount_in_flight_max: self.amount_in_flight_max,
            asset_share_in_flight_percent_max: self.asset_share_percent_max,
            is_default_route: self.is_default_route,
            spread_basis_points: self.spread_basis_points,
            initial_liquidity: initial,
        }
    }

    /// Returns the change of a peer. A field left empty clears the value, but for the token, which
    /// the form never shows.
    pub(super) fn edit(self, peer: &PeerView) -> PeerEdit {
        let token = self.outgoing_token.unwrap_or_else(|| peer.record.outgoing_token.clone());
        PeerEdit {
            id: peer.record.id.to_string(),
            static_ilp_address: Some(self.address),
            name: set(self.name),
            max_packet_amount: set(self.max_packet_amount),
            liquidity_threshold: set(self.liquidity_threshold),
            routes: Edit::Set(self.routes),
            outgoing: Some((self.endpoint, token)),
            incoming_tokens: None,
            packets_per_minute_max: set(self.packets_per_minute_max),
            amount_per_second_max: set(self.amount_per_second_max),
            packets_in_flight_max: set(self.packets_in_flight_max),
            amount_in_flight_max: set(self.amount_in_flight_max),
            asset_share_in_flight_percent_max: set(self.asset_share_percent_max),
            is_default_route: Some(self.is_default_route),
            spread_basis_points: set(self.spread_basis_points),
            version: None,
        }
    }
}

fn set<T>(value: Option<T>) -> Edit<T> {
    value.map_or(Edit::Clear, Edit::Set)
}

/// Returns the initial values of a peer's form.
pub(super) fn fields_of(peer: &PeerView) -> Fields {
    let (record, scale) = (&peer.record, peer.asset.record.scale);
    let mut fields = Fields::default();
    fields.set("address", &record.static_ilp_address);
    fields.set("endpoint", &record.endpoint);
    fields.set("name", record.name.clone().unwrap_or_default());
    fields.set("routes", record.routes.join("\n"));
    let amounts = [
        ("max_packet_amount", record.max_packet_amount),
        ("liquidity_threshold", record.liquidity_threshold),
        ("amount_per_second", record.amount_per_second_max),
        ("amount_in_flight", record.amount_in_flight_max),
    ];
    for (name, amount) in amounts {
        fields.set(name, amount.map_or(String::new(), |amount| typed_amount(amount, scale)));
    }
    let numbers = [
        ("packets_per_minute", record.packets_per_minute_max),
        ("packets_in_flight", record.packets_in_flight_max),
        ("asset_share", record.asset_share_in_flight_percent_max.map(u64::from)),
        ("spread", Some(u64::from(record.spread.basis_points())).filter(|spread| *spread > 0)),
    ];
    for (name, number) in numbers {
        fields.set(name, number.map_or(String::new(), |number| number.to_string()));
    }
    fields.set(VERSION, record.version.to_string());
    if record.is_default_route {
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

/// Shows the fields that the node's operator decides alone.
pub(super) fn limits(typed: &Typed) -> Markup {
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
            (typed.number(Label { name: "packets_per_minute", label: "Packets in a minute", hint: "More are told to come later (T05). Empty: the node's default." }))
            (typed.number(Label { name: "amount_per_second", label: "Amount in a second", hint: "More is told to come later (T05). Empty: no limit." }))
            (typed.number(Label { name: "packets_in_flight", label: "Packets under way at once", hint: "Empty: the node's default." }))
            (typed.number(Label { name: "amount_in_flight", label: "Amount under way at once", hint: "Empty: the node's default." }))
            (typed.number(Label { name: "asset_share", label: "Share of another asset's stock, in percent", hint: "How much of it packets from here may hold at once. Empty: the node's default." }))
        }
    }
}
