//! The pages in a real browser, with and without scripts: an operator's work from the first asset
//! to the last peer, the live parts, and the refusal of other visitors.

mod accessibility;
mod driver;
mod pictures;
mod refusals;
mod walk;

use self::driver::{Driver, Scripts};
use crate::support::{Node, wait_for};

const SECRET: &str = "hush-hush-hush-hush";

/// The name of the node.
const NAME: &str = "corner shop";

/// A node and a browser on its pages.
struct Desk {
    node: Node,
    driver: Driver,
}

impl Desk {
    fn new(scripts: Scripts) -> Self {
        let environment = [
            ("JIRANI_ILP_ADDRESS", "test.node"),
            ("JIRANI_ADMIN_SECRET", SECRET),
            ("JIRANI_NAME", NAME),
        ];
        let (node, driver) = (Node::start_with(&environment), Driver::start(scripts));
        driver.size(1280, 1000);
        Self { node, driver }
    }

    fn open(&self, path: &str) {
        self.driver.open(&format!("http://{}{path}", self.node.admin));
    }

    /// Returns the path of the page, without its query.
    fn path(&self) -> String {
        let url = self.driver.url();
        let path = url.split_once(&self.node.admin.to_string()).map_or("", |(_, path)| path);
        path.split('?').next().unwrap_or_default().to_owned()
    }

    fn sign_in(&self, secret: &str) {
        self.driver.write("#secret", secret);
        self.driver.click("main button");
    }

    /// Waits until an element has these words. With scripts the page changes by itself; without
    /// them it is loaded again.
    fn see(&self, selector: &str, words: &str) {
        wait_for(&format!("{words:?} in {selector}"), || {
            if self.driver.scripts == Scripts::Off {
                self.driver.reload();
            }
            self.driver.shows(selector, words).then_some(())
        });
    }

    /// Fills in fields by their ids and sends the form that the first of them is in.
    fn fill(&self, fields: &[(&str, &str)]) {
        fields.iter().for_each(|(id, text)| self.driver.write(&format!("#{id}"), text));
        let (first, _) = fields[0];
        self.driver.click(&format!("form:has(#{first}) button[type=submit]"));
    }

    /// Checks that a field has kept the typed text and shows an error.
    fn is_told(&self, field: &str, typed: &str, why: &str) {
        let (value, error) = (format!("#{field}"), format!("#{field}-error"));
        let found = (self.driver.value(&value), self.driver.text(&error));
        let is_told = found.0 == typed && found.1.contains(why);
        assert!(is_told, "{field}: {found:?} on\n{}", self.driver.text("main"));
    }
}

/// All tests with scripts share a browser, since starting one takes longer than most of them.
#[test]
fn with_scripts() {
    let desk = Desk::new(Scripts::On);
    refusals::signing_in(&desk);
    refusals::bad_input(&desk);
    walk::from_the_first_asset_to_the_last_peer(&desk);
    accessibility::every_page(&desk);
    refusals::another_form_and_an_ended_session(&desk);
    refusals::a_node_that_is_gone(&desk);
}

#[test]
fn without_scripts() {
    let desk = Desk::new(Scripts::Off);
    refusals::signing_in(&desk);
    refusals::bad_input(&desk);
    walk::from_the_first_asset_to_the_last_peer(&desk);
    refusals::another_form_and_an_ended_session(&desk);
}
