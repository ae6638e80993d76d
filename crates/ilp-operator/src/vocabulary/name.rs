//! Names for people: of peers and of wallet addresses.

/// Longest name, in characters: one line on a screen.
const NAME_CHARACTERS_MAX: usize = 256;

/// The fault of a name that can't be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The name has this many characters.
    #[error("it has {0} characters, at most {NAME_CHARACTERS_MAX} are taken")]
    TooLong(usize),
    /// The character at this position, counted from one, changes what is shown beside it.
    #[error("character {0} is a control sign, or turns round what stands beside it")]
    Steers(usize),
}

/// Checks that a line can show a name, and nothing beside the name looks different for it.
pub(crate) fn check(name: &str) -> Result<(), NameError> {
    let characters = name.chars().count();
    if characters > NAME_CHARACTERS_MAX {
        return Err(NameError::TooLong(characters));
    }
    match name.chars().position(steers) {
        Some(position) => Err(NameError::Steers(position + 1)),
        None => Ok(()),
    }
}

/// Whether a character does something to what is shown beside it, other than being shown itself:
/// control signs, ends of lines, and the signs that turn the direction of writing round, with which a
/// name can be made to look like another one. Names come from other nodes too.
#[must_use]
pub fn steers(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
                | '\u{fff9}'..='\u{fffb}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_and_steer_nothing() {
        assert!(check(&"ñ".repeat(NAME_CHARACTERS_MAX)).is_ok());
        assert!(check(&"n".repeat(NAME_CHARACTERS_MAX + 1)).is_err());
        for steering in ["two\nlines", "\u{1b}[2J", "evil\u{202e}knab", "a\u{2066}b", "a\u{2028}b"]
        {
            assert!(check(steering).is_err(), "{steering:?}");
        }
        for written in ["بنك نيروبي", "می\u{200c}خواهم", "👩\u{200d}🌾 market"]
        {
            assert!(check(written).is_ok(), "{written}");
        }
    }
}
