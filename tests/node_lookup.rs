//! The ways in which commands find their node and its secret, and their messages if they can't.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::support::{
    DataDir, jirani,
    stub::{Answer, Stub},
};

const SECRET: &str = "correct horse battery staple";

/// Lists assets from a command line in `dir`. No proxy answers, so a request through one fails.
fn list(dir: &Path, options: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = jirani();
    command.current_dir(dir).args(["asset", "list"]).args(options);
    command.env("http_proxy", "http://127.0.0.1:1").envs(variables.iter().copied());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("horse"), "{said}");
    (output.status.code(), said)
}

fn write(dir: &Path, data_dir: &Path, listen: &str) -> PathBuf {
    fs::create_dir_all(dir).unwrap();
    let path = dir.join("jirani.toml");
    let data_dir = data_dir.display();
    let admin = format!("listen = \"{listen}\"\nsecret = \"{SECRET}\"\n");
    fs::write(&path, format!("data_dir = \"{data_dir}\"\n\n[admin]\n{admin}")).unwrap();
    path
}

#[test]
fn a_command_finds_the_node_that_runs_with_its_configuration() {
    let dir = DataDir::new(&[]);
    let here = dir.temp.path().to_owned();
    // The port is picked when the node starts, so only node.json has it.
    let picked = write(&here.join("picked"), &dir.data(), "127.0.0.1:0");
    let picked = picked.to_str().unwrap();
    let node = dir.with("JIRANI_CONFIG", picked).start();
    let done = (Some(0), String::new());
    assert_eq!(list(&here.join("picked"), &[], &[]), done);
    assert_eq!(list(&here, &["--config", picked], &[]), done);
    assert_eq!(list(&here, &[], &[("JIRANI_CONFIG", picked)]), done);
    // Without a configuration the folder is the default, or the one that the environment names.
    let secret = ("JIRANI_ADMIN_SECRET", SECRET);
    assert_eq!(list(&here, &[], &[secret]), done);
    let data = node.dir.data();
    let data = ("JIRANI_DATA_DIR", data.to_str().unwrap());
    assert_eq!(list(&here.join("picked"), &[], &[data, ("ADMIN_API_SECRET", SECRET)]), done);
    // A port in the configuration is used, regardless of the data folder's `node.json`.
    let fixed = write(&here.join("fixed"), Path::new("/nonexistent"), &node.admin.to_string());
    assert_eq!(list(&here.join("fixed"), &[], &[]), done);
    let file = here.join("secret");
    fs::write(&file, SECRET).unwrap();
    let url = format!("http://localhost:{}/graphql", node.admin.port());
    let file = ["--url", &url, "--secret-file", file.to_str().unwrap()];
    assert_eq!(list(&here, &file, &[]), done);
    // On this machine the configuration's secret is used with a URL, too.
    assert_eq!(list(&here.join("fixed"), &["--url", &url], &[]), done);
    assert_eq!(list(&here.join("fixed"), &[], &[("JIRANI_ADMIN_URL", &url)]), done);
    // `--url` and JIRANI_ADMIN_URL have precedence over the configuration.
    let (code, said) = list(&here.join("fixed"), &["--url", "http://127.0.0.1:1"], &[]);
    assert!(code == Some(1) && said.contains("127.0.0.1:1 (from --url)"), "{said}");
    let fixed = fixed.to_str().unwrap();
    let (code, said) = list(&here, &["--config", fixed], &[("JIRANI_ADMIN_URL", "http://[::1]:1")]);
    assert!(code == Some(1) && said.contains("[::1]:1 (from JIRANI_ADMIN_URL)"), "{said}");
}

#[test]
fn each_way_to_miss_the_node_has_its_sentence_and_names_its_source() {
    let dir = DataDir::new(&[("JIRANI_ADMIN_SECRET", SECRET)]);
    let here = dir.temp.path().to_owned();
    let node = dir.start();
    let admin = format!("http://{}", node.admin);
    let says = |options: &[&str], variables: &[(&str, &str)], code: i32, words: &str| {
        let (ended, said) = list(&here, options, variables);
        assert!(ended == Some(code) && said.contains(words), "expected {words}: {said}");
    };
    says(&["--url", "127.0.0.1:3001"], &[], 2, "`127.0.0.1:3001` (from --url) is not the URL");
    let mistyped = [("JIRANI_ADMIN_URL", "htp://x")];
    says(&[], &mistyped, 2, "`htp://x` (from JIRANI_ADMIN_URL) is not the URL");
    let packets = format!("http://{}", node.ilp);
    says(&["--url", &packets], &[], 1, "no GraphQL: is that the node's admin port?");
    says(&["--url", &admin], &[], 1, "asks for a secret, and the configuration has none");
    let wrong = here.join("wrong");
    fs::write(&wrong, "another secret of some length").unwrap();
    let wrong = wrong.to_str().unwrap();
    let refused = format!("(from --url) refuses the secret from --secret-file {wrong}");
    says(&["--url", &admin, "--secret-file", wrong], &[], 1, &refused);
    let variables = [("JIRANI_ADMIN_URL", &*admin), ("JIRANI_ADMIN_SECRET", "another one")];
    let refused = "(from JIRANI_ADMIN_URL) refuses the secret from JIRANI_ADMIN_SECRET";
    says(&[], &variables, 1, refused);
    let other = write(&here.join("other"), &node.dir.data(), "127.0.0.1:0");
    let text = fs::read_to_string(&other).unwrap();
    fs::write(&other, text.replace(SECRET, "another secret of some length")).unwrap();
    let other = other.to_str().unwrap();
    let refused = format!("node.json) refuses the secret from admin.secret in {other}");
    says(&["--config", other], &[], 1, &refused);
    let right = write(&here.join("right"), &node.dir.data(), &node.admin.to_string());
    let right = right.to_str().unwrap();
    says(&["--config", right], &[], 0, "");
    let _dir = node.stop();
    let down = format!("no program listens at {admin} (from admin.listen in {right})");
    says(&["--config", right], &[], 1, &down);
    // An option in front of the command would be ignored, so it is an error.
    let output = jirani().args(["--config", right, "asset", "list"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn a_configuration_that_is_not_named_sends_its_secret_to_no_other_machine() {
    let proxy = Stub::start(|_| {
        let body = r#"{"errors": [{"message": "Unauthorized"}]}"#;
        let length = body.len();
        let head = format!("HTTP/1.1 401 X\r\ncontent-length: {length}\r\n\r\n");
        Answer::Raw(format!("{head}{body}").into())
    });
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path(), Path::new("/nonexistent"), "127.0.0.1:1");
    let through = [("http_proxy", &*proxy.endpoint())];
    let elsewhere = ["--url", "http://node.example:3001"];
    let (code, said) = list(dir.path(), &elsewhere, &through);
    assert!(code == Some(1) && said.contains("not sent to another machine"), "{said}");
    assert_eq!(proxy.requests()[0].authorization, "");
    let named = [&elsewhere[..], &["--config", file.to_str().unwrap()]].concat();
    let (code, said) = list(dir.path(), &named, &through);
    assert!(code == Some(1) && said.contains("refuses the secret from admin.secret in"), "{said}");
    assert_eq!(proxy.requests()[1].authorization, format!("Bearer {SECRET}"));
}
