//! Puts the fields of a response in the order in which the query selects them, as GraphQL has it
//! (section 7.2.2). The library runs an object's fields at once and lists them as they end.

use std::collections::HashMap;

use async_graphql::{
    Name, Positioned, Value,
    parser::types::{
        DocumentOperations, ExecutableDocument, Field, FragmentDefinition, Selection, SelectionSet,
    },
};

/// The order of one object's fields, each with the order of what is inside. Empty for a leaf, whose
/// members, if it has any, aren't selected.
///
/// A fragment is taken to apply wherever it is spread. That is so in this schema, where no field has
/// an interface or a union as its type. The exception, a fragment for another type inside of one for
/// an interface, can at most move names that both select.
#[derive(Debug, Default)]
pub(crate) struct FieldOrder {
    fields: HashMap<Name, (usize, FieldOrder)>,
}

type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

impl FieldOrder {
    /// The order that a document's operation asks for; where there are several and none is named,
    /// nothing is run. What its fragments come to was bounded before.
    pub(crate) fn of(document: &ExecutableDocument, operation_name: Option<&str>) -> Self {
        let operation = match &document.operations {
            DocumentOperations::Single(operation) => Some(operation),
            DocumentOperations::Multiple(operations) => match operation_name {
                Some(name) => operations.get(name),
                None => operations.values().next(),
            },
        };
        let mut order = Self::default();
        if let Some(operation) = operation {
            order.add_set(&operation.node.selection_set.node, &document.fragments);
        }
        order
    }

    fn add_set(&mut self, set: &SelectionSet, fragments: &Fragments) {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => self.add_field(&field.node, fragments),
                Selection::InlineFragment(fragment) => {
                    self.add_set(&fragment.node.selection_set.node, fragments);
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = fragments.get(&spread.node.fragment_name.node) {
                        self.add_set(&fragment.node.selection_set.node, fragments);
                    }
                }
            }
        }
    }

    /// A field that is selected twice stands where it is selected first, and has inside what is
    /// selected there and then what is selected further down.
    fn add_field(&mut self, field: &Field, fragments: &Fragments) {
        let next = self.fields.len();
        let key = field.response_key().node.clone();
        let (_, inside) = self.fields.entry(key).or_insert_with(|| (next, Self::default()));
        inside.add_set(&field.selection_set.node, fragments);
    }

    /// Sorts a response's data.
    pub(crate) fn apply(&self, value: &mut Value) {
        if self.fields.is_empty() {
            return;
        }
        match value {
            Value::List(elements) => elements.iter_mut().for_each(|element| self.apply(element)),
            Value::Object(members) => {
                let place =
                    |name: &Name| self.fields.get(name).map_or(usize::MAX, |(place, _)| *place);
                if !members.keys().is_sorted_by_key(place) {
                    members.sort_by_cached_key(|name, _| place(name));
                }
                for (name, value) in members {
                    if let Some((_, inside)) = self.fields.get(name) {
                        inside.apply(value);
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use async_graphql::parser::{
        parse_query, parse_schema,
        types::{BaseType, TypeDefinition, TypeKind, TypeSystemDefinition},
    };
    use serde_json::json;

    use super::*;
    use crate::schema::sdl;

    fn sorted(query: &str, operation_name: Option<&str>, json: serde_json::Value) -> String {
        let document = parse_query(query).expect("a document");
        let mut value = Value::from_json(json).unwrap();
        FieldOrder::of(&document, operation_name).apply(&mut value);
        serde_json::to_string(&value).unwrap()
    }

    #[test]
    fn fields_stand_as_they_are_selected_at_each_level() {
        let query = "query A { z y: b { q p } ...F a c }
            fragment F on Query { y { o p } k ... on Query { j } }";
        let inside = json!([{"o": 1, "p": 2, "q": {"own": 1, "members": 2}}, null]);
        let data = json!({"a": 1, "c": null, "j": 2, "k": 3, "y": inside, "z": 4});
        let expected = r#"{"z":4,"y":[{"q":{"members":2,"own":1},"p":2,"o":1},null],"k":3,"j":2,"a":1,"c":null}"#;
        assert_eq!(sorted(query, None, data.clone()), expected);
        assert_eq!(sorted(&format!("{query} query B {{ a }}"), Some("A"), data), expected);
        assert_eq!(sorted("{ b a }", None, json!(null)), "null");
        assert_eq!(
            sorted("{ b a }", None, json!({"a": 1, "x": 2, "b": 3})),
            r#"{"b":3,"a":1,"x":2}"#
        );
    }

    /// The type of an object is known to the schema alone.
    #[test]
    fn no_field_has_an_interface_or_a_union_as_its_type() {
        let schema = parse_schema(sdl()).unwrap();
        let types: Vec<TypeDefinition> = schema
            .definitions
            .into_iter()
            .filter_map(|definition| match definition {
                TypeSystemDefinition::Type(kind) => Some(kind.node),
                _ => None,
            })
            .collect();
        let is_abstract =
            |kind: &TypeKind| matches!(kind, TypeKind::Interface(_) | TypeKind::Union(_));
        let abstract_names: HashSet<&Name> = types
            .iter()
            .filter(|kind| is_abstract(&kind.kind))
            .map(|kind| &kind.name.node)
            .collect();
        assert!(abstract_names.len() >= 2, "{abstract_names:?}");
        for kind in &types {
            let TypeKind::Object(object) = &kind.kind else { continue };
            for field in &object.fields {
                let mut base = &field.node.ty.node.base;
                while let BaseType::List(inner) = base {
                    base = &inner.base;
                }
                let BaseType::Named(name) = base else { continue };
                assert!(!abstract_names.contains(name), "{}.{}", kind.name.node, field.node.name);
            }
        }
    }
}
