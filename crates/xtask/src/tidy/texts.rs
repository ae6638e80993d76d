//! Rules for the texts of Rust files: doc comments, names of types, and messages.

use super::allowed::{Findings, Rule};

/// Beginnings of doc comments that don't name their subject. The first sentence of a doc comment is
/// all that an editor shows beside a name.
const OPENINGS: &[&str] = &[
    "The same ",
    "The same,",
    "The same.",
    "It ",
    "It's ",
    "As ",
    "See the module",
    "What ",
    "Those that",
    "Whoever",
];

/// Names of types that said nothing about the type.
const RETIRED: &[&str] = &["Told", "Asked", "Rider", "Heard", "Doing"];

/// Names that a message to people usually has in code.
const MESSAGES: &[&str] =
    &["to_string()", "message", "message()", "reason", "why", "error", "refusal", "cause"];

/// Methods that look for words in a text.
const SEARCHES: &[&str] =
    &[".starts_with(", ".ends_with(", ".contains(", ".strip_prefix(", ".strip_suffix("];

/// Finds the doc comments whose first line begins with one of [`OPENINGS`].
pub(super) fn doc_comments(place: &str, text: &str, findings: &mut Findings) {
    let mut is_first = true;
    for (index, line) in text.lines().enumerate() {
        let comment = ["/// ", "//! "].iter().find_map(|mark| line.trim_start().strip_prefix(mark));
        let is_comment = ["///", "//!"].iter().any(|mark| line.trim_start().starts_with(mark));
        if let Some(comment) = comment.filter(|_| is_first)
            && OPENINGS.iter().any(|opening| comment.starts_with(opening))
        {
            findings.add(Rule::DocComment, scope(place), format!("{place}:{}", index + 1));
        }
        is_first = !is_comment;
    }
}

/// Finds the types that have a retired name.
pub(super) fn retired_names(place: &str, text: &str, findings: &mut Findings) {
    // The texts of the tests below have such names.
    if place.starts_with("crates/xtask") {
        return;
    }
    for (index, line) in text.lines().enumerate() {
        let words: Vec<&str> = line
            .split(|char: char| !char.is_alphanumeric() && char != '_')
            .filter(|word| !word.is_empty())
            .collect();
        let is_found = words.windows(2).any(|pair| {
            ["struct", "enum", "trait", "type"].contains(&pair[0]) && RETIRED.contains(&pair[1])
        });
        if is_found && !line.trim_start().starts_with("//") {
            findings.add(Rule::RetiredName, scope(place), format!("{place}:{}", index + 1));
        }
    }
}

/// Finds the production code that takes decisions by the words of a message. A message is for
/// people and may be rewritten any day; programs match variants.
pub(super) fn message_words(place: &str, text: &str, findings: &mut Findings) {
    let is_test = place.ends_with("tests.rs") || place.contains("/tests/");
    if is_test || !place.starts_with("crates/") || place.starts_with("crates/xtask") {
        return;
    }
    let production = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut before = String::new();
    for (index, line) in production.lines().enumerate() {
        let line = line.trim();
        if line.starts_with("//") {
            continue;
        }
        // A chain of calls goes on in the next line with its dot.
        if !line.starts_with('.') {
            before.clear();
        }
        let offset = before.len();
        before.push_str(line);
        let is_found = SEARCHES.iter().any(|search| {
            before.match_indices(search).any(|(at, _)| at >= offset && is_message(&before[..at]))
        });
        if is_found {
            findings.add(Rule::MessageWords, scope(place), format!("{place}:{}", index + 1));
        }
    }
}

/// Returns whether an expression ends in what is usually a message.
fn is_message(expression: &str) -> bool {
    MESSAGES.iter().any(|name| {
        expression
            .strip_suffix(name)
            .is_some_and(|rest| !rest.ends_with(|char: char| char.is_alphanumeric() || char == '_'))
    })
}

/// Returns the crate of a file, or its top folder.
fn scope(place: &str) -> String {
    let mut parts = place.split('/');
    match (parts.next(), parts.next()) {
        (Some("crates"), Some(name)) => name.to_owned(),
        (Some(top), _) => top.to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(check: fn(&str, &str, &mut Findings), place: &str, text: &str) -> Vec<String> {
        let mut findings = Findings::default();
        check(place, text, &mut findings);
        findings.places()
    }

    #[test]
    fn a_doc_comment_names_its_subject_in_its_first_line() {
        let text = "/// What it is.\nfn a() {}\n/// Returns it.\n/// What else.\nfn b() {}\n\
                    // As a remark.\n    /// It is.\n/// Assets.\n";
        let places = ["crates/a/src/b.rs:1", "crates/a/src/b.rs:7"];
        assert_eq!(found(doc_comments, "crates/a/src/b.rs", text), places);
    }

    #[test]
    fn retired_names_are_those_of_types() {
        let text =
            "struct Asked {\npub(crate) type Rider = u8;\nstruct AskedBefore;\nAsked::new()\n";
        let places = ["tests/b.rs:1", "tests/b.rs:2"];
        assert_eq!(found(retired_names, "tests/b.rs", text), places);
    }

    #[test]
    fn words_of_messages_are_found_in_production_code_alone() {
        let text = "if refused.to_string().contains(\"exists\") {}\n\
                    if error\n    .message\n    .starts_with(start) {}\n\
                    if lines.contains(&line) || submessage.contains(\"a\") {}\n\
                    // message.contains(\"a\")\n\
                    #[cfg(test)]\nmod tests {\n    assert!(message.contains(\"a\"));\n}\n";
        let places = ["crates/a/src/b.rs:1", "crates/a/src/b.rs:4"];
        assert_eq!(found(message_words, "crates/a/src/b.rs", text), places);
        assert!(found(message_words, "crates/a/src/b/tests.rs", text).is_empty());
    }
}
