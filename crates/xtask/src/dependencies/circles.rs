//! Circles between the source files of a crate: no two folders may name each other.
//!
//! A file that is divided into further files, such as `books.rs` beside `books/`, belongs to that
//! folder as well as to its own. Files of one folder may name each other; tests may name everything.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs, io,
    path::Path,
};

/// Modules by their paths, such as `books::transfers`, with their source. The crate's own is empty.
type Modules = BTreeMap<String, String>;

/// The modules that each module names.
type Graph<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// Modules of tests, which nothing else names.
const OF_TESTS: &[&str] = &["fuzzing", "testing", "tests"];

/// Returns a line for each circle between folders of the crate whose source is in `src`.
///
/// # Errors
/// Those of the operating system.
pub(crate) fn between_folders(src: &Path) -> io::Result<Vec<String>> {
    let mut modules = Modules::new();
    read(src, "", &mut modules)?;
    Ok(circles(&modules))
}

fn read(dir: &Path, of: &str, modules: &mut Modules) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { continue };
        if OF_TESTS.contains(&name) {
            continue;
        }
        let module = if of.is_empty() { name.to_owned() } else { format!("{of}::{name}") };
        if path.is_dir() {
            read(&path, &module, modules)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let module = if module == "lib" || module == "main" { String::new() } else { module };
            modules.insert(module, fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

fn circles(modules: &Modules) -> Vec<String> {
    let graph: Graph<'_> =
        modules.keys().map(|module| (module.as_str(), named_by(module, modules))).collect();
    let mut seen = BTreeSet::new();
    let mut faults = Vec::new();
    for (from, named) in &graph {
        for to in named.iter().filter(|to| !share_a_folder(from, to, modules)) {
            let Some(back) = shortest(to, from, &graph) else { continue };
            // Each circle is found once for each of its steps between folders.
            if seen.insert(back.iter().copied().collect::<BTreeSet<_>>()) {
                let back = back.into_iter().map(show).collect::<Vec<_>>().join(" -> ");
                faults.push(format!("{} -> {back}", show(from)));
            }
        }
    }
    faults
}

/// Returns the modules from one to another, along what each names; the first is `from`.
fn shortest<'a>(from: &'a str, to: &str, graph: &Graph<'a>) -> Option<Vec<&'a str>> {
    let mut before = BTreeMap::from([(from, from)]);
    let mut queue = VecDeque::from([from]);
    while let Some(module) = queue.pop_front() {
        if module == to {
            let mut path = vec![module];
            while path.last() != Some(&from) {
                path.extend(path.last().and_then(|module| before.get(module)).copied());
            }
            path.reverse();
            return Some(path);
        }
        for next in graph.get(module).into_iter().flatten() {
            if !before.contains_key(next) {
                before.insert(next, module);
                queue.push_back(next);
            }
        }
    }
    None
}

/// Returns whether two modules belong to one folder.
fn share_a_folder(one: &str, other: &str, modules: &Modules) -> bool {
    let (mut of_one, of_other) = (folders(one, modules), folders(other, modules));
    of_one.any(|folder| of_other.clone().any(|other| other == folder))
}

/// Returns the folder that a module's file lies in, and the one that it is divided into.
fn folders<'a>(module: &'a str, modules: &Modules) -> impl Iterator<Item = &'a str> + Clone {
    let below = if module.is_empty() { String::new() } else { format!("{module}::") };
    let is_divided = modules.keys().any(|other| other != module && other.starts_with(&below));
    let outer = module.rsplit_once("::").map_or("", |(folder, _)| folder);
    [Some(outer), is_divided.then_some(module)].into_iter().flatten()
}

/// Returns the modules of the crate that a module names, itself left out.
fn named_by<'a>(module: &str, modules: &'a Modules) -> BTreeSet<&'a str> {
    let source = without_tests_and_comments(&modules[module]);
    let mut paths = Vec::new();
    let mut rest = source.as_str();
    while let Some(at) = rest.find("use ") {
        let begins_a_word =
            !rest[..at].ends_with(|last: char| last.is_alphanumeric() || last == '_');
        rest = &rest[at + 4..];
        let Some(end) = rest.find(';') else { break };
        if begins_a_word {
            paths.extend(expand(&without_spaces_and_names(&rest[..end])));
        }
    }
    paths.extend(paths_in_code(&source));
    let named = paths.iter().filter_map(|path| resolve(path, module, modules));
    named.filter(|named| *named != module).collect()
}

