//! Which rows of a list are wanted, by one of their texts.

/// Which texts are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextFilter {
    /// Only these; `None` for any.
    pub only: Option<Vec<String>>,
    /// None of these.
    pub except: Vec<String>,
}

impl TextFilter {
    /// Whether `text` is wanted.
    #[must_use]
    pub fn lets_through(&self, text: &str) -> bool {
        self.only.as_ref().is_none_or(|wanted| wanted.iter().any(|wanted| wanted == text))
            && !self.except.iter().any(|unwanted| unwanted == text)
    }

    /// The one text that is wanted, if there is just one.
    #[must_use]
    pub fn single(&self) -> Option<&str> {
        match self.only.as_deref() {
            Some([text]) if self.except.is_empty() => Some(text),
            _ => None,
        }
    }
}
