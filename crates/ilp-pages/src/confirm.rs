//! A page that asks before something is done that can't be taken back. It works without a script: a
//! form whose field `confirmed` is missing leads here, and the form on this page has it.

use axum::response::Response;
use maud::{Markup, html};

use crate::{
    fields::Fields,
    layout::{Section, form_token, show},
    visit::Visit,
};

/// The field of a form that was confirmed.
const CONFIRMED: &str = "confirmed";

/// What is asked.
pub(crate) struct Question<'a> {
    pub(crate) section: Section,
    /// What would be done, as a question.
    pub(crate) title: &'a str,
    /// What comes of it.
    pub(crate) consequence: &'a Markup,
    /// Fields to be filled in with the answer, or none.
    pub(crate) fields: &'a Markup,
    /// The path that the form goes to.
    pub(crate) action: &'a str,
    /// What the form has besides.
    pub(crate) hidden: &'a [(&'a str, &'a str)],
    /// The words on the button that does it, and whether it destroys something.
    pub(crate) button: (&'a str, bool),
    /// The path of the page to go back to.
    pub(crate) back: &'a str,
}

/// Whether a form was confirmed.
pub(crate) fn is_confirmed(fields: &Fields) -> bool {
    fields.given(CONFIRMED).is_some()
}

/// The page that asks.
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
