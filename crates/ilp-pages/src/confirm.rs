//! The page that asks for confirmation before an irreversible action. It works without a script: a
//! form without the field `confirmed` leads here, and the form on this page has the field.

use axum::response::Response;
use maud::{Markup, html};

use crate::{
    fields::Fields,
    layout::{Section, form_token, show},
    visit::Visit,
};

/// The name of the field in a confirmed form.
const CONFIRMED: &str = "confirmed";

/// The contents of the confirmation page.
pub(crate) struct Question<'a> {
    pub(crate) section: Section,
    /// The action, as a question.
    pub(crate) title: &'a str,
    /// The consequence of the action.
    pub(crate) consequence: &'a Markup,
    /// Fields that are filled in with the answer; may be empty.
    pub(crate) fields: &'a Markup,
    /// The path that the form is sent to.
    pub(crate) action: &'a str,
    /// The hidden fields of the form.
    pub(crate) hidden: &'a [(&'a str, &'a str)],
    /// The text of the confirming button, and whether the action destroys something.
    pub(crate) button: (&'a str, bool),
    /// The path of the page to go back to.
    pub(crate) back: &'a str,
}

/// Returns whether a form was confirmed.
pub(crate) fn is_confirmed(fields: &Fields) -> bool {
    fields.given(CONFIRMED).is_some()
}

/// Returns the confirmation page.
pub(crate) fn ask(visit: &Visit, question: &Question<'_>) -> Response {
    let Question { section, title, consequence, fields, action, hidden, button, back } = question;
    let (words, is_danger) = button;
    let body = html! {
        div.head { h1 { (title) } }
        (consequence)
        form.card method="post" action=(action) {
            (form_token(visit))
            input type="hidden" name=(CONFIRMED) value="yes";
            @for (name, value) in *hidden { input type="hidden" name=(name) value=(value); }
            (fields)
            div.actions {
                button.danger[*is_danger] type="submit" { (words) }
                a href=(back) { "Cancel" }
            }
        }
    };
    show(visit, *section, title, &body)
}
