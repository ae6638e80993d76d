//! A parser of `/metrics` that is as strict as the format's definition: OpenMetrics 1.0, or
//! Prometheus' classic format 0.0.4.

use std::collections::{BTreeMap, BTreeSet};

use super::{Node, http::Connection};

/// Every sample of a scrape, by its name and its labels.
pub(crate) struct Exposition {
    samples: BTreeMap<(String, Labels), String>,
    pub(crate) text: String,
}

type Labels = BTreeMap<String, String>;

/// The format of a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    OpenMetrics,
    Classic,
}

/// The form of the samples that follow a `# TYPE` line.
struct Family {
    name: String,
    kind: String,
    format: Format,
}

impl Node {
    /// Scrapes the metrics as a client that shows `secret`, if one is given.
    pub(crate) fn metrics_as(&self, secret: Option<&str>) -> Exposition {
        let authorization = secret.map(|secret| format!("Bearer {secret}"));
        let headers = authorization.as_deref().map(|value| ("authorization", value));
        let headers: Vec<_> = headers.into_iter().collect();
        let (content_type, text) = self.scrape(&headers);
        assert_eq!(content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
        Exposition::parse(text, Format::OpenMetrics)
    }

    /// Scrapes the metrics as a program that reads plain text.
    pub(crate) fn classic_metrics(&self, accept: &str) -> Exposition {
        let (content_type, text) = self.scrape(&[("accept", accept)]);
        assert_eq!(content_type, "text/plain; version=0.0.4; charset=utf-8");
        Exposition::parse(text, Format::Classic)
    }

    fn scrape(&self, headers: &[(&str, &str)]) -> (String, String) {
        let mut connection = Connection::open(self.admin).unwrap();
        let response = connection.request("GET", "/metrics", headers, b"").unwrap();
        assert_eq!(response.status, 200, "{}", response.text());
        let content_type = response.header("content-type").unwrap().to_owned();
        (content_type, String::from_utf8(response.body).unwrap())
    }

    pub(crate) fn metrics(&self) -> Exposition {
        self.metrics_as(None)
    }
}

impl Exposition {
    /// Parses a scrape.
    ///
    /// # Panics
    /// Some line violates the format.
    fn parse(text: String, format: Format) -> Self {
        let lines = match format {
            Format::OpenMetrics => text.strip_suffix("# EOF\n").expect("# EOF at the end"),
            Format::Classic => text.strip_suffix('\n').expect("the last line has an end"),
        };
        let mut samples = BTreeMap::new();
        let mut families = BTreeSet::new();
        let (mut help, mut family) = (None, None);
        for line in lines.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, words) = rest.split_once(' ').expect(line);
                assert!(is_name(name) && !words.is_empty(), "{line}");
                assert!(families.insert(name.to_owned()), "{name} comes twice");
                (help, family) = (Some(name.to_owned()), None);
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect(line);
                assert_eq!(help.as_deref(), Some(name), "help comes before the type: {line}");
                let is_known = ["counter", "gauge", "histogram"].contains(&kind)
                    || kind == "info" && format == Format::OpenMetrics;
                assert!(is_known, "{line}");
                family = Some(Family { name: name.to_owned(), kind: kind.to_owned(), format });
            } else {
                let family = family.as_ref().expect("a sample comes after its type");
                let (name, labels, value) = sample(line);
                family.check(&name, &labels, &value);
                let known = samples.insert((name, labels), value);
                assert!(known.is_none(), "the same sample comes twice: {line}");
            }
        }
        let exposition = Self { samples, text };
        exposition.check_histograms();
        exposition
    }

    /// Returns the number of exactly this sample, which must exist.
    pub(crate) fn number(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        let labels = labels.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let labels: Labels = labels.collect();
        let sample = self.samples.get(&(name.to_owned(), labels.clone()));
        let value = sample.unwrap_or_else(|| panic!("no {name}{labels:?} in\n{}", self.text));
        value.parse().unwrap_or_else(|_| panic!("{name}{labels:?} is no whole number: {value}"))
    }

    /// Returns the packets from (`in`) or to (`out`) a peer: fulfilled, rejected, refused.
    pub(crate) fn peer_packets(&self, peer: &str, direction: &str) -> [u64; 3] {
        ["fulfilled", "rejected", "refused"].map(|outcome| {
            let labels = [("peer", peer), ("direction", direction), ("outcome", outcome)];
            self.number("jirani_peer_packets_total", &labels)
        })
    }

    /// Returns the amounts of packets from (`in`) or to (`out`) a peer in USD of scale 2:
    /// fulfilled, rejected, refused.
    pub(crate) fn peer_amounts(&self, peer: &str, direction: &str) -> [u64; 3] {
        ["fulfilled", "rejected", "refused"].map(|outcome| {
            let labels = [("peer", peer), ("asset", "USD"), ("scale", "2")];
            let labels = [&labels[..], &[("direction", direction), ("outcome", outcome)]].concat();
            self.number("jirani_peer_amount_total", &labels)
        })
    }

    /// Returns the labels of each sample of that name.
    pub(crate) fn labels(&self, name: &str) -> Vec<&Labels> {
        let of_name = self.samples.keys().filter(|(known, _)| known == name);
        of_name.map(|(_, labels)| labels).collect()
    }

    /// Returns the sum of the samples of that name with these labels, regardless of further labels.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        let has_all = |found: &Labels| {
            labels.iter().all(|(name, value)| found.get(*name).is_some_and(|found| found == value))
        };
        let fitting =
            self.samples.iter().filter(|((known, found), _)| known == name && has_all(found));
        fitting.map(|(_, value)| value.parse::<u64>().unwrap()).sum()
    }

    /// Returns the samples of that name that aren't zero: their labels' values, in the order of the
    /// labels.
    pub(crate) fn nonzero(&self, name: &str) -> Vec<(String, u64)> {
        let of_name = self.samples.iter().filter(|((known, _), _)| known == name);
        let told = of_name.map(|((_, labels), value)| {
            let values: Vec<&str> = labels.values().map(String::as_str).collect();
            (values.join(" "), value.parse().unwrap())
        });
        told.filter(|(_, value)| *value > 0).collect()
    }

    /// Checks that buckets are cumulative, that the bounds rise, and that the last bucket has all.
    fn check_histograms(&self) {
        let mut buckets: BTreeMap<(&str, Labels), Vec<(f64, u64)>> = BTreeMap::new();
        for ((name, labels), value) in &self.samples {
            let Some(family) = name.strip_suffix("_bucket") else { continue };
            let mut others = labels.clone();
            let bound = others.remove("le").unwrap().parse().unwrap();
            buckets.entry((family, others)).or_default().push((bound, value.parse().unwrap()));
        }
        for ((family, labels), mut buckets) in buckets {
            buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
            assert!(buckets.is_sorted_by_key(|(_, count)| *count), "{family}: {buckets:?}");
            let (bound, count) = *buckets.last().unwrap();
            assert!(bound.is_infinite(), "{family}");
            let total = &self.samples[&(format!("{family}_count"), labels)];
            assert_eq!(&count.to_string(), total, "{family}");
        }
    }
}

