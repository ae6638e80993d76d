//! The bounds of questions about the schema itself.
//!
//! The GraphQL library counts such questions by their fields alone, as if each list had one
//! element. But types lead to fields, those to types, and interfaces to the types that have them
//! and back: a question of 300 bytes that goes round nine times is answered with some 80 gigabytes,
//! and in one go, so that nothing can stop it half way. What tools ask goes round once.

use std::collections::HashMap;

use async_graphql::{
    Name, Positioned,
    parser::types::{ExecutableDocument, FragmentDefinition, Selection, SelectionSet},
};

/// Selections below `__schema` and `__type`, with each fragment counted as often as it is spread. The
/// largest question that tools ask has some 200, and the schema has some 2,000 fields and arguments
/// to answer it for.
const SELECTIONS_MAX: usize = 500;

/// Fields that list what a type has or what has it. The elements of none lead to another of these.
const LISTS_OF_A_TYPE: [&str; 5] =
    ["fields", "inputFields", "interfaces", "possibleTypes", "enumValues"];

type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// Whether a document's questions about the schema may be answered. What its fragments come to was
/// bounded before.
///
/// # Errors
/// A sentence that says why not, and what would be right.
pub(crate) fn check(document: &ExecutableDocument) -> Result<(), String> {
    for (_, operation) in document.operations.iter() {
        let mut walk = Walk { fragments: &document.fragments, selections: 0 };
        walk.look_for_questions(&operation.node.selection_set.node)?;
    }
    Ok(())
}

struct Walk<'a> {
    fragments: &'a Fragments,
    /// Those below the questions so far.
    selections: usize,
}

impl<'a> Walk<'a> {
    /// Questions stand at the top, or in fragments there.
    fn look_for_questions(&mut self, set: &'a SelectionSet) -> Result<(), String> {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => {
                    if matches!(field.node.name.node.as_str(), "__schema" | "__type") {
                        self.count(&field.node.selection_set.node, false)?;
                    }
                }
                other => {
                    if let Some(set) = self.inside(other) {
                        self.look_for_questions(set)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Counts what is below a question. `listed` says whether a list of a type's lies around it.
    fn count(&mut self, set: &'a SelectionSet, listed: bool) -> Result<(), String> {
        for item in &set.items {
            self.selections += 1;
            if self.selections > SELECTIONS_MAX {
                return Err(format!(
                    "the request asks for more than {SELECTIONS_MAX} things about the schema: send \
                     several smaller ones"
                ));
            }
            match &item.node {
                Selection::Field(field) => {
                    let name = field.node.name.node.as_str();
                    let is_list = LISTS_OF_A_TYPE.contains(&name);
                    if is_list && listed {
                        return Err(format!(
                            "the request goes round in the schema: {name} can't be asked of what is \
                             itself in one of the lists {}; ask __type(name: ...) for that",
                            LISTS_OF_A_TYPE.join(", ")
                        ));
                    }
                    self.count(&field.node.selection_set.node, listed || is_list)?;
                }
                other => {
                    if let Some(set) = self.inside(other) {
                        self.count(set, listed)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns the selections of a fragment. The library reports a fragment that doesn't exist,
    /// with its place.
    fn inside(&self, selection: &'a Selection) -> Option<&'a SelectionSet> {
        match selection {
            Selection::Field(_) => None,
            Selection::InlineFragment(fragment) => Some(&fragment.node.selection_set.node),
            Selection::FragmentSpread(spread) => {
                let fragment = self.fragments.get(&spread.node.fragment_name.node)?;
                Some(&fragment.node.selection_set.node)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn checked(query: &str) -> Result<(), String> {
        check(&parse_query(query).expect("a document"))
    }

    /// The query of graphql-js, for tools that draw or complete.
    const TOOLS: &str = "query IntrospectionQuery {
        __schema {
            queryType { name } mutationType { name } subscriptionType { name }
            types { ...FullType }
            directives { name description locations args { ...InputValue } }
        } }
        fragment FullType on __Type {
            kind name description
            fields(includeDeprecated: true) {
                name description args { ...InputValue } type { ...TypeRef }
                isDeprecated deprecationReason
            }
            inputFields { ...InputValue }
            interfaces { ...TypeRef }
            enumValues(includeDeprecated: true) {
                name description isDeprecated deprecationReason
            }
            possibleTypes { ...TypeRef }
        }
        fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue }
        fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name
            ofType { kind name ofType { kind name ofType { kind name ofType { kind name
            ofType { kind name } } } } } } } }";

    #[test]
    fn what_tools_ask_is_answered() {
        assert_eq!(checked(TOOLS), Ok(()));
        let of_one = "{ __type(name: \"Peer\") { fields { name type { name } } } }";
        assert_eq!(checked(of_one), Ok(()));
        assert_eq!(checked("{ __schema { queryType { fields { args { name } } } } }"), Ok(()));
        assert_eq!(checked("{ peers { edges { node { id __typename } } } }"), Ok(()));
    }

    #[test]
    fn nothing_goes_round() {
        for query in [
            "{ __schema { types { fields { type { fields { name } } } } } }",
            "{ __type(name: \"Model\") { possibleTypes { interfaces { name } } } }",
            "query { ...Q } fragment Q on Query { __schema { types { ...T } } }
             fragment T on __Type { interfaces { ...P } } fragment P on __Type {
             ... { possibleTypes { name } } }",
        ] {
            assert!(checked(query).is_err_and(|why| why.contains("goes round")), "{query}");
        }
    }

    #[test]
    fn names_do_not_multiply_the_answer() {
        let names =
            |count: usize| -> String { (0..count).map(|n| format!("a{n}: name ")).collect() };
        let ask = |count| format!("{{ __schema {{ types {{ fields {{ {} }} }} }} }}", names(count));
        assert_eq!(checked(&ask(400)), Ok(()));
        assert!(checked(&ask(600)).is_err());
        let twice = |count| {
            format!(
                "{{ a: __type(name: \"A\") {{ {0} }} b: __type(name: \"B\") {{ {0} }} }}",
                names(count)
            )
        };
        assert_eq!(checked(&twice(200)), Ok(()));
        assert!(checked(&twice(300)).is_err());
    }
}
