//! The form in which the audit log shows records and the inputs of operations: in full, except
//! secrets.
//!
//! A secret is hidden by its type. [`Shown`] keeps a [`Secret`] as one, and its JSON is a fixed
//! word, so neither a record nor an input can put a token into the log by forgetting to leave it
//! out.

use ilp_connector::token::{Secret, TokenDigest};
use interledger_packet::{Address, AddressPrefix};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// The text that replaces a secret.
const HIDDEN: &str = "(hidden)";
/// The text that replaces a secret which differs from the one before.
const HIDDEN_OTHER: &str = "(hidden, another one)";

/// The longest text that is shown in full, in bytes. ILP addresses have at most 1,023.
const TEXT_BYTES_MAX: usize = 1_024;

/// The number of a digest's bytes that name it, as in the API's `IncomingToken.id`.
const DIGEST_BYTES: usize = 8;

/// A value as the audit log shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// No value was given, which is not the same as null.
    Absent,
    /// A value that is not a secret.
    Plain(Value),
    /// A URL. Its query and the part before an `@` are hidden, since both often carry a key.
    Url(String),
    /// A secret.
    Secret(Secret),
    /// Several values.
    List(Vec<Shown>),
    /// Values with names.
    Members(Vec<(&'static str, Shown)>),
}

/// A value that the audit log can show. A type that holds secrets shows them as [`Shown::Secret`];
/// there is no other way from a [`Secret`] to a [`Shown`].
pub trait Show {
    /// Returns the value as the audit log shows it.
    fn show(&self) -> Shown;
}

/// Makes a [`Shown`] of names and values.
#[macro_export]
macro_rules! shown {
    ($($name:literal: $value:expr),* $(,)?) => {
        $crate::Shown::Members(vec![$(($name, $crate::Show::show(&$value))),*])
    };
}

/// Implements [`Show`] for structs: each field, in the form `field: "name"`, under its name in the
/// log. A field that a struct has and its list hasn't does not compile.
///
/// `opt` before a name leaves the member out where the field is `None`, which otherwise is null.
/// `url` hides the secrets of a URL. `among` puts the members of the fields' own values among those
/// of the struct, and `without` names the fields that the log doesn't show.
#[macro_export]
macro_rules! show_fields {
    ($(
        $type:ty { $($field:ident: $($form:ident)? $name:literal),* $(,)? }
        $(among { $($among:ident),* })?
        $(without { $($without:ident),* })?
    );+ $(;)?) => {$(
        impl $crate::Show for $type {
            fn show(&self) -> $crate::Shown {
                let Self { $($field,)* $($($among,)*)? $($($without: _,)*)? } = self;
                let members = $crate::Shown::Members(vec![
                    $(($name, $crate::show_fields!(@value $field $($form)?)),)*
                ]);
                $($(let members = members.with($crate::Show::show($among));)*)?
                members
            }
        }
    )+};
    (@value $field:ident) => { $crate::Show::show($field) };
    (@value $field:ident opt) => {
        $field.as_ref().map_or($crate::Shown::Absent, $crate::Show::show)
    };
    (@value $field:ident url) => { $crate::Shown::Url($field.to_string()) };
}

impl Shown {
    /// Returns these members and the other ones.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Members(mut members), Self::Members(others)) => {
                members.extend(others);
                Self::Members(members)
            }
            (members, _) => members,
        }
    }

    /// Returns the JSON of the value, without secrets.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::Absent => Value::Null,
            Self::Plain(Value::String(text)) => short(text).into(),
            Self::Plain(value) => value.clone(),
            Self::Url(url) => without_query(url).into(),
            Self::Secret(_) => HIDDEN.into(),
            Self::List(values) => values.iter().map(Self::to_json).collect(),
            Self::Members(members) => {
                let there = members.iter().filter(|(_, value)| *value != Self::Absent);
                let named = there.map(|(name, value)| ((*name).to_owned(), value.to_json()));
                Value::Object(named.collect())
            }
        }
    }

    /// Returns the members in which `before` and `after` differ, as the JSON of both sides; null
    /// for an absent side. `None` when nothing differs.
    #[must_use]
    pub fn difference(before: Option<&Self>, after: Option<&Self>) -> Option<(Value, Value)> {
        let (Some(Self::Members(before)), Some(Self::Members(after))) = (before, after) else {
            let json = |side: Option<&Self>| side.map_or(Value::Null, Self::to_json);
            return (before != after).then(|| (json(before), json(after)));
        };
        let (mut was, mut is) = (Map::new(), Map::new());
        for ((name, old), (_, new)) in before.iter().zip(after).filter(|(old, new)| old != new) {
            let new = match (old, new) {
                (Self::Secret(_), Self::Secret(_)) => HIDDEN_OTHER.into(),
                (Self::Url(_), Self::Url(_)) if old.to_json() == new.to_json() => {
                    format!("{} {HIDDEN_OTHER}", without_query_text(new)).into()
                }
                _ => new.to_json(),
            };
            was.insert((*name).to_owned(), old.to_json());
            is.insert((*name).to_owned(), new);
        }
        (!is.is_empty()).then_some((Value::Object(was), Value::Object(is)))
    }
}

