//! The environments that container platforms and Rafiki's files make for a node, and the image's
//! health check in them.

use std::fs;

use serde_json::{Value, json};

use crate::support::{DataDir, Node, jirani, root};

/// The variables that Kubernetes sets in each container of a namespace that has services named
/// `jirani` and `jirani-admin`, and Docker for a link of that name.
const SERVICE_LINKS: &[(&str, &str)] = &[
    ("JIRANI_SERVICE_HOST", "10.96.0.11"),
    ("JIRANI_SERVICE_PORT", "3002"),
    ("JIRANI_SERVICE_PORT_ILP", "3002"),
    ("JIRANI_PORT", "tcp://10.96.0.11:3002"),
    ("JIRANI_PORT_3002_TCP", "tcp://10.96.0.11:3002"),
    ("JIRANI_PORT_3002_TCP_PROTO", "tcp"),
    ("JIRANI_PORT_3002_TCP_PORT", "3002"),
    ("JIRANI_PORT_3002_TCP_ADDR", "10.96.0.11"),
    ("JIRANI_ENV_PATH", "/usr/bin"),
    ("JIRANI_ADMIN_SERVICE_HOST", "10.96.0.12"),
    ("JIRANI_ADMIN_SERVICE_PORT", "3001"),
    ("JIRANI_ADMIN_PORT", "tcp://10.96.0.12:3001"),
    ("JIRANI_ADMIN_PORT_3001_TCP_ADDR", "10.96.0.12"),
    // These are services named like Rafiki's variables.
    ("ADMIN_PORT", "tcp://10.96.0.13:80"),
    ("CONNECTOR_PORT", "tcp://10.96.0.14:80"),
];

/// Returns the exit code and the log of a node that doesn't start.
fn refusal(environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let dir = DataDir::new(environment);
    let ended = dir.command().output().unwrap();
    (ended.status.code(), dir.log())
}

/// Makes the command of a node whose admin port the harness doesn't give.
fn command_line_of(dir: &DataDir) -> std::process::Command {
    let mut command = dir.command();
    command.env_remove("JIRANI_ADMIN_LISTEN");
    command
}

fn listens_at(dir: &DataDir, surface: &str) -> String {
    let file: Value =
        serde_json::from_str(&fs::read_to_string(dir.data().join("node.json")).unwrap()).unwrap();
    file[surface]["listen"].as_str().unwrap().to_owned()
}

#[test]
fn variables_that_platforms_make_for_a_service_end_no_node() {
    let node = Node::start_with(SERVICE_LINKS);
    let log = node.dir.log();
    assert!(!log.contains("WARN") || !log.contains("JIRANI_"), "{log}");
    drop(node);

    let node = Node::start_with(&[("JIRANI_PORT", "3002")]);
    let log = node.dir.log();
    assert!(log.contains("JIRANI_PORT sets nothing"), "a number there is a person's: {log}");
    drop(node);
    for (name, value) in [("JIRANI_ILP_PORT", "3002"), ("JIRANI_SERVICEHOST", "10.96.0.11")] {
        let (code, log) = refusal(&[(name, value)]);
        assert_eq!(code, Some(64), "{name}: {log}");
        assert!(log.contains(name) && log.contains("did you mean JIRANI_"), "{log}");
    }
}

