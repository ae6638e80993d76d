//! The lines of the table, and what was measured for each.

use std::{collections::BTreeMap, path::Path};

use crate::measure::Spread;

/// A line of the table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Row {
    CreatedP50,
    CreatedP99,
    CreatedBy1,
    CreatedBy8,
    CreatedBy64,
    Given,
    Dirtied,
    Calls,
    Memory,
    MemoryAtStart,
    MemoryOfAll,
    MemoryOfAllAtStart,
    StartStopped,
    StartKilled,
    StartNoIndex,
    PacketP50Alone,
    PacketP99Alone,
    RatioAlone,
    PacketP50Beside,
    PacketP99Beside,
    RatioBeside,
}

impl Row {
    const ALL: [Self; 21] = [
        Self::CreatedP50,
        Self::CreatedP99,
        Self::CreatedBy1,
        Self::CreatedBy8,
        Self::CreatedBy64,
        Self::Given,
        Self::Dirtied,
        Self::Calls,
        Self::Memory,
        Self::MemoryAtStart,
        Self::MemoryOfAll,
        Self::MemoryOfAllAtStart,
        Self::StartStopped,
        Self::StartKilled,
        Self::StartNoIndex,
        Self::PacketP50Alone,
        Self::PacketP99Alone,
        Self::RatioAlone,
        Self::PacketP50Beside,
        Self::PacketP99Beside,
        Self::RatioBeside,
    ];

    pub(crate) fn per_second(at_once: usize) -> Self {
        match at_once {
            1 => Self::CreatedBy1,
            8 => Self::CreatedBy8,
            _ => Self::CreatedBy64,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::CreatedP50 => "createPeer, one at a time, p50, ms",
            Self::CreatedP99 => "createPeer, one at a time, p99, ms",
            Self::CreatedBy1 => "createPeer, one at a time, per second",
            Self::CreatedBy8 => "createPeer, 8 at once, per second",
            Self::CreatedBy64 => "createPeer, 64 at once, per second",
            Self::Given => "written for one (wchar), kB",
            Self::Dirtied => "written for one (write_bytes), kB",
            Self::Calls => "write calls for one (syscw)",
            Self::Memory => "memory of one of 20,000, once created, kB",
            Self::MemoryAtStart => "memory of one of 20,000, after a start, kB",
            Self::MemoryOfAll => "memory of one of those for starts, kB",
            Self::MemoryOfAllAtStart => "memory of one of those, after a start, kB",
            Self::StartStopped => "start after a stop, ms",
            Self::StartKilled => "start after SIGKILL, ms",
            Self::StartNoIndex => "start without the index, ms",
            Self::PacketP50Alone => "packet, p50, us",
            Self::PacketP99Alone => "packet, p99, us",
            Self::RatioAlone => "packet, p99 / p50",
            Self::PacketP50Beside => "packet beside 1,000 new peers, p50, us",
            Self::PacketP99Beside => "packet beside 1,000 new peers, p99, us",
            Self::RatioBeside => "packet beside 1,000 new peers, p99 / p50",
        }
    }

    fn decimals(self) -> usize {
        match self {
            Self::CreatedP50
            | Self::CreatedP99
            | Self::Given
            | Self::Dirtied
            | Self::Calls
            | Self::Memory
            | Self::MemoryAtStart
            | Self::MemoryOfAll
            | Self::MemoryOfAllAtStart
            | Self::RatioAlone
            | Self::RatioBeside => 2,
            _ => 0,
        }
    }
}

/// The values of each line: for each binary, one a round.
pub(crate) struct Rows {
    values: BTreeMap<Row, Vec<Vec<f64>>>,
    binaries: usize,
    notes: Vec<String>,
}

impl Rows {
    pub(crate) fn of(binaries: usize) -> Self {
        Self { values: BTreeMap::new(), binaries, notes: Vec::new() }
    }

    pub(crate) fn add(&mut self, row: Row, binary: usize, value: f64) {
        let binaries = self.values.entry(row).or_insert_with(|| vec![Vec::new(); self.binaries]);
        binaries[binary].push(value);
    }

    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    pub(crate) fn show(&self, binaries: &[&Path], rounds: usize, peers: usize) {
        for (name, path) in ["before", "after"].iter().zip(binaries) {
            println!("{name}: {}", path.display());
        }
        println!("{rounds} rounds; starts with {peers} peers");
        self.notes.iter().for_each(|note| println!("{note}"));
        println!("{:<44}{:>28}{:>28}{:>20}", "", "before", "after", "after / before");
        for row in Row::ALL {
            let Some(values) = self.values.get(&row) else { continue };
            let decimals = row.decimals();
            let cells = values.iter().map(|values| cell(values, decimals));
            let cells: String = cells.map(|cell| format!("{cell:>28}")).collect();
            let ratio = match &values[..] {
                // A binary without an index has no values to compare with.
                [before, after] if before.len() == after.len() => {
                    let ratios: Vec<_> = after.iter().zip(before).map(|(a, b)| a / b).collect();
                    format!("{:>20}", cell(&ratios, 2))
                }
                _ => String::new(),
            };
            println!("{:<44}{cells}{ratio}", row.name());
        }
    }
}

fn cell(values: &[f64], decimals: usize) -> String {
    if values.is_empty() {
        return "-".to_owned();
    }
    let Spread { median, least, greatest } = Spread::of(values.iter().copied());
    format!("{median:.decimals$} [{least:.decimals$}-{greatest:.decimals$}]")
}
