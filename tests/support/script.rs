//! Programs by others, run as scripts that answer questions.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::Value;

use super::root;

/// The package `@interledger/stream-receiver` 0.3.3-alpha.3, by its name in the questions to
/// `receiver.js`. It answers packets that it doesn't take with F99, which `@interledger/pay`
/// 0.4.0-alpha.9 needs.
pub(crate) const OLD_STREAM_RECEIVER: &str = "stream-receiver-alpha-3";
/// The package `@interledger/stream-receiver` 0.3.3-alpha.4, which Rafiki uses since 2.4. It
/// answers a packet that it can't fulfill with F05 and one below its minimum with F04.
pub(crate) const STREAM_RECEIVER: &str = "@interledger/stream-receiver";

/// A Node.js script that takes and returns lines of JSON. Killed when dropped.
pub(crate) struct Script {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Script {
    pub(crate) fn start(name: &str) -> Self {
        let folder = root().join("tests/interop");
        assert!(
            folder.join("node_modules").is_dir(),
            "the npm packages are missing: npm ci --prefix tests/interop"
        );
        let mut process = Command::new("node")
            .arg(folder.join(name))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Node.js 18 or newer is needed for the interoperability tests");
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, input, output }
    }

    pub(crate) fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.input, "{question}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
