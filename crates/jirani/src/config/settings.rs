//! The values of all keys, each from the file, the environment, or the default.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use super::{
    ConfigError,
    keys::{self, KEYS, Key},
};

/// Every key's value as text, with where it came from. Later layers replace earlier ones.
#[derive(Debug)]
pub(crate) struct Settings {
    values: BTreeMap<&'static str, Value>,
    /// Sentences for the operator about settings that don't have the effect they seem to have.
    pub(super) warnings: Vec<String>,
}

struct Value {
    text: String,
    origin: Origin,
}

/// The origin of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The key is not set.
    Default,
    /// A configuration file, by its path.
    File(String),
    /// An environment variable of jirani's.
    Variable(&'static str),
    /// An environment variable of a Rafiki backend.
    Rafiki(&'static str),
    /// The file that an environment variable of jirani's names.
    SecretFile(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("the default"),
            Self::File(path) => formatter.write_str(path),
            Self::Variable(name) | Self::Rafiki(name) => {
                write!(formatter, "environment variable {name}")
            }
            Self::SecretFile(name) => {
                write!(formatter, "the file that environment variable {name} names")
            }
        }
    }
}

impl fmt::Debug for Value {
    /// Shows only the origin, since a value may be a secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "from {}", self.origin)
    }
}

impl Settings {
    /// Returns the defaults.
    pub(crate) fn defaults() -> Self {
        let values = KEYS.iter().filter_map(|key| {
            let text = key.default?.to_owned();
            Some((key.name, Value { text, origin: Origin::Default }))
        });
        Self { values: values.collect(), warnings: Vec::new() }
    }

    /// Overrides the values by a configuration file.
    pub(crate) fn add_file(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let origin = path.display().to_string();
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            // The error shows the message and the place, without the line itself, which may hold a
            // secret.
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let reason = format!("line {}: {}", before.split('\n').count(), error.message());
            ConfigError::Unreadable { path: origin.clone(), reason }
        })?;
        self.add_table("", &table, &origin)?;
        self.anchor_data_dir(path, &origin);
        Ok(())
    }

    /// Makes a relative `data_dir` of a file relative to that file, so that the node finds its books
    /// from wherever it is started.
    fn anchor_data_dir(&mut self, path: &Path, origin: &str) {
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        let Some(value) = self.values.get_mut("data_dir") else { return };
        if value.origin == Origin::File(origin.to_owned()) && Path::new(&value.text).is_relative() {
            let anchored: PathBuf = folder.join(&value.text).components().collect();
            // Both parts are valid UTF-8, so nothing is lost.
            value.text = anchored.to_string_lossy().into_owned();
        }
    }

    fn add_table(
        &mut self,
        prefix: &str,
        table: &toml::Table,
        origin: &str,
    ) -> Result<(), ConfigError> {
        for (name, value) in table {
            let name = format!("{prefix}{name}");
            let text = match value {
                toml::Value::Table(table) if keys::find(&name).is_none() => {
                    let prefix = format!("{name}.");
                    if !KEYS.iter().any(|key| key.name.starts_with(&prefix)) {
                        return Err(unknown_section(name, origin));
                    }
                    self.add_table(&prefix, table, origin)?;
                    continue;
                }
                toml::Value::String(text) => text.clone(),
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Boolean(flag) => flag.to_string(),
                other => {
                    let form = keys::find(&name).map_or("a key that exists", |key| key.form);
                    return Err(ConfigError::Value {
                        value: shown(&name, &other.to_string()),
                        key: name,
                        origin: origin.to_owned(),
                        form: form.to_owned(),
                    });
                }
            };
            let key = keys::find(&name).ok_or_else(|| unknown_key(&name, origin))?;
            self.set(key, text, Origin::File(origin.to_owned()));
        }
        Ok(())
    }

    /// Sets a key. An empty value restores the default: a shell, or a compose file that passes on
    /// an unset variable, gives empty values.
    pub(super) fn set(&mut self, key: &'static Key, text: String, origin: Origin) {
        let value = match key.default {
            _ if !text.is_empty() => Value { text, origin },
            Some(default) => Value { text: default.to_owned(), origin: Origin::Default },
            None => {
                self.values.remove(key.name);
                return;
            }
        };
        self.values.insert(key.name, value);
    }

    /// Returns a key's value as `parse` reads it; `None` when the key is unset.
    pub(crate) fn get<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        let Some(Value { text, origin }) = self.values.get(name) else { return Ok(None) };
        match parse(text) {
            Some(value) => Ok(Some(value)),
            None => Err(ConfigError::Value {
                key: name.to_owned(),
                value: shown(name, text),
                origin: origin.to_string(),
                form: keys::find(name).map_or_else(String::new, |key| key.form.to_owned()),
            }),
        }
    }

    /// Returns a key's value as text, which may be a secret, and where it comes from.
    pub(super) fn value_of(&self, name: &str) -> Option<(&str, &Origin)> {
        self.values.get(name).map(|Value { text, origin }| (text.as_str(), origin))
    }

    /// Returns the value of a key that has a default or must be set.
    pub(crate) fn required<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        self.get(name, parse)?.ok_or_else(|| ConfigError::Missing {
            key: name.to_owned(),
            form: keys::find(name).map_or_else(String::new, |key| key.form.to_owned()),
        })
    }

    /// Returns the value of a key as its `FromStr` reads it.
    pub(crate) fn parsed<T: FromStr>(&self, name: &'static str) -> Result<T, ConfigError> {
        self.required(name, |text| text.parse().ok())
    }

    /// Returns whether a key still has its default.
    pub(crate) fn is_default(&self, name: &str) -> bool {
        self.values.get(name).is_none_or(|value| value.origin == Origin::Default)
    }
}

/// Returns a value for an error message, without secrets.
fn shown(name: &str, text: &str) -> String {
    // None of these URLs may have a user name, which usually comes with a password.
    let holds_user = name.ends_with("_url") && text.contains('@');
    if keys::is_secret(name) || holds_user { "(hidden)".to_owned() } else { text.to_owned() }
}

/// Returns the error for a section with an unknown name.
fn unknown_section(section: String, origin: &str) -> ConfigError {
    let sections = KEYS.iter().filter_map(|key| Some(key.name.split_once('.')?.0));
    let suggestion = nearest(&section, sections);
    ConfigError::UnknownSection { section, origin: origin.to_owned(), suggestion }
}

/// Returns the error for a key with an unknown name. A key in the wrong section is found by its own
/// part of the name.
fn unknown_key(name: &str, origin: &str) -> ConfigError {
    let own = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let elsewhere = KEYS.iter().map(|key| key.name).filter(|known| own(known) == own(name));
    let suggestion = match elsewhere.clone().next() {
        Some(_) => nearest(name, elsewhere),
        None => nearest(name, KEYS.iter().map(|key| key.name)),
    };
    ConfigError::Unknown { key: name.to_owned(), origin: origin.to_owned(), suggestion }
}

/// Returns the known name that is most similar to a mistyped one.
pub(super) fn nearest(name: &str, known: impl Iterator<Item = &'static str>) -> &'static str {
    known.min_by_key(|known| strsim::damerau_levenshtein(name, known)).unwrap_or_default()
}
