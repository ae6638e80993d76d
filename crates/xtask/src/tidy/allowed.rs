//! Findings of rules that the code doesn't pass everywhere yet: their numbers are written down and
//! may only shrink.

use std::{collections::BTreeMap, fs, path::Path};

/// The file with the numbers, from the workspace's root.
pub(super) const FILE: &str = "crates/xtask/tidy-allowed.txt";

const HEAD: &str = "\
# What `cargo xtask tidy` still allows: rule, crate or folder, number of findings. The sum of a rule
# may only shrink. After a repair, or when code has moved: cargo xtask tidy --recount
";

/// A rule with findings that may be left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rule {
    DocComment,
    RetiredName,
    MessageWords,
    FolderFiles,
}

impl Rule {
    const ALL: [Self; 4] =
        [Self::DocComment, Self::RetiredName, Self::MessageWords, Self::FolderFiles];

    fn name(self) -> &'static str {
        match self {
            Self::DocComment => "doc-comment",
            Self::RetiredName => "retired-name",
            Self::MessageWords => "message-words",
            Self::FolderFiles => "folder-files",
        }
    }

    fn demand(self) -> &'static str {
        match self {
            Self::DocComment => "name the subject at the beginning of a doc comment",
            Self::RetiredName => "name the type by a noun of the field",
            Self::MessageWords => "match variants of an error, and not words of its message",
            Self::FolderFiles => "have at most 12 files in a folder",
        }
    }
}

/// The most places that a fault names.
const PLACES_MAX: usize = 20;

type Counts = BTreeMap<(Rule, String), usize>;

/// The findings, by rule and by crate or folder.
#[derive(Debug, Default)]
pub(super) struct Findings(BTreeMap<(Rule, String), Vec<String>>);

impl Findings {
    pub(super) fn add(&mut self, rule: Rule, scope: String, place: String) {
        self.0.entry((rule, scope)).or_default().push(place);
    }

    #[cfg(test)]
    pub(super) fn places(&self) -> Vec<String> {
        self.0.values().flatten().cloned().collect()
    }

    fn counts(&self) -> Counts {
        self.0.iter().map(|(key, places)| (key.clone(), places.len())).collect()
    }

    /// Compares the findings with the numbers that are allowed.
    pub(super) fn check(&self, root: &Path, faults: &mut Vec<String>) -> Result<(), String> {
        self.compare(&read(root)?, faults);
        Ok(())
    }

    fn compare(&self, allowed: &Counts, faults: &mut Vec<String>) {
        for ((rule, scope), places) in &self.0 {
            let allowed = allowed.get(&(*rule, scope.clone())).copied().unwrap_or(0);
            if places.len() > allowed {
                let (name, demand) = (rule.name(), rule.demand());
                faults.push(format!(
                    "{scope}: {name}: {} found, {allowed} allowed: {demand}\n  {}",
                    places.len(),
                    listed(places)
                ));
            }
        }
        for ((rule, scope), allowed) in allowed {
            let found = self.0.get(&(*rule, scope.clone())).map_or(0, Vec::len);
            if found < *allowed {
                let name = rule.name();
                faults.push(format!(
                    "{scope}: {name}: {found} found, {allowed} allowed: cargo xtask tidy --recount"
                ));
            }
        }
    }

    /// Writes the numbers of today, unless those of a rule have grown in sum.
    pub(super) fn recount(&self, root: &Path) -> Result<(), String> {
        let found = self.counts();
        let grown = grown(&read(root)?, &found);
        if !grown.is_empty() {
            return Err(grown.join("\n"));
        }
        let lines =
            found.iter().map(|((rule, scope), count)| format!("{} {scope} {count}\n", rule.name()));
        let text = HEAD.to_owned() + &lines.collect::<String>();
        fs::write(root.join(FILE), text).map_err(|error| format!("{FILE}: {error}"))
    }
}

/// Returns the first places of a finding, and how many more there are.
fn listed(places: &[String]) -> String {
    let (first, rest) = places.split_at(places.len().min(PLACES_MAX));
    let more = if rest.is_empty() { String::new() } else { format!("\n  and {} more", rest.len()) };
    first.join("\n  ") + &more
}

/// Returns the rules with more findings than are allowed in sum.
fn grown(allowed: &Counts, found: &Counts) -> Vec<String> {
    let sum = |counts: &Counts, rule| -> usize {
        counts.iter().filter(|((of, _), _)| *of == rule).map(|(_, count)| count).sum()
    };
    Rule::ALL
        .into_iter()
        .filter_map(|rule| {
            let (allowed, found) = (sum(allowed, rule), sum(found, rule));
            let name = rule.name();
            (found > allowed).then(|| format!("{name}: {found} found in all, {allowed} allowed"))
        })
        .collect()
}

fn read(root: &Path) -> Result<Counts, String> {
    let text = fs::read_to_string(root.join(FILE)).map_err(|error| format!("{FILE}: {error}"))?;
    text.lines().filter(|line| !line.starts_with('#')).map(entry).collect()
}

fn entry(line: &str) -> Result<((Rule, String), usize), String> {
    let unreadable = || format!("{FILE}: `{line}` is not a rule, a crate or folder, and a number");
    let mut words = line.split(' ');
    let (Some(rule), Some(scope), Some(count), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(unreadable());
    };
    let rule = Rule::ALL.into_iter().find(|known| known.name() == rule).ok_or_else(unreadable)?;
    let count = count.parse().map_err(|_| unreadable())?;
    Ok(((rule, scope.to_owned()), count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(lines: &[&str]) -> Counts {
        lines.iter().map(|line| entry(line).unwrap()).collect()
    }

    fn findings(number: usize) -> Findings {
        let mut findings = Findings::default();
        for line in 0..number {
            findings.add(Rule::DocComment, "a".to_owned(), format!("a.rs:{line}"));
        }
        findings
    }

    fn faults(found: usize, lines: &[&str]) -> usize {
        let mut faults = Vec::new();
        findings(found).compare(&allowed(lines), &mut faults);
        faults.len()
    }

    #[test]
    fn numbers_stay_as_they_are_written_down() {
        assert_eq!(faults(2, &["doc-comment a 2"]), 0);
        assert_eq!(faults(3, &["doc-comment a 2"]), 1, "grown");
        assert_eq!(faults(1, &["doc-comment a 2"]), 1, "shrunk, and not written down");
        assert_eq!(faults(2, &["doc-comment b 2"]), 2, "moved, and not written down");
        assert_eq!(faults(1, &[]), 1, "a new one");
        assert!(entry("doc-comment a").is_err() && entry("comment a 1").is_err());
    }

    #[test]
    fn a_recount_takes_what_moved_and_refuses_what_grew() {
        let before = allowed(&["doc-comment a 2", "doc-comment b 1", "retired-name a 5"]);
        assert!(grown(&before, &allowed(&["doc-comment c 3"])).is_empty());
        assert_eq!(grown(&before, &allowed(&["doc-comment c 4"])).len(), 1);
        assert_eq!(grown(&before, &allowed(&["message-words a 1"])).len(), 1);
    }
}
