//! Secrets: their forms, their least lengths, and the files that hold them.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use data_encoding::HEXLOWER_PERMISSIVE;
use ilp_connector::token::Secret;
use ilp_stream::SharedSecret;

use super::{
    Config, ConfigError,
    settings::{Origin, Settings},
};

/// The shortest admin secret taken: 16 characters of any alphabet are beyond guessing over a
/// network, and a shorter one is usually a placeholder that was never replaced.
const ADMIN_SECRET_CHARACTERS_MIN: usize = 16;

/// The longest file, in bytes. A secret is a line; anything longer is another file.
const FILE_BYTES_MAX: u64 = 16 * 1024;

impl Config {
    /// Refuses a short secret where other machines can try it, and warns of it on loopback.
    pub(super) fn check_secret(&mut self, settings: &Settings) -> Result<(), ConfigError> {
        let short = settings.value_of("admin.secret").filter(|(text, _)| !is_long_enough(text));
        let Some((_, origin)) = short else { return Ok(()) };
        let characters_min = ADMIN_SECRET_CHARACTERS_MIN;
        let (origin, listen) = (origin.to_string(), self.admin.listen);
        if !listen.ip().is_loopback() {
            return Err(ConfigError::ShortSecret { origin, characters_min, listen });
        }
        self.warnings.push(format!(
            "admin.secret (from {origin}) has fewer than {characters_min} characters: it is taken \
             because admin.listen = {listen} is reached from this machine alone"
        ));
        Ok(())
    }
}

/// Returns the secret of the admin API. Rafiki accepts a secret of any length, so one under
/// Rafiki's name may be short; [`Config::check_secret`] says where.
pub(super) fn own_secret(
    settings: &Settings,
    name: &'static str,
) -> Result<Option<Secret>, ConfigError> {
    let is_rafikis =
        settings.value_of(name).is_some_and(|(_, origin)| matches!(origin, Origin::Rafiki(_)));
    settings.get(name, |text| {
        if is_rafikis { Some(Secret::new(text.to_owned())) } else { admin_secret(text) }
    })
}

/// Returns the text as a secret if it can't be guessed over a network.
pub(super) fn admin_secret(text: &str) -> Option<Secret> {
    is_long_enough(text).then(|| Secret::new(text.to_owned()))
}

/// Returns whether an admin secret is long enough for a port that other machines reach.
pub(super) fn is_long_enough(secret: &str) -> bool {
    secret.chars().count() >= ADMIN_SECRET_CHARACTERS_MIN
}

/// Reads 32 bytes, in base64 as SPSP's answers have them or in hexadecimal digits. 64 digits would
/// be 48 bytes in base64, so no text stands for two secrets.
pub(super) fn stream_secret(text: &str) -> Option<SharedSecret> {
    let hexadecimal = HEXLOWER_PERMISSIVE.decode(text.as_bytes());
    let hexadecimal = hexadecimal.ok().and_then(|bytes| bytes.try_into().ok());
    let bytes = hexadecimal.or_else(|| ilp_http::spsp::read_shared_secret(text))?;
    Some(SharedSecret::new(bytes))
}

/// Returns the secret in a file, without the end of its line, which editors and `echo` add.
///
/// # Errors
/// The file can't be read, is empty or too long, or is not text.
pub(crate) fn read_file(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        let why = format!("it has more than {FILE_BYTES_MAX} bytes, which no secret has");
        return Err(io::Error::other(why));
    }
    let secret = text.strip_suffix('\n').unwrap_or(&text);
    let secret = secret.strip_suffix('\r').unwrap_or(secret);
    if secret.is_empty() {
        return Err(io::Error::other("it is empty"));
    }
    Ok(secret.to_owned())
}