fn without_tests_and_comments(source: &str) -> String {
    let source = source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    source
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Returns a tree of paths without the spaces in it and the names that `as` gives.
fn without_spaces_and_names(tree: &str) -> String {
    let parts = tree.split_inclusive([',', '{', '}']).map(|part| match part.split_once(" as ") {
        Some((path, name)) => format!("{path}{}", name.trim_start_matches(is_of_a_name)),
        None => part.to_owned(),
    });
    parts.collect::<String>().split_whitespace().collect()
}

/// Returns the paths of a tree such as `a::{b, c::{self, d}}`, which holds no space.
fn expand(tree: &str) -> Vec<String> {
    let Some(open) = tree.find('{') else { return vec![tree.to_owned()] };
    let (prefix, body) = (&tree[..open], &tree[open + 1..tree.rfind('}').unwrap_or(tree.len())]);
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, letter) in body.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&body[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&body[start..]);
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    parts.flat_map(|part| expand(&format!("{prefix}{part}"))).collect()
}

/// Returns the paths in code that begin with `crate::`, `self::` or `super::`. Those of trees end at
/// the brace and are left out.
fn paths_in_code(source: &str) -> Vec<String> {
    let words = source.split(|letter| !is_of_a_name(letter) && letter != ':');
    let begins =
        |word: &&str| ["crate::", "self::", "super::"].iter().any(|of| word.starts_with(of));
    words.filter(begins).filter(|path| !path.ends_with(':')).map(str::to_owned).collect()
}

fn is_of_a_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Returns the module of the crate that holds what a path in `module` leads to.
fn resolve<'a>(path: &str, module: &str, modules: &'a Modules) -> Option<&'a str> {
    let mut parts: Vec<&str> = path.split("::").collect();
    let mut from: Vec<&str> = match parts.first()? {
        &"crate" => Vec::new(),
        &"self" | &"super" => module.split("::").filter(|part| !part.is_empty()).collect(),
        _ => return None,
    };
    while let Some(&first) = parts.first() {
        match first {
            "crate" | "self" => {}
            "super" => drop(from.pop()),
            _ => break,
        }
        parts.remove(0);
    }
    from.extend(parts);
    (0..=from.len()).rev().find_map(|length| {
        let wanted = from.get(..length)?.join("::");
        modules.get_key_value(&wanted).map(|(module, _)| module.as_str())
    })
}

fn show(module: &str) -> &str {
    if module.is_empty() { "the crate's root" } else { module }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(sources: &[(&str, &str)]) -> Vec<String> {
        circles(
            &sources.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
        )
    }

    #[test]
    fn folders_that_name_each_other_are_found_with_the_files_between() {
        let circle = found(&[
            ("", ""),
            ("peers::view", "use crate::assets::view::AssetView;"),
            ("assets::view", "use super::rates;"),
            ("assets::rates", "fn f() { crate::peers::view::show() }"),
        ]);
        assert_eq!(circle, ["assets::rates -> peers::view -> assets::view -> assets::rates"]);
    }

    #[test]
    fn a_circle_within_a_folder_is_let_through() {
        let within = [
            ("", "use crate::books::Books;"),
            ("books", "pub use self::transfers::Transfers;"),
            ("books::transfers", "use super::Books; use crate::books::{self, rows::{Row, Rows}};"),
            ("books::rows", "use super::transfers::{self, Transfers};"),
        ];
        assert_eq!(found(&within), [""; 0]);
    }

    #[test]
    fn comments_and_tests_name_nothing() {
        let circle = found(&[
            ("", ""),
            ("a::x", "// use crate::b::y;\n#[cfg(test)]\nmod tests { use crate::b::y; }"),
            ("b::y", "use crate::a::x::X;"),
        ]);
        assert_eq!(circle, [""; 0]);
    }

    #[test]
    fn paths_from_the_parent_and_renamed_ones_are_followed() {
        let parent = [
            ("", ""),
            ("a::x", "fn f(y: super::super::b::y::Y) {}"),
            ("b::y", "use crate::a::{x as other, z};"),
        ];
        assert_eq!(found(&parent), ["a::x -> b::y -> a::x"]);
    }

    #[test]
    fn trees_are_taken_apart() {
        let tree = "crate::{\n    a::{self as a, B},\n    c::d::{E as _, f::G as H}\n}";
        let paths = ["crate::a::self", "crate::a::B", "crate::c::d::E", "crate::c::d::f::G"];
        assert_eq!(expand(&without_spaces_and_names(tree)), paths);
    }
}
