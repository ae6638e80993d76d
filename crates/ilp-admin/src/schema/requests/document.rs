//! Checks of a request's document, before any of it is run or validated.
//!
//! The GraphQL library bounds how deep a document nests and what its fields cost, but it walks each
//! fragment as often as it is spread: thirty fragments that each spread the next one twice are two
//! kilobytes, and a thousand million steps. So the steps are counted first, each fragment once.

use std::collections::{HashMap, HashSet};

use async_graphql::{
    Name, Positioned,
    parser::types::{
        ExecutableDocument, FragmentDefinition, OperationType, Selection, SelectionSet,
    },
};

/// The most selections of a request, with each fragment counted as often as it is spread. The
/// largest request of GraphQL tools, about the schema itself, has some 200.
const SELECTIONS_MAX: usize = 10_000;

/// The most fields at the top of an operation, under whatever names: the queries or mutations of a
/// request.
const TOP_FIELDS_MAX: usize = 100;

/// The deepest nesting of fragments and sets, so that counting them is bounded too.
const NESTING_MAX: usize = 64;

/// The most brackets that a document's text may have open at once. The library's parser calls
/// itself for each of them before it checks any limit of its own, and 256 KiB of brackets would
/// take the whole process's stack.
const BRACKETS_MAX: usize = 64;

/// Checks whether a document may be parsed.
///
/// # Errors
/// The reason for which it may not, as a sentence.
pub(crate) fn check_text(text: &str) -> Result<(), String> {
    let mut open: usize = 0;
    let mut rest = text;
    while let Some(first) = rest.bytes().next() {
        let skipped = match first {
            b'{' | b'[' | b'(' => {
                open += 1;
                if open > BRACKETS_MAX {
                    return Err(format!("the request nests more than {BRACKETS_MAX} deep"));
                }
                1
            }
            b'}' | b']' | b')' => {
                open = open.saturating_sub(1);
                1
            }
            b'#' => rest.find(['\n', '\r']).unwrap_or(rest.len()),
            b'"' => string_length(rest),
            _ => rest.chars().next().map_or(1, char::len_utf8),
        };
        rest = rest.get(skipped..).unwrap_or_default();
    }
    Ok(())
}

/// Returns the length in bytes of the string that `text` begins with, quotes included. A string
/// without an end ends with its line, where the parser gives up too.
fn string_length(text: &str) -> usize {
    if let Some(block) = text.strip_prefix("\"\"\"") {
        let mut from = 0;
        while let Some(at) = block.get(from..).and_then(|rest| rest.find("\"\"\"")) {
            let end = from + at;
            if !block[..end].ends_with('\\') {
                return end + 6;
            }
            from = end + 3;
        }
        return text.len();
    }
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'\n' | b'\r' => return at,
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// Checks whether a document may be run.
///
/// # Errors
/// The reason for which it may not, and what would be right.
pub(crate) fn check(document: &ExecutableDocument) -> Result<(), String> {
    let mut counter = Counter { fragments: &document.fragments, counted: HashMap::new() };
    for (_, operation) in document.operations.iter() {
        let set = &operation.node.selection_set.node;
        if counter.count(set, 0)? > SELECTIONS_MAX {
            return Err(too_many());
        }
        let mut top = Top::default();
        let once = operation.node.ty == OperationType::Mutation;
        top.count(set, &document.fragments, once)?;
    }
    Ok(())
}

/// Returns whether no operation of a document changes anything.
pub(crate) fn only_reads(document: &ExecutableDocument) -> bool {
    document.operations.iter().all(|(_, operation)| operation.node.ty != OperationType::Mutation)
}

/// Returns whether the operation of this name, or the only one, is a subscription.
pub(crate) fn subscribes(document: &ExecutableDocument, name: Option<&str>) -> bool {
    let is_meant = |known: Option<&Name>| name.is_none() || known.map(Name::as_str) == name;
    document
        .operations
        .iter()
        .find(|(known, _)| is_meant(*known))
        .is_some_and(|(_, operation)| operation.node.ty == OperationType::Subscription)
}

fn too_many() -> String {
    format!("the request comes to more than {SELECTIONS_MAX} fields: send several smaller ones")
}

struct Counter<'a> {
    fragments: &'a Fragments,
    /// Fragments whose selections are known. Absent while they are being counted, so one that
    /// spreads itself nests until it is refused.
    counted: HashMap<&'a Name, usize>,
}

