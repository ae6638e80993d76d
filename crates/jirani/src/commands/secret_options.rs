//! Secrets of commands: from a file, the environment or, with a warning, an option.

use std::path::{Path, PathBuf};

use super::Failure;
use crate::{cli::variable, config};

/// Returns the secret of an option or a file.
///
/// # Errors
/// The file can't be read, or holds no secret.
pub(super) fn given(option: Option<&str>, file: Option<&Path>) -> Result<Option<String>, Failure> {
    match (option, file) {
        (Some(secret), _) => Ok(Some(secret.to_owned())),
        (None, Some(file)) => from_file(file).map(Some),
        (None, None) => Ok(None),
    }
}

/// Returns the secret of an environment variable, or of the file that `{name}_FILE` names.
///
/// # Errors
/// The variable is not text, or the file can't be read or holds no secret.
pub(super) fn from_environment(name: &str) -> Result<Option<String>, Failure> {
    if let Some(value) = variable(name) {
        let not_text =
            |_| Failure::Usage(format!("the environment variable {name} is not UTF-8 text"));
        return value.into_string().map_err(not_text).map(Some);
    }
    let file = variable(&format!("{name}_FILE")).map(PathBuf::from);
    file.map(|file| from_file(&file)).transpose()
}

/// Returns the secret in a file.
///
/// # Errors
/// The file can't be read, or holds no secret.
pub(super) fn from_file(file: &Path) -> Result<String, Failure> {
    config::read_secret_file(file).map_err(|error| {
        Failure::Usage(format!("the secret in {} can't be read: {error}", file.display()))
    })
}
