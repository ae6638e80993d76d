//! Forms: fields with a label, a hint and the errors found in them. A form that is shown again
//! keeps what was typed.

use std::{borrow::Cow, collections::BTreeMap, error::Error};

use axum::http::StatusCode;
use ilp_connector::amount::parse_amount;
use ilp_operator::{Field, OperatorError, Reason};
use maud::{Markup, html};
use serde_json::{Value, json};

use crate::{answer, fields::Fields, parts::plain};

/// The errors of a form, by field. The handler of a form collects them and returns them by `?`; the
/// page then shows the form again, see [`Typed`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Errors {
    by_field: BTreeMap<&'static str, String>,
    /// The status of the operation's refusal, if the form itself had no error.
    status: Option<StatusCode>,
    /// Whether another client edited the object since the form was opened.
    is_stale: bool,
    /// The fields in which the stored object then differs from the form.
    clashes: Vec<Clash>,
}

/// A field whose stored value differs from the typed one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Clash {
    label: &'static str,
    stored: String,
    typed: String,
}

/// The hidden field that names the version which a form edits.
pub(crate) const VERSION: &str = "version";

/// The name under which errors of the form as a whole are kept.
const WHOLE: &str = "";

/// The message above a form whose object was edited since it was opened.
const STALE: &str = "Nothing was saved: this was changed since you opened the form, by another \
                     operator or by the peer's own node. Below is what is stored now beside what you \
                     typed. Saving again stores what you typed.";

impl Errors {
    /// Returns the refusal of an operation, at the field of the form that has the refused input.
    /// `fields` are the inputs of the operation beside the form's names of them.
    pub(crate) fn of(error: &OperatorError, fields: &[(Field, &'static str)]) -> Self {
        let about = fields.iter().find(|(input, _)| error.field() == Some(*input));
        let status = Some(answer::status(error.kind()));
        let is_stale = error.reason() == Reason::VersionConflict;
        let mut errors = Self { status, is_stale, ..Self::default() };
        if is_stale {
            errors.add(WHOLE, STALE);
            return errors;
        }
        errors.add(about.map_or(WHOLE, |(_, field)| field), error.to_string());
        errors
    }

    /// Returns a single error.
    pub(crate) fn one(field: &'static str, why: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.add(field, why);
        errors
    }

    /// Returns `Ok` where there is no error.
    pub(crate) fn into_result(self) -> Result<(), Self> {
        if self.is_empty() { Ok(()) } else { Err(self) }
    }

    pub(crate) fn add(&mut self, field: &'static str, why: impl Into<String>) {
        self.by_field.entry(field).or_insert_with(|| why.into());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_field.is_empty()
    }

    fn get(&self, field: &str) -> Option<&str> {
        self.by_field.get(field).map(String::as_str)
    }

    /// Returns the errors for the script.
    pub(crate) fn json(&self) -> Value {
        json!(self.by_field)
    }

    /// Reads the version that a form edits; leaves it empty for a form from before versions
    /// existed.
    pub(crate) fn version(&mut self, fields: &Fields) -> Option<u64> {
        self.number(fields, VERSION, u64::MAX)
    }

    /// Reads a whole number of at most `max`.
    pub(crate) fn number(&mut self, fields: &Fields, name: &'static str, max: u64) -> Option<u64> {
        let text = fields.given(name)?;
        match text.parse::<u64>() {
            Ok(number) if number <= max => Some(number),
            _ => {
                self.add(name, format!("a whole number from 0 to {max} is expected"));
                None
            }
        }
    }

    /// Reads an amount in standard units.
    pub(crate) fn amount(&mut self, fields: &Fields, name: &'static str, scale: u8) -> Option<u64> {
        let text = fields.given(name)?;
        let read = parse_amount(&ungrouped(text, scale), scale);
        read.map_err(|error| self.add(name, error.to_string())).ok()
    }

    /// Notes a refusal of a field.
    pub(crate) fn check(&mut self, field: &'static str, checked: Result<(), impl Error>) {
        if let Err(error) = checked {
            self.add(field, error.to_string());
        }
    }
}

/// Returns an amount as pages show it, such as `10,000.00`, without its commas. A comma is taken
/// for a thousands separator only where it can't mean anything else: between groups of three
/// digits, and before a decimal point if the asset has decimal places. `1,250` could be one and a
/// quarter.
fn ungrouped(text: &str, scale: u8) -> Cow<'_, str> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let is_grouped = whole.contains(',')
        && (1..=3).contains(&first.len())
        && groups.all(|group| group.len() == 3)
        && (scale == 0 || !fraction.is_empty());
    if is_grouped { Cow::Owned(text.replace(',', "")) } else { Cow::Borrowed(text) }
}

/// The refusal of an operation becomes an error of the form as a whole.
impl From<OperatorError> for Errors {
    fn from(error: OperatorError) -> Self {
        Self::of(&error, &[])
    }
}

/// A form as it was typed, and the errors found in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Typed {
    pub(crate) fields: Fields,
    pub(crate) errors: Errors,
}

