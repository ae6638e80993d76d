//! Options that change a value, or clear it by `none`.

use std::{convert::Infallible, str::FromStr};

use ilp_admin_client::{Patch, UInt64};

use crate::commands::{Failure, lookup::amount_in};

/// The new value of a field that may be empty. A field whose option is left out stays.
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
    /// Returns the change of a text.
    pub(crate) fn text(edit: Option<&Self>) -> Option<Patch<String>> {
        edit.map(|edit| match edit {
            Self::Clear => Patch::Clear,
            Self::Set(text) => Patch::Set(text.clone()),
        })
    }

    /// Returns the change of an amount in standard units.
    pub(crate) fn amount(edit: Option<&Self>, scale: u8) -> Result<Option<Patch<UInt64>>, Failure> {
        Self::read(edit, |text| amount_in(text, scale))
    }

    /// Returns the change of a whole number.
    pub(crate) fn count<T: FromStr>(edit: Option<&Self>) -> Result<Option<Patch<T>>, Failure> {
        Self::read(edit, |text| {
            text.parse().map_err(|_| {
                let size_bits = size_of::<T>() * 8;
                Failure::Refused(format!(
                    "`{text}` is not a whole number of at most {size_bits} bits: expected digits, such \
                     as 100, or none"
                ))
            })
        })
    }

    fn read<T>(
        edit: Option<&Self>,
        read: impl Fn(&str) -> Result<T, Failure>,
    ) -> Result<Option<Patch<T>>, Failure> {
        match edit {
            None => Ok(None),
            Some(Self::Clear) => Ok(Some(Patch::Clear)),
            Some(Self::Set(text)) => read(text).map(|value| Some(Patch::Set(value))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_option_keeps_the_field_and_none_clears_it() {
        let edit = |text: &str| Some(text.parse::<Edit>().unwrap());
        assert_eq!(Edit::text(edit("Bob").as_ref()), Some(Patch::Set("Bob".to_owned())));
        assert_eq!(Edit::text(None), None);
        assert_eq!(Edit::amount(edit("none").as_ref(), 2).unwrap(), Some(Patch::Clear));
        let amount = Edit::amount(edit("12.50").as_ref(), 2).unwrap();
        assert_eq!(amount, Some(Patch::Set(UInt64(1_250))));
        assert_eq!(Edit::count(edit("255").as_ref()).unwrap(), Some(Patch::Set(255_u8)));
        let too_fine = Edit::amount(edit("0.001").as_ref(), 2).unwrap_err();
        assert!(too_fine.to_string().contains("decimal places"), "{too_fine}");
        let too_large = Edit::count::<u8>(edit("256").as_ref()).unwrap_err();
        assert!(too_large.to_string().contains("`256` is not a whole number"), "{too_large}");
    }
}
