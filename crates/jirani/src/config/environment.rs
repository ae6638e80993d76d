//! Environment variables that are text.

use std::{collections::HashMap, ffi::OsString};

use super::{
    ConfigError,
    keys::{KEYS, Rafiki},
};

/// Returns the variables that are text. A variable of a key that is not text is an error: ignoring
/// it would drop a setting silently, even a secret.
pub(crate) fn environment(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<HashMap<String, String>, ConfigError> {
    let mut environment = HashMap::new();
    for (name, value) in variables {
        let Ok(name) = name.into_string() else { continue };
        match value.into_string() {
            Ok(value) => drop(environment.insert(name, value)),
            Err(_) if is_of_a_key(&name) => return Err(ConfigError::NoText { name }),
            Err(_) => {}
        }
    }
    Ok(environment)
}

fn is_of_a_key(name: &str) -> bool {
    let rafikis = || KEYS.iter().filter_map(|key| key.rafiki.map(Rafiki::variable));
    name.starts_with("JIRANI_") || rafikis().any(|known| known == name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn a_variable_of_a_key_that_is_no_text_is_refused_and_any_other_passed_over() {
        let variable =
            |name: &str, value: &[u8]| (OsString::from(name), OsString::from_vec(value.to_vec()));
        let others = [variable("LESS", b"\xff"), variable("JIRANI_NAME", b"alice")];
        assert_eq!(environment(others).unwrap()["JIRANI_NAME"], "alice");
        for name in ["JIRANI_ADMIN_SECRET", "ADMIN_API_SECRET"] {
            let refused = environment([variable(name, b"hush\xff")]).unwrap_err().to_string();
            assert!(refused.contains(name) && !refused.contains("hush"), "{refused}");
        }
    }
}