#[test]
fn what_a_rafikis_files_contain_is_taken_in_each_spelling() {
    let hexadecimal = "1f".repeat(32);
    for environment in [
        &[("LOG_LEVEL", "silent")][..],
        &[("LOG_LEVEL", "SILENT")],
        &[("LOG_LEVEL", "fatal"), ("INSTANCE_NAME", "Rafiki")],
        &[("LOG_LEVEL", "INFO")],
        &[("LOG_LEVEL", "debug "), ("WEBHOOK_TIMEOUT", "2000 ")],
        &[("LOG_LEVEL", ""), ("ADMIN_PORT", ""), ("ADMIN_API_SECRET", ""), ("STREAM_SECRET", "")],
        &[("STREAM_SECRET", "6jR5iNIVRvqeasJeCty6C-YB5X9FhSOUPCL_5nha5Vs")],
        &[("STREAM_SECRET", "6jR5iNIVRvqeasJeCty6C+YB5X9FhSOUPCL/5nha5Vs=")],
        &[("STREAM_SECRET", &hexadecimal)],
        &[("ENABLE_AUTO_PEERING", "False")],
        &[("ENABLE_AUTO_PEERING", "0")],
    ] {
        let node = Node::start_with(environment);
        assert!(
            !fs::read_to_string(node.dir.data().join("node.json")).unwrap().contains("peering")
        );
    }
    let on = [("ENABLE_AUTO_PEERING", "1"), ("JIRANI_AUTO_PEERING_LISTEN", "127.0.0.1:0")];
    let node = Node::start_with(&on);
    listens_at(&node.dir, "auto_peering");
    assert!(node.dir.log().contains("ENABLE_AUTO_PEERING=1 means true here"), "{}", node.dir.log());
}

#[test]
fn a_rafikis_admin_port_listens_on_all_addresses_behind_a_secret() {
    let secret = "correct horse battery staple";
    for (variable, secret, host) in [
        ("ADMIN_PORT", secret, "0.0.0.0:"),
        ("JIRANI_ADMIN_PORT", secret, "0.0.0.0:"),
        ("ADMIN_PORT", "", "127.0.0.1:"),
        ("ADMIN_PORT", "changeme", "127.0.0.1:"),
    ] {
        let dir = DataDir::new(&[(variable, "0"), ("ADMIN_API_SECRET", secret)]);
        let mut node = command_line_of(&dir).spawn().unwrap();
        let file = dir.data().join("node.json");
        crate::support::wait_for("node.json", || file.exists().then_some(()));
        let listens = listens_at(&dir, "admin");
        let log = dir.log();
        node.kill().unwrap();
        node.wait().unwrap();
        assert!(listens.starts_with(host), "{variable} with {secret:?}: {listens}");
        let is_short = secret == "changeme";
        assert_eq!(log.contains("fewer than 16 characters"), is_short, "{log}");
        assert!(!log.contains("changeme"), "{log}");
    }
    let open = [("JIRANI_ADMIN_LISTEN", "0.0.0.0:0"), ("ADMIN_API_SECRET", "changeme")];
    let (code, log) = refusal(&open);
    assert_eq!(code, Some(64), "{log}");
    assert!(log.contains("ADMIN_API_SECRET") && log.contains("other machines"), "{log}");
    let (code, log) = refusal(&[("JIRANI_ADMIN_SECRET", "changeme")]);
    assert_eq!(code, Some(64), "{log}");
}

#[test]
fn the_images_health_check_asks_what_the_node_reads() {
    let image = fs::read_to_string(root().join("Dockerfile")).unwrap();
    let check = image.split("HEALTHCHECK").nth(1).unwrap();
    let words = check.split("CMD").nth(1).unwrap().lines().next().unwrap();
    let words: Vec<String> = serde_json::from_str(words).unwrap();
    assert_eq!(words[0], "jirani", "the image has no other program for it");
    let check = |dir: &DataDir, more: &[(&str, &str)]| {
        let mut command = jirani();
        command.args(&words[1..]).current_dir(dir.temp.path()).env("JIRANI_DATA_DIR", dir.data());
        command.envs(more.iter().copied());
        command.output().unwrap()
    };
    // A picked port, a service link of the platform and a secret don't disturb the check.
    let secret = [("JIRANI_ADMIN_SECRET", "correct horse battery staple")];
    let node = Node::start_with(&secret);
    let links = [&secret[..], SERVICE_LINKS].concat();
    let well = check(&node.dir, &links);
    let said = String::from_utf8_lossy(&well.stdout).into_owned();
    assert!(well.status.success() && said.starts_with("ok"), "{said} {well:?}");

    // Without the file of a running node, the configuration names the port.
    let port = node.admin.port().to_string();
    fs::remove_file(node.dir.data().join("node.json")).unwrap();
    let by_port = [&secret[..], &[("JIRANI_ADMIN_PORT", &port)]].concat();
    assert!(check(&node.dir, &by_port).status.success(), "{:?}", check(&node.dir, &by_port));
    let dir = node.stop();
    let gone = check(&dir, &by_port);
    assert_eq!(gone.status.code(), Some(1), "{gone:?}");
    let said = String::from_utf8_lossy(&gone.stderr).into_owned();
    assert!(said.contains(&port) && said.contains("is the node running"), "{said}");
}