fn without_query_text(url: &Shown) -> String {
    url.to_json().as_str().unwrap_or_default().to_owned()
}

fn without_query(url: &str) -> String {
    let (rest, query) = url.split_once('?').map_or((url, ""), |(rest, _)| (rest, "?(hidden)"));
    let after_scheme = rest.find("://").map_or(0, |at| at + 3);
    let authority_end = rest[after_scheme..].find('/').map_or(rest.len(), |at| after_scheme + at);
    let at = rest[after_scheme..authority_end].rfind('@').map(|at| after_scheme + at + 1);
    match at {
        Some(host) => short(&format!("{}{HIDDEN}@{}{query}", &rest[..after_scheme], &rest[host..])),
        None => short(&format!("{rest}{query}")),
    }
}

fn short(text: &str) -> String {
    if text.len() <= TEXT_BYTES_MAX {
        return text.to_owned();
    }
    let end = (0..=TEXT_BYTES_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}... ({} bytes)", &text[..end], text.len())
}

impl Show for Shown {
    fn show(&self) -> Shown {
        self.clone()
    }
}

impl Show for Secret {
    fn show(&self) -> Shown {
        Shown::Secret(self.clone())
    }
}

impl Show for TokenDigest {
    fn show(&self) -> Shown {
        let bytes = &self.as_bytes()[..DIGEST_BYTES];
        Shown::Plain(crate::records::forms::keys::hexadecimal(bytes).into())
    }
}

impl Show for String {
    fn show(&self) -> Shown {
        Shown::Plain(self.as_str().into())
    }
}

impl Show for &str {
    fn show(&self) -> Shown {
        Shown::Plain((*self).into())
    }
}

macro_rules! as_text {
    ($($type:ty),*) => {$(
        impl Show for $type {
            fn show(&self) -> Shown {
                Shown::Plain(self.to_string().into())
            }
        }
    )*};
}

as_text!(Uuid, Address, AddressPrefix);

/// Amounts are decimal text, as in the API: few readers of JSON take integers of 64 bits.
impl Show for u64 {
    fn show(&self) -> Shown {
        Shown::Plain(self.to_string().into())
    }
}

macro_rules! plain {
    ($($type:ty),*) => {$(
        impl Show for $type {
            fn show(&self) -> Shown {
                Shown::Plain(json!(self))
            }
        }
    )*};
}

plain!(bool, u8, u16, u32, i32);

impl<T: Show> Show for Option<T> {
    fn show(&self) -> Shown {
        self.as_ref().map_or(Shown::Plain(Value::Null), Show::show)
    }
}

impl<T: Show> Show for Vec<T> {
    fn show(&self) -> Shown {
        Shown::List(self.iter().map(Show::show).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn a_secret_has_no_form_that_shows_it_wherever_it_lies() {
        let deep = shown! {
            "plain": "seen",
            "token": secret("hush1"),
            "maybe": Some(secret("hush2")),
            "list": vec![secret("hush3")],
            "inner": shown! { "token": secret("hush4"), "url": Shown::Url("https://me:hush5@a.example/p?key=hush6".into()) },
        };
        let json = deep.to_json();
        assert!(!json.to_string().contains("hush"), "{json}");
        assert_eq!(json["inner"]["url"], "https://(hidden)@a.example/p?(hidden)");
        assert!(!format!("{deep:?}").contains("hush1"));
    }

    #[test]
    fn a_difference_has_what_was_and_what_is_and_tells_that_a_secret_is_another_one() {
        let show = |name: &str, token: &str, url: &str| {
            shown! { "name": name, "token": secret(token), "endpoint": Shown::Url(url.to_owned()) }
        };
        let before = show("a", "old", "https://a.example/?k=1");
        let difference = |after: &Shown| Shown::difference(Some(&before), Some(after));
        assert_eq!(difference(&before), None);
        let renamed = difference(&show("b", "old", "https://a.example/?k=1")).unwrap();
        assert_eq!(renamed, (json!({"name": "a"}), json!({"name": "b"})));
        let (was, is) = difference(&show("a", "new", "https://a.example/?k=2")).unwrap();
        assert_eq!(was, json!({"token": "(hidden)", "endpoint": "https://a.example/?(hidden)"}));
        assert_eq!(is["token"], "(hidden, another one)");
        assert_eq!(is["endpoint"], "https://a.example/?(hidden) (hidden, another one)");
        let (was, is) = Shown::difference(None, Some(&before)).unwrap();
        assert_eq!((was, &is["name"]), (Value::Null, &json!("a")));
    }
}
