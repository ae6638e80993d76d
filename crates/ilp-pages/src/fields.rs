//! The fields of a query or a form: names and values, in the order in which they came.

/// The fields of one query or form.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `application/x-www-form-urlencoded`. Bytes that are not UTF-8 become replacement
    /// characters.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// Returns the value of a name, trimmed; empty where the name is missing.
    pub(crate) fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.trim())
    }

    /// Returns the value of a name, trimmed; `None` where the name is missing or the value is
    /// empty.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        Some(self.get(name)).filter(|value| !value.is_empty())
    }

    /// Returns all fields but those of these names.
    pub(crate) fn except<'a>(
        &'a self,
        names: &'a [&str],
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let is_kept = |(name, _): &&(String, String)| !names.contains(&name.as_str());
        self.0.iter().filter(is_kept).map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Adds those of the other fields whose names are missing here.
    pub(crate) fn add_absent(&mut self, other: Self) {
        for (name, value) in other.0 {
            if !self.0.iter().any(|(known, _)| *known == name) {
                self.0.push((name, value));
            }
        }
    }

    /// Sets a field's value.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value.into()));
    }
}

/// Returns the query string of these fields.
pub(crate) fn query(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_stays_though_it_is_empty() {
        let mut typed = Fields::read(b"a=&b=typed");
        typed.add_absent(Fields::read(b"a=stored&b=stored&c=stored"));
        assert_eq!((typed.get("a"), typed.get("b"), typed.get("c")), ("", "typed", "stored"));
    }

    #[test]
    fn fields_are_read_as_browsers_send_them() {
        let fields = Fields::read(b"a=1+2%26&b=%ff&c=+x+&empty=&a=2");
        assert_eq!((fields.get("a"), fields.get("c")), ("1 2&", "x"));
        assert_eq!((fields.get("b"), fields.get("no")), ("\u{fffd}", ""));
        assert_eq!(fields.given("empty"), None);
        let kept: Vec<_> = fields.except(&["a", "b", "empty"]).collect();
        assert_eq!(kept, [("c", " x ")]);
        assert_eq!(query(&[("q", "a b&c")]), "q=a+b%26c");
    }
}