#[test]
fn secrets_come_from_files_and_one_on_the_command_line_warns() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secret");
    fs::write(&file, "correct horse battery staple\n").unwrap();
    let file = file.to_str().unwrap();
    let node = Node::start_with(&[("JIRANI_ADMIN_SECRET_FILE", file)]);
    let ask = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut command = jirani();
        command.args(arguments).env("JIRANI_ADMIN_URL", format!("http://{}", node.admin));
        let output = command.envs(environment.iter().copied()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let list = ["asset", "list"];
    assert_eq!(ask(&list, &[]).0, Some(1), "without the secret");
    assert_eq!(ask(&list, &[("JIRANI_ADMIN_SECRET_FILE", file)]), (Some(0), String::new()));
    assert_eq!(ask(&["asset", "list", "--secret-file", file], &[]), (Some(0), String::new()));
    let secret = "correct horse battery staple";
    assert_eq!(ask(&list, &[("JIRANI_ADMIN_SECRET", secret)]), (Some(0), String::new()));
    let (code, said) = ask(&["asset", "list", "--secret", secret], &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("--secret is on the command line") && !said.contains("horse"), "{said}");
    let added =
        ["peer", "add", "--address", "test.bob", "--asset", "USD", "--endpoint", "x.example"];
    let tokens = ["--outgoing-token", "theirs", "--secret-file", file];
    assert_eq!(ask(&["asset", "add", "USD", "2", "--secret-file", file], &[]).0, Some(0));
    let (code, said) = ask(&[&added[..], &tokens].concat(), &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("--outgoing-token is on the command line"), "{said}");
    let token = dir.path().join("token");
    fs::write(&token, "a-token-of-theirs\n").unwrap();
    let token = token.to_str().unwrap();
    let tokens = ["--outgoing-token-file", token, "--incoming-token-file", token];
    let update = [&["peer", "update", "test.bob", "--secret-file", file][..], &tokens].concat();
    assert_eq!(ask(&update, &[]), (Some(0), String::new()));

    let (code, log) = refusal(&[("JIRANI_ADMIN_SECRET_FILE", "/nowhere")]);
    assert_eq!(code, Some(64), "{log}");
    assert!(log.contains("/nowhere") && log.contains("JIRANI_ADMIN_SECRET_FILE"), "{log}");
    let both = [("JIRANI_ADMIN_SECRET_FILE", file), ("JIRANI_ADMIN_SECRET", secret)];
    let (code, log) = refusal(&both);
    assert_eq!(code, Some(64), "{log}");
    assert!(log.contains("both set") && !log.contains("horse"), "{log}");
}

#[test]
fn empty_variables_are_as_good_as_none_to_commands_too() {
    let dir = DataDir::new(&[("JIRANI_CONFIG", "")]);
    let node = dir.start();
    let output = jirani()
        .args(["asset", "list", "--json", "--url"])
        .arg(format!("http://{}", node.admin))
        .env("JIRANI_ADMIN_URL", "")
        .env("JIRANI_ADMIN_SECRET", "")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap(), json!([]));
}
