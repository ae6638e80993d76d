//! The configuration of the node, and the origin of each value.

use std::sync::Arc;

use axum::{Router, extract::State, response::Response, routing::get};
use maud::{Markup, html};

use crate::{
    Pages,
    layout::{Section, show as page},
    parts::{plain, state},
    visit::Visit,
};

/// A key of the configuration.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The key, such as `ilp.listen`.
    pub key: &'static str,
    /// Its environment variable, such as `JIRANI_ILP_LISTEN`.
    pub variable: &'static str,
    /// The value; `None` for a key that is unset, and for a secret.
    pub value: Option<String>,
    /// Whether the key has a value.
    pub is_set: bool,
    /// Whether the value differs from the default; a file may repeat the default.
    pub is_changed: bool,
    /// Whether the value must not be shown.
    pub is_secret: bool,
    /// The origin of the value; `None` where the key is unset.
    pub origin: Option<String>,
    /// The format of a value.
    pub form: &'static str,
    /// The effect of leaving the key unset.
    pub unset: &'static str,
}

impl Pages {
    /// Returns the setting of a key.
    pub(crate) fn setting(&self, key: &str) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.key == key)
    }
}

pub(crate) fn routes() -> Router<Arc<Pages>> {
    Router::new().route("/settings", get(show))
}

async fn show(State(pages): State<Arc<Pages>>, visit: Visit) -> Response {
    let changed = pages.settings.iter().filter(|setting| setting.is_changed).count();
    let body = html! {
        div.head {
            h1 { "Settings" }
            p { "What this node was started with. " (changed) " of " (pages.settings.len()) " values are not the defaults. Change them in the file or the environment and start the node again; an environment variable wins over the file." }
        }
        @for group in pages.settings.chunk_by(|one, next| table(one.key) == table(next.key)) {
            section.card {
                h2 { @match table(group[0].key) { "" => "The node", table => code { "[" (table) "]" } } }
                table.cards.settings {
                    thead { tr { th scope="col" { "Key" } th scope="col" { "Value" } th scope="col" { "From" } } }
                    tbody { @for setting in group { (row(setting)) } }
                }
            }
        }
        p.quiet.small { "On the command line, " code { "jirani init" } " writes a file with every key, its default and a sentence about it." }
    };
    page(&visit, Section::Settings, "Settings", &body)
}

/// Returns the table of the configuration file that has the key.
fn table(key: &str) -> &str {
    key.split_once('.').map_or("", |(table, _)| table)
}

fn row(setting: &Setting) -> Markup {
    let Setting { key, variable, value, is_set, is_secret, origin, form, unset, .. } = setting;
    html! {
        tr {
            th scope="row" { div { code title=(form) { (key) } br; code.small.quiet { (variable) } } }
            td data-label="Value" {
                @match value {
                    Some(value) => code { (plain(value)) },
                    None if *is_secret && *is_set => (state("good", "set")),
                    None => span.quiet { (unset) },
                }
            }
            td data-label="From" {
                @match origin {
                    Some(origin) => (plain(origin)),
                    None => span.quiet { "default" },
                }
            }
        }
    }
}