impl<'a> Counter<'a> {
    fn count(&mut self, set: &'a SelectionSet, nesting: usize) -> Result<usize, String> {
        if nesting > NESTING_MAX {
            return Err(format!("the request nests more than {NESTING_MAX} deep"));
        }
        let mut total: usize = 0;
        for item in &set.items {
            let inside = match &item.node {
                Selection::Field(field) => {
                    self.count(&field.node.selection_set.node, nesting + 1)?
                }
                Selection::InlineFragment(fragment) => {
                    self.count(&fragment.node.selection_set.node, nesting + 1)?
                }
                Selection::FragmentSpread(spread) => {
                    self.count_fragment(&spread.node.fragment_name.node, nesting + 1)?
                }
            };
            total = total.saturating_add(inside).saturating_add(1);
            if total > SELECTIONS_MAX {
                return Err(too_many());
            }
        }
        Ok(total)
    }

    fn count_fragment(&mut self, name: &'a Name, nesting: usize) -> Result<usize, String> {
        if let Some(count) = self.counted.get(name) {
            return Ok(*count);
        }
        // The library reports a fragment that doesn't exist, with its place.
        let Some(fragment) = self.fragments.get(name) else { return Ok(0) };
        let count = self.count(&fragment.node.selection_set.node, nesting)?;
        self.counted.insert(name, count);
        Ok(count)
    }
}

/// The fields at the top of an operation. The nesting of fragments was bounded before.
#[derive(Default)]
struct Top<'a> {
    fields: usize,
    keys: HashSet<&'a str>,
}

