//! Options that change something: a value, or `none` to clear it.

use std::{convert::Infallible, str::FromStr};

use serde_json::Value;

use crate::commands::{Failure, lookup::amount_in};

/// What an option says of a field that may be empty. A field whose option is left out stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    Clear,
    Set(String),
}

impl FromStr for Edit {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text == "none" { Self::Clear } else { Self::Set(text.to_owned()) })
    }
}

impl Edit {
    /// Puts the change of a text, or of a number that the node reads itself, into an input.
    pub(crate) fn text_into(input: &mut Value, field: &str, edit: Option<&Self>) {
        match edit {
            None => {}
            Some(Self::Clear) => input[field] = Value::Null,
            Some(Self::Set(text)) => input[field] = text.as_str().into(),
        }
    }

    /// Puts the change of an amount, written as people do, into an input.
    pub(crate) fn amount_into(
        input: &mut Value,
        field: &str,
        edit: Option<&Self>,
        scale: u8,
    ) -> Result<(), Failure> {
        match edit {
            None => {}
            Some(Self::Clear) => input[field] = Value::Null,
            Some(Self::Set(text)) => input[field] = amount_in(text, scale)?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_left_out_stays_and_none_clears() {
        let mut input = json!({ "id": "7" });
        let set = |text: &str| Some(text.parse::<Edit>().unwrap());
        Edit::text_into(&mut input, "name", set("Bob").as_ref());
        Edit::text_into(&mut input, "routes", None);
        Edit::amount_into(&mut input, "liquidityThreshold", set("none").as_ref(), 2).unwrap();
        Edit::amount_into(&mut input, "maxPacketAmount", set("12.50").as_ref(), 2).unwrap();
        assert_eq!(
            input,
            json!({ "id": "7", "name": "Bob", "liquidityThreshold": null, "maxPacketAmount": "1250" })
        );
        let too_fine = Edit::amount_into(&mut input, "x", set("0.001").as_ref(), 2).unwrap_err();
        assert!(too_fine.to_string().contains("decimal places"), "{too_fine}");
    }
}
