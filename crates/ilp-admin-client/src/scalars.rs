//! The scalars of the schema, and the two ways of leaving a field out.

use std::fmt;

use cynic::{coercions::CoercesTo, schema::IsScalar, variables::VariableType};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::schema;

/// An amount or count. JSON has it as a decimal string, since many JSON readers round numbers above
/// 2^53.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct UInt64(pub u64);

impl fmt::Display for UInt64 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl Serialize for UInt64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for UInt64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = String::deserialize(deserializer)?;
        digits.parse().map(Self).map_err(|_| {
            D::Error::custom(format_args!("`{digits}` is not a whole number from 0 to 2^64 - 1"))
        })
    }
}

cynic::impl_scalar!(UInt64, schema::UInt64);
cynic::impl_scalar!(u8, schema::UInt8);

/// A JSON object of the operator's or of an event.
pub type JsonObject = serde_json::Value;

cynic::impl_scalar!(serde_json::Value, schema::JSONObject);

/// The id of a record. The schema has ids as `ID` in answers and as `String` in most inputs; this type
/// stands for both, so that an id never passes for another text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(String);

impl Id {
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl IsScalar<cynic::Id> for Id {
    type SchemaType = cynic::Id;
}

impl IsScalar<String> for Id {
    type SchemaType = String;
}

impl CoercesTo<cynic::Id> for Id {}
impl CoercesTo<String> for Id {}

/// Queries take the ids of what they look up as texts.
impl schema::variable::Variable for Id {
    const TYPE: VariableType = VariableType::Named("String");
}

/// The change of a field that may be empty. A field that stays is `None` of an `Option<Patch<T>>` and is
/// left out of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Patch<T> {
    /// Null, which empties the field.
    Clear,
    Set(T),
}

impl<T> Patch<T> {
    /// Returns the value that the field takes, for an object that is new.
    pub fn set(self) -> Option<T> {
        match self {
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

impl<T: Serialize> Serialize for Patch<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Clear => serializer.serialize_none(),
            Self::Set(value) => value.serialize(serializer),
        }
    }
}

impl<T: CoercesTo<Lock>, Lock> CoercesTo<Lock> for Patch<T> {}

impl<T: IsScalar<Lock>, Lock> IsScalar<Lock> for Patch<T> {
    type SchemaType = T::SchemaType;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_decimal_strings_up_to_the_largest() {
        let most = UInt64(u64::MAX);
        let text = serde_json::to_string(&most).unwrap();
        assert_eq!(text, "\"18446744073709551615\"");
        assert_eq!(serde_json::from_str::<UInt64>(&text).unwrap(), most);
        for wrong in ["\"18446744073709551616\"", "\"-1\"", "\"\"", "1.5"] {
            assert!(serde_json::from_str::<UInt64>(wrong).is_err(), "{wrong}");
        }
    }
}
