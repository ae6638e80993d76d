//! Every page, light and dark, held against the rules of axe-core.

use serde_json::Value;

use super::{
    Desk,
    driver::{Driver, Scheme},
    pictures,
};
use crate::support::{http::get, root};

/// Pages that don't need anything to be there; those of what there is are found by their links.
const PAGES: [&str; 5] = ["/", "/peers", "/peers/new", "/assets", "/assets/new"];

/// Links that lead to the page of one thing.
const THINGS: &str = r"return [...document.querySelectorAll('main a')].map(it => it.pathname)
    .filter(it => /^\/[a-z-]+\/[0-9a-f-]{36}$/.test(it)).slice(0, 1)";

const AUDIT: &str = "const done = arguments[arguments.length - 1];
    axe.run(document, { resultTypes: ['violations'] }).then(
        found => done(found.violations.map(it => ({
            rule: it.id, impact: it.impact, help: it.help,
            nodes: it.nodes.slice(0, 5).map(node => node.html + ': ' + node.failureSummary),
        }))),
        error => done([{ rule: 'failed', impact: 'critical', help: String(error), nodes: [] }]))";

/// Looks at each page of the navigation, at each that they lead to, and at the one that asks for the
/// secret.
pub(super) fn every_page(desk: &Desk) {
    let folder = root().join("tests/interop/node_modules/axe-core/axe.min.js");
    let axe = std::fs::read_to_string(folder)
        .expect("the npm packages are missing: npm ci --prefix tests/interop");
    desk.open("/");
    let all = "return [...document.querySelectorAll('nav a')].map(it => it.pathname)";
    let mut pages = strings(&desk.driver.run(all));
    pages.extend(PAGES.map(str::to_owned));
    for page in pages.clone() {
        desk.open(&page);
        for thing in strings(&desk.driver.run(THINGS)) {
            if page == "/peers" {
                pages.extend([format!("{thing}/edit"), format!("{thing}/sheet")]);
            }
            pages.push(thing);
        }
    }
    pages.sort_unstable();
    pages.dedup();
    pages.push("/nothing".to_owned());
    let mut findings = Vec::new();
    for page in &pages {
        desk.open(page);
        desk.driver.run(&axe);
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
    pictures::take(desk, &pages);
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

fn serious(driver: &Driver, page: &str, scheme: Scheme) -> Vec<String> {
    let found = driver.run_async(AUDIT);
    let found = found.as_array().unwrap_or_else(|| panic!("{page}: {found}"));
    let is_serious = |it: &&Value| it["impact"] == "serious" || it["impact"] == "critical";
    found.iter().filter(is_serious).map(|it| format!("{page} {scheme:?}: {it:#}")).collect()
}

fn strings(list: &Value) -> Vec<String> {
    let list = list.as_array().unwrap();
    list.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect()
}
