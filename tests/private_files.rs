//! The access rights of a node's files: only the node's user has access, and the node writes only
//! where that user wants it.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
    process::Output,
};

use serde_json::{Value, json};

use crate::support::{DataDir, Node, jirani_after, packets::prepare, stub::Stub};

fn node_dir() -> DataDir {
    DataDir::new(&[("JIRANI_ILP_ADDRESS", "test.node")])
}

/// Returns every file and directory below `dir`, and `dir` itself, that other users may access.
fn open_to_others(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    if fs::metadata(dir).unwrap().permissions().mode() & 0o077 != 0 {
        found.push(dir.to_owned());
    }
    if dir.is_dir() {
        for entry in fs::read_dir(dir).unwrap() {
            found.extend(open_to_others(&entry.unwrap().path()));
        }
    }
    found
}

/// Runs a command on the node as a user whose umask hides nothing.
fn run_on(node: &Node, arguments: &[&str]) -> Output {
    let mut command = jirani_after("umask 000");
    command.args(arguments).env("JIRANI_ADMIN_URL", format!("http://{}", node.admin));
    command.output().unwrap()
}

/// Starts a node that must refuse to start, and returns its message.
fn refusal(dir: &DataDir) -> String {
    let before = dir.log().len();
    let status = dir.command().status().unwrap();
    let said = dir.log()[before..].to_owned();
    assert_eq!(status.code(), Some(74), "{said}");
    said
}

#[test]
fn the_store_its_journal_and_backups_are_for_their_owner_alone_whatever_the_umask() {
    let (node, bob) = (node_dir().after("umask 000").start(), Stub::fulfilling());
    let asset = node.create_asset("USD", 2);
    node.create_peer(&asset, "test.alice", "http://127.0.0.1:1", json!({}));
    // The routes make records so large that sled puts them into files of their own.
    let routes: Vec<_> = (0..900).map(|number| format!("test.bob.route.number.{number}")).collect();
    node.create_peer(&asset, "test.bob", &bob.endpoint(), json!({ "routes": routes }));
    node.sender("test.alice").fulfilled(&prepare("test.bob", 1));
    let backup = node.dir.temp.path().join("backup");
    let done = run_on(&node, &["backup", backup.to_str().unwrap()]);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(open_to_others(&backup), [] as [PathBuf; 0]);
    assert_eq!(open_to_others(&node.dir.data()), [] as [PathBuf; 0]);
    let dir = node.stop();
    assert_eq!(open_to_others(&dir.data()), [] as [PathBuf; 0]);
}

#[test]
fn a_folder_that_others_may_write_to_or_own_is_refused_and_one_they_may_read_is_closed() {
    let dir = node_dir();
    fs::create_dir(dir.data()).unwrap();
    let set_mode =
        |mode| fs::set_permissions(dir.data(), fs::Permissions::from_mode(mode)).unwrap();
    set_mode(0o777);
    let said = refusal(&dir);
    assert!(said.contains(dir.data().to_str().unwrap()) && said.contains("chmod 700"), "{said}");
    assert_eq!(fs::read_dir(dir.data()).unwrap().count(), 0, "nothing is written there");
    set_mode(0o755);
    if chown(dir.data(), Some(12_345), None).is_ok() {
        let said = refusal(&dir);
        assert!(said.contains("belongs to user 12345"), "{said}");
        chown(dir.data(), Some(0), None).unwrap();
    } else {
        println!("left out: a folder of another user takes a root user to make");
    }
    let node = dir.start();
    assert_eq!(open_to_others(&node.dir.data()), [] as [PathBuf; 0]);
}

#[test]
fn a_link_in_the_place_of_a_file_that_is_made_leads_nowhere() {
    let dir = node_dir().start().stop();
    let victim = dir.temp.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, dir.data().join("node.json.new")).unwrap();
    let node = dir.start();
    assert_eq!(fs::read_to_string(victim).unwrap(), "precious");
    let file = fs::symlink_metadata(node.dir.data().join("node.json")).unwrap();
    assert!(file.is_file() && file.permissions().mode() & 0o077 == 0);
}

/// Returns the API's answer to a backup.
fn backup(node: &Node, dir: &Path) -> Value {
    let query = "mutation($dir: String!) { backup(dir: $dir) { code message } }";
    node.query(query, json!({ "dir": dir }))["backup"].take()
}

#[test]
fn without_a_secret_nobody_has_a_backup_written_where_they_like() {
    let node = Node::start();
    let target = node.dir.temp.path().join("target");
    let refused = backup(&node, &target);
    assert_eq!(refused["code"], "400", "{refused}");
    assert!(refused["message"].as_str().unwrap().contains("jirani-backup-here"), "{refused}");
    assert!(!target.exists());
    // Others may write to the folder, so any user of the machine may have put the request there.
    fs::create_dir(&target).unwrap();
    fs::set_permissions(&target, fs::Permissions::from_mode(0o777)).unwrap();
    fs::write(target.join("jirani-backup-here"), "").unwrap();
    let refused = backup(&node, &target);
    assert_eq!(refused["code"], "400", "{refused}");
    fs::remove_dir_all(&target).unwrap();
    // The node's own user makes a backup by command. The second one fails, because the first is
    // there.
    let text = target.to_str().unwrap();
    assert!(run_on(&node, &["backup", text]).status.success());
    let again = run_on(&node, &["backup", text]);
    assert_eq!(again.status.code(), Some(1), "{again:?}");
    assert!(!target.join("jirani-backup-here").exists());
    // A command that the node doesn't answer leaves nothing behind.
    let own = node.dir.data().join("copy");
    let refused = run_on(&node, &["backup", own.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(!own.exists());
}

#[test]
fn with_the_secret_a_backup_goes_into_any_folder_of_the_nodes_user() {
    let secret = "sixteen characters at least";
    let node = node_dir().with("JIRANI_ADMIN_SECRET", secret).start();
    let target = node.dir.temp.path().join("target");
    let done = run_on(&node, &["backup", target.to_str().unwrap(), "--secret", secret]);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(open_to_others(&target), [] as [PathBuf; 0]);
}
