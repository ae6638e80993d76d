//! Numbers as the admin API reads and writes them.

use async_graphql::{InputValueError, InputValueResult, MaybeUndefined, Scalar, ScalarType, Value};

use ilp_connector::Percent;
use ilp_operator::{Edit, Field, InputError};

/// A number of 64 bits. One that is out of range is taken in all the same and refused by the
/// operation: so it is told like every other refusal, with a code and the field's name, to both
/// generations of clients.
pub(crate) struct UInt64(Result<u64, String>);

/// A whole number from 0 to 18446744073709551615 (2^64 - 1), such as an amount in an asset's
/// smallest unit. Given as a decimal string, `"1000000"`. Taken as a decimal string or as a JSON
/// integer; above 2^53 use the string, since many JSON writers round.
#[Scalar(name = "UInt64")]
impl ScalarType for UInt64 {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::Number(number) => Ok(Self(number.as_u64().ok_or(number.to_string()))),
            Value::String(text) => Ok(Self(read_decimal(text))),
            _ => Err(InputValueError::custom(format!("a {ACCEPTED} is expected"))),
        }
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::Number(_) | Value::String(_))
    }

    fn to_value(&self) -> Value {
        match &self.0 {
            Ok(number) => Value::String(number.to_string()),
            Err(text) => Value::String(text.clone()),
        }
    }
}

const ACCEPTED: &str = "whole number from 0 to 18446744073709551615, as an integer or a string of \
                        decimal digits,";

/// Nothing but digits: `str::parse` would also take a plus sign.
fn read_decimal(text: String) -> Result<u64, String> {
    if text.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(number) = text.parse()
    {
        return Ok(number);
    }
    Err(text)
}

impl UInt64 {
    /// Returns the number that is given as the input `field`.
    pub(crate) fn given(self, field: Field) -> Result<u64, InputError> {
        self.0.map_err(|text| InputError::not_a_number(field, &text))
    }

    /// Returns the number, if one is given as the input `field`.
    pub(crate) fn optional(given: Option<Self>, field: Field) -> Result<Option<u64>, InputError> {
        given.map(|number| number.given(field)).transpose()
    }

    /// Returns the edit that is given as the input `field`: null empties, and absence keeps.
    pub(crate) fn edit(given: MaybeUndefined<Self>, field: Field) -> Result<Edit<u64>, InputError> {
        Ok(match given {
            MaybeUndefined::Undefined => Edit::Keep,
            MaybeUndefined::Null => Edit::Clear,
            MaybeUndefined::Value(number) => Edit::Set(number.given(field)?),
        })
    }
}

impl From<u64> for UInt64 {
    fn from(number: u64) -> Self {
        Self(Ok(number))
    }
}

impl From<u128> for UInt64 {
    /// A sum may be above 2^64 - 1, as that of an account may be which an earlier version let grow.
    /// It is given as it is: digits that a client can't take for a number are better than a wrong one.
    fn from(number: u128) -> Self {
        Self(u64::try_from(number).map_err(|_| number.to_string()))
    }
}

/// A number of 8 bits.
#[derive(Debug)]
pub(crate) struct UInt8(pub(crate) u8);

impl From<Percent> for UInt8 {
    fn from(percent: Percent) -> Self {
        Self(percent.get())
    }
}

/// A whole number from 0 to 255, such as the scale of an asset.
#[Scalar(name = "UInt8")]
impl ScalarType for UInt8 {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::Number(number) = &value else { return Err(not_uint8(&value)) };
        let small = number.as_u64().and_then(|number| u8::try_from(number).ok());
        small.map(Self).ok_or_else(|| not_uint8(&value))
    }

    fn to_value(&self) -> Value {
        Value::from(self.0)
    }
}

fn not_uint8(value: &Value) -> InputValueError<UInt8> {
    // What was given may be as long as the whole request.
    let shown: String = value.to_string().chars().take(40).collect();
    InputValueError::custom(format!("{shown} is not a whole number from 0 to 255 as expected"))
}

/// An object whose members are not part of the schema.
pub(crate) struct JsonObject(serde_json::Value);

/// A JSON object, whose members depend on what it belongs to.
#[Scalar(name = "JSONObject")]
impl ScalarType for JsonObject {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value.into_json()? {
            object @ serde_json::Value::Object(_) => Ok(Self(object)),
            _ => Err(InputValueError::custom("a JSON object is expected")),
        }
    }

    fn to_value(&self) -> Value {
        Value::from_json(self.0.clone()).unwrap_or_default()
    }
}

impl JsonObject {
    /// The object that `bytes` hold; an empty one when they hold none.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        Self(serde_json::from_slice(bytes).unwrap_or_else(|_| serde_json::json!({})))
    }

    /// The object that `value` is; null and anything else that is none become nothing.
    pub(crate) fn of(value: &serde_json::Value) -> Option<Self> {
        value.is_object().then(|| Self(value.clone()))
    }

    /// The object as JSON.
    pub(crate) fn text(&self) -> String {
        self.0.to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn uint64(json: serde_json::Value) -> Option<Result<u64, InputError>> {
        let value = Value::from_json(json).unwrap();
        let number = UInt64::parse(value).ok()?;
        Some(number.given(Field::Value))
    }

    #[test]
    fn uint64_is_an_integer_or_a_decimal_string() {
        for (json, expected) in [
            (json!(0), 0),
            (json!("0"), 0),
            (json!("007"), 7),
            (json!(9_007_199_254_740_993_u64), 9_007_199_254_740_993),
            (json!("9007199254740993"), 9_007_199_254_740_993),
            (json!(u64::MAX), u64::MAX),
            (json!("18446744073709551615"), u64::MAX),
        ] {
            assert_eq!(uint64(json.clone()), Some(Ok(expected)), "{json}");
        }
    }

    #[test]
    fn what_is_no_uint64_is_refused_by_the_fields_name() {
        for json in [
            json!(-1),
            json!("-1"),
            json!(1.5),
            json!(1e3),
            json!("1.0"),
            json!("1e3"),
            json!("+1"),
            json!(" 1"),
            json!(""),
            json!("18446744073709551616"),
            json!(1e30),
            json!("x".repeat(1000)),
        ] {
            let error = uint64(json.clone()).unwrap().unwrap_err();
            assert!(error.to_string().starts_with("invalid amount: "), "{json}");
            assert!(error.to_string().contains("18446744073709551615"), "{json}");
            assert!(error.to_string().len() < 250, "{json}");
        }
        for json in [json!(true), json!(null), json!([1]), json!({"value": 1})] {
            assert_eq!(uint64(json.clone()), None, "{json}");
        }
    }

    #[test]
    fn uint64_is_written_as_a_string() {
        assert_eq!(UInt64::from(u64::MAX).to_value(), Value::from("18446744073709551615"));
        assert_eq!(
            UInt64::from(u128::from(u64::MAX) + 1).to_value(),
            Value::from("18446744073709551616")
        );
    }

    #[test]
    fn uint8_is_a_small_integer() {
        let uint8 = |json| UInt8::parse(Value::from_json(json).unwrap()).ok().map(|small| small.0);
        assert_eq!(uint8(json!(0)), Some(0));
        assert_eq!(uint8(json!(255)), Some(255));
        for json in [json!(256), json!(-1), json!(1.5), json!("2"), json!(null)] {
            assert_eq!(uint8(json.clone()), None, "{json}");
        }
        let long = UInt8::parse(Value::from("x".repeat(1_000))).map(|small| small.0).unwrap_err();
        assert!(format!("{long:?}").len() < 300, "{long:?}");
    }
}