/// The name, the label and the hint of a field.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Label<'a> {
    pub(crate) name: &'a str,
    pub(crate) label: &'a str,
    pub(crate) hint: &'a str,
}

impl Typed {
    /// Returns a form that was not sent yet.
    pub(crate) fn fresh(fields: Fields) -> Self {
        Self { fields, errors: Errors::default() }
    }

    /// Gives initial values to fields that were not sent, such as those of another form on the
    /// page.
    pub(crate) fn beginning_with(mut self, fields: Fields) -> Self {
        self.fields.add_absent(fields);
        self
    }

    /// Shows the stored values beside the typed ones, if the form was refused because it is based
    /// on another version. Sending the form again overwrites the stored values.
    pub(crate) fn against(mut self, stored: &Fields, labels: &[(&str, &'static str)]) -> Self {
        if self.errors.is_stale {
            let clash = |(name, label): &(&str, &'static str)| {
                let (stored, typed) = (stored.get(name), self.fields.get(name));
                let same = stored.split_whitespace().eq(typed.split_whitespace());
                (!same).then(|| Clash { label, stored: stored.to_owned(), typed: typed.to_owned() })
            };
            self.errors.clashes = labels.iter().filter_map(clash).collect();
            self.fields.set(VERSION, stored.get(VERSION));
        }
        self
    }

    /// Returns the hidden field with the version that the form edits.
    pub(crate) fn version(&self) -> Markup {
        html! { input type="hidden" name=(VERSION) value=(self.fields.get(VERSION)); }
    }

    /// Returns the status of the page that shows the form.
    pub(crate) fn status(&self) -> StatusCode {
        if self.errors.is_empty() {
            return StatusCode::OK;
        }
        self.errors.status.unwrap_or(StatusCode::BAD_REQUEST)
    }

    /// Shows the error of the form as a whole, or says that some field has one.
    pub(crate) fn summary(&self) -> Markup {
        let whole = self.errors.get(WHOLE);
        html! {
            @if !self.errors.is_empty() {
                div.notice.bad role="alert" {
                    p { (whole.unwrap_or("Nothing was done yet. Change what is marked below, and send it again.")) }
                    (self.clashes())
                }
            }
        }
    }

    fn clashes(&self) -> Markup {
        let empty =
            |value: &str| if value.is_empty() { "(empty)".to_owned() } else { plain(value) };
        html! {
            @if self.errors.is_stale {
                @if self.errors.clashes.is_empty() {
                    p { "No field of this form differs. What was changed is not on it, such as a token." }
                } @else {
                    table.cards.clashes {
                        thead { tr { th scope="col" { "Field" } th scope="col" { "Stored now" } th scope="col" { "What you typed" } } }
                        tbody { @for Clash { label, stored, typed } in &self.errors.clashes { tr {
                            th scope="row" { (label) }
                            td data-label="Stored now" { (empty(stored)) }
                            td data-label="What you typed" { (empty(typed)) }
                        } } }
                    }
                }
            }
        }
    }

    /// Shows an input for one line of text.
    pub(crate) fn text(&self, label: Label<'_>) -> Markup {
        self.input(label, "text", "")
    }

    /// Shows an input for a number or an amount.
    pub(crate) fn number(&self, label: Label<'_>) -> Markup {
        self.input(label, "text", "decimal")
    }

    /// Shows an input for a token. The token is visible, since the operator has to pass it on to
    /// the peer's operator, and browsers don't complete it.
    pub(crate) fn token(&self, label: Label<'_>) -> Markup {
        self.input(label, "text", "")
    }

    fn input(&self, label: Label<'_>, kind: &str, mode: &str) -> Markup {
        let Label { name, .. } = label;
        let error = self.errors.get(name);
        self.around(
            label,
            &html! {
                input id=(name) name=(name) type=(kind) value=(self.fields.get(name)) autocomplete="off"
                    spellcheck="false" inputmode=[(!mode.is_empty()).then_some(mode)]
                    aria-describedby={ (name) "-hint " (name) "-error" }
                    aria-invalid=[error.map(|_| "true")] autofocus[error.is_some()];
            },
        )
    }

    /// Shows an input for several lines.
    pub(crate) fn lines(&self, label: Label<'_>) -> Markup {
        let Label { name, .. } = label;
        let error = self.errors.get(name);
        self.around(
            label,
            &html! {
                textarea id=(name) name=(name) rows="3" autocomplete="off" spellcheck="false"
                    aria-describedby={ (name) "-hint " (name) "-error" }
                    aria-invalid=[error.map(|_| "true")] autofocus[error.is_some()] { (self.fields.get(name)) }
            },
        )
    }

    /// Shows a choice of one of several values.
    pub(crate) fn choice(&self, label: Label<'_>, options: &[(String, String)]) -> Markup {
        let Label { name, .. } = label;
        let (error, chosen) = (self.errors.get(name), self.fields.get(name));
        self.around(
            label,
            &html! {
                select id=(name) name=(name) aria-describedby={ (name) "-hint " (name) "-error" }
                    aria-invalid=[error.map(|_| "true")] autofocus[error.is_some()] {
                    @for (value, words) in options {
                        option value=(value) selected[value == chosen] { (words) }
                    }
                }
            },
        )
    }

    /// Shows a checkbox.
    pub(crate) fn tick(&self, Label { name, label, hint }: Label<'_>) -> Markup {
        html! {
            div.field {
                div.tick {
                    input id=(name) name=(name) type="checkbox" value="yes"
                        checked[self.fields.given(name).is_some()] aria-describedby={ (name) "-hint" };
                    label for=(name) { (label) }
                }
                span.hint id={ (name) "-hint" } { (hint) }
            }
        }
    }

    fn around(&self, Label { name, label, hint }: Label<'_>, control: &Markup) -> Markup {
        html! {
            div.field {
                label for=(name) { (label) }
                span.hint id={ (name) "-hint" } { (hint) }
                (control)
                span.error id={ (name) "-error" } aria-live="polite" {
                    (self.errors.get(name).unwrap_or_default())
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_taken_as_pages_show_it_and_no_comma_is_guessed() {
        let read = |text: &str, scale| {
            let mut errors = Errors::default();
            let mut fields = Fields::default();
            fields.set("amount", text);
            errors.amount(&fields, "amount", scale)
        };
        assert_eq!(read("10,000.00", 2), Some(1_000_000));
        assert_eq!(read("1,234,567.5", 2), Some(123_456_750));
        assert_eq!(read("1,234", 0), Some(1_234));
        assert_eq!(read(",123.00", 2), None);
        for text in ["1,234", "12,50", "1,2345.00", "1234,567.00", "1,,234.00", "1.000,00"] {
            assert_eq!(read(text, 2), None, "{text}");
        }
        assert_eq!(read("1,250", 3), None, "that could be one and a quarter");
    }

    #[test]
    fn a_field_keeps_what_was_typed_and_says_what_is_wrong() {
        let mut typed =
            Typed::fresh(Fields::read(b"amount=%3Cb%3E1&count=7&far=18446744073709551616"));
        assert_eq!(typed.errors.amount(&typed.fields, "amount", 2), None);
        assert_eq!(typed.errors.number(&typed.fields, "count", 10), Some(7));
        assert_eq!(typed.errors.number(&typed.fields, "far", u64::MAX), None);
        assert_eq!(typed.errors.number(&typed.fields, "absent", 1), None);
        let label = Label { name: "amount", label: "Amount", hint: "In dollars" };
        let shown = typed.number(label).into_string();
        assert!(
            shown.contains("value=\"&lt;b&gt;1\"") && shown.contains("is no amount"),
            "{shown}"
        );
        assert!(shown.contains("aria-invalid=\"true\"") && shown.contains("for=\"amount\""));
        assert!(typed.summary().into_string().contains("Nothing was done yet"));
    }
}
