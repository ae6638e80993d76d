//! Environment variables: those that set a key, under jirani's or Rafiki's names, and those that
//! only resemble jirani's.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
};

use super::{
    ConfigError,
    keys::{self, KEYS, Key, Rafiki},
    secrets::{self, is_long_enough},
    settings::{Origin, Settings, nearest},
};

/// The prefix of the names of jirani's variables.
pub(super) const PREFIX: &str = "JIRANI_";

/// The port alone of `admin.listen`, as scripts around a container set it. A URL in it is not meant
/// for the node: see [`is_service_link`].
const ADMIN_PORT: &str = "JIRANI_ADMIN_PORT";

/// Variables of jirani that set no key of the configuration.
const OTHER_VARIABLES: &[&str] = &["JIRANI_CONFIG", "JIRANI_ADMIN_URL", ADMIN_PORT];

impl Settings {
    /// Overrides the settings by the environment: first by a Rafiki backend's variables, then by
    /// jirani's own, which have priority.
    pub(crate) fn add_environment(
        &mut self,
        environment: &HashMap<String, String>,
    ) -> Result<(), ConfigError> {
        for key in KEYS {
            if let Some(rafiki) = key.rafiki
                && let Some(text) = environment.get(rafiki.variable())
                && let Some(text) = self.translated(key, rafiki, text)
            {
                self.set(key, text, Origin::Rafiki(rafiki.variable()));
            }
            if key.name == "admin.listen"
                && let Some(text) = environment.get(ADMIN_PORT)
                && let Some(text) = with_port(key, text)
            {
                self.set(key, text, Origin::Variable(ADMIN_PORT));
            }
            if let Some(text) = environment.get(key.variable) {
                self.set(key, text.clone(), Origin::Variable(key.variable));
            }
            self.add_secret_file(key, environment)?;
        }
        self.open_admin_port();
        self.check_names(environment)
    }

    /// Takes a secret from the file that the key's variable with `_FILE` at its end names: container
    /// platforms hand secrets over as files.
    fn add_secret_file(
        &mut self,
        key: &'static Key,
        environment: &HashMap<String, String>,
    ) -> Result<(), ConfigError> {
        let Some(variable) = file_variable(key) else { return Ok(()) };
        let Some(path) = environment.get(&variable).filter(|path| !path.is_empty()) else {
            return Ok(());
        };
        if environment.get(key.variable).is_some_and(|text| !text.is_empty()) {
            return Err(ConfigError::TwoSecrets { variable: key.variable, file: variable });
        }
        let text = secrets::read_file(path.as_ref()).map_err(|error| ConfigError::SecretFile {
            variable: variable.clone(),
            path: path.clone(),
            reason: error.to_string(),
        })?;
        self.set(key, text, Origin::SecretFile(variable));
        Ok(())
    }