impl Family {
    fn check(&self, name: &str, labels: &Labels, value: &str) {
        let suffix = name.strip_prefix(&self.name).expect("a sample has the name of its family");
        let number: f64 = value.parse().unwrap_or_else(|_| panic!("{name}: {value} is no number"));
        let fits = match (self.kind.as_str(), suffix) {
            ("histogram", "_sum" | "_count") => number >= 0.0,
            ("counter", "_total") => number >= 0.0 && self.format == Format::OpenMetrics,
            ("counter", "") => number >= 0.0 && self.format == Format::Classic,
            ("histogram", "_bucket") => labels.contains_key("le") && number >= 0.0,
            ("gauge", "") => true,
            ("info", "_info") => value == "1",
            _ => false,
        };
        assert!(fits, "{name} {value} is no {} of {}", self.kind, self.name);
    }
}

/// Parses `name{label="value",...} number`.
fn sample(line: &str) -> (String, Labels, String) {
    let name_end = line.find(['{', ' ']).expect(line);
    let (name, rest) = line.split_at(name_end);
    assert!(is_name(name), "{line}");
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest, line),
        None => (Labels::new(), rest),
    };
    let value = rest.strip_prefix(' ').expect(line);
    assert!(!value.is_empty() && !value.contains(' '), "{line}");
    (name.to_owned(), labels, value.to_owned())
}

/// Splits labels, without their opening brace, from the text behind them.
fn labels<'a>(mut rest: &'a str, line: &str) -> (Labels, &'a str) {
    let mut labels = Labels::new();
    loop {
        let (name, quoted) = rest.split_once("=\"").expect(line);
        assert!(is_name(name) && !name.contains(':'), "{line}");
        let (value, after) = unquoted(quoted, line);
        assert!(labels.insert(name.to_owned(), value).is_none(), "{name} comes twice: {line}");
        match after.strip_prefix(',') {
            Some(after) => rest = after,
            None => return (labels, after.strip_prefix('}').expect(line)),
        }
    }
}

/// Returns the text up to the closing quote, and the rest after it.
fn unquoted<'a>(quoted: &'a str, line: &str) -> (String, &'a str) {
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[index + 1..]),
            '\\' => value.push(match characters.next().expect(line).1 {
                'n' => '\n',
                escaped @ ('\\' | '"') => escaped,
                other => panic!("\\{other} is no escape: {line}"),
            }),
            plain => value.push(plain),
        }
    }
    panic!("a quote stays open: {line}")
}

fn is_name(text: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphabetic() || letter == '_' || letter == ':';
    text.starts_with(is_letter) && text.chars().all(|c| is_letter(c) || c.is_ascii_digit())
}
