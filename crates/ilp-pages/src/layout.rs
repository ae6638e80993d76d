//! The frame of every page: head, navigation and footer.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::Response,
};
use maud::{DOCTYPE, Markup, html};

use crate::{
    Pages,
    answer::page,
    parts::plain,
    visit::{FORM_TOKEN, Visit},
};

/// An entry of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Overview,
    Peers,
    Assets,
    Rates,
    Routes,
    Wallets,
    Payments,
    Books,
    Events,
    Audit,
    Settings,
}

const SECTIONS: [(Section, &str, &str); 11] = [
    (Section::Overview, "/", "Overview"),
    (Section::Peers, "/peers", "Peers"),
    (Section::Assets, "/assets", "Assets"),
    (Section::Rates, "/rates", "Rates"),
    (Section::Routes, "/routes", "Routes"),
    (Section::Wallets, "/wallets", "Wallets"),
    (Section::Payments, "/payments", "Payments"),
    (Section::Books, "/books", "Books"),
    (Section::Events, "/events", "Events"),
    (Section::Audit, "/audit", "Audit"),
    (Section::Settings, "/settings", "Settings"),
];

/// Returns a page for a visitor who has signed in.
pub(crate) fn show(visit: &Visit, section: Section, title: &str, body: &Markup) -> Response {
    show_as(StatusCode::OK, visit, section, title, body)
}

/// Returns a page with another status than 200, such as that of a form with errors.
pub(crate) fn show_as(
    status: StatusCode,
    visit: &Visit,
    section: Section,
    title: &str,
    body: &Markup,
) -> Response {
    let top = html! {
        nav aria-label="Main" {
            ul {
                @for (of, path, name) in SECTIONS {
                    li { a href=(path) aria-current=[(of == section).then_some("page")] { (name) } }
                }
            }
        }
        @if visit.has_session() {
            form method="post" action="/sign-out" {
                (form_token(visit))
                button.plain type="submit" { "Sign out" }
            }
        }
    };
    page(status, document(title, &top, body))
}

/// Returns a page without navigation, for a visitor who has not signed in.
pub(crate) fn bare(title: &str, body: &Markup) -> Markup {
    let body = html! {
        div.head { h1 { (title) } }
        (body)
    };
    document(title, &html! {}, &body)
}

/// Returns the hidden field with the form token, which every form carries.
pub(crate) fn form_token(visit: &Visit) -> Markup {
    html! { input type="hidden" name=(FORM_TOKEN) value=(visit.visitor.form_token); }
}

tokio::task_local! {
    /// The name of the node whose page is being made.
    static NODE_NAME: Arc<str>;
}

/// Puts the node's name into the page's title, so that the operator of several nodes tells their
/// tabs apart.
pub(crate) async fn named(
    State(pages): State<Arc<Pages>>,
    request: Request,
    next: Next,
) -> Response {
    NODE_NAME.scope(pages.operator.name().into(), next.run(request)).await
}

fn node_name() -> Arc<str> {
    NODE_NAME.try_with(Arc::clone).unwrap_or_else(|_| "jirani".into())
}

fn document(title: &str, top: &Markup, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (plain(title)) " - " (plain(&node_name())) }
                link rel="icon" type="image/svg+xml" href="/assets/icon.svg";
                link rel="stylesheet" href="/assets/style.css";
                script src="/assets/script.js" defer {}
            }
            body {
                a.skip href="#content" { "To the content" }
                header.top { div { a.brand href="/" { "jirani" } (top) } }
                main #content { (body) }
            }
        }
    }
}