    /// Makes an admin port that a platform or a Rafiki file gave as a mere number listen on all
    /// addresses, as Rafiki does, where a secret protects it.
    fn open_admin_port(&mut self) {
        let Some((listen, origin)) = self.value_of("admin.listen") else { return };
        let is_mere_port = matches!(origin, Origin::Rafiki(_) | Origin::Variable(ADMIN_PORT));
        let is_protected =
            self.value_of("admin.secret").is_some_and(|(secret, _)| is_long_enough(secret));
        let Some(key) = keys::find("admin.listen").filter(|_| is_mere_port && is_protected) else {
            return;
        };
        // A text that is not an address is refused later, with its name.
        if let Ok(listen) = listen.parse::<SocketAddr>() {
            let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, listen.port()));
            let origin = origin.clone();
            self.set(key, everywhere.to_string(), origin);
        }
    }

    /// Refuses a variable that has jirani's prefix and sets nothing, unless a platform made it.
    fn check_names(&mut self, environment: &HashMap<String, String>) -> Result<(), ConfigError> {
        let mut names: Vec<_> =
            environment.iter().filter(|(name, _)| name.starts_with(PREFIX)).collect();
        names.sort();
        for (name, value) in names {
            if is_known(name) || is_service_link(name, value) {
                continue;
            }
            let suggestion = nearest(name, KEYS.iter().map(|key| key.variable));
            if !is_left_to_platforms(name) {
                let origin = "the environment".to_owned();
                return Err(ConfigError::Unknown { key: name.clone(), origin, suggestion });
            }
            self.warnings.push(format!(
                "{name} sets nothing: container platforms make variables of that name for a \
                 service named jirani; did you mean {suggestion}?"
            ));
        }
        Ok(())
    }

    /// Returns a key's value from a Rafiki backend's variable; `None` where the variable isn't
    /// meant for the node.
    fn translated(&mut self, key: &Key, rafiki: Rafiki, text: &str) -> Option<String> {
        // A blank may be part of a secret, and is a typing error anywhere else.
        let plain = if key.name.ends_with(".secret") { text } else { text.trim() };
        match rafiki {
            Rafiki::Same(_) => Some(plain.to_owned()),
            Rafiki::Port(_) => with_port(key, plain),
            Rafiki::LogLevel(_) => Some(match plain.to_ascii_lowercase().as_str() {
                "fatal" => "error".to_owned(),
                "silent" => "off".to_owned(),
                level => level.to_owned(),
            }),
            Rafiki::Switch(variable) => {
                let spelled = plain.to_ascii_lowercase();
                let switch = match spelled.as_str() {
                    "true" | "1" | "yes" | "on" => "true",
                    "false" | "0" | "no" | "off" => "false",
                    _ => return Some(plain.to_owned()),
                };
                if switch == "true" && plain != "true" {
                    self.warnings.push(format!(
                        "{variable}={plain} means true here; a Rafiki backend takes nothing but \
                         true for it"
                    ));
                }
                Some(switch.to_owned())
            }
        }
    }
}

/// Returns the default's host with another port. A text that is not a number stays as it is, to be
/// refused with its name. A URL is ignored: Kubernetes sets `ADMIN_PORT=tcp://10.0.0.1:80` for a
/// service named admin.
fn with_port(key: &Key, text: &str) -> Option<String> {
    let text = text.trim();
    match key.default.and_then(|default| default.rsplit_once(':')) {
        _ if is_service_url(text) => None,
        Some((host, _)) if text.parse::<u16>().is_ok() => Some(format!("{host}:{text}")),
        _ => Some(text.to_owned()),
    }
}

/// Returns the name of the variable that names a file with a key's value, which only secrets have.
fn file_variable(key: &Key) -> Option<String> {
    key.is_secret.then(|| format!("{}_FILE", key.variable))
}

fn is_known(name: &str) -> bool {
    OTHER_VARIABLES.contains(&name)
        || KEYS
            .iter()
            .any(|key| key.variable == name || file_variable(key).as_deref() == Some(name))
}

fn is_service_url(value: &str) -> bool {
    ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme))
}

/// Returns whether a name is one that platforms use for a service named jirani, whatever its value.
fn is_left_to_platforms(name: &str) -> bool {
    let rest = name.strip_prefix(PREFIX).unwrap_or_default();
    rest == "PORT" || ["PORT_", "SERVICE_", "ENV_"].iter().any(|prefix| rest.starts_with(prefix))
}

/// Returns whether Kubernetes or Docker made this variable for a service whose name begins with
/// jirani, such as `jirani` or `jirani-admin`: `X_SERVICE_HOST`, `X_SERVICE_PORT`,
/// `X_SERVICE_PORT_HTTP`, `X_PORT`, `X_PORT_3001_TCP` and `X_PORT_3001_TCP_ADDR`, `X_ENV_PATH`.
fn is_service_link(name: &str, value: &str) -> bool {
    let parts: Vec<&str> = name.split('_').collect();
    let is_protocol = |part: &str| matches!(part, "TCP" | "UDP" | "SCTP");
    let is_number = |part: &str| part.parse::<u16>().is_ok();
    // The service's name has at least one part: jirani's.
    (1..parts.len()).any(|at| match &parts[at..] {
        ["SERVICE", "HOST"] | ["SERVICE", "PORT", ..] | ["ENV", _, ..] => true,
        ["PORT"] => is_service_url(value),
        ["PORT", port, protocol] => is_number(port) && is_protocol(protocol),
        ["PORT", port, protocol, "PROTO" | "PORT" | "ADDR"] => {
            is_number(port) && is_protocol(protocol)
        }
        _ => false,
    })
}
