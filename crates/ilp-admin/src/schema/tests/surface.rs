//! The schema beside those that clients know: the file that is checked in, and the names that
//! Rafiki's clients send and read.

use std::{collections::BTreeSet, fs, path::Path};

use async_graphql::{
    Positioned,
    parser::{
        parse_schema,
        types::{FieldDefinition, InputValueDefinition, TypeKind, TypeSystemDefinition},
    },
};

use super::*;

/// The missing names, as beginnings of lines of the surface. Each must excuse something, so the
/// list shrinks with the gaps.
const MISSING: &[&str] = &[];

/// Every name of a schema with its type, a line each.
fn lines(schema: &str) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for definition in parse_schema(schema).unwrap().definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let name = definition.node.name.node.to_string();
        match definition.node.kind {
            TypeKind::Scalar => drop(lines.insert(format!("scalar {name}"))),
            TypeKind::Enum(kind) => {
                lines
                    .extend(kind.values.iter().map(|value| format!("{name}.{}", value.node.value)));
            }
            TypeKind::InputObject(kind) => add_inputs(&mut lines, &name, '.', "", &kind.fields),
            TypeKind::Interface(kind) => add_fields(&mut lines, &name, &kind.fields),
            TypeKind::Object(kind) => {
                let implements = kind.implements.iter();
                lines.extend(implements.map(|other| format!("{name} implements {other}")));
                add_fields(&mut lines, &name, &kind.fields);
            }
            TypeKind::Union(_) => {}
        }
    }
    lines
}

fn add_fields(lines: &mut BTreeSet<String>, name: &str, fields: &[Positioned<FieldDefinition>]) {
    for field in fields {
        let path = format!("{name}.{}", field.node.name);
        lines.insert(format!("{path}: {}", field.node.ty));
        add_inputs(lines, &path, '(', ")", &field.node.arguments);
    }
}

fn add_inputs(
    lines: &mut BTreeSet<String>,
    path: &str,
    open: char,
    close: &str,
    inputs: &[Positioned<InputValueDefinition>],
) {
    let line = |input: &Positioned<InputValueDefinition>| {
        format!("{path}{open}{}{close}: {}", input.node.name, input.node.ty)
    };
    lines.extend(inputs.iter().map(line));
}

#[test]
fn every_name_that_rafikis_clients_know_is_here_with_its_type() {
    let surface: BTreeSet<String> =
        include_str!("surface.txt").lines().map(str::to_owned).collect();
    let given = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/admin-surface.graphql");
    if let Ok(given) = fs::read_to_string(given) {
        assert_eq!(lines(&given), surface, "surface.txt is the surface");
    }
    let ours = lines(&sdl());
    let missing: Vec<_> = surface.difference(&ours).collect();
    let excuses = |line: &str| MISSING.iter().any(|start| line.starts_with(start));
    let unexcused: Vec<_> = missing.iter().filter(|line| !excuses(line)).collect();
    assert!(unexcused.is_empty(), "{unexcused:#?}");
    for start in MISSING {
        assert!(missing.iter().any(|line| line.starts_with(start)), "{start} is here by now");
    }
}

/// `cargo xtask schema` writes the file by running this test with `JIRANI_SCHEMA=write`.
#[test]
fn the_checked_in_schema_is_the_served_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.graphql");
    if std::env::var_os("JIRANI_SCHEMA").is_some_and(|value| value == "write") {
        fs::write(&path, sdl()).unwrap();
    }
    let checked_in = fs::read_to_string(&path).unwrap_or_default();
    assert!(checked_in == sdl(), "schema.graphql is out of date: cargo xtask schema");
}

#[test]
fn the_manual_has_every_reason_with_its_meaning() {
    let manual = include_str!("../../../README.md");
    let reasons = manual.split("## Reasons").nth(1).expect("the manual lists them");
    let rows: Vec<_> = reasons.lines().filter(|line| line.starts_with("| `")).collect();
    let reasons = ilp_operator::Reason::all();
    let expected: Vec<_> =
        reasons.map(|reason| format!("| `{}` | {} |", reason.name(), reason.meaning())).collect();
    assert_eq!(rows, expected);
}
