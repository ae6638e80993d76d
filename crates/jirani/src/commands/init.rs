//! `jirani init`: a commented configuration with fresh secrets.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use data_encoding::{BASE64, HEXLOWER};

use super::{Failure, output::say};
use crate::config::SAMPLE;

/// Bytes of a fresh secret: 256 bits.
const SECRET_BYTES: usize = 32;

/// Writes `dir/jirani.toml`, readable by its owner alone. An existing file is left as it is.
pub(crate) fn init(dir: &Path) -> Result<(), Failure> {
    let path = dir.join("jirani.toml");
    let failed = |error: std::io::Error| {
        Failure::Refused(match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                format!("{} is there already; nothing was written", path.display())
            }
            _ => format!("{} can't be written: {error}", path.display()),
        })
    };
    fs::create_dir_all(dir).map_err(failed)?;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    file.write_all(sample_with_secrets()?.as_bytes()).map_err(failed)?;
    let path = path.display();
    say(format_args!("wrote {path}"))?;
    say(format_args!("next: set ilp_address in it, then run  jirani run --config {path}"))
}

/// The introduction of a configuration that `init` writes, in place of the sample's own.
const HEAD: &str = "\
# jirani's configuration. Every key is here: those in force are the secrets, which jirani init made, and
# the folder; each other line with a single # in front of a key shows its default or, where there is none,
# an example. Each key can also be set by the environment variable in brackets, which wins over this
# file. A secret can also be in a file of its own, named by that variable with _FILE behind it, such as
# JIRANI_ADMIN_SECRET_FILE=/run/secrets/admin.
";

/// Returns the sample with fresh secrets. Every key except those and the folder is commented out: a
/// default in the file would stay in force when a later version has a better one.
fn sample_with_secrets() -> Result<String, Failure> {
    let mut text = String::with_capacity(SAMPLE.len() + 256);
    text.push_str(HEAD);
    for line in SAMPLE.lines().skip_while(|line| line.starts_with('#')) {
        if line == "# secret = \"made by jirani init\"" {
            text.push_str(&format!("secret = \"{}\"", fresh_token()?));
        } else if line.starts_with("# stream_secret = ") {
            text.push_str(&format!("stream_secret = \"{}\"", BASE64.encode(&fresh_bytes()?)));
        } else if is_key(line) && !line.starts_with("data_dir = ") {
            text.push_str("# ");
            text.push_str(line);
        } else {
            text.push_str(line);
        }
        text.push('\n');
    }
    Ok(text)
}

/// Returns whether a line of the sample sets a key.
fn is_key(line: &str) -> bool {
    line.starts_with(|first: char| first.is_ascii_lowercase()) && line.contains(" = ")
}

fn fresh_bytes() -> Result<[u8; SECRET_BYTES], Failure> {
    use ring::rand::{SecureRandom, SystemRandom};
    let mut bytes = [0; SECRET_BYTES];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Failure::Refused("the system has no random numbers to give".to_owned()))?;
    Ok(bytes)
}

/// Returns a token of 64 hexadecimal digits: safe in a header, a shell and a mail.
pub(crate) fn fresh_token() -> Result<String, Failure> {
    Ok(HEXLOWER.encode(&fresh_bytes()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_of_the_sample_is_replaced_by_another() {
        let (one, two) = (sample_with_secrets(), sample_with_secrets());
        let (one, two) = (one.expect("random numbers"), two.expect("random numbers"));
        assert!(!one.contains("made by jirani init"));
        let differing = one.lines().zip(two.lines()).filter(|(one, two)| one != two).count();
        assert_eq!(differing, 4, "admin, webhook, metrics and stream secret");
        let set = one.lines().filter(|line| is_key(line)).count();
        assert_eq!(set, 5, "the secrets and the folder: {one}");
        let keys = SAMPLE.lines().filter(|line| is_key(line)).count();
        let commented = one.lines().filter(|line| line.strip_prefix("# ").is_some_and(is_key));
        assert!(commented.count() >= keys - 1, "every default is still there: {one}");
    }
}
