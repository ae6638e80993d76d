//! Every page, light and dark, checked by axe-core's rules, and against the width of a phone.

use std::collections::HashSet;

use serde_json::Value;

use super::{
    Desk, NAME,
    driver::{Driver, Scheme},
    pictures,
};
use crate::support::{http::get, root};

/// A script that returns the links of a page to this node; of paths that differ only by an id, the
/// first.
const LINKS: &str = r"const found = new Map();
    for (const link of document.querySelectorAll('nav a, main a')) {
        const kind = link.pathname.replace(/[0-9a-f-]{36}/g, 'ID');
        if (link.origin === location.origin && !found.has(kind)) found.set(kind, link.pathname);
    }
    return [...found.values()]";

const AUDIT: &str = "const done = arguments[arguments.length - 1];
    axe.run(document, { resultTypes: ['violations'] }).then(
        found => done(found.violations.map(it => ({
            rule: it.id, impact: it.impact, help: it.help,
            nodes: it.nodes.slice(0, 5).map(node => node.html + ': ' + node.failureSummary),
        }))),
        error => done([{ rule: 'failed', impact: 'critical', help: String(error), nodes: [] }]))";

/// Checks each page of the navigation, each page that they link to, and the page that asks for the
/// secret.
pub(super) fn every_page(desk: &Desk) {
    let folder = root().join("tests/interop/node_modules/axe-core/axe.min.js");
    let axe = std::fs::read_to_string(folder)
        .expect("the npm packages are missing: npm ci --prefix tests/interop");
    let pages = every_link(desk);
    let mut findings = Vec::new();
    for page in &pages {
        desk.open(page);
        desk.driver.run(&axe);
        let title = desk.driver.run("return document.title");
        let is_named = title.as_str().is_some_and(|title| title.ends_with(NAME));
        assert!(is_named, "{page}: {title}");
        for scheme in [Scheme::Light, Scheme::Dark] {
            desk.driver.prefer(scheme);
            findings.extend(serious(&desk.driver, page, scheme));
        }
    }
    desk.driver.prefer(Scheme::Light);
    println!("axe-core looked at {} pages, light and dark: {}", pages.len(), pages.join(" "));
    let length = |path| get(desk.node.admin, path).unwrap().body.len();
    println!(
        "style {} bytes, script {} bytes",
        length("/assets/style.css"),
        length("/assets/script.js")
    );
    let too_wide: Vec<_> = pages.iter().filter(|page| !fits_a_phone(desk, page)).collect();
    assert!(too_wide.is_empty(), "wider than a phone: {too_wide:?}");
    desk.driver.size(1280, 1000);
    pictures::take(desk, &pages);
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

/// Returns whether no part of a page lies beyond the right edge of a phone's screen.
fn fits_a_phone(desk: &Desk, page: &str) -> bool {
    const WIDTH: u32 = 390;
    desk.driver.size(WIDTH, 844);
    desk.open(page);
    let width = desk.driver.run("return document.documentElement.scrollWidth");
    width.as_u64().is_some_and(|width| width <= u64::from(WIDTH))
}

/// Returns the overview, the pages that it links to, and the pages that those link to: one page of
/// each kind.
fn every_link(desk: &Desk) -> Vec<String> {
    let mut pages = vec!["/".to_owned(), "/nothing".to_owned()];
    let mut kinds: HashSet<String> = pages.iter().cloned().collect();
    let mut next = 0;
    while let Some(page) = pages.get(next) {
        desk.open(page);
        for link in strings(&desk.driver.run(LINKS)) {
            let parts = link.split('/').map(|part| if part.len() == 36 { "ID" } else { part });
            if kinds.insert(parts.collect::<Vec<_>>().join("/")) {
                pages.push(link);
            }
        }
        next += 1;
    }
    pages
}

fn serious(driver: &Driver, page: &str, scheme: Scheme) -> Vec<String> {
    let found = driver.run_async(AUDIT);
    let found = found.as_array().unwrap_or_else(|| panic!("{page}: {found}"));
    // Of the moderate violations, a landmark without a name counts too: a blind operator could not
    // tell its purpose.
    let is_serious = |it: &&Value| {
        it["impact"] == "serious" || it["impact"] == "critical" || it["rule"] == "landmark-unique"
    };
    found.iter().filter(is_serious).map(|it| format!("{page} {scheme:?}: {it:#}")).collect()
}

fn strings(list: &Value) -> Vec<String> {
    let list = list.as_array().unwrap();
    list.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect()
}
