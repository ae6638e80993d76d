//! `jirani init`: a commented configuration with fresh secrets.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use base64::prelude::{BASE64_STANDARD, Engine};

use super::{Failure, output::say};
use crate::config::SAMPLE;

/// Bytes of a fresh secret: 256 bits.
const SECRET_BYTES: usize = 32;

/// Writes `dir/jirani.toml`, readable by its owner alone. A file that is there stays as it is.
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

/// The sample with its commented-out secrets set to fresh ones.
fn sample_with_secrets() -> Result<String, Failure> {
    let mut text = String::with_capacity(SAMPLE.len() + 256);
    for line in SAMPLE.lines() {
        if line == "# secret = \"made by jirani init\"" {
            text.push_str(&format!("secret = \"{}\"", fresh_token()?));
        } else if line.starts_with("# stream_secret = ") {
            text.push_str(&format!(
                "stream_secret = \"{}\"",
                BASE64_STANDARD.encode(fresh_bytes()?)
            ));
        } else {
            text.push_str(line);
        }
        text.push('\n');
    }
    Ok(text)
}

fn fresh_bytes() -> Result<[u8; SECRET_BYTES], Failure> {
    use ring::rand::{SecureRandom, SystemRandom};
    let mut bytes = [0; SECRET_BYTES];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Failure::Refused("the system has no random numbers to give".to_owned()))?;
    Ok(bytes)
}

/// A token of 64 hexadecimal digits: safe in a header, a shell and a mail.
pub(crate) fn fresh_token() -> Result<String, Failure> {
    Ok(fresh_bytes()?.iter().map(|byte| format!("{byte:02x}")).collect())
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
    }
}
