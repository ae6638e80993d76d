//! Where each value comes from: the file, the environment, or the default.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    path::Path,
    str::FromStr,
};

use super::{
    ConfigError,
    keys::{self, KEYS, Key, Rafiki},
};

/// Where a value comes from that nobody set.
const DEFAULT: &str = "the default";

/// Every key's value as text, with where it came from. Later layers replace earlier ones.
#[derive(Debug)]
pub(crate) struct Settings {
    values: BTreeMap<&'static str, Value>,
}

struct Value {
    text: String,
    origin: String,
}

impl fmt::Debug for Value {
    /// A value may be a secret, so only its origin is shown.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "from {}", self.origin)
    }
}

impl Settings {
    /// The defaults alone.
    pub(crate) fn defaults() -> Self {
        let values = KEYS.iter().filter_map(|key| {
            let text = key.default?.to_owned();
            Some((key.name, Value { text, origin: DEFAULT.to_owned() }))
        });
        Self { values: values.collect() }
    }

    /// Lays a configuration file over what is there.
    pub(crate) fn add_file(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let origin = path.display().to_string();
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            // The message and the place, without the line itself: it may hold a secret.
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let reason = format!("line {}: {}", before.split('\n').count(), error.message());
            ConfigError::Unreadable { path: origin.clone(), reason }
        })?;
        self.add_table("", &table, &origin)
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
                        return Err(unknown_key(&name, origin));
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
            self.set(key, text, origin.to_owned());
        }
        Ok(())
    }

    /// Lays the environment over what is there: a Rafiki backend's names first, then our own,
    /// which win.
    pub(crate) fn add_environment(
        &mut self,
        environment: &HashMap<String, String>,
    ) -> Result<(), ConfigError> {
        for key in KEYS {
            if let Some(rafiki) = key.rafiki
                && let Some(text) = environment.get(rafiki.variable())
            {
                let text = from_rafiki(key, rafiki, text);
                self.set(key, text, format!("environment variable {}", rafiki.variable()));
            }
            if let Some(text) = environment.get(key.variable) {
                self.set(key, text.clone(), format!("environment variable {}", key.variable));
            }
        }
        let is_ours = |name: &&String| name.starts_with("JIRANI_");
        match environment.keys().filter(is_ours).find(|name| !is_known_variable(name)) {
            Some(name) => Err(unknown_variable(name)),
            None => Ok(()),
        }
    }

    /// An empty value is as good as none: so a shell, or a compose file that passes on what isn't
    /// set, brings back the default.
    fn set(&mut self, key: &'static Key, text: String, origin: String) {
        let value = match key.default {
            _ if !text.is_empty() => Value { text, origin },
            Some(default) => Value { text: default.to_owned(), origin: DEFAULT.to_owned() },
            None => {
                self.values.remove(key.name);
                return;
            }
        };
        self.values.insert(key.name, value);
    }

    /// A key's value, checked by `parse`; `None` when it is unset.
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
                origin: origin.clone(),
                form: keys::find(name).map_or_else(String::new, |key| key.form.to_owned()),
            }),
        }
    }

    /// A key's value as text and where it comes from. It may be a secret.
    pub(super) fn value_of(&self, name: &str) -> Option<(&str, &str)> {
        self.values.get(name).map(|Value { text, origin }| (text.as_str(), origin.as_str()))
    }

    /// A key that has a default, or must be set.
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

    /// A key whose value is what its `FromStr` takes.
    pub(crate) fn parsed<T: FromStr>(&self, name: &'static str) -> Result<T, ConfigError> {
        self.required(name, |text| text.parse().ok())
    }

    /// Whether a key still has its default.
    pub(crate) fn is_default(&self, name: &str) -> bool {
        self.values.get(name).is_none_or(|value| value.origin == DEFAULT)
    }
}

/// A value as an error may tell it.
fn shown(name: &str, text: &str) -> String {
    if keys::is_secret(name) { "(hidden)".to_owned() } else { text.to_owned() }
}

fn from_rafiki(key: &Key, rafiki: Rafiki, text: &str) -> String {
    match rafiki {
        Rafiki::Same(_) => text.to_owned(),
        Rafiki::Port(_) => match key.default.and_then(|default| default.rsplit_once(':')) {
            Some((host, _)) if text.parse::<u16>().is_ok() => format!("{host}:{text}"),
            _ => text.to_owned(),
        },
        Rafiki::LogLevel(_) => match text {
            "fatal" => "error".to_owned(),
            "silent" => "off".to_owned(),
            level => level.to_owned(),
        },
    }
}

/// `JIRANI_CONFIG` and the command line's own variables are no keys, and yet ours.
const OTHER_VARIABLES: &[&str] = &["JIRANI_CONFIG", "JIRANI_ADMIN_URL"];

fn is_known_variable(name: &str) -> bool {
    OTHER_VARIABLES.contains(&name) || KEYS.iter().any(|key| key.variable == name)
}

fn unknown_key(name: &str, origin: &str) -> ConfigError {
    let suggestion = nearest(name, KEYS.iter().map(|key| key.name));
    ConfigError::Unknown { key: name.to_owned(), origin: origin.to_owned(), suggestion }
}

fn unknown_variable(name: &str) -> ConfigError {
    let suggestion = nearest(name, KEYS.iter().map(|key| key.variable));
    ConfigError::Unknown { key: name.to_owned(), origin: "the environment".to_owned(), suggestion }
}

fn nearest(name: &str, known: impl Iterator<Item = &'static str>) -> &'static str {
    known.min_by_key(|known| strsim::damerau_levenshtein(name, known)).unwrap_or_default()
}
