//! The location of a node's books, and the node that they belong to.

use std::{fs, path::Path};

use crate::support::{DataDir, http::Connection, jirani};

/// Makes a command that runs a node with the configuration alone, from another folder than the
/// file's.
fn command(dir: &DataDir, config: &Path) -> std::process::Command {
    let mut command = dir.command();
    command.arg("run").arg("--config").arg(config).env_remove("JIRANI_DATA_DIR");
    command
}

#[test]
fn a_data_folder_in_a_file_is_relative_to_that_file_and_the_log_names_it() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let config = home.join("jirani.toml");
    fs::write(&config, "ilp_address = \"test.node\"\ndata_dir = \"./data\"\n").unwrap();
    let dir = DataDir::at(home.join("data"), &[]);
    let start = command(&dir, &config);
    let node = dir.start_by(start);
    let log = node.dir.log();
    let data = fs::canonicalize(home.join("data")).unwrap();
    assert!(log.contains(&format!("data_dir={}", data.display())), "{log}");
    let pages = format!("url=http://{}/", node.admin);
    assert!(log.lines().any(|line| line.ends_with(&pages)), "{log}");
    // A command that reads the same file finds the node from any folder.
    let list = jirani().args(["asset", "list", "--config"]).arg(&config).output().unwrap();
    assert!(list.status.success(), "{list:?}");
}

#[test]
fn books_of_one_address_go_on_under_another_one_only_when_that_is_confirmed() {
    let node = DataDir::new(&[("JIRANI_ILP_ADDRESS", "test.one")]).start();
    let dir = node.stop();
    let refused = |address: Option<&str>| {
        let mut command = dir.command();
        command.env_remove("JIRANI_ILP_ADDRESS");
        command.envs(address.map(|address| ("JIRANI_ILP_ADDRESS", address)));
        let code = command.output().unwrap().status.code();
        let log = dir.log();
        let last = log.lines().last().unwrap_or_default().to_owned();
        assert_eq!(code, Some(64), "{last}");
        last
    };
    for (address, given) in [(Some("test.two"), "test.two"), (None, "test.jirani")] {
        let said = refused(address);
        assert!(said.contains(&format!("ilp_address = {given}")), "{said}");
        assert!(said.contains("those of test.one") && said.contains("--new-ilp-address"), "{said}");
    }
    // The books have not changed.
    let dir = dir.start().stop();
    let mut confirmed = dir.command();
    confirmed.arg("run").arg("--new-ilp-address").env("JIRANI_ILP_ADDRESS", "test.two");
    let dir = dir.start_by(confirmed).stop();
    // From now on the books belong to the new address.
    let code = dir.command().output().unwrap().status.code();
    assert_eq!(code, Some(64), "{}", dir.log());
    let dir = dir.with("JIRANI_ILP_ADDRESS", "test.two");
    drop(dir.start());
}

#[test]
fn init_writes_what_it_sets_and_the_settings_page_counts_that() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let written = jirani().arg("init").arg(home).output().unwrap();
    assert!(written.status.success(), "{written:?}");
    let config = home.join("jirani.toml");
    let text = fs::read_to_string(&config).unwrap();
    let set =
        text.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()));
    assert_eq!(set.count(), 5, "four secrets and the folder: {text}");
    let dir = DataDir::at(home.join("data"), &[]);
    let mut start = command(&dir, &config);
    // Without a secret the pages need no session.
    start.env("JIRANI_ADMIN_SECRET", "");
    let node = dir.start_by(start);
    let mut connection = Connection::open(node.admin).unwrap();
    let page = connection.request("GET", "/settings", &[], b"").unwrap().text();
    // The file sets three secrets and the folder, and the test gives the ports.
    assert!(page.contains(" 7 of "), "{page}");
}
