//! The limits of a peer in its form and on its page.

use ilp_connector::{PeerLimits, Percent};
use ilp_operator::{Edit, PeerLimitsEdit};
use maud::{Markup, html};

use crate::{
    fields::Fields,
    form::{Errors, Label, Typed},
    parts::typed_amount,
};

/// Each limit has the kind of its value, which is a module below, the name of its field in the form,
/// the label and the hint. A limit that is missing here does not compile.
macro_rules! limits {
    ($($limit:ident: $kind:ident($name:literal, $label:literal, $hint:literal),)*) => {
        /// The names of the fields, with the labels that the page shows.
        pub(super) const LABELS: [(&str, &str); 0 $(+ { let _ = $name; 1 })*] =
            [$(($name, $label)),*];

        /// Reads the limits, amounts of them in units of an asset of this scale. A field that is left
        /// empty clears its limit.
        pub(super) fn read(fields: &Fields, scale: u8, errors: &mut Errors) -> PeerLimitsEdit {
            PeerLimitsEdit {
                $($limit: Edit::set_or_clear($kind::read(errors, fields, $name, scale)),)*
            }
        }

        /// Fills the fields with the limits of a peer.
        pub(super) fn fill(fields: &mut Fields, limits: &PeerLimits, scale: u8) {
            let PeerLimits { $($limit),* } = limits;
            $(fields.set($name, $limit.map_or(String::new(), |limit| $kind::typed(limit, scale)));)*
        }

        /// Returns the fields.
        pub(super) fn inputs(typed: &Typed) -> Markup {
            html! {
                $((typed.number(Label { name: $name, label: $label, hint: $hint }))) *
            }
        }
    };
}

limits! {
    packets_per_minute_max: count(
        "packets_per_minute",
        "Packets in a minute",
        "More are told to come later (T05). Empty: the node's default."
    ),
    amount_per_second_max: amount(
        "amount_per_second",
        "Amount in a second",
        "More is told to come later (T05). Empty: no limit."
    ),
    packets_in_flight_max: count(
        "packets_in_flight",
        "Packets under way at once",
        "Empty: the node's default."
    ),
    amount_in_flight_max: amount(
        "amount_in_flight",
        "Amount under way at once",
        "Empty: the node's default."
    ),
    asset_share_in_flight_percent_max: percent(
        "asset_share",
        "Share of another asset's stock, in percent",
        "How much of it packets from here may hold at once. Empty: the node's default."
    ),
}

mod count {
    use super::*;

    pub(super) fn read(
        errors: &mut Errors,
        fields: &Fields,
        name: &'static str,
        _scale: u8,
    ) -> Option<u64> {
        errors.number(fields, name, u64::MAX)
    }

    pub(super) fn typed(count: u64, _scale: u8) -> String {
        count.to_string()
    }
}

mod amount {
    use super::*;

    pub(super) fn read(
        errors: &mut Errors,
        fields: &Fields,
        name: &'static str,
        scale: u8,
    ) -> Option<u64> {
        errors.amount(fields, name, scale)
    }

    pub(super) fn typed(amount: u64, scale: u8) -> String {
        typed_amount(amount, scale)
    }
}

mod percent {
    use super::*;

    pub(super) fn read(
        errors: &mut Errors,
        fields: &Fields,
        name: &'static str,
        _scale: u8,
    ) -> Option<u8> {
        errors.number(fields, name, 100).and_then(|percent| u8::try_from(percent).ok())
    }

    pub(super) fn typed(percent: Percent, _scale: u8) -> String {
        percent.get().to_string()
    }
}