impl<'a> Top<'a> {
    /// Counts the fields, and with `once` lets each name stand once.
    ///
    /// GraphQL runs a field once however often it is selected under one name, and the library runs
    /// it each time; for a mutation that is a second change, whose refusal would hide that the first
    /// one was done.
    fn count(
        &mut self,
        set: &'a SelectionSet,
        fragments: &'a Fragments,
        once: bool,
    ) -> Result<(), String> {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => {
                    self.fields += 1;
                    if self.fields > TOP_FIELDS_MAX {
                        return Err(format!(
                            "the request asks for more than {TOP_FIELDS_MAX} things: send several \
                             smaller ones"
                        ));
                    }
                    let key = field.node.response_key().node.as_str();
                    if !self.keys.insert(key) && once {
                        return Err(format!(
                            "{key} is selected twice: give each mutation its own alias"
                        ));
                    }
                }
                Selection::InlineFragment(fragment) => {
                    self.count(&fragment.node.selection_set.node, fragments, once)?;
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = fragments.get(&spread.node.fragment_name.node) {
                        self.count(&fragment.node.selection_set.node, fragments, once)?;
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::*;

    fn checked(query: &str) -> Result<(), String> {
        check(&parse_query(query).expect("a document"))
    }

    #[test]
    fn brackets_are_counted_where_they_are_brackets() {
        let deep = "[".repeat(65);
        for harmless in [
            format!("# {deep}\n{{ a }}"),
            format!("{{ a(b: \"{deep}\") }}"),
            format!("{{ a(b: \"\\\"{deep}\") }}"),
            format!("{{ a(b: \"\"\"\n\" \\\"\"\" {deep}\n\"\"\") }}"),
            "[]".repeat(1_000),
            format!("{}{}", "[".repeat(64), "]".repeat(64)),
            String::new(),
            "\"".to_owned(),
            "\"\"\"".to_owned(),
            "é\u{feff}#é".to_owned(),
        ] {
            assert_eq!(check_text(&harmless), Ok(()), "{harmless}");
        }
        for bomb in [
            deep.clone(),
            format!("\"a\"{deep}"),
            format!("\"\"{deep}"),
            format!("# a\r{deep}"),
            format!("\"a\n{deep}"),
            format!("\"\\\\\"{deep}"),
            format!("\"\"\" \"\"\"{deep}"),
            "{ a(b: [{c: ".repeat(30),
        ] {
            assert!(check_text(&bomb).is_err(), "{bomb}");
        }
    }

    /// Each of `levels` fragments spreads the next one twice.
    fn doubling(levels: usize) -> String {
        let mut query = "query { ...F0 }".to_owned();
        for level in 0..levels {
            let next = level + 1;
            query.push_str(&format!(" fragment F{level} on Query {{ ...F{next} ...F{next} }}"));
        }
        query + &format!(" fragment F{levels} on Query {{ __typename }}")
    }

    #[test]
    fn fragments_that_double_are_refused_without_walking_them() {
        assert_eq!(checked(&doubling(6)), Ok(()));
        for levels in [13, 30, 60, 2_000] {
            assert!(checked(&doubling(levels)).is_err(), "{levels}");
        }
    }

    #[test]
    fn fragments_that_spread_themselves_are_refused() {
        assert!(checked("query { ...A } fragment A on Query { ...A }").is_err());
        let two = "query { ...A } fragment A on Query { ...B } fragment B on Query { ...A }";
        assert!(checked(two).is_err());
    }

    #[test]
    fn a_mutation_stands_once_under_each_name() {
        assert!(checked("mutation { a: x(i: 1) { id } b: x(i: 1) { id } }").is_ok());
        assert!(checked("query { peers { id } peers { name } }").is_ok());
        for twice in [
            "mutation { x(i: 1) { id } x(i: 1) { code } }",
            "mutation { x(i: 1) { id } ... on Mutation { x(i: 1) { code } } }",
            "mutation { ...A ...A } fragment A on Mutation { x(i: 1) { id } }",
        ] {
            assert!(checked(twice).is_err_and(|why| why.contains("alias")), "{twice}");
        }
    }

    #[test]
    fn what_is_run_of_several_operations_tells_whether_it_subscribes() {
        let document = parse_query("query A { a } subscription B { b }").expect("a document");
        assert!(subscribes(&document, Some("B")) && !subscribes(&document, Some("A")));
        assert!(!subscribes(&document, Some("C")));
        let document = parse_query("subscription { b }").expect("a document");
        assert!(subscribes(&document, None) && !subscribes(&document, Some("B")));
    }

    #[test]
    fn many_aliases_are_refused() {
        let aliases: String =
            (0..SELECTIONS_MAX + 1).map(|n| format!("a{n}: __typename ")).collect();
        assert!(checked(&format!("query {{ {aliases} }}")).is_err());
    }

    /// Pieces of text whose meaning depends on those before them.
    const PIECES: [&str; 16] = [
        "\"", "\"\"\"", "\\", "\\\"", "\\\"\"\"", "#", "\n", "\r", "[", "]", "{", "}", "(", ")",
        "a: ", "é",
    ];

    fn pieces() -> impl Strategy<Value = String> {
        vec(select(&PIECES[..]), 0..120).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        /// The parser agrees on where a string and a comment end: brackets in them don't count, and
        /// brackets behind them do.
        #[test]
        fn strings_and_comments_end_where_the_parser_ends_them(text in pieces(), form in 0..3) {
            let document = match form {
                0 => format!("{{ a(b: {}) }}", serde_json::Value::from(text)),
                1 => format!("{{ a(b: \"\"\"{text}\"\"\") }}"),
                _ => format!("#{}\n{{ a }}", text.replace(['\n', '\r'], " ")),
            };
            let Ok(parsed) = parse_query(&document) else { return Ok(()) };
            // A text may end a block string early, so that other brackets follow.
            let is_one_string = parsed.operations.iter().count() == 1 && form != 1;
            prop_assert!(!is_one_string || check_text(&document).is_ok(), "{document}");
            // The end of the line ends a comment.
            let nested = format!("{document}\n{}", "[".repeat(65));
            prop_assert!(check_text(&nested).is_err());
        }

        /// A text that passes is parsed or refused by the parser, which doesn't run out of stack.
        #[test]
        fn a_text_that_passes_can_be_handed_to_the_parser(text in pieces()) {
            if check_text(&text).is_ok() {
                drop(parse_query(&text));
            }
        }
    }
}
